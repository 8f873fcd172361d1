"""Each benchmark runs on something small and prints its table."""

from __future__ import annotations

import json
import re
import sys
import time

import numpy as np
import pytest
from PIL import Image

from benchmarks import detection, metrics, pictures, scale, training
from tests.fixtures.photos import draw_disc


def test_metrics_against_pysodmetrics(monkeypatch, capsys, tmp_path):
    pytest.importorskip("py_sod_metrics")
    arguments = ["--pairs=3", "--size=150x200", "--memory-pairs=9", f"--json={tmp_path}/found.json"]
    monkeypatch.setattr(sys, "argv", ["metrics", *arguments])
    metrics.main()
    machine, header, one_thread, files, busy, memory, *more = capsys.readouterr().out.splitlines()
    assert "cores" in machine and "numba" in machine
    assert header.split()[-2:] == ["ratio", "difference"]
    for line in (one_thread, files):
        assert "200x150" in line
        assert float(line.split()[-1]) < 1e-12
    assert busy.endswith("% of the idle rate")
    assert memory.startswith("peak memory over 9 pairs")
    found = json.loads((tmp_path / "found.json").read_text())["lines"]
    assert len(found) == 4 + len(more[1:]) and found[0]["ratio"] > 1
    assert all(line["difference"] < 1e-6 and line["hard cases"] < 1e-6 for line in found[4:])


def test_metrics_says_how_to_install_the_reference(monkeypatch):
    monkeypatch.setitem(sys.modules, "py_sod_metrics", None)
    monkeypatch.setattr(sys, "argv", ["metrics"])
    with pytest.raises(SystemExit, match=r"tests/oracle/requirements\.lock"):
        metrics.main()


def test_training(trained, monkeypatch, capsys, tmp_path):
    small = ("--batch=2", "--size=64", "--steps=1", "--loader-images=8")
    network = f"--checkpoint={trained}/checkpoints/demo.safetensors"
    file = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["training", *small, network, f"--json={file}"])
    training.main()
    shown = capsys.readouterr().out
    for line in ("plain eager", "TFLOP a step", "only the loader", "1 workers"):
        assert line in shown
    found = json.loads(file.read_text())["lines"]
    steps = [line["step"] for line in found if "step" in line]
    assert steps[:3] == ["plain eager", "ours", "ours with a neighbour"]
    assert all(0.1 < line["peak GiB"] < 8 for line in found if "step" in line)


def test_detection(monkeypatch, capsys, tmp_path):
    """The first line in a process of its own, as the command does; the others in this one."""
    own = detection.in_own_process

    def measure(checkpoint, engine, seconds):
        if engine == detection.PLAIN:
            return own(checkpoint, engine, seconds)
        return detection.measure(checkpoint, engine, seconds, time.time())

    monkeypatch.setattr(detection, "in_own_process", measure)
    arguments = ["--checkpoint", "fast", "--seconds=0.01", f"--json={tmp_path}/found.json"]
    monkeypatch.setattr(sys, "argv", ["detection", *arguments])
    detection.main()
    machine, header, *lines = capsys.readouterr().out.splitlines()
    assert "onnxruntime" in machine and header.split()[3:6] == ["network", "files", "scored"]
    assert [line[:28].split() for line in lines] == [
        ["fast", "PyTorch", "fp32"],
        ["fast", "PyTorch", "auto"],
        ["fast", "onnxruntime"],
        ["fast", "onnxruntime", "i8"],
    ]
    found = json.loads((tmp_path / "found.json").read_text())["lines"]
    assert all(line["many"] > 0 and line["peak"] > 50 for line in found)


def test_pictures(monkeypatch, tmp_path):
    """A row of six for every 250th picture, and a row of three for each that is named."""
    for name in ("0001", "0049", "0050"):
        picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    arguments = [str(tmp_path), "--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["pictures", *arguments])
    pictures.main()
    assert Image.open(tmp_path / "out/modes.webp").size == (6 * 204, 154)
    assert Image.open(tmp_path / "out/cutouts.webp").size == (3 * 304, 229)


def test_scale(monkeypatch, capsys, tmp_path):
    detect, serial = scale.fit([(1, 1 / 0.05), (2, 1 / 0.03), (4, 1 / 0.03)], most=2)
    assert detect == pytest.approx(0.04) and serial == pytest.approx(0.01)
    assert scale.fit([(1, 1.0), (2, 4.0)], most=2)[1] == 0  # no part below nothing
    monkeypatch.setattr(scale, "SIZES", {"small": (30, 40), "large": (60, 80)})
    arguments = ["--pictures=6", "--processes", "1", f"--json={tmp_path}/found.json"]
    monkeypatch.setattr(sys, "argv", ["scale", *arguments])
    scale.main()
    _, rate, model, small, large = capsys.readouterr().out.splitlines()
    assert rate.startswith("1 processes") and model.startswith("model: ")
    assert small.startswith("40 x 30: read") and large.startswith("80 x 60: read")
    assert json.loads((tmp_path / "found.json").read_text())["lines"][0]["rate"] > 0


def test_edges(monkeypatch, capsys, tmp_path):
    from benchmarks import edges

    masks = tmp_path / "masks"
    (tmp_path / "pictures").mkdir()
    masks.mkdir()
    for k in range(2):
        picture = draw_disc(120, 160 + 20 * k)
        truth = np.where(picture[..., 0] > 155, 255, 0).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"pictures/{k}.png")
        Image.fromarray(truth).save(masks / f"{k}.png")
    where = [str(tmp_path / "pictures"), str(masks)]
    more = ["--times", "2", "--checkpoint", "fast", "--megapixels", "0.1"]
    monkeypatch.setattr("sys.argv", ["edges", *where, *more])
    edges.main()
    said = capsys.readouterr().out
    assert "0.1 megapixels, guided" in said and "2 pairs, 2 times their size" in said
    before, after = re.search(r"^boundary IoU +(\S+) -> (\S+) ", said, re.MULTILINE).groups()
    assert 0.5 < float(before) < float(after) <= 1
