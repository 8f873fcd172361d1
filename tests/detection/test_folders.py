"""Folders of pictures: what is taken, what it becomes, and troubles that are one picture's own."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import torch
from PIL import Image

from salient import Detector
from salient.data.formats import FORMATS
from salient.detection import folders
from salient.detection.by_torch import TorchEngine
from salient.detection.folders import detect_files
from salient.detection.listing import find_pictures
from salient.detection.modes import saliency_map
from salient.detection.outputs import Output
from tests.soak.pictures import damaged_pictures, tally, whole_pictures


@pytest.fixture
def detector(small_network):
    torch.manual_seed(0)
    return Detector(TorchEngine(small_network().eval()))


@pytest.fixture
def album(tmp_path):
    """Four pictures, one in a folder inside."""
    for name in ("a.png", "b.jpg", "c.bmp", "inner/d.webp"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return tmp_path / "album"


def names_of(found, output):
    return sorted(str(target.relative_to(output)) for target in found.targets.values())


def done(detector, found):
    """The files that are written and what goes wrong, of all that is found."""
    files = list(detect_files(detector, found.targets, saliency_map, Output()))
    targets = [one.target for one in files if one.target is not None]
    return targets, [one.error for one in files if one.error is not None]


def test_every_format_is_found_and_what_is_no_picture_is_told(album, tmp_path):
    for name, content in whole_pictures(np.random.default_rng(0)).items():
        (album / f"of {name}{FORMATS[name][-1]}").write_bytes(content)
    for name in ("notes.txt", "photo.svg", ".hidden"):
        (album / name).write_text("no picture")
    for name in ("._a.png", "Thumbs.db", "inner/__MACOSX/a.png"):
        (album / name).parent.mkdir(exist_ok=True)
        (album / name).write_text("litter")
    (album / "elsewhere").symlink_to(tmp_path)
    found = find_pictures(str(album), tmp_path / "out")
    assert len(found.targets) == 4 + 11 and not found.problems
    assert len(found.litter) == 3
    assert [p.name for p in found.left_out] == [".hidden", "elsewhere", "notes.txt", "photo.svg"]
    assert "inner/d.png" in names_of(found, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"no pictures among 1 files \(\.txt\)"):
        find_pictures(str(album / "*.txt"), tmp_path / "out")


def test_a_list_a_pattern_and_names_that_are_no_patterns(album, tmp_path):
    odd = album / "odd [1] {x} = , é.jpg"
    odd.write_bytes((album / "b.jpg").read_bytes())
    bare = album / "bare"
    bare.write_bytes((album / "b.jpg").read_bytes())
    found = find_pictures([str(odd), bare, f"{album}/*.bmp", album / "inner"], tmp_path / "out")
    assert names_of(found, tmp_path / "out") == ["bare.png", "c.png", "d.png", f"{odd.stem}.png"]


def test_what_names_no_picture_is_refused_beside_others(album, tmp_path):
    assert len(find_pictures([album, album / "a.png"], tmp_path / "out").targets) == 4
    with pytest.raises(FileNotFoundError, match="input=nowhere.jpg: no such file or folder"):
        find_pictures([album, "nowhere.jpg"], tmp_path / "out")


def test_pictures_of_one_name_keep_their_endings(album, tmp_path):
    (album / "a.jpg").write_bytes((album / "b.jpg").read_bytes())
    output = tmp_path / "out"
    found = find_pictures(str(album), output)
    assert not found.problems
    assert names_of(found, output) == ["a.jpg.png", "a.png.png", "b.png", "c.png", "inner/d.png"]
    again = album / "again/a.jpg"
    again.parent.mkdir()
    again.write_bytes((album / "b.jpg").read_bytes())
    found = find_pictures(f"{album}/**/*.*", output)  # a pattern keeps no folders
    assert [line.split(": ")[1] for line in found.problems] == [
        f"2 pictures would write {output}/a.jpg.png"
    ] * 2
    assert names_of(found, output) == ["a.png.png", "b.png", "c.png", "d.png"]


def test_a_picture_is_never_replaced_by_its_map(album, tmp_path):
    with pytest.raises(ValueError, match=r"output=.*album is the folder of the input pictures"):
        find_pictures(str(album), album)
    found = find_pictures(str(album / "a.png"), album)
    assert not found.targets and "a.png is one of the pictures" in found.problems[0]
    assert names_of(find_pictures(str(album), tmp_path), tmp_path)  # a folder above is none


def test_links_that_lead_nowhere_are_failed_pictures(album, tmp_path):
    (album / "loop.jpg").symlink_to("loop.jpg")
    (album / "gone.png").symlink_to("nowhere.png")
    (album / "zero.png").symlink_to("/dev/zero")
    found = find_pictures(str(album), tmp_path / "out")
    assert len(found.targets) == 4
    assert [line.rpartition("/")[2] for line in found.problems] == [
        "gone.png: a link that leads to no file",
        "loop.jpg: a link that leads to no file",
        "zero.png: a link that leads to no regular file",
    ]


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")],
)
def test_one_picture_too_large_for_the_memory_fails_alone(
    detector, album, tmp_path, monkeypatch, error
):
    detect = detector.detect_batch
    monkeypatch.setattr(detector.engine, "on_cores", False)  # so that pictures go in batches

    def small_memory(pictures):
        if len(pictures) > 1 or pictures[0].rgb.shape[0] > 100:
            raise error
        return detect(pictures)

    Image.new("RGB", (40, 200)).save(album / "b.jpg")
    monkeypatch.setattr(detector, "detect_batch", small_memory)
    found = find_pictures(str(album), tmp_path / "out")
    written, problems = done(detector, found)
    assert sorted(path.name for path in written) == ["a.png", "c.png", "d.png"]
    assert problems == [f"{album}/b.jpg: not enough memory to process it"]


def test_other_errors_of_the_network_are_not_hidden(detector, album, tmp_path, monkeypatch):
    def broken(_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(detector, "detect_batch", broken)
    with pytest.raises(RuntimeError, match="mat1"):
        done(detector, find_pictures(album, tmp_path))


@pytest.mark.parametrize(("code", "ends"), [(errno.ENOSPC, True), (errno.EISDIR, False)])
def test_a_full_disk_ends_it_and_a_bad_name_does_not(
    detector, album, tmp_path, monkeypatch, code, ends
):
    write = folders.write_whole

    def fail(file, content, **options):
        if file.name == "b.png":
            raise OSError(code, "no", str(file))
        return write(file, content, **options)

    monkeypatch.setattr(folders, "write_whole", fail)
    found, problems, written = find_pictures(album, tmp_path / "out"), [], []
    try:
        for one in detect_files(detector, found.targets, saliency_map, Output()):
            written += [one.target.name] if one.target else []
            problems += [one.error] if one.error else []
    except OSError as error:
        assert ends and error.errno == code
    assert written == (["a.png"] if ends else ["a.png", "c.png", "d.png"])
    assert problems == ([] if ends else [f"{tmp_path}/out/b.png: no"])


def test_a_folder_of_damaged_pictures_is_gone_through(detector, tmp_path):
    """All but the damaged ones are done, whatever their damage."""
    for index, damaged in enumerate(damaged_pictures(60, seed=3)):
        (tmp_path / f"{index}.png").write_bytes(damaged.content)
    written, problems = done(detector, find_pictures(tmp_path, tmp_path / "out"))
    counts, _ = tally(60, 3, tmp_path / "out")
    refused = sum(count for (_, outcome), count in counts.items() if outcome == "clear")
    assert len(problems) == refused and len(written) + len(problems) == 66


def test_a_batch_below_one_is_refused(small_network):
    with pytest.raises(ValueError, match="batch_size must be at least 1, got -1"):
        Detector(TorchEngine(small_network()), batch_size=-1)
