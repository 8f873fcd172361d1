"""What only the page of `salient serve` has: other weights, the server's errors, curl lines."""

from __future__ import annotations

from tests.fixtures.pages import give, save, until
from tests.fixtures.photos import EVIL_NAME, as_file, draw_disc


def test_other_weights_detect_again(page):
    give(page, as_file(draw_disc()))
    assert page.inner_text("#status") == "disc.png\n200 × 150, fast"
    page.locator("#views input[value=map]").check()
    _, before = save(page, "#png")
    page.get_by_label("best").check()
    until(page, "pictures[0].state === 'done'")
    assert page.inner_text("#status") == "disc.png\n200 × 150, best"
    assert (save(page, "#png")[1] != before).any()


def test_the_curl_lines_have_the_servers_address(page):
    page.evaluate("document.querySelector('main').classList.remove('blank')")
    page.click("#programs summary")
    origin = page.evaluate("location.origin")
    line = f"curl -F picture=@photo.jpg {origin}/detect/map > map.png"
    assert page.inner_text("#programs pre").startswith(line)


def test_what_the_server_refuses_is_said(page):
    give(page, b"text", name=EVIL_NAME)
    assert page.inner_text("#alert").startswith(f"{EVIL_NAME}: not a readable picture")
    page.click("#pictures .drop")
    give(page, bytes(3 * 2**20 + 1), name="large.png")
    assert page.inner_text("#alert").startswith("above max_megabytes=3; make the picture")
    assert not page.locator("img[src=x]").count()


def test_formats_that_the_browser_cannot_read_are_read_by_the_server(page):
    give(page, as_file(draw_disc(), "TIFF"), name="disc.tif")
    assert page.inner_text("#status").startswith("disc.tif\n200 × 150")
    assert save(page, "#png")[1].shape == (150, 200, 4)
