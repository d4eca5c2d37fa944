"""Writes which Debian packages each store path of this package source was made of, as JSON.

usage: origins.py PACKAGES > origins.json

PACKAGES is JSON: a list of { path, owned (patterns), debs (files of the closure) }. Of the owned packages all files were
taken (relocate.nix); of the others a shared library each, which lies in lib/deb of the store path.
"""

import fnmatch
import io
import json
import lzma
import os
import re
import sys
import tarfile
import urllib.parse

# NAME_VERSION_ARCHITECTURE.deb, behind the store's hash.
DEB = re.compile(r"[0-9a-z]{32}-([^_]+)_(.+)_([^_]+)\.deb$")
AR_MAGIC = b"!<arch>\n"
AR_HEADER_BYTES = 60


def data_of(deb):
    """The tar of a package's files: the member `data.tar*` of an ar archive."""
    with open(deb, "rb") as file:
        if file.read(len(AR_MAGIC)) != AR_MAGIC:
            sys.exit(f"{deb} is no Debian package")
        while header := file.read(AR_HEADER_BYTES):
            name, size = header[:16].decode().strip().rstrip("/"), int(header[48:58])
            content = file.read(size + size % 2)[:size]
            if name == "data.tar.xz":
                return lzma.decompress(content)
            if name == "data.tar":
                return content
    sys.exit(f"{deb} has no data.tar that this script reads")


class Libraries:
    """The names of the files of Debian packages, each read once."""

    def __init__(self):
        self.known = {}

    def of(self, deb):
        if deb not in self.known:
            with tarfile.open(fileobj=io.BytesIO(data_of(deb))) as files:
                self.known[deb] = {os.path.basename(name) for name in files.getnames() if ".so" in name}
        return self.known[deb]


def origin(deb):
    # The store replaces what it does not allow in names; no character of a Debian version is lost by it but `~` and `:`.
    name, version, architecture = DEB.search(deb).groups()
    return {"name": name, "version": version, "architecture": architecture}


def main():
    with open(sys.argv[1]) as file:
        packages = json.load(file)
    versions = packages["versions"]
    libraries, origins = Libraries(), {}
    for package in packages["packages"]:
        private = os.path.join(package["path"], "lib/deb")
        wanted = set(os.listdir(private)) if os.path.isdir(private) else set()
        found = []
        for deb in package["debs"]:
            made_of = origin(deb)
            is_owned = any(fnmatch.fnmatchcase(made_of["name"], pattern) for pattern in package["owned"])
            if is_owned or wanted & libraries.of(deb):
                version = versions[made_of["name"]]
                quoted = urllib.parse.quote(version, safe="")
                purl = f"pkg:deb/debian/{made_of['name']}@{quoted}?arch={made_of['architecture']}"
                found.append({"name": made_of["name"], "version": version, "purl": purl})
        origins[package["path"]] = sorted(found, key=lambda entry: entry["purl"])
    json.dump(origins, sys.stdout, indent=1, sort_keys=True)


main()
