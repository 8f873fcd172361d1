"""The HTTP API as programs use it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from salient import Detector
from salient.detection.cutout import Cutout
from salient.detection.modes import MODES
from salient.serving.networks import Networks
from tests.fixtures.commands import ROOT
from tests.fixtures.photos import EVIL_NAME, as_file, draw_disc, read_file

pytest.importorskip("starlette", reason="no test of the server: pip install '.[serve]'")
pytest.importorskip("python_multipart")
httpx = pytest.importorskip("httpx")
from tests.fixtures.servers import running_server  # noqa: E402

PAGE = ROOT / "docs/use/web-page.md"


@pytest.fixture(scope="module")
def server():
    networks = Networks({"fast": "fast"}, "cpu", "fp32")
    with running_server(networks, 1, 0.2, 2) as running:
        yield running


def post(server, mode, content, name="photo.png", query="", headers=None, **form):
    files = {"picture": (name, content)}
    address = f"{server.address}/detect/{mode}{query}"
    return httpx.post(address, files=files, data=form, headers=headers, timeout=60)


def test_every_mode_answers_with_what_the_detector_makes(server):
    disc = draw_disc()
    maps = next(iter(Detector.load("fast", "cpu", "fp32").detect([disc])))
    for mode, draw in MODES.items():
        answer = post(server, mode, as_file(disc))
        assert answer.status_code == 200 and answer.headers["stands-out"] == "true"
        assert answer.headers["cache-control"] == "no-store"
        np.testing.assert_array_equal(read_file(answer.content), draw(disc, *maps))
    made = Cutout("1,2,3", 0.4, 0.2, 0.01, True)(disc, *maps)
    form = {"background": "1,2,3", "threshold": 0.4, "feather": 0.2, "min_area": 0.01}
    answer = post(server, "cutout", as_file(disc), **form, crop="true", weights="fast")
    np.testing.assert_array_equal(read_file(answer.content), made)
    layers = read_file(post(server, "layers", as_file(disc)).content)
    np.testing.assert_array_equal(layers, np.dstack([*maps, np.full_like(maps[0], 255)]))
    plain = np.full((100, 150, 3), (200, 30, 30), np.uint8)
    assert post(server, "map", as_file(plain)).headers["stands-out"] == "false"


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
@pytest.mark.parametrize("line", re.findall(r"^ +(curl .+)", PAGE.read_text(), re.MULTILINE))
def test_the_documented_calls_work(server, tmp_path, line):
    (tmp_path / "photo.jpg").write_bytes(as_file(draw_disc(), "JPEG"))
    command = line.replace("http://127.0.0.1:7860", server.address)
    subprocess.run(f"set -e; {command}", shell=True, cwd=tmp_path, check=True)
    output = shlex.split(line)[-1]
    if output.endswith(".png"):
        assert Image.open(tmp_path / output).size[1] <= 150


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


def test_settings_may_stand_in_the_query_and_the_picture_be_the_whole_body(server):
    disc = as_file(draw_disc())
    wanted = post(server, "cutout", disc, background="red", crop="true").content
    query = "?background=red&crop=true&weights=fast"
    assert post(server, "cutout", disc, query=query).content == wanted
    address = f"{server.address}/detect/cutout{query}"
    for kind in ("image/png", "application/octet-stream", "application/x-www-form-urlencoded"):
        answer = httpx.post(address, content=disc, headers={"content-type": kind}, timeout=60)
        assert answer.content == wanted, answer.text
    for query, line in {
        "?weights=best": "weights: 'best' is not valid; there are fast\n",
        "?tresh=1": "'tresh': unknown; there are background, threshold, feather, min_area, crop\n",
        "?crop=true&crop=false": "a setting is given twice\n",
    }.items():
        answer = post(server, "map", disc, query=query)
        assert (answer.status_code, answer.text) == (400, line)
    assert post(server, "map", disc, query="?crop=true", crop="false").status_code == 400


@pytest.mark.parametrize(
    ("content", "status", "line"),
    [
        (b"some text", 400, f"{EVIL_NAME}: not a readable picture (in none of"),
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
    answer = post(server, "map", content, EVIL_NAME, headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code == status and told["detail"].startswith(line)


def test_other_mistakes_are_told_too(server):
    disc = as_file(draw_disc())
    assert post(server, "nap", disc).status_code == 404
    said = post(server, "map", disc, weights="x").text
    assert "weights: 'x' is not valid; there are fast" in said
    assert "'x': unknown" in post(server, "map", disc, x=1).text
    said = httpx.post(f"{server.address}/detect/map", data={"picture": "/etc/passwd"})
    assert said.status_code == 400 and said.text.startswith("picture: missing; curl -F picture=@")
    background = post(server, "cutout", disc, background="/etc/passwd")
    assert background.status_code == 400 and "background: '/etc/passwd' is not" in background.text
    broken = {"content-type": "multipart/form-data"}
    assert (
        httpx.post(f"{server.address}/detect/map", content=disc, headers=broken).status_code == 400
    )
    got = httpx.get(f"{server.address}/detect/map")
    assert got.status_code == 405 and got.headers["allow"] == "POST"
    example = f"curl -F picture=@photo.jpg {server.address}/detect/map > map.png\n"
    assert got.text == f"send a picture by POST; {example}"
    assert httpx.put(f"{server.address}/detect/map").status_code == 405


def test_health_and_places_are_told(server):
    told = httpx.get(f"{server.address}/healthz").json()
    assert told.pop("version")
    assert told == {"status": "ok", "weights": ["fast"], "working": 0, "waiting": 0}
    assert httpx.get(f"{server.address}/queue/a-ticket").json() == {"place": None}
    assert httpx.get(f"{server.address}/healthz?x=1").status_code == 400
    answer = post(server, "map", as_file(draw_disc()), headers={"Ticket": "no"})
    assert answer.status_code == 400 and answer.text.startswith("Ticket: give 8 to 64")


def test_the_api_describes_itself(server):
    api = httpx.get(f"{server.address}/openapi.json").json()
    assert api["openapi"].startswith("3.1") and api["servers"] == [{"url": "/"}]
    post_of = api["paths"]["/detect/{mode}"]["post"]
    assert set(MODES) < set(post_of["parameters"][0]["schema"]["enum"])
    form = post_of["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert form["weights"]["default"] == "fast"
    disc = as_file(draw_disc())
    for name in form.keys() - {"picture", "weights"}:  # every setting is known
        assert "unknown" not in post(server, "cutout", disc, **{name: "0.5"}).text
    try:
        from openapi_spec_validator import validate
    except ImportError:
        json.dumps(api)
    else:
        validate(api)


def test_the_page_can_be_left_out_and_everything_is_shown_under_a_path(server):
    assert httpx.get(server.address).headers["content-type"].startswith("text/html")
    options = {"page": False, "root_path": "/salient/", "allowed_hosts": ("a.example",)}
    with running_server(server.service.networks, 1, 0.2, 2, **options) as other:
        assert httpx.get(other.address).status_code == 404
        for path in ("/healthz", "/salient/healthz"):  # whether the proxy cuts it off or not
            assert httpx.get(f"{other.address}{path}").json()["status"] == "ok"
        assert httpx.get(f"{other.address}/openapi.json").json()["servers"] == [{"url": "/salient"}]
        said = httpx.get(f"{other.address}/detect/map", headers={"Host": "a.example"}).text
        assert "curl -F picture=@photo.jpg http://a.example/salient/detect/map" in said
