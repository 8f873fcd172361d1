"""Several methods in one table: saved maps, checkpoints by name, any ONNX file."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.scored import SIDE, draw_discs, write_grey


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A set, and a network whose description lies next to it."""
    folder = tmp_path_factory.mktemp("methods")
    draw_discs(folder)
    write_grey(folder / "grey.onnx")
    (folder / "grey.yaml").write_text(f"size: {SIDE}\noutput: grey\nstretch: true\n")
    return folder


DISCS = ("dataset=folder", "images=images", "masks=masks", "title=discs", "report_pictures=4")


def test_an_onnx_file_is_a_method_next_to_checkpoints(call, folder):
    networks = ("checkpoint={fast: fast, same: fast}", "engine=onnx", "onnx={grey: grey.onnx}")
    done = call(folder, "eval", *DISCS, *networks, "save_maps=true", "output=out")
    results = json.loads((folder / "out/results.json").read_text())
    fast, same, grey = results["rows"]
    assert [row["method"] for row in results["rows"]] == ["fast", "same", "grey"]
    assert fast | {"method": "same"} == same and grey["max_f"] > 0.9
    assert results["networks"]["grey"]["size"] == SIDE
    assert "grey: grey.onnx at 32 px (pillow) by onnxruntime fp32." in done.stdout
    assert len(list((folder / "out/maps/grey/discs").iterdir())) == 4
    assert "SHA-256 of grey" in (folder / "out/report.html").read_text()
    saved = "predictions={again: out/maps/grey}"
    described = f"onnx={{grey: {{file: grey.onnx, size: {SIDE}, output: 1, stretch: true}}}}"
    call(folder, "eval", *DISCS, saved, described, "report_pictures=0", "output=two")
    rows = json.loads((folder / "two/results.json").read_text())["rows"]
    assert all(row | {"method": "grey"} == grey for row in rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("onnx={grey: absent.onnx}",), "no ONNX file absent.onnx"),
        (("onnx={grey: {size: 32}}",), "onnx.grey: missing file"),
        (("onnx={a/b: grey.onnx}",), "a method's name must"),
        (("predictions={grey: masks}", "onnx={grey: grey.onnx}"), "two methods are called grey"),
    ],
)
def test_a_method_that_is_none_is_refused(call, folder, options, message):
    done = call(folder, "eval", *DISCS, *options, "output=no", fails=True)
    assert message in done.stderr and "Traceback" not in done.stderr
