"""The server as programs use it, and as somebody would who wants this machine's files."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from salient import Detector
from salient.detection.cutout import Cutout
from salient.detection.modes import MODES
from salient.serving import page
from salient.serving.studio import Studio
from tests.fixtures.photos import EVIL_NAME, as_file, draw_disc, read_file
from tests.fixtures.servers import running_server

pytest.importorskip("gradio", reason="no test of the server: pip install '.[demo]'")
httpx = pytest.importorskip("httpx")
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def server():
    page.UNREAD = (1, 1)
    studio = Studio({"fast": "fast"}, 0.2, 2, "cpu", "fp32")
    with running_server(studio, 1) as running:
        yield running


def post(server, mode, content, name="photo.png", **form):
    files = {"picture": (name, content)}
    return httpx.post(f"{server.address}/detect/{mode}", files=files, data=form, timeout=60)


def test_every_mode_answers_with_what_the_detector_makes(server):
    disc = draw_disc()
    maps = next(iter(Detector.load("fast", "cpu", "fp32").detect([disc])))
    for mode, draw in MODES.items():
        answer = post(server, mode, as_file(disc))
        assert answer.status_code == 200 and answer.headers["stands-out"] == "true"
        np.testing.assert_array_equal(read_file(answer.content), draw(disc, *maps))
    made = Cutout("1,2,3", 0.4, 0.2, 0.01, True)(disc, *maps)
    form = {"background": "1,2,3", "threshold": 0.4, "feather": 0.2, "min_area": 0.01}
    answer = post(server, "cutout", as_file(disc), **form, crop="true", weights="fast")
    np.testing.assert_array_equal(read_file(answer.content), made)
    plain = np.full((100, 150, 3), (200, 30, 30), np.uint8)
    assert post(server, "map", as_file(plain)).headers["stands-out"] == "false"


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_documented_call_works(server, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(as_file(draw_disc(), "JPEG"))
    command = f"curl -sS -F picture=@photo.jpg {server.address}/detect/map > map.png"
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert Image.open(tmp_path / "map.png").size == (200, 150)


def test_pictures_are_read_as_predict_reads_them(server):
    disc = draw_disc()
    turned, exif = Image.fromarray(np.rot90(disc).copy()), Image.Exif()
    exif[0x0112] = 6
    answer = post(server, "map", as_file(turned, exif=exif))
    assert read_file(answer.content).shape == (150, 200)
    deep = disc[..., 0].astype(np.uint16) * 257
    assert read_file(post(server, "map", as_file(deep)).content).shape == (150, 200)
    clear = np.dstack([disc, np.zeros((150, 200), np.uint8)])
    assert (read_file(post(server, "picture", as_file(clear)).content) == 255).all()


@pytest.mark.parametrize(
    ("content", "status", "line"),
    [
        (b"some text", 400, f"{EVIL_NAME}: not a readable picture (of no format"),
        (b"", 400, f"{EVIL_NAME}: not a readable picture"),
        (as_file(draw_disc())[:-20], 400, f"{EVIL_NAME}: not a readable picture ("),
        (as_file(np.zeros((500, 500, 3), np.uint8)), 413, f"{EVIL_NAME}: 500 x 500 pixels are abo"),
        (bytes(2**20), 413, "above max_megabytes=1;"),
    ],
)
def test_what_is_refused_is_told_in_a_line(server, content, status, line):
    answer = post(server, "map", content, EVIL_NAME.replace('"', ""))
    assert answer.status_code == status and answer.text.startswith(line)
    assert answer.text.count("\n") == 1 and answer.headers["content-type"].startswith("text/plain")


def test_other_mistakes_are_told_too(server):
    disc = as_file(draw_disc())
    assert post(server, "nap", disc).status_code == 404
    assert (
        "weights: 'x' is not valid; there are fast" in post(server, "map", disc, weights="x").text
    )
    assert "'x': unknown" in post(server, "map", disc, x=1).text
    said = httpx.post(f"{server.address}/detect/map", data={"picture": "/etc/passwd"})
    assert said.status_code == 400 and said.text.startswith("picture: missing; curl -F picture=@")
    background = post(server, "cutout", disc, background="/etc/passwd")
    assert background.status_code == 400 and "background: '/etc/passwd' is not" in background.text
    assert httpx.get(f"{server.address}/made/x/map").status_code == 404


def test_a_full_queue_is_told(server, monkeypatch):
    monkeypatch.setattr(server.studio._room, "_value", 0)
    answer = post(server, "map", as_file(draw_disc()))
    assert answer.status_code == 503 and answer.text.startswith("busy: 2 pictures are waiting")


def raw_get(address, path):
    try:
        with urllib.request.urlopen(f"{address}{path}") as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_no_file_of_the_machine_can_be_read(server, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(as_file(draw_disc()))
    for path in (f"{secret}", "/etc/passwd"):
        for route in (
            "gradio_api/file=",
            "file=",
            "gradio_api/file",
            "static/../../..",
            "static/..%2f..%2f..%2f..%2f..%2f..",
            "assets/%2e%2e/%2e%2e",
            "static/",
            "gradio_api/proxy=file://",
            "made/..",
            "?deep_link=../..",
        ):
            status, content = raw_get(server.address, f"/{route}{path}")
            assert b"root:" not in content and content[:4] != b"\x89PNG", route
            assert status >= 400 or route.startswith("?"), route
    for path in (str(secret), "/etc/passwd", "https://example.org/a.png"):
        upload = {"path": path, "meta": {"_type": "gradio.FileData"}}
        for data in ([upload] + [None] * 7, [None] * 7 + [upload]):
            body = {"data": data, "fn_index": 1, "session_hash": "x"}
            answer = httpx.post(f"{server.address}/gradio_api/queue/join", json=body)
            assert answer.status_code == 403
        answer = httpx.post(f"{server.address}/gradio_api/run/see", json={"data": [upload]})
        assert answer.status_code == 404
    assert secret.exists() and server.files() == []


def test_an_upload_that_nobody_reads_is_gone_soon(server):
    answer = httpx.post(
        f"{server.address}/gradio_api/upload", files={"files": ("a.png", as_file(draw_disc()))}
    )
    (path,) = json.loads(answer.text)
    assert str(server.uploads) in path and server.files()
    assert httpx.get(f"{server.address}/gradio_api/file={path}").status_code == 404
    for _ in range(100):
        if not server.files():
            return
        time.sleep(0.1)
    pytest.fail("it is still there")
