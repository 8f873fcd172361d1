"""The server of `salient serve`, and its page open in Chromium at two widths."""

from __future__ import annotations

import pytest

from salient.serving.networks import Networks
from tests.fixtures.browsers import WIDTHS, open_browser
from tests.fixtures.pages import watch

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def browser():
    with open_browser(*CAMERA) as opened:
        yield opened


@pytest.fixture(scope="module")
def address():
    pytest.importorskip("starlette", reason="no test of the page: pip install '.[serve]'")
    from tests.fixtures.servers import running_server

    networks = Networks({"fast": "fast", "best": "best"}, "cpu", "fp32")
    with running_server(networks, 3, 3, 4) as running:
        yield running.address


@pytest.fixture(scope="session")
def networks():
    return Networks({"fast": "fast"}, "cpu", "fp32")


@pytest.fixture
def server(networks):
    """A server that also answers to a host's name."""
    from tests.fixtures.servers import running_server

    with running_server(networks, 1, 0.2, 2, allowed_hosts=("pictures.example",)) as running:
        yield running


@pytest.fixture(params=list(WIDTHS))
def page(request, browser, address):
    """The open page; afterwards nothing was asked of the network, executed, or wider than it."""
    width, height = WIDTHS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, permissions=["camera"], locale="en-GB"
    )
    opened = context.new_page()
    wrong, requests = watch(opened)
    opened.goto(address)
    yield opened
    wide, screen = opened.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= screen
    context.close()
    own = (address, "blob:", "data:")
    assert wrong == [] and [url for url in requests if not url.startswith(own)] == []
