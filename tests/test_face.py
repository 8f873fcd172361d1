"""What `import salient` offers: its names, in every install. Their types: face_types.py."""

from __future__ import annotations

import subprocess
import sys

import salient
from tests.fixtures.commands import ROOT


def python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_public_names_are_listed_and_there():
    assert {"Detector", "Result", "load_network", "save_network", "pipeline"} <= set(dir(salient))
    for name in salient.__all__:
        assert getattr(salient, name) is not None
    names: dict[str, object] = {}
    exec("from salient import *", names)
    assert set(salient.__all__) <= names.keys()


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
