"""`salient serve`: what it needs, where it listens, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from salient.commands.serve import choices
from tests.fixtures.commands import ENVIRONMENT
from tests.fixtures.photos import as_file

NEEDS = pytest.mark.skipif(sys.platform != "linux", reason="signals")


def test_the_packages_are_named_with_their_extra(call, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("salient.serving.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ["starlette", *(name for name in sys.modules if name.startswith("starlette."))]:
        monkeypatch.setitem(sys.modules, name, None)
    said = call(tmp_path, "serve", fails=True).stderr
    assert said.startswith("error: salient serve: the package starlette is not installed; in a")
    assert "pip install '.[serve]'" in said and "\n" not in said


def test_a_port_in_use_is_told(call, tmp_path):
    pytest.importorskip("starlette")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = call(tmp_path, "serve", f"port={port}", "checkpoint=fast", fails=True).stderr
    assert said == f"error: port={port} is in use; give another, or port=0 for any that is free"


def test_a_place_that_is_not_here_is_told():
    pytest.importorskip("starlette")
    from salient.serving.server import listening

    line = r"host=192\.0\.2\.1 port=0: .*; give another"
    with pytest.raises(ValueError, match=line), listening("192.0.2.1", 0):
        pass


def test_an_address_of_version_6_stands_in_brackets():
    pytest.importorskip("starlette")
    from salient.serving.server import address_of, listening

    try:
        with listening("::1", 0) as listener:
            port = listener.getsockname()[1]
            assert address_of("::1", listener) == f"http://[::1]:{port}"
            with socket.create_connection(("::1", port), 5):
                pass
    except ValueError as error:
        pytest.skip(f"no IPv6 here: {error}")


KEYS = ["port=70000", "queue=-1", "max_megabytes=0", "max_megapixels=x", "root_path=salient"]


@pytest.mark.parametrize("key", KEYS)
def test_limits_have_bounds(call, tmp_path, key):
    said = call(tmp_path, "serve", key, fails=True).stderr
    assert re.match(rf"error: {key.split('=')[0]}(:| must) ", said)


def test_the_checkpoint_that_is_given_comes_first():
    assert list(choices(None)) == ["best", "fast"] and list(choices("fast")) == ["fast", "best"]
    assert choices("runs/mine.ckpt") == {"mine": "runs/mine.ckpt", "best": "best", "fast": "fast"}
    assert choices("x/best.safetensors") == {"best": "x/best.safetensors", "fast": "fast"}


@pytest.fixture
def served(tmp_path):
    """`salient serve` as a process of its own; its address, and where it would put files."""
    pytest.importorskip("starlette")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "salient", "serve", "port=0", "checkpoint=fast", "queue=1"],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = [process.stdout.readline() for _ in range(2)]
    assert "fast.safetensors" in lines[0] and lines[1].startswith("open http://127.0.0.1:")
    yield process, lines[1].split()[1], temporary
    process.kill()
    process.communicate(timeout=20)


@NEEDS
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_leaves_nothing(served, end):
    process, _, temporary = served
    process.send_signal(end)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out.strip(), err) == (0, "ended; nothing was kept", "")
    assert not list(temporary.iterdir())


@NEEDS
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_at_once_while_it_is_busy(served, end):
    httpx = pytest.importorskip("httpx")
    process, address, temporary = served
    large = as_file(np.full((4000, 6000, 3), 200, np.uint8))  # 24 megapixels
    answers = []

    def ask():
        form = {"background": "blur"}
        try:
            files = {"picture": large}
            answers.append(
                httpx.post(f"{address}/detect/cutout", files=files, data=form, timeout=90)
            )
        except httpx.HTTPError as error:
            answers.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(600):
        if httpx.get(f"{address}/healthz").json()["working"]:
            break
        time.sleep(0.02)
    time.sleep(0.5)
    assert httpx.get(f"{address}/healthz").json()["working"] == 1
    start = time.monotonic()
    process.send_signal(end)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - start < 4  # 40 seconds once
    asking.join(20)
    assert not list(temporary.iterdir())
    if end != signal.SIGKILL:
        assert (process.returncode, out.strip(), err) == (0, "ended; nothing was kept", "")
        assert (answers[0].status_code, answers[0].text.split(";")[0]) == (
            503,
            "the server is stopping",
        )
