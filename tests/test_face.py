"""What `import salient` offers: its names, in every install, and their types."""

from __future__ import annotations

import subprocess
import sys

import salient
from tests.fixtures.commands import ROOT

TYPED = """
from pathlib import Path
import numpy as np
import torch
from PIL import Image
from numpy.typing import NDArray
from salient import Detector, Result

detector: Detector = Detector.load("fast", threads=2)
one: Result = detector("photo.jpg")
array: NDArray[np.uint8] = detector(Path("photo.jpg"))
of_texts: list[Result] = detector(["a.jpg", "b.jpg"])
paths: list[Path] = []
of_paths: list[Result] = detector(paths)
images: list[Image.Image] = []
of_images: list[Result] = detector(images)
mixed: list[Result] = detector((b"", torch.zeros(1), np.zeros(1, np.uint8)))
with open("photo.jpg", "rb") as file:
    detector(file)
mask: NDArray[np.uint8] = one.mask(threshold=100)
probability: NDArray[np.float32] = one.probability
"""


def python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_public_names_are_listed_and_there():
    assert {"Detector", "Result", "load_network", "save_network", "pipeline"} <= set(dir(salient))
    for name in salient.__all__:
        assert getattr(salient, name) is not None
    assert python("from salient import *; print(Detector.__name__, load_network.__name__)") == (
        "Detector load_network"
    )


def test_without_pytorch_every_listed_name_works():
    program = """
import sys
for name in ("torch", "timm", "safetensors"):
    sys.modules[name] = None  # importing it fails
from salient import *
import salient
print(sorted(salient.__all__))
try:
    salient.load_network
except ModuleNotFoundError as error:
    print(error)
"""
    assert python(program).splitlines() == [
        "['Detector', 'PairSet', 'Result', 'evaluate']",
        "salient.load_network needs torch; in a checkout of salient-sod: pip install '.[torch]'",
    ]


def test_programs_that_use_it_pass_mypy(tmp_path):
    (tmp_path / "program.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", str(tmp_path / "program.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
