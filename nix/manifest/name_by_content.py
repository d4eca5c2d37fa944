"""Copies a docker-archive from standard input to standard output and tags the image with its content.

The tag is the first 16 hexadecimal digits of the configuration's digest, which names every layer in turn: an image of
another content has another tag, and what a tag stands for can be checked without a registry.
"""

import hashlib
import io
import json
import sys
import tarfile

TAG_DIGITS = 16


def main():
    configurations = {}
    with (
        tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as source,
        tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.GNU_FORMAT) as target,
    ):
        for member in source:
            if not member.isreg():
                target.addfile(member)
                continue
            content = source.extractfile(member)
            if member.name == "manifest.json":
                manifest = json.load(content)
                break
            if member.name.endswith(".json") and "/" not in member.name:
                configurations[member.name] = content = io.BytesIO(content.read())
            target.addfile(member, content)
        else:
            sys.exit("the archive has no manifest.json")

        (image,) = manifest
        configuration = configurations[image["Config"]].getvalue()
        (reference,) = image["RepoTags"]
        repository = reference.rsplit(":", 1)[0]
        image["RepoTags"] = [f"{repository}:{hashlib.sha256(configuration).hexdigest()[:TAG_DIGITS]}"]
        renamed = json.dumps(manifest, sort_keys=True).encode()
        member.size = len(renamed)
        target.addfile(member, io.BytesIO(renamed))


main()
