"""The blocks of docs/scale.md run as printed, on a few pictures; BLOCKS says how, or why not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from salient.sample.draw import draw_pair
from salient.scale.rows import RowDetector
from tests.fixtures.commands import ENVIRONMENT, ROOT

PAGE = (ROOT / "docs/scale.md").read_text()
# How each block is recognised and run, in the order of the page.
BLOCKS = {
    "manifest=maps.jsonl": "shell",
    "overwrite=skip": "shell",
    "shard=1/2": "shell",
    "salient manifest": "shell",
    "#SBATCH": "array",
    "s3://": "no: needs a bucket; tests/detection/test_remote.py uses memory://",
    "ray.data.read_binary_files": "detect.py",
    "python detect.py": "ray",
    "num_gpus=0.5": "no: needs a GPU; tests/scale/test_ray.py has a Pool of CPUs",
    "find_set": "ray",
    "pandas_udf": "spark",
    "benchmarks.scale": "no: takes long; tests/test_benchmarks.py runs it with few pictures",
}


def blocks() -> list[str]:
    """The indented blocks of the page, without the indent."""
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", PAGE, re.MULTILINE)
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in found]


def of_kind(*kinds: str) -> list[str]:
    return [block for block, kind in zip(blocks(), BLOCKS.values()) if kind in kinds]


@pytest.fixture
def photos(tmp_path):
    """A working folder with `photos`, and `salient` and `python` on its path."""
    (tmp_path / "photos").mkdir()
    for index in range(4):
        Image.fromarray(draw_pair("test", index)[0]).save(tmp_path / f"photos/{index}.png")
    (tmp_path / "bin").mkdir()
    for name, arguments in {"salient": "-m salient", "python": ""}.items():
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        script.chmod(0o755)
    return tmp_path


def shell(folder: Path, script: str, **variables: str) -> str:
    path = f"{folder}/bin:{os.environ['PATH']}"
    environment = os.environ | ENVIRONMENT | {"PATH": path, "RAY_worker_niceness": "0"} | variables
    arguments = ["bash", "-e", "-c", script]
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expected(folder: Path, **options) -> dict[str, bytes]:
    """What `predict` writes, by the name of the picture."""
    files = sorted((folder / "photos").iterdir())
    made = RowDetector("best", device="cpu", **options)(file.read_bytes() for file in files)
    return {file.stem: one.content for file, one in zip(files, made)}


def maps_in(folder: Path) -> dict[str, bytes]:
    return {file.stem: file.read_bytes() for file in (folder / "maps").iterdir()}


def test_every_block_of_the_page_is_known():
    for block, sign in zip(blocks(), BLOCKS, strict=True):
        assert sign in block


def test_the_first_block_writes_the_maps(photos, call):
    (line, *_) = of_kind("shell")
    verb, *arguments = line.split()[1:]
    call(photos, verb, *arguments)
    assert maps_in(photos) == expected(photos)


@pytest.mark.slow
def test_shell_blocks_run(photos):
    for block in of_kind("shell"):
        if "shard=1/2" in block:
            shell(photos, "rm -rf maps")
        said = shell(photos, block)
    assert "4 pictures: 4 files" in said
    assert maps_in(photos) == expected(photos)
    (script,) = of_kind("array")
    shell(photos, "rm -r maps parts")
    for task in "12":
        names = dict(ID=task, MIN="1", MAX="2", COUNT="2")
        shell(photos, script, **{f"SLURM_ARRAY_TASK_{k}": v for k, v in names.items()})
    assert "4 pictures: 4 files" in shell(photos, "salient manifest parts/*.jsonl")


@pytest.mark.slow
def test_blocks_for_ray_run(photos, sample_root):
    pytest.importorskip("ray", reason="Ray is not installed: pip install .[ray]")
    import pyarrow.parquet

    (photos / "detect.py").write_text(of_kind("detect.py")[0])
    run, scoring = of_kind("ray")
    shell(photos, run)
    rows = pyarrow.parquet.read_table(photos / "maps").to_pylist()
    assert {Path(row["path"]).stem: row["map"] for row in rows} == expected(photos, mode="cutout")
    (photos / "data").symlink_to(sample_root)
    (photos / "score.py").write_text(scoring)
    assert "'mae': 0.0" in shell(photos, "python score.py")


@pytest.mark.slow
def test_the_block_for_spark_runs(photos):
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    import pyarrow.parquet

    (photos / "detect.py").write_text(of_kind("spark")[0])
    shell(photos, "python detect.py", PYSPARK_PYTHON=sys.executable)
    rows = pyarrow.parquet.read_table(photos / "maps").to_pylist()
    assert {Path(row["path"]).stem: row["map"] for row in rows} == expected(photos)
