"""Writes what a container image consists of, as a CycloneDX 1.6 bill of materials in JSON: the same bytes for the same image.

usage: write_sbom.py NAME ARCHIVE CRATES ORIGINS > NAME.cdx.json

ARCHIVE  the image, as a docker-archive: its store paths and its programs are read from it.
CRATES   lines of "name vVERSION" for an image of one of our programs, as `cargo tree` prints them, or /dev/null.
ORIGINS  JSON: by store path, the packages that it was made of; or /dev/null where store paths name their package (nixpkgs).
"""

import hashlib
import json
import re
import sys
import tarfile
import uuid

STORE_PATH = re.compile(r"(?:\./)?(nix/store/([0-9a-z]{32})-([^/]+))(?:/|$)")
# Nix' own rule (builtins.parseDrvName): the version begins at the first dash that no letter follows.
NAME_AND_VERSION = re.compile(r"(.*?)(?:-([^a-zA-Z].*))?$")
# `name v1.2.3`, with a path behind it where the crate is ours.
CRATE = re.compile(r"(\S+) v(\S+)( \(.*\))?")


def read(path):
    """The image's reference and configuration digest, and the store paths in its layers."""
    store_paths = set()
    with tarfile.open(path) as archive:
        (image,) = json.load(archive.extractfile("manifest.json"))
        digest = hashlib.sha256(archive.extractfile(image["Config"]).read()).hexdigest()
        for layer in image["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                store_paths.update(match[1] for name in files.getnames() if (match := STORE_PATH.match(name)))
    return image["RepoTags"][0], digest, ["/" + path for path in sorted(store_paths)]


def component(kind, name, version, purl, **more):
    found = {"type": kind, "bom-ref": purl, "name": name, "purl": purl}
    return found | ({"version": version} if version else {}) | more


def of_store_path(path, origins):
    where = {"properties": [{"name": "nix:store-path", "value": path}]}
    if path in origins:
        return [
            component("library", origin["name"], origin["version"], origin["purl"], **where) for origin in origins[path]
        ]
    name, version = NAME_AND_VERSION.match(path.split("-", 1)[1]).groups()
    purl = f"pkg:generic/{name}" + (f"@{version}" if version else "")
    return [component("library", name, version, purl, **where)]


def of_crates(lines):
    for line in sorted(set(lines)):
        name, version, ours = CRATE.match(line).groups()
        purl = f"pkg:cargo/{name}@{version}"
        yield component("application" if ours else "library", name, version, purl)


def once(components):
    """Each thing once; what is in several store paths says all of them."""
    merged = {}
    for found in components:
        known = merged.setdefault(found["bom-ref"], found)
        if known is not found:
            known["properties"] = known.get("properties", []) + found.get("properties", [])
    return [merged[reference] for reference in sorted(merged)]


def main():
    name, archive, crates_path, origins_path = sys.argv[1:]
    reference, digest, store_paths = read(archive)
    with open(crates_path) as crates, open(origins_path) as origins:
        origins = json.loads(origins.read() or "{}")
        components = [found for path in store_paths for found in of_store_path(path, origins)]
        components += of_crates(line.strip() for line in crates if line.strip())
    repository, tag = reference.rsplit(":", 1)
    components = once(components)
    json.dump(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            # Another image has another number, and the same image always the same.
            "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, digest).urn,
            "version": 1,
            "metadata": {
                "component": {
                    "type": "container",
                    "bom-ref": name,
                    "name": repository,
                    "version": tag,
                    "hashes": [{"alg": "SHA-256", "content": digest}],
                }
            },
            "components": components,
            "dependencies": [{"ref": name, "dependsOn": [found["bom-ref"] for found in components]}],
        },
        sys.stdout,
        indent=1,
    )
    print()


main()
