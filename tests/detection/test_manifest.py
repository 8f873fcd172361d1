"""Shards and manifests: disjoint and complete, gone on with after a kill, each content once."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from salient.detection import folders
from salient.detection.detector import Detector
from salient.detection.folders import detect_files
from salient.detection.listing import find_pictures
from salient.detection.manifest import Manifest
from salient.detection.manifest_lines import whole_lines
from salient.detection.merging import merge
from salient.detection.modes import saliency_map
from salient.detection.outputs import Output
from salient.detection.shards import WHOLE, Shard, read_shard
from tests.fixtures.engines import Counting


@pytest.fixture
def album(tmp_path, monkeypatch):
    """Nine pictures in two folders, of which f has the content of a; one thread detects."""
    monkeypatch.setattr(folders, "WAITING", 0)
    rng = np.random.default_rng(0)
    for name in "abcdeghi":
        path = tmp_path / "album" / ("x" if name > "d" else ".") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    shutil.copy(tmp_path / "album/a.png", tmp_path / "album/f.png")
    return tmp_path / "album"


def detect(album, output, shard=WHOLE, stop=None, options=None, **more):
    """Detect a shard with a manifest, up to `stop` pictures; returns the engine."""
    engine = Counting()
    found = find_pictures(str(album), output, shard)
    path = output / f"{shard.number}.jsonl"
    manifest = Manifest(path, "w", options or {}, found.targets, shard, **more)
    detector = Detector(engine, threads=1)
    files = detect_files(detector, found.targets, saliency_map, Output(), opened=manifest.open)
    for count, _ in enumerate(manifest.recorded(files), 1):
        if count == stop:
            break
    manifest.close()
    return engine


def pictures(path):
    return [line for _, line in whole_lines(path) if "input" in line]


def contents(output):
    return {str(p.relative_to(output)): p.read_bytes() for p in output.rglob("*.png")}


def test_shards_are_disjoint_complete_and_stable(album, tmp_path):
    parts = [find_pictures(str(album), tmp_path / "out", Shard(n, 3)).targets for n in (1, 2, 3)]
    assert Counter(p for part in parts for p in part) == Counter(album.rglob("*.png"))
    shutil.copy(album / "b.png", album / "a.jpg")  # a.png is now written to a.png.png
    again = [find_pictures(str(album), tmp_path / "out", Shard(n, 3)).targets for n in (1, 2, 3)]
    assert all(part.keys() <= more.keys() for part, more in zip(parts, again))


def test_a_shard_is_read_from_text_and_from_slurm():
    assert read_shard("3/16") == Shard(3, 16) and str(Shard(3, 16)) == "3/16"
    for text in ("0/4", "5/4", "1", "a/b", "-1/4"):
        with pytest.raises(ValueError, match="shard=.*not valid"):
            read_shard(text)

    def task(number, first, last, count):
        words = dict(ID=number, MIN=first, MAX=last, COUNT=count)
        return {f"SLURM_ARRAY_TASK_{word}": str(value) for word, value in words.items()}

    assert read_shard("auto", task(0, 0, 15, 16)) == Shard(1, 16)
    assert read_shard("auto", task(16, 1, 16, 16)) == Shard(16, 16)
    for first, last, count in ((3, 7, 2), (3, 3, 1), (0, 15, 8)):
        with pytest.raises(ValueError, match="it must be whole"):
            read_shard("auto", task(first, first, last, count))
    with pytest.raises(ValueError, match="SLURM_ARRAY_TASK_ID"):
        read_shard("auto", {})


def test_shards_write_what_one_run_writes_and_their_manifests_are_whole(album, tmp_path):
    detect(album, tmp_path / "one")
    for number in (1, 2, 3):
        detect(album, tmp_path / "parts", Shard(number, 3))
    assert contents(tmp_path / "parts") == contents(tmp_path / "one")
    manifests = sorted((tmp_path / "parts").glob("*.jsonl"))
    merged = merge(manifests)
    assert not merged.holes and not merged.doubles and not merged.failed
    assert merged.made == 9 and len(list(merged)) == 9
    assert merge(manifests[:2]).holes == ["no manifest of shards 3/3"]
    assert "in several manifests" in merge([*manifests, tmp_path / "one/1.jsonl"]).doubles[0]
    lines = {line["input"]: line for path in manifests for line in pictures(path)}
    line = lines[str(album / "b.png")]
    assert line["size"] == [30, 20] and line["stands_out"] and line["seconds"] > 0
    assert line["weights"] == "w" and line["output"] == str(tmp_path / "parts/b.png")


@pytest.mark.parametrize("torn", [b"", b'{"input":"half'])
def test_a_stopped_run_goes_on_where_it_was(album, tmp_path, torn):
    """Nothing is lost and nothing is there twice, even if a kill cut a line short."""
    output = tmp_path / "out"
    first = detect(album, output, stop=3)
    with (output / "1.jsonl").open("ab") as stream:
        stream.write(torn)
    assert merge([output / "1.jsonl"]).holes == [
        "shard 1/1: 3 of 9 pictures; overwrite=skip goes on"
    ]
    second = detect(album, output, overwrite="skip")
    names = Counter(line["input"] for line in pictures(output / "1.jsonl"))
    assert len(names) == 9 and set(names.values()) == {1}
    assert first.runs + second.runs <= 8 + 5 and len(contents(output)) == 9
    assert detect(album, output, overwrite="skip").runs == 0


def test_another_content_option_or_a_lost_file_is_done_again(album, tmp_path):
    output = tmp_path / "out"
    detect(album, output)
    shutil.copy(album / "b.png", album / "c.png")
    (output / "d.png").unlink()
    assert detect(album, output, overwrite="skip").runs == 1  # d; c is a twin of b
    assert pictures(output / "1.jsonl")[-2]["twin_of"] == str(album / "b.png")
    assert detect(album, output, overwrite="skip", options={"mode": "mask"}).runs == 7
    assert "made in 2 ways" not in merge([output / "1.jsonl"]).doubles
    with pytest.raises(ValueError, match="already exists; overwrite=skip"):
        detect(album, output)
    assert detect(album, output, overwrite=True).runs == 7


@pytest.mark.parametrize(
    ("twins", "runs", "links"), [("copy", 8, 1), ("link", 8, 2), ("again", 9, 1)]
)
def test_each_content_is_detected_once(album, tmp_path, twins, runs, links):
    assert detect(album, tmp_path, twins=twins).runs == runs
    assert (tmp_path / "f.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    assert (tmp_path / "f.png").stat().st_nlink == links
    (line,) = [x for x in pictures(tmp_path / "1.jsonl") if x["input"].endswith("f.png")]
    assert line["twin_of"] == (None if twins == "again" else str(album / "a.png"))
    assert line["area"] > 0 and line["size"] == [30, 20]


def test_a_damaged_picture_and_its_twin_have_lines(album, tmp_path):
    for name in ("a.png", "f.png"):
        (album / name).write_bytes(b"no picture")
    detect(album, tmp_path)
    merged = merge([tmp_path / "1.jsonl"])
    assert merged.made == 7 and len(merged.failed) == 2 and not merged.holes
    assert "the same content" in merged.failed[str(album / "f.png")]


def test_two_processes_of_one_manifest_are_refused(album, tmp_path):
    held = Manifest(tmp_path / "m.jsonl", "w", {}, {})
    with pytest.raises(ValueError, match="another process writes it"):
        Manifest(tmp_path / "m.jsonl", "w", {}, {}, overwrite="skip")
    held.close()
    (tmp_path / "m.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(ValueError, match="line 1: not a manifest's"):
        Manifest(tmp_path / "m.jsonl", "w", {}, {}, overwrite="skip")


def test_the_commands(call, album, tmp_path):
    common = ("album", "checkpoint=fast", "device=cpu", "threads=1")
    for number in (1, 2):
        call(tmp_path, "predict", *common, f"shard={number}/2", f"manifest={number}.jsonl")
    said = call(tmp_path, "predict", *common, "shard=1/2", "manifest=1.jsonl", "overwrite=skip")
    assert "are already in the manifest and are kept" in said.stdout
    said = call(tmp_path, "manifest", "1.jsonl", "2.jsonl", "output=all.jsonl")
    assert "9 pictures: 9 files" in said.stdout
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [line["input"] for line in lines] == sorted(
        os.path.relpath(path, tmp_path) for path in album.rglob("*.png")
    )
    assert (
        "hole: no manifest of shards 2/2"
        in call(tmp_path, "manifest", "1.jsonl", fails=True).stderr
    )
