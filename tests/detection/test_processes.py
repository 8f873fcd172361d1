"""A detector in other processes and threads."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import torch

from salient import Detector, save_network
from salient.detection.by_torch import TorchEngine
from tests.fixtures.commands import ROOT
from tests.fixtures.networks import small_network

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


def test_another_process_opens_the_file_again():
    detector = Detector.load("fast", "cpu", normalize=True, threads=1)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        theirs = pool.submit(detector, PICTURE).result(300)
    np.testing.assert_array_equal(theirs, detector(PICTURE))
    np.testing.assert_array_equal(theirs.cutout(), detector(PICTURE).cutout())
    assert len(pickle.dumps(detector)) < 2000


def test_a_file_that_changed_meanwhile_is_not_taken_for_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    save_network(small_network(), "a.safetensors")
    detector = Detector.load("a.safetensors", "cpu", "fp32", "torch", tta="flip")
    sent = pickle.dumps(detector)
    assert len(sent) < 2000
    monkeypatch.chdir("/")
    again = pickle.loads(sent)
    assert isinstance(again.engine, TorchEngine) and again.tta == "flip"
    np.testing.assert_array_equal(again(PICTURE), detector(PICTURE))
    save_network(small_network(), tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="changed since it was opened"):
        pickle.loads(sent)


def test_a_network_in_memory_is_sent_itself():
    network = small_network().eval()
    detector = Detector(TorchEngine(network))
    again = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again(PICTURE), detector(PICTURE))


def test_threads_share_a_detector():
    detector = Detector.load("fast", "cpu")
    expected = detector([PICTURE])[0]
    with ThreadPoolExecutor(4) as pool:
        for saliency in pool.map(detector, [PICTURE] * 8):
            assert np.abs(saliency.astype(int) - expected).max() <= 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_of_a_process_that_used_pytorch_does_not_wait_for_its_threads(tmp_path):
    """Such as a worker of gunicorn's that was forked after the model was loaded and tried."""
    program = """
import os, sys
import numpy as np, torch
from salient import Detector
torch.set_num_threads(2)
detector = Detector.load("fast", "cpu", "fp32", "torch")
picture = np.zeros((300, 300, 3), np.uint8)
detector(picture)
child = os.fork()
if not child:
    detector(picture)
    Detector.load("fast", "cpu", "fp32", "torch")([picture, picture])
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    # Threads that wait asleep: on a busy machine those that spin take minutes.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stdout.strip() == "7", done.stderr


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_threads_are_an_option(engine):
    detector = Detector.load("fast", "cpu", "fp32", engine, threads=1)
    seen = []
    run = detector.engine.run

    def watched(squares, threads=None):
        seen.append(threads)
        return run(squares, threads)

    detector.engine.run = watched
    first, _ = detector([PICTURE, PICTURE])
    assert np.abs(detector(PICTURE).astype(int) - first).max() <= 1
    assert seen == [1, 1, 1]
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        Detector(detector.engine, threads=0)
