"""`salient doctor`: the machine, the packages, the weights, and whether sets are in order."""

from __future__ import annotations

import json
import re
import shutil


def test_doctor_says_what_is_there(call, sample_root, tmp_path):
    """It only reads, also where it is asked for the sample, and names the sets in one line."""
    (tmp_path / "photo.jpg").touch()
    shown = call(tmp_path, "doctor").stdout
    assert "computes      on" in shown and "best.safetensors" in shown
    assert "no sets       in data: DUTS-TR, DUTS-TE" in shown and "[dev]" not in shown
    assert re.search(r"\nsample +32( +0){8}", call(tmp_path, "doctor", "dataset=sample").stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
    (tmp_path / "SOD").symlink_to(sample_root / "sample/test")
    shown = call(tmp_path, "doctor", "data_root=.", fails=True).stdout
    assert "SOD           NOT IN ORDER: 32 of 300 pairs" in shown


def test_doctor_reads_the_sets_that_are_named(call, sample_root, tmp_path):
    shutil.copytree(sample_root / "sample", tmp_path / "sample")
    root = f"data_root={tmp_path}"
    done = call(tmp_path, "doctor", root, "dataset=[sample,sod]", "json=found/doctor.json")
    assert re.search(r"\nset +pairs +alone +damaged", done.stdout)
    assert re.search(r"\nsample +32( +0){8} +\d+ +0 +\d", done.stdout)
    assert "not there: SOD: no folders" in done.stdout
    found = json.loads((tmp_path / "found/doctor.json").read_text())
    assert found["sets"]["sample"]["pairs"] == 32 and "missing" in found["sets"]["SOD"]
    assert "best.safetensors, 320 px" in found["detects with"]
    mask = sorted((tmp_path / "sample/test/masks").iterdir())[0]
    mask.write_bytes(mask.read_bytes()[:50])
    copy = tmp_path / "sample/train/images" / "copy.png"
    copy.write_bytes(sorted((tmp_path / "sample/test/images").iterdir())[1].read_bytes())
    other = sorted((tmp_path / "sample/test/masks").iterdir())[1]
    (tmp_path / "sample/train/masks/copy.png").write_bytes(other.read_bytes())
    folder = tmp_path / "sample/train"
    named = ("dataset=[folder,sample]", "title=mine", f"images={folder}/images")
    done = call(tmp_path, "doctor", root, *named, f"masks={folder}/masks", fails=True)
    assert f"sample: SPOILS A RUN: {mask}: not a readable picture" in done.stdout
    assert f"mine: 1 pictures are in sample too: copy = {other.stem}" in done.stdout
    assert "SPOILS" in call(tmp_path, "doctor", root, "dataset=sample", fails=True).stdout
    call(tmp_path, "doctor", root, "dataset=sod", fails=True)  # nothing is there
