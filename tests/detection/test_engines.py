"""Which engine runs a checkpoint, and that all of them find the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from salient import Detector
from salient.detection import load
from salient.detection.by_onnx import OnnxEngine
from salient.detection.by_torch import TorchEngine
from salient.detection.load import _why_torch, load_engine
from salient.devices import cores, has_gpu, in_parallel
from salient.model.boundary import BoundaryNetwork
from salient.weights import onnx_file
from salient.weights.find import BOX, read_checkpoint
from tests.fixtures.commands import ROOT


def pictures(*sizes):
    rng = np.random.default_rng(0)
    small = [rng.integers(0, 256, (5, 7, 3), np.uint8) for _ in sizes]
    return [
        np.asarray(Image.fromarray(x).resize(size, Image.Resampling.BICUBIC))
        for x, size in zip(small, sizes)
    ]


@pytest.fixture(scope="module")
def exported(exported, tmp_path_factory):
    """A folder with a small network, its ONNX file, and one that says it gives logits."""
    folder = tmp_path_factory.mktemp("engines")
    for name in ("a.safetensors", "a.onnx"):
        shutil.copy(exported / name, folder)
    model = onnx.load(folder / "a.onnx")
    said = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, said | {"content": '"logit"'})
    onnx.save(model, folder / "logits.onnx")
    return folder


@pytest.mark.parametrize("name", ["best", "fast"])
def test_both_engines_find_the_same_to_one_grey_level(name):
    given = pictures((300, 200), (64, 500), (1, 1), (33, 32), (320, 320))
    by_onnx = Detector.load(name, "cpu")
    by_torch = Detector.load(name, "cpu", "fp32", "torch")
    assert isinstance(by_onnx.engine, OnnxEngine) and isinstance(by_torch.engine, TorchEngine)
    assert by_onnx.engine.origin == by_torch.engine.origin
    assert (by_onnx.engine.size, by_onnx.engine.resize) == (by_torch.engine.size, "area")
    for ours, theirs in zip(by_onnx.detect(given), by_torch.detect(given)):
        for a, b in zip(ours, theirs):
            assert np.abs(a.astype(int) - b).max() <= 1
    by_onnx.tta = by_torch.tta = "flip"
    assert np.abs(by_onnx.probability(given[0]) - by_torch.probability(given[0])).max() < 1e-4


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_many_pictures_on_threads_give_the_maps_of_each(engine):
    detector = Detector.load("fast", "cpu", "fp32", engine)
    given = pictures(*((60 + i, 90 - i) for i in range(9)))
    together = detector(given)
    for saliency, picture in zip(together, given):
        assert np.abs(saliency.astype(int) - detector(picture)).max() <= 1
    assert detector(given[:1])[0].shape == (90, 60)


def test_pictures_are_taken_as_they_are_needed():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield np.zeros((8, 8, 3), np.uint8)

    found = Detector.load("fast", "cpu").detect(endless())
    assert next(found)[0].shape == (8, 8)
    found.close()
    assert len(taken) <= 4 * cores() + 4


@pytest.mark.parametrize(
    ("checkpoint", "options", "kind"),
    [
        ("best", {}, OnnxEngine),
        (None, {"precision": "fp32"}, OnnxEngine),
        ("best", {"engine": "torch"}, TorchEngine),
        ("best", {"precision": "bf16"}, TorchEngine),
        ("a.safetensors", {}, TorchEngine),
        ("a.onnx", {}, OnnxEngine),
        ("a.onnx", {"engine": "onnx"}, OnnxEngine),
    ],
)
def test_the_engine_that_fits(exported, checkpoint, options, kind):
    file = exported / checkpoint if "." in (checkpoint or "") else checkpoint
    assert type(load_engine(file, "cpu", **options)) is kind


def test_without_onnxruntime_it_is_pytorch(monkeypatch):
    monkeypatch.setattr(load, "find_spec", lambda name: None)
    assert isinstance(load_engine("fast", "cpu"), TorchEngine)


@pytest.mark.parametrize(
    ("checkpoint", "options", "message"),
    [
        (
            "best",
            {"engine": "tensorrt"},
            "engine: 'tensorrt' is not valid; use auto, torch, onnx, int8, fastest",
        ),
        ("best", {"engine": "onnx", "precision": "bf16"}, "in fp32 here; use engine=torch"),
        ("best", {"engine": "onnx", "device": "cuda"}, "on the CPU in fp32 here; use engine=torch"),
        ("a.onnx", {"engine": "torch"}, "give another checkpoint"),
        ("logits.onnx", {}, "it gives logits; export it with content=probability"),
        ("text.onnx", {}, "text.onnx: onnxruntime cannot open it: "),
    ],
)
def test_what_an_engine_cannot_do_is_refused(exported, checkpoint, options, message):
    (exported / "text.onnx").write_text("nothing")
    file = exported / checkpoint if "." in checkpoint else checkpoint
    with pytest.raises(ValueError) as error:
        load_engine(file, **({"device": "cpu"} | options))
    assert message in str(error.value)


def test_another_checkpoint_is_exported_once_and_then_the_default(
    exported, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file, made = exported / "a.safetensors", []

    def write(network):
        made.append(network)
        return (exported / "a.onnx").read_bytes()

    monkeypatch.setattr(onnx_file, "write_onnx", write)
    engine = load_engine(file, "cpu", engine="onnx")
    assert engine.origin.startswith(f"{file}, ") and "once" in capsys.readouterr().out
    (cached,) = (tmp_path / "cache/salient").iterdir()
    assert isinstance(load_engine(file, "cpu"), OnnxEngine) and not capsys.readouterr().out
    assert load_engine(file, "cpu", engine="onnx").path == cached
    assert len(made) == 1 and isinstance(made[0], BoundaryNetwork)
    other = tmp_path / "b.safetensors"
    other.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\0")  # other weights: another file
    assert load._cached(read_checkpoint(other)) != cached


def test_a_map_that_is_not_finite_is_an_error(exported):
    detector = Detector.load(exported / "a.onnx")
    detector.engine.mean = detector.engine.mean * np.float32(np.nan)
    with pytest.raises(ValueError, match=r"a\.onnx.*: the network's map is not finite"):
        detector(np.zeros((64, 64, 3), np.uint8))


def test_detecting_needs_no_pytorch(tmp_path):
    """As in an install without the extra `torch`; what needs it says which extra brings it."""
    Image.fromarray(pictures((50, 40))[0]).save(tmp_path / "a.png")
    program = """
import sys
for name in ("torch", "timm", "torchvision", "safetensors", "numba"):
    sys.modules[name] = None  # importing it fails
sys.argv = ["salient", *sys.argv[1:]]
from salient.cli.main import main
main()
"""

    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def salient(*arguments):
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            env={
                "PYTHONPATH": str(ROOT),
                "PATH": "",
                "HOME": str(tmp_path),
                "TMPDIR": str(temporary),
            },
            capture_output=True,
            text=True,
        )

    done = salient("predict", "a.png", "output=maps", "mode=cutout")
    assert done.returncode == 0, done.stderr
    assert "by onnxruntime fp32" in done.stdout and (tmp_path / "maps/a.png").is_file()
    assert not list(temporary.iterdir())  # onnxruntime's telemetry would begin with a file there
    done = salient("predict", "a.png", "output=more", "engine=torch")
    assert done.stderr.strip() == (
        "error: salient predict: the package torch is not installed; "
        "in a checkout of salient-sod: pip install '.[torch]'"
    )


def test_in_parallel_is_map_in_order():
    def slow_at_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return number, threading.current_thread().name

    done = list(in_parallel(slow_at_first, range(30), 3))
    assert [number for number, _ in done] == list(range(30))
    assert len({thread for _, thread in done}) <= 3
    with pytest.raises(ValueError, match="workers is 0"):
        in_parallel(slow_at_first, [], 0)


def test_an_error_ends_the_rest():
    began = []

    def job(number):
        began.append(number)
        if number == 2:
            raise OSError("full")
        time.sleep(0.01)

    with pytest.raises(OSError, match="full"):
        list(in_parallel(job, range(1000), 2))
    assert len(began) < 30


def test_each_bundled_network_has_its_four_files():
    kinds = (".safetensors", ".onnx", ".int8.onnx", ".iou.json")
    assert {path.name for path in BOX.iterdir() if path.is_file()} == {
        f"{name}{kind}" for name in ("best", "fast") for kind in kinds
    }
    assert sum(path.stat().st_size for path in BOX.iterdir()) < 50e6


def test_a_gpu_is_seen_without_pytorch():
    assert has_gpu() == torch.cuda.is_available()


@pytest.mark.parametrize(
    ("request_of", "named"),
    [
        *(({"engine": "torch"}, "engine=torch"), ({"device": "cuda"}, "device=cuda")),
        *(({"precision": "bf16", "device": "cpu"}, "precision=bf16"), ({}, "mine.safetensors")),
    ],
)
def test_what_needs_pytorch_is_named_by_its_key(request_of, named):
    request = {"device": "auto", "precision": "auto", "engine": "auto"} | request_of
    assert _why_torch(Path("mine.safetensors"), **request) == named
