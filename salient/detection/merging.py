"""Merge the manifests of several shards, and find missing and duplicate pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salient.data.pairs import first_few
from salient.detection.manifest_lines import whole_lines
from salient.detection.shards import read_shard

Line = dict[str, Any]


@dataclass
class Merged:
    """Several manifests merged; the last line of each picture counts.

    Attributes:
        lines: the file and position of each picture's line, by name.
        holes: messages about missing shards and pictures.
        doubles: messages about duplicates, and about shards with different options.
        failed: errors by picture.
        made: number of files that were written, including those of twins.
        twins: number of pictures that share the output of another.
        empty: number of pictures in which nothing stands out.
        seconds: over all threads.
    """

    lines: dict[str, tuple[Path, int]] = field(default_factory=dict)
    holes: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    made: int = 0
    twins: int = 0
    empty: int = 0
    seconds: float = 0.0

    def __iter__(self) -> Iterator[bytes]:
        """The lines, by the names of the pictures."""
        for name in sorted(self.lines):
            path, at = self.lines[name]
            with path.open("rb") as stream:
                stream.seek(at)
                yield stream.readline()


def merge(paths: Sequence[str | Path]) -> Merged:
    """Read the manifests of all shards of a detection.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not a manifest, or there are none.
    """
    if not paths:
        raise ValueError("manifests: missing; salient manifest 1.jsonl 2.jsonl")
    merged, outputs, again = Merged(), Counter[str](), set[str]()
    shards: defaultdict[str, set[str]] = defaultdict(set)
    sizes, ways = dict[str, int](), Counter[str]()
    for path in map(Path, paths):
        last: dict[str, tuple[int, Line]] = {}
        for at, line in whole_lines(path):
            if "input" in line:
                last[line["input"]] = at, line
            else:
                sizes[line["shard"]] = line["pictures"]
        for name, (at, line) in last.items():
            if name in merged.lines:
                again.add(name)
                continue
            merged.lines[name] = path, at
            shards[line["shard"]].add(name)
            ways[f"{line['weights'][:12]} with {line['options']}"] += 1
            _count(line, merged, outputs)
    merged.holes += _holes(shards, sizes)
    twice = [name for name, count in outputs.items() if count > 1]
    for names, what in ((again, "in several manifests"), (twice, "written for several pictures")):
        if names:
            merged.doubles.append(f"{what}: {first_few(names)}")
    if len(ways) > 1:
        found = "; ".join(f"{count} by {way}" for way, count in ways.most_common(3))
        merged.doubles.append(f"made in {len(ways)} ways: {found}")
    return merged


def _count(line: Line, merged: Merged, outputs: Counter[str]) -> None:
    merged.seconds += line["seconds"]
    merged.twins += line["twin_of"] is not None
    merged.empty += line["stands_out"] is False
    if line["error"] is not None:
        merged.failed[line["input"]] = line["error"]
    elif line["output"] is not None:
        merged.made += 1
        outputs[line["output"]] += 1


def _holes(shards: Mapping[str, set[str]], sizes: dict[str, int]) -> Iterator[str]:
    """Shards without a manifest, and those with fewer lines than pictures."""
    read = [read_shard(text) for text in sizes]
    counts = {shard.total for shard in read}
    if len(counts) > 1:
        yield f"shards of several divisions: of {', '.join(map(str, sorted(counts)))}"
    elif counts:
        (count,) = counts
        missing = set(range(1, count + 1)) - {shard.number for shard in read}
        if missing:
            yield f"no manifest of shards {first_few([f'{n}/{count}' for n in sorted(missing)])}"
    for text, size in sizes.items():
        done = len(shards.get(text, ()))
        if done < size:
            yield f"shard {text}: {done} of {size} pictures; overwrite=skip goes on"
