"""Detecting and scoring that are stopped, meet a full disk, or are given the wrong files."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from salient.detection import folders
from salient.files import PARTIAL
from salient.scoring import score
from tests.fixtures.commands import ENVIRONMENT, ROOT


@pytest.fixture
def work(tmp_path):
    """A folder with three pictures in `album` and their masks in `masks`."""
    rng = np.random.default_rng(0)
    for name in "abc":
        for folder in ("album", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        picture = rng.integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "album" / f"{name}.jpg")
        Image.fromarray((picture[..., 0] > 200) * np.uint8(255)).save(
            tmp_path / f"masks/{name}.png"
        )
    return tmp_path


PREDICT = ("input=album", "batch_size=1", "precision=fp32")
FOLDER = ("dataset=folder", "images=album", "masks=masks")
SETS = (*FOLDER, "checkpoint=fast", "workers=0", "report_pictures=0")


def fail_at(monkeypatch, module, name, error):
    """Let a module's writing of `name` raise an error instead."""
    write = module.write_whole

    def fail(file, content, **options):
        if file.name == name:
            raise error
        return write(file, content, **options)

    monkeypatch.setattr(module, "write_whole", fail)


def written(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            KeyboardInterrupt(),
            "interrupted: {} of 3 files are written; continue with overwrite=skip",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "maps/b.png"),
            "error: maps/b.png: No space left on device; {} of 3 files are written; continue with "
            "overwrite=skip",
        ),
    ],
)
def test_a_stopped_predict_keeps_what_is_done_and_goes_on(call, work, monkeypatch, error, line):
    with monkeypatch.context() as patched:
        fail_at(patched, folders, "b.png", error)
        said = call(work, "predict", *PREDICT, fails=True).stderr
    maps = work / "maps"
    done = written(maps)  # c.png too, if another thread was faster
    assert done in (["a.png"], ["a.png", "c.png"])
    assert line.format(len(done)) in said and "Traceback" not in said
    before = (maps / "a.png").stat().st_mtime_ns
    for age, name in ((60, f".old{PARTIAL}"), (-600, f".new{PARTIAL}")):  # slow machines
        (maps / name).write_bytes(b"half")
        os.utime(maps / name, (time.time() - age, time.time() - age))
    said = call(work, "predict", *PREDICT, "overwrite=skip").stdout
    assert f"{len(done)} of 3 files already exist and are kept" in said
    assert re.search(f": {3 - len(done)} files? in maps", said)
    assert (maps / "a.png").stat().st_mtime_ns == before
    assert written(maps) == [f".new{PARTIAL}", "a.png", "b.png", "c.png"]


def test_predict_lists_what_was_left_out_and_renamed(call, work):
    (work / "album/notes.txt").write_text("no picture")
    Image.new("RGB", (20, 20)).save(work / "album/a.gif")
    said = call(work, "predict", *PREDICT).stdout
    assert "left out, no image extension: album/notes.txt" in said
    assert "several with the same name, so the extension is kept: a.gif, a.jpg" in said
    assert written(work / "maps") == ["a.gif.png", "a.jpg.png", "b.png", "c.png"]


@pytest.mark.parametrize("verb", ["predict", "eval"])
def test_a_file_where_a_folder_is_needed_is_one_line(call, work, verb):
    (work / "taken").write_text("mine")
    arguments = PREDICT if verb == "predict" else SETS
    for output in ("taken", "taken/inner", "/proc/nowhere"):
        said = call(work, verb, *arguments, f"output={output}", fails=True).stderr
        (line,) = [line for line in said.splitlines() if "error: " in line]
        assert output in line and "Traceback" not in said
    assert (work / "taken").read_text() == "mine"


@pytest.mark.parametrize("verb", ["predict", "eval"])
@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_below_one_is_refused(call, work, verb, size):
    arguments = PREDICT if verb == "predict" else SETS
    said = call(work, verb, *arguments, f"batch_size={size}", fails=True).stderr
    assert re.search("error: batch_size.* 1", said) and "Traceback" not in said
    assert written(work) == ["album", "masks"] or written(work / "maps") == []


def test_a_stopped_eval_saves_the_rows_that_are_complete(call, work, monkeypatch):
    fail_at(monkeypatch, score, "b.png", KeyboardInterrupt())
    both = (*SETS, "save_maps=true", "output=out")
    said = call(work, "eval", *both, fails=True).stderr
    assert "interrupted; only the maps that were already written are kept" in said
    assert written(work / "out") == ["maps"]
    done = call(work, "eval", *both, "baseline=true", fails=True)  # the guess is scored first
    assert "interrupted; continue with the remaining sets" in done.stderr
    assert "not scored: folder: interrupted" in done.stdout and "Traceback" not in done.stderr
    (row,) = json.loads((work / "out/results.json").read_text())["rows"]
    assert row["method"] == "centred Gaussian" and row["pairs"] == 3


def test_a_full_disk_leaves_earlier_results(call, work, monkeypatch):
    call(work, "eval", *SETS, "save_maps=true", "output=out")
    before = {path: path.read_bytes() for path in (work / "out").rglob("*.*")}
    error = OSError(errno.ENOSPC, "No space left on device", "out/maps/folder/b.png")
    fail_at(monkeypatch, score, "b.png", error)
    said = call(work, "eval", *SETS, "save_maps=true", "output=out", fails=True).stderr
    assert (
        "error: out/maps/folder/b.png: no space is left on the disk" in said
        and "Traceback" not in said
    )
    assert {path: path.read_bytes() for path in (work / "out").rglob("*.*")} == before


@pytest.mark.parametrize("verb", ["eval", "train"])
def test_a_set_of_empty_masks_is_refused_before_anything_is_done(call, work, verb):
    for path in (work / "masks").iterdir():
        with Image.open(path) as mask:
            ones = Image.fromarray(np.asarray(mask) // 255)
        ones.save(path)
    said = call(work, verb, *FOLDER, fails=True).stderr
    assert "folder: all 3 masks are empty above 128: they hold 0, 1; " in said
    assert "dataset.folder.mask_threshold=0" in said and "Traceback" not in said
    assert not (work / "results").exists() and not list(work.glob("checkpoints/*"))
    call(work, "eval", *SETS, "dataset.folder.mask_threshold=0")
    (row,) = json.loads((work / "results/results.json").read_text())["rows"]
    assert row["max_f"] > 0


def test_empty_masks_are_counted_and_named_in_the_end(call, work):
    Image.new("L", (50, 40)).save(work / "masks/b.png")
    with pytest.warns(UserWarning, match="folder: of 3 masks looked at, 1 are empty above 128: b"):
        said = call(work, "eval", *SETS, "baseline=true").stdout
    assert said.count("folder: 1 masks have no foreground: b") == 1
    assert "True" in (work / "results/images.csv").read_text()


def test_damaged_files_are_one_line(call, work):
    whole = (work / "masks/b.png").read_bytes()
    (work / "masks/b.png").write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    said = call(work, "eval", *SETS, fails=True).stderr
    assert "masks/b.png: not a readable picture (" in said and "Traceback" not in said


@pytest.mark.parametrize("verb", ["predict", "eval"])
def test_ctrl_c_ends_all_processes_without_a_traceback(work, verb):
    """The signal goes to the whole group, as from a terminal; loader processes are in it."""
    for index in range(300):
        for folder, name in (("album", "a.jpg"), ("masks", "a.png")):
            copy = work / folder / f"{index}{name[1:]}"
            copy.write_bytes((work / folder / name).read_bytes())
    arguments = [*PREDICT] if verb == "predict" else [*FOLDER, "workers=2", "save_maps=true"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / f"{verb}.py"), *arguments, "output=out"],
        cwd=work,
        env=os.environ | ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # nohup ignores it
    )
    deadline = time.monotonic() + 120
    while not (done := list((work / "out").rglob("*.png"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert done and process.returncode != 0 and "interrupted" in said and "Traceback" not in said
    assert not list(work.rglob(f"*{PARTIAL}"))
    for path in (work / "out").rglob("*.png"):
        with Image.open(path) as saved:
            saved.load()
