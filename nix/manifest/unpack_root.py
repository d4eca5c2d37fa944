"""Unpacks what an image holds beside the Nix store: its programs, links into the store and configuration.

usage: unpack_root.py ARCHIVE FOLDER

Layers are laid over each other in order. Owners and special modes stay behind: whoever starts a program from here is
nobody in particular.
"""

import json
import os
import sys
import tarfile

STORE = "nix"


def parts_of(name):
    return [part for part in name.split("/") if part not in ("", ".")]


def unpack(member, layer, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if member.isdir():
        os.makedirs(target, exist_ok=True)
    elif member.issym():
        os.symlink(member.linkname, target)
    elif member.isreg():
        with open(target, "wb") as file:
            file.write(layer.extractfile(member).read())
        os.chmod(target, 0o755 if member.mode & 0o111 else 0o644)
    else:
        sys.exit(f"{member.name}: only files, folders and links are expected in a layer")


def main():
    archive_path, folder = sys.argv[1:]
    os.mkdir(folder)
    with tarfile.open(archive_path) as archive:
        (image,) = json.load(archive.extractfile("manifest.json"))
        for name in image["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                for member in layer:
                    parts = parts_of(member.name)
                    if not parts or parts[0] == STORE:
                        continue
                    if parts[-1].startswith(".wh."):
                        sys.exit(f"{member.name}: a layer that takes files away is not expected")
                    unpack(member, layer, os.path.join(folder, *parts))


main()
