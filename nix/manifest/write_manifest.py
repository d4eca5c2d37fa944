"""Makes the folder of container images: a link to each archive and to its bill of materials, and manifest.json.

usage: write_manifest.py PROVENANCE FOLDER

PROVENANCE is JSON: the package source, the hashes of the sources, and by name the archives, their roots and their bills of
materials. Everything else is read from the archives themselves, and a layer whose bytes are not those of its digest is an
error.
"""

import hashlib
import json
import os
import sys
import tarfile

FORMAT = 1
CHUNK_BYTES = 1 << 20


def digest_of(stream):
    """The sha256 of a stream, and its length in bytes."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return f"sha256:{digest.hexdigest()}", size


def describe(name, path, root):
    with tarfile.open(path) as archive:
        (image,) = json.load(archive.extractfile("manifest.json"))
        configuration_bytes = archive.extractfile(image["Config"]).read()
        layers = [digest_of(archive.extractfile(layer)) for layer in image["Layers"]]
    configuration = json.loads(configuration_bytes)
    expected = configuration["rootfs"]["diff_ids"]
    for (found, _), diff_id in zip(layers, expected, strict=True):
        if found != diff_id:
            sys.exit(f"{name}: a layer has digest {found}, and the configuration says {diff_id}")

    config = configuration["config"]
    reference, tag = image["RepoTags"][0].rsplit(":", 1)
    return {
        "name": name,
        "reference": reference,
        "tag": tag,
        "archive": f"{name}.tar",
        "root": root,
        "config_digest": f"sha256:{hashlib.sha256(configuration_bytes).hexdigest()}",
        "layers": expected,
        "size_bytes": sum(size for _, size in layers),
        "architecture": configuration["architecture"],
        "os": configuration["os"],
        "user": config.get("User", ""),
        "entrypoint": config.get("Entrypoint", []),
        "cmd": config.get("Cmd", []),
        "env": config.get("Env", []),
        "exposed_ports": sorted(config.get("ExposedPorts", {})),
        "volumes": sorted(config.get("Volumes", {})),
        "stop_signal": config.get("StopSignal"),
    }


def main():
    provenance_path, folder = sys.argv[1:]
    with open(provenance_path) as file:
        provenance = json.load(file)
    os.makedirs(os.path.join(folder, "sbom"))
    for name, bom in provenance["boms"].items():
        os.symlink(bom, os.path.join(folder, "sbom", f"{name}.cdx.json"))
    images = []
    for name, archive in sorted(provenance["archives"].items()):
        os.symlink(archive, os.path.join(folder, f"{name}.tar"))
        images.append(describe(name, archive, provenance["roots"][name]))
    manifest = {
        "format": FORMAT,
        "package_source": provenance["package_source"],
        "sources": provenance["sources"],
        "images": images,
    }
    with open(os.path.join(folder, "manifest.json"), "w") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")


main()
