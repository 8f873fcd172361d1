"""Pictures, maps and data sets at addresses of fsspec, here in memory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from salient.data.pairs import read_picture
from salient.data.sets import PairSet
from salient.detection.detector import Detector
from salient.detection.folders import detect_files
from salient.detection.listing import find_pictures
from salient.detection.manifest import Manifest
from salient.detection.modes import saliency_map
from salient.detection.outputs import Output
from salient.remote import any_path
from tests.fixtures.engines import Counting

pytest.importorskip("upath", reason="the extra remote is not installed")


@pytest.fixture
def album(tmp_path):
    """Two pictures on this machine and the same at an address."""
    rng = np.random.default_rng(0)
    for name in ("a.png", "inner/b.jpg"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    memory = any_path("memory://")
    memory.fs.rm("/", recursive=True) if memory.fs.store else None
    memory.fs.put(str(tmp_path / "album"), "/album", recursive=True)
    memory.fs.pipe("/album/notes.txt", b"no picture")
    return memory.fs


def detect(given, output, manifest=None):
    engine, output = Counting(), Output(str(output))
    found = find_pictures(given, output)
    assert not found.problems
    more = {}
    if manifest is not None:
        kept = Manifest(manifest, "w", {}, found.targets, overwrite="skip")
        more = {"opened": kept.open}
    files = detect_files(Detector(engine, threads=1), found.targets, saliency_map, output, **more)
    done = list(files if manifest is None else kept.recorded(files))
    if manifest is not None:
        kept.close()
    assert not any(one.error for one in done)
    return engine.runs


def test_an_address_gives_the_files_of_a_folder_each_read_once(album, tmp_path, monkeypatch):
    detect(str(tmp_path / "album"), tmp_path / "maps")
    opened, plain = Counter(), type(album)._open

    def counting(self, path, mode="rb", *more, **options):
        opened[path] += mode == "rb"
        return plain(self, path, mode, *more, **options)

    monkeypatch.setattr(type(album), "_open", counting)
    assert detect("memory://album/", "memory://maps") == 2
    assert +opened == {"/album/a.png": 1, "/album/inner/b.jpg": 1}
    names = ["a.png", "inner/b.png"]
    assert [name.removeprefix("/maps/") for name in album.find("/maps")] == names
    for name in names:
        assert album.cat(f"/maps/{name}") == (tmp_path / "maps" / name).read_bytes()
    found = find_pictures("memory://album/**/*.*g", tmp_path / "out")  # keeps no folders
    assert sorted(target.name for target in found.targets.values()) == ["a.png", "b.png"]


def test_a_manifest_goes_on_at_an_address(album, tmp_path):
    assert detect("memory://album", "memory://album/maps", tmp_path / "m.jsonl") == 2
    assert detect("memory://album", "memory://album/maps", tmp_path / "m.jsonl") == 0
    album.rm("/album/maps/a.png")
    assert detect("memory://album", "memory://album/maps", tmp_path / "m.jsonl") == 1


def test_one_file_to_one_file(album, tmp_path, call):
    assert detect("memory://album/a.png", tmp_path / "one.png") == 1
    assert detect(str(tmp_path / "one.png"), "memory://one.png") == 1 and album.exists("/one.png")
    with pytest.raises(ValueError, match="is the picture itself"):
        find_pictures("memory://one.png", Output("memory://one.png"))
    with pytest.raises(FileNotFoundError, match="input=memory://gone: no such file or folder"):
        find_pictures("memory://gone", Output("memory://maps"))
    said = call(tmp_path, "predict", "memory://album", "output=memory://out", "checkpoint=fast")
    assert "2 files in memory://out" in said.stdout and album.exists("/out/inner/b.png")


def test_a_set_at_an_address_is_fetched(album, tmp_path):
    for name in ("images/a.png", "masks/a.png"):
        album.copy("/album/a.png", f"/data/mine/{name}")
    (pair,) = PairSet("mine", root="mine").pairs("memory://data")
    assert np.array_equal(read_picture(pair), np.asarray(Image.open(tmp_path / "album/a.png")))
