"""Merge the manifests of shards, and report missing, duplicate and failed pictures.

salient manifest 1.jsonl 2.jsonl 3.jsonl           files of `salient predict manifest=`
salient manifest parts/*.jsonl output=all.jsonl
"""

from __future__ import annotations

import sys

from salient.cli.main import run
from salient.config import AnyPath
from salient.data.pairs import first_few
from salient.detection.merging import Merged, merge
from salient.files import open_whole


def manifest(manifests: list[str] | None = None, output: AnyPath | None = None) -> Merged:
    """Merge manifests and print a summary; fails if pictures are missing or occur twice.

    Args:
        manifests: the files of all shards.
        output: a file for the last line of each picture, sorted by name.

    Raises:
        ValueError: no file is named, or a file is not a manifest.
        FileNotFoundError: a file is missing.
        OSError: `output` cannot be written.
    """
    merged = merge(manifests or [])
    if output is not None:
        with open_whole(output) as stream:
            stream.writelines(merged)
    print(
        f"{len(merged.lines)} pictures: {merged.made} files, {merged.twins} of them twins; nothing "
        f"stands out in {merged.empty}; {merged.seconds:.0f} seconds of threads"
    )
    if merged.failed:
        print(f"{len(merged.failed)} failed: {first_few(list(merged.failed.values()))}")
    problems = [f"hole: {one}" for one in merged.holes]
    problems += [f"double: {one}" for one in merged.doubles]
    if problems:
        sys.exit("\n".join(["error: the manifests are not one whole:", *problems]))
    return merged


if __name__ == "__main__":
    run("manifest")
