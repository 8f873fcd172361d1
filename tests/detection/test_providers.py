"""Where onnxruntime computes: providers by name, their options, and what is refused."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from salient import Detector
from salient.detection import onnx_session, providers
from salient.detection.load import load_engine
from salient.detection.onnx_session import OnnxSession
from salient.detection.providers import choose
from salient.weights.find import BOX
from tests.fixtures.photos import draw_disc

DISC = draw_disc()
HAS = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.fixture
def with_cuda(monkeypatch):
    """An onnxruntime for GPUs, which records the sessions that are opened. They return no map."""
    opened = []

    class Session:
        used = HAS

        def __init__(self, path, options, names, more, enable_fallback):
            assert not enable_fallback
            opened.append((options.enable_mem_pattern, list(zip(names, more))))

        def get_providers(self):
            return self.used

    import onnxruntime

    stand_in = SimpleNamespace(
        get_available_providers=lambda: HAS,
        SessionOptions=onnxruntime.SessionOptions,
        InferenceSession=Session,
    )
    for module in (providers, onnx_session):
        monkeypatch.setattr(module, "import_onnxruntime", lambda: stand_in)
    return SimpleNamespace(opened=opened, session=Session)


def test_the_cpu_by_name_is_the_default():
    for asked in ("cpu", ["CPU"], "CPUExecutionProvider", {"cpu": None}):
        assert choose(asked) == [("CPUExecutionProvider", {})]
    detector = Detector.load("fast", providers="cpu")
    assert detector.engine.name == "onnxruntime fp32" and detector.engine.on_cores
    np.testing.assert_array_equal(detector(DISC), Detector.load("fast", "cpu")(DISC))


def test_names_and_options_become_onnxruntimes(with_cuda):
    assert choose(["tensorrt", "cuda"]) == [(name, {}) for name in HAS[:2]]
    chosen = choose({"CUDA": {"device_id": 1}})
    assert chosen == [("CUDAExecutionProvider", {"device_id": 1})]
    session = OnnxSession(BOX / "fast.onnx", chosen)
    assert session.on(1) is session.on(None) and not session.on_cores
    assert with_cuda.opened == [(False, chosen)] and session.where == " on CUDA"
    assert pickle.loads(pickle.dumps(session)).providers == chosen


def test_a_provider_that_does_not_start_is_not_replaced_silently(with_cuda):
    with_cuda.session.used = HAS[2:]
    with pytest.raises(ValueError, match=r"CUDAExecutionProvider could not be started, so .* CPU"):
        OnnxSession(BOX / "fast.onnx", choose("cuda")).on(1)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("coreml", "no 'coreml'; it has cpu; pip install onnxruntime, on macOS"),
        (["cpu", "openvino"], "no 'openvino'; it has cpu; pip install onnxruntime-openvino"),
        ("TensorrtExecutionProvider", "has no 'TensorrtExecutionProvider'; it has cpu; pip inst"),
        ("abacus", "this onnxruntime has no 'abacus'; it has cpu"),
        ([], "none is named; use cpu, cuda, tensorrt, coreml, directml, openvino"),
    ],
)
def test_what_is_absent_is_named_with_what_is_there(monkeypatch, asked, line):
    stand_in = SimpleNamespace(get_available_providers=lambda: HAS[2:])
    monkeypatch.setattr(providers, "import_onnxruntime", lambda: stand_in)
    with pytest.raises(ValueError) as error:
        load_engine("fast", providers=asked)
    assert line in str(error.value)


@pytest.mark.parametrize("other", [{"engine": "torch"}, {"device": "cpu"}, {"precision": "bf16"}])
def test_what_contradicts_them_is_refused(other):
    with pytest.raises(ValueError, match=r"with providers=, onnxruntime computes; leave these out"):
        load_engine("fast", providers="cpu", **other)


def test_the_command_takes_them(call, tmp_path):
    Image.fromarray(DISC).save(tmp_path / "a.png")
    for key in ("providers=[cpu]", "providers={cpu:{arena_extend_strategy:x}}"):
        where = ("checkpoint=fast", "output=b.png", "overwrite=true", key)
        assert "by onnxruntime fp32" in call(tmp_path, "predict", "a.png", *where).stdout
    done = call(tmp_path, "predict", "a.png", "providers=abacus", fails=True)
    assert "providers: this onnxruntime has no 'abacus'; it has cpu" in done.stderr
