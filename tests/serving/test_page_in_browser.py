"""The page as a visitor has it: opened in Chromium, everything clicked, at two widths."""

from __future__ import annotations

import re

import numpy as np
import pytest

from salient.serving.studio import Studio
from tests.fixtures.browsers import WIDTHS, open_browser
from tests.fixtures.photos import EVIL_NAME, as_file, draw_disc, read_file
from tests.fixtures.servers import running_server

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
pytest.importorskip("gradio", reason="no test of the page: pip install '.[demo]'")
pytestmark = pytest.mark.xdist_group("browser")
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def browser():
    with open_browser(*CAMERA) as opened:
        yield opened


@pytest.fixture(scope="module")
def server():
    with running_server(Studio({"fast": "fast", "best": "best"}, 3, 4, "cpu"), 1) as running:
        yield running


@pytest.fixture(params=list(WIDTHS))
def page(request, browser, server):
    """The open page; afterwards nothing was asked of the network, executed, or kept on the disk."""
    width, height = WIDTHS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        permissions=["camera", "clipboard-read", "clipboard-write"],
    )
    opened, wrong, requests = context.new_page(), [], []
    opened.set_default_timeout(20_000)
    opened.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    opened.on(
        "dialog", lambda dialog: (wrong.append(f"executed: {dialog.message}"), dialog.accept())
    )
    opened.on("request", lambda asked: requests.append(asked.url))
    opened.goto(server.address)
    opened.wait_for_selector("#results figure")
    yield opened
    wide, screen = opened.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= screen
    context.close()
    own = (server.address, f"blob:{server.address}", "data:")
    assert wrong == [] and [url for url in requests if not url.startswith(own)] == []
    assert not any(url.endswith((".woff2", ".woff", ".ttf")) for url in requests)
    assert server.files() == []


def give(page, content, name="disc.png", waits="#results img"):
    page.set_input_files(
        "input[type=file]", {"name": name, "mimeType": "image/png", "buffer": content}
    )
    page.wait_for_selector(waits)


def cutout(page, *parts):
    """The address of the cut-out, once it holds all the parts."""
    test = "parts => parts.every(p => document.querySelector('.cutout img')?.src.includes(p))"
    page.wait_for_function(test, arg=list(parts))
    return page.get_attribute("#results .cutout img", "src")


def test_everything_that_can_be_clicked_is_clicked(page):
    page.click("#programs summary")
    origin = page.evaluate("location.origin")
    assert f"curl -F picture=@photo.jpg {origin}/detect/map > map.png" in page.inner_text(
        "#programs"
    )
    give(page, as_file(draw_disc()))
    assert page.inner_text("#status").split("\n") == ["disc.png", "200 × 150, weights fast"]
    assert page.locator("#results img").count() == 4
    for image in page.locator("#results img, #given img").all():
        image.scroll_into_view_if_needed()
        image.evaluate("one => one.decode()")
    page.get_by_label("blur").check()
    cutout(page, "background=blur")
    page.get_by_label("colour", exact=True).check()
    cutout(page, "background=%23ffffff")
    page.click("#settings .dialog-button")
    page.keyboard.press("Escape")
    page.get_by_label("transparent").check()
    cutout(page, "background=transparent")
    for label, value in (("Threshold", "0.3"), ("Feather", "0.1"), ("Smallest part kept", "0.01")):
        field = page.get_by_label(f"number input for {label}")
        field.fill(value)
        field.press("Enter")
        cutout(page, f"={value}")
        page.get_by_label(f"range slider for {label}").press("ArrowRight")
    for button in page.locator("#settings .reset-button").all():
        button.click()
    cutout(page, "threshold=0.5", "feather=0.8", "min_area=0&")
    before = cutout(page)
    page.get_by_label("best").check()
    page.wait_for_function(
        "before => document.querySelector('.cutout img').src !== before",
        arg=page.evaluate("document.querySelector('.cutout img').src"),
    )
    assert "weights best" in page.inner_text("#status") and cutout(page) != before
    page.get_by_label("Crop to the object").check()
    cutout(page, "crop=True")
    with page.context.expect_page() as other:
        page.locator("#results .map a").first.click()
    other.value.close()
    page.get_by_label("Remove Image").click()
    page.wait_for_selector("#results img", state="detached")
    assert page.inner_text("#status").strip() == ""


def test_downloads_are_of_the_full_size(page):
    give(page, as_file(draw_disc(1200, 1600)), EVIL_NAME)
    sizes = {"map": (1200, 1600), "cutout": (1200, 1600, 4), "overlay": (1200, 1600, 3)}
    for mode, shape in (sizes | {"edges": (1200, 1600)}).items():
        with page.expect_download() as download:
            page.click(f"#results .{mode} figcaption a")
        assert re.search(rf"img src.*-{mode}\.png", download.value.suggested_filename)
        assert read_file(download.value.path().read_bytes()).shape == shape


def test_names_are_shown_as_text_and_run_nothing(page):
    give(page, as_file(draw_disc()), EVIL_NAME)
    assert page.inner_text("#status").startswith(EVIL_NAME)
    give(page, b"text", EVIL_NAME, "[role=alert]")
    assert page.inner_text("#status").startswith(f"{EVIL_NAME}: not a readable picture")
    give(page, bytes(2**20 + 1), EVIL_NAME, "[data-testid=toast-body]")
    assert "above max_megabytes=1;" in page.inner_text("[data-testid=toast-body]")
    assert not page.locator("img[src=x]").count()


def test_nothing_stands_out_is_said(page):
    give(page, as_file(np.full((240, 320, 3), (200, 30, 30), np.uint8)), "wall.png")
    assert "Nothing stands out in this picture." in page.inner_text("#status [role=alert]")


def test_a_picture_is_pasted_and_photographed(page):
    page.evaluate(
        """async bytes => {
            const picture = new Blob([new Uint8Array(bytes)], {type: "image/png"});
            await navigator.clipboard.write([new ClipboardItem({"image/png": picture})]);
            const data = new DataTransfer();
            data.items.add(new File([picture], "pasted.png", {type: "image/png"}));
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data}));
        }""",
        list(as_file(draw_disc())),
    )
    page.wait_for_selector("#results img")
    assert page.inner_text("#status").startswith("pasted.png")
    page.get_by_label("Remove Image").click()
    page.wait_for_selector("#results img", state="detached")
    page.get_by_label("Capture from camera").click()
    page.get_by_text("Click to Access Webcam").click()
    page.get_by_label("capture photo").click()
    page.wait_for_selector("#results img")
    assert page.inner_text("#status").startswith("image.png")


def test_a_page_that_is_left_is_forgotten(browser, server):
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.address)
    page.wait_for_selector("#results figure")
    give(page, as_file(draw_disc()), "left.png")
    assert any(seen.name == "left.png" for seen in server.studio._held.values())
    context.close()
    from time import sleep

    for _ in range(200):
        if not any(seen.name == "left.png" for seen in server.studio._held.values()):
            return
        sleep(0.1)
    pytest.fail("it is still held")
