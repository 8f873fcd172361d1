"""The page in one file: opened from the disk in Chromium, with the network cut off."""

from __future__ import annotations

import json
import tarfile

import numpy as np
import pytest

from salient import Detector
from salient.serving.offline import (
    ARCHIVE,
    DIGESTS,
    build_offline_page,
    read_model,
    read_runtime,
)
from salient.weights.find import BOX
from tests.fixtures.browsers import WIDTHS, open_browser
from tests.fixtures.npm import onnxruntime_web
from tests.fixtures.pages import give, save, until, watch
from tests.fixtures.photos import as_file, draw_disc

pytest.importorskip("playwright.sync_api", reason="pip install playwright")
ONNX = (BOX / "fast.onnx").read_bytes()


def constants():
    import onnxruntime

    session = onnxruntime.InferenceSession(ONNX, providers=["CPUExecutionProvider"])
    known = session.get_modelmeta().custom_metadata_map
    return {key: json.loads(value) for key, value in known.items()}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return onnxruntime_web(tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="module")
def file(archive, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "detect.html"
    path.write_bytes(build_offline_page(ONNX, constants(), "fast", read_runtime(archive)))
    return path


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture(params=list(WIDTHS))
def page(request, browser, file):
    width, height = WIDTHS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, offline=True, locale="en-GB"
    )
    opened = context.new_page()
    wrong, requests = watch(opened)
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert wrong == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


def test_it_is_small_and_its_policy_is_strict(file):
    content = file.read_bytes()
    assert len(content) < 20e6
    assert read_model(content) == ONNX
    policy = content.split(b'http-equiv="Content-Security-Policy" content="')[1].split(b'"')[0]
    assert policy.startswith(b"default-src 'none'; script-src 'sha256-")
    assert b"unsafe-inline" not in policy and b"unsafe-eval" not in policy.replace(
        b"wasm-unsafe-eval", b""
    )
    assert b"connect-src" not in policy


def test_the_maps_are_the_detectors_within_two_levels(page):
    detector = Detector.load("fast", "cpu", "fp32")
    wide = np.concatenate([draw_disc(260, 500), draw_disc(260, 500)[:, ::-1]], axis=1)
    pictures = [draw_disc(), draw_disc(150, 640), wide]  # larger, one side smaller, and both larger
    give(page, *map(as_file, pictures))
    assert "WebAssembly" in page.inner_text("#status") or "WebGPU" in page.inner_text("#status")
    for number, picture in enumerate(pictures):
        page.locator("#pictures .show").nth(number).click()
        saliency, edge = next(iter(detector.detect([picture])))
        for view, wanted in (("map", saliency), ("edges", edge)):
            page.locator(f"#views input[value={view}]").check()
            drawn = save(page, "#png")[1][..., 0].astype(int)
            assert np.abs(drawn - wanted).max() <= 2, (number, view)


def test_a_cutout_is_made_and_what_is_no_picture_is_said(page):
    give(page, as_file(draw_disc()))
    name, drawn = save(page, "#webp")
    assert name == "disc-cutout.webp" and drawn.shape == (150, 200, 4)
    page.click("#pictures .drop")
    give(page, b"text", name="a.png")
    assert page.inner_text("#alert") == "a.png: this browser cannot read it as a picture"
    until(page, "pictures[0].state === 'failed'")


def test_what_is_not_onnxruntime_web_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"no onnxruntime-web at .*{ARCHIVE}; npm p"):
        read_runtime(tmp_path / ARCHIVE)
    with pytest.raises(FileNotFoundError, match=r"no ort\.webgpu\.bundle\.min\.mjs; npm pack"):
        read_runtime(tmp_path)
    for name in DIGESTS:
        (tmp_path / name).write_bytes(b"else")
    with pytest.raises(ValueError, match=r"is not that of onnxruntime-web 1\.30\.0; npm pack"):
        read_runtime(tmp_path)
    with tarfile.open(tmp_path / ARCHIVE, "w:gz") as archive:
        archive.add(tmp_path / next(iter(DIGESTS)), "other")
    with pytest.raises(ValueError, match="not npm's archive of onnxruntime-web"):
        read_runtime(tmp_path / ARCHIVE)
    (tmp_path / ARCHIVE).write_bytes(b"no archive")
    with pytest.raises(ValueError, match="not npm's archive of onnxruntime-web"):
        read_runtime(tmp_path / ARCHIVE)


def test_a_network_of_another_filter_or_without_a_page_is_refused():
    runtime = dict.fromkeys(DIGESTS, b"")
    with pytest.raises(ValueError, match="a page resizes by area, the network by pillow"):
        build_offline_page(b"", {"resize": "pillow"}, "a", runtime)
    with pytest.raises(ValueError, match="no page with a network inside"):
        read_model(b"<html>")
