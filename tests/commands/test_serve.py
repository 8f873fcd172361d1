"""`salient serve`: what it needs, where it listens, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from salient.commands.serve import choices, listening
from tests.fixtures.commands import ENVIRONMENT


def test_gradio_is_named_with_its_extra(call, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    said = call(tmp_path, "serve", fails=True).stderr
    assert said.startswith("error: salient serve: the package gradio is not installed; in a")
    assert "pip install '.[demo]'" in said and "\n" not in said


def test_a_port_in_use_is_told(call, tmp_path):
    pytest.importorskip("gradio")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = call(tmp_path, "serve", f"port={port}", "checkpoint=fast", fails=True).stderr
    assert said == f"error: port={port} is in use; give another, or port=0 for any that is free"


def test_a_place_that_is_not_here_is_told():
    line = r"host=192\.0\.2\.1 port=0: .*; give another"
    with pytest.raises(ValueError, match=line), listening("192.0.2.1", 0):
        pass


@pytest.mark.parametrize("key", ["port=70000", "queue=-1", "max_megabytes=0", "max_megapixels=x"])
def test_limits_have_bounds(call, tmp_path, key):
    pytest.importorskip("gradio")
    said = call(tmp_path, "serve", key, fails=True).stderr
    assert said.startswith(f"error: {key.split('=')[0]}: ")


def test_the_checkpoint_that_is_given_comes_first():
    assert list(choices(None)) == ["best", "fast"] and list(choices("fast")) == ["fast", "best"]
    assert choices("runs/mine.ckpt") == {"mine": "runs/mine.ckpt", "best": "best", "fast": "fast"}
    assert choices("x/best.safetensors") == {"best": "x/best.safetensors", "fast": "fast"}


@pytest.mark.skipif(sys.platform != "linux", reason="signals")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_leaves_nothing(tmp_path, end):
    pytest.importorskip("gradio")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "salient", "serve", "port=0", "checkpoint=fast"],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = [process.stdout.readline() for _ in range(2)]
    assert "fast.safetensors" in lines[0] and lines[1].startswith("open http://127.0.0.1:")
    assert list(temporary.glob("salient-*"))
    process.send_signal(end)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out.strip(), err) == (0, "ended; nothing was kept", "")
    assert not list(temporary.glob("salient-*"))
