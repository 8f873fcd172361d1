"""The wheel of this checkout: what it brings, and that it works from another folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.commands import ENVIRONMENT, ROOT

TEXTS = ("salient", "tests", "docs", "configs", "benchmarks", ".github", "data")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel of this checkout, unpacked: what `pip install .` brings."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
    )
    for name in files.stdout.splitlines():
        if name.startswith(("salient/", "configs/")) or "/" not in name:
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                target.write_bytes((ROOT / name).read_bytes())
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *build, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    lend_compiled_loops(ROOT / "salient/metrics", folder / "site/salient/metrics")
    return folder / "site"


def lend_compiled_loops(source: Path, target: Path) -> None:
    """What numba compiled of the same bytes: without it, it would compile them for 20 seconds."""
    assert (source / "kernels.py").read_bytes() == (target / "kernels.py").read_bytes()
    (target / "__pycache__").mkdir(exist_ok=True)
    for compiled in source.glob("__pycache__/*.nb?"):
        shutil.copy(compiled, target / "__pycache__")
    shutil.copystat(source / "kernels.py", target / "kernels.py")  # numba looks at its time


def test_the_wheel_brings_configs_weights_and_types(installed):
    names = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    configs = {str(path.relative_to(ROOT)) for path in (ROOT / "configs").rglob("*.yaml")}
    assert {f"salient/{name}" for name in configs} <= names
    assert {f"salient/weights/box/{name}.safetensors" for name in ("best", "fast")} <= names
    assert not any(name.startswith(("tests", "benchmarks", "configs")) for name in names)
    (scripts,) = installed.glob("*.dist-info/entry_points.txt")
    assert "salient = salient.cli.main:main" in scripts.read_text()


def test_it_detects_and_scores_from_another_folder(installed, tmp_path):
    picture = np.full((60, 80, 3), 90, np.uint8)
    picture[20:40, 30:50] = (220, 60, 40)
    Image.fromarray(picture).save(tmp_path / "photo.png")
    program = "from salient.cli.main import main; main()"
    for arguments in (
        ("predict", "input=photo.png", "output=maps"),
        ("eval", "dataset=sample", "checkpoint=fast", "output=out", "workers=0"),
    ):
        subprocess.run(
            [sys.executable, "-P", "-c", program, *arguments],
            cwd=tmp_path,
            env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(installed)},
            check=True,
            capture_output=True,
        )
    with Image.open(tmp_path / "maps/photo.png") as image:
        assert image.size == (80, 60)
    assert {"maps", "out", "data", "photo.png"} == {path.name for path in tmp_path.iterdir()}


def test_nobody_is_sent_to_the_package_of_somebody_else():
    """`salient` on PyPI is another project: what we install is DISTRIBUTION, from a checkout."""
    wrong = re.compile(r"pip3? install[^\n]*?['\" ]salient(\[|['\"\s]|$)")
    assert wrong.search("pip install 'salient[video]'") and wrong.search("pip install salient\n")
    for file in (*ROOT.glob("*"), *(f for d in TEXTS for f in (ROOT / d).rglob("*"))):
        if file.suffix in (".py", ".md", ".toml", ".yaml", ".yml", ".ipynb", ".txt", ".html"):
            assert file == Path(__file__) or not wrong.search(file.read_text()), file
