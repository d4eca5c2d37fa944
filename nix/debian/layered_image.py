"""Writes a container image to standard output as a docker-archive: the same bytes for the same input.

usage: layered_image.py PARTS CLOSURE

PARTS is JSON: the reference, the configuration, the tar of the image's own files, the most layers it may have.
CLOSURE is Nix' export of the references of PARTS. Each store path gets a layer, most depended-on first, so that
images which share glibc and bash share the layers below them too; when there are too many, the last layer holds
the rest. The image's own files come on top.
"""

import hashlib
import io
import json
import os
import sys
import tarfile

CREATED = "1970-01-01T00:00:01Z"
MTIME = 1


def read_closure(path):
    """Nix' text: per store path its own line, its deriver, the number of its references, and these."""
    references = {}
    with open(path) as lines:
        lines = iter(line.rstrip("\n") for line in lines)
        for store_path in lines:
            next(lines)  # the deriver
            references[store_path] = [next(lines) for _ in range(int(next(lines)))]
    return references


def by_popularity(references):
    """Store paths, those that most others need (directly or not) first."""

    def reach(path, seen):
        for needed in references[path]:
            if needed not in seen:
                seen.add(needed)
                reach(needed, seen)
        return seen

    needed_by = dict.fromkeys(references, 0)
    for path in references:
        for needed in reach(path, {path}):
            needed_by[needed] += 1
    return sorted(references, key=lambda path: (-needed_by[path], path))


def files_under(path):
    yield path
    if os.path.isdir(path) and not os.path.islink(path):
        for name in sorted(os.listdir(path)):
            yield from files_under(os.path.join(path, name))


def entry(path):
    status = os.lstat(path)
    info = tarfile.TarInfo(path.lstrip("/"))
    info.mtime, info.mode = MTIME, status.st_mode & 0o777
    if os.path.islink(path):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
    elif os.path.isdir(path):
        info.type = tarfile.DIRTYPE
    else:
        info.size = status.st_size
    return info


def store_layer(store_paths):
    """The uncompressed tar of some store paths."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for folder in ("nix", "nix/store"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, MTIME
            tar.addfile(info)
        for path in (file for store_path in store_paths for file in files_under(store_path)):
            info = entry(path)
            if info.isreg():
                with open(path, "rb") as content:
                    tar.addfile(info, content)
            else:
                tar.addfile(info)
    return layer.getvalue()


def add(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(content), MTIME, 0o644
    archive.addfile(info, io.BytesIO(content))


def main():
    parts_path, closure_path = sys.argv[1:]
    with open(parts_path) as file:
        parts = json.load(file)
    references = read_closure(closure_path)
    only_for_building = {parts_path, parts["ownFiles"]}
    store_paths = [path for path in by_popularity(references) if path not in only_for_building]

    room = max(1, parts["maxLayers"] - 1)
    groups = [[path] for path in store_paths[: room - 1]] + ([store_paths[room - 1 :]] if store_paths[room - 1 :] else [])

    layer_names = []
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.GNU_FORMAT) as archive:

        def add_layer(content):
            digest = hashlib.sha256(content).hexdigest()
            add(archive, f"{digest}/layer.tar", content)
            layer_names.append(digest)

        for group in groups:
            add_layer(store_layer(group))
        with open(parts["ownFiles"], "rb") as file:
            add_layer(file.read())

        configuration = {
            "architecture": "amd64",
            "os": "linux",
            "created": CREATED,
            "config": parts["config"],
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in layer_names]},
            "history": [{"created": CREATED} for _ in layer_names],
        }
        configuration = json.dumps(configuration, sort_keys=True).encode()
        configuration_name = f"{hashlib.sha256(configuration).hexdigest()}.json"
        add(archive, configuration_name, configuration)
        manifest = [
            {
                "Config": configuration_name,
                "RepoTags": [parts["reference"]],
                "Layers": [f"{digest}/layer.tar" for digest in layer_names],
            }
        ]
        add(archive, "manifest.json", json.dumps(manifest).encode())


main()
