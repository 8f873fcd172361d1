"""The page as a visitor has it: opened in Chromium, every control used, at two widths."""

from __future__ import annotations

import numpy as np
import pytest

from salient import Detector
from salient.detection.cutout import Cutout
from salient.detection.modes import MODES
from tests.fixtures.pages import give, give_two_parts, save, until, wait_for, watch
from tests.fixtures.photos import EVIL_NAME, as_file, draw_disc

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")


def two_discs():
    """A large disc on the left, a small one on the right."""
    return np.concatenate([draw_disc(200, 200), draw_disc(200, 120)], axis=1)


def test_each_view_is_downloaded_as_the_detector_and_predict_draw_it(page):
    disc = two_discs()
    maps = next(iter(Detector.load("fast", "cpu", "fp32").detect([disc])))
    page.get_by_label("fast").check() if page.get_by_label("fast").count() else None
    give(page, as_file(disc))
    assert page.inner_text("#status").startswith("disc.png\n320 × 200")
    assert page.inner_text("#alert") == ""
    for view in ("map", "overlay", "edges", "mask", "cutout"):
        page.locator(f"#views input[value={view}]").check()
        name, drawn = save(page, "#png")
        assert name == f"disc-{view}.png" and drawn.shape == (200, 320, 4)
        wanted = MODES[view](disc, *maps)
        if view == "cutout":
            np.testing.assert_allclose(drawn[..., 3].astype(int), wanted[..., 3], atol=4)
            solid = wanted[..., 3] > 250
            np.testing.assert_allclose(
                drawn[solid][:, :3].astype(int), wanted[solid][:, :3], atol=3
            )
            continue
        wanted = wanted if wanted.ndim == 3 else np.repeat(wanted[..., None], 3, axis=2)
        off = np.abs(drawn[..., :3].astype(int) - wanted)
        tolerance = {"map": 2, "edges": 2, "overlay": 12, "mask": 255}[view]
        assert off.max() <= tolerance and (off > 2).mean() < 0.01, view


def test_settings_change_the_cutout(page):
    disc = two_discs()
    maps = next(iter(Detector.load("fast", "cpu", "fp32").detect([disc])))
    give(page, as_file(disc))
    page.get_by_label("colour", exact=True).check()
    page.fill("#colour", "#0a141e")
    for name, value in (("threshold", "0.4"), ("feather", "0.2"), ("min_area", "0.1")):
        page.locator(f"#{name}").fill(value)
        assert page.locator(f"label:has(#{name}) output").inner_text() == value
    page.get_by_label("Crop to the object").check()
    _, drawn = save(page, "#png")
    wanted = Cutout("10,20,30", 0.4, 0.2, 0.1, True)(disc, *maps)
    assert abs(np.subtract(drawn.shape[:2], wanted.shape[:2])).max() <= 1
    assert tuple(drawn[0, 0]) == (10, 20, 30, 255)
    name, webp = save(page, "#webp")
    assert name == "disc-cutout.webp" and webp.shape[:2] == drawn.shape[:2]
    page.get_by_label("blurred").check()
    _, blurred = save(page, "#png")
    assert (blurred[..., 3] == 255).all() and tuple(blurred[0, 0]) != (10, 20, 30, 255)
    page.locator("#threshold").fill("0.99")
    page.locator("#feather").fill("0")
    page.locator("#min_area").fill("0.2")
    assert page.inner_text("#alert") == "The cut-out is empty: these settings remove everything."


def alpha_of(page):
    page.locator("#views input[value=cutout]").check()
    return save(page, "#png")[1][..., 3] > 128


def test_a_part_is_erased_and_kept_by_a_click_and_by_the_list(page):
    give_two_parts(page)
    whole = alpha_of(page)
    left, right = whole[:, :200].any(), whole[:, 200:].any()
    assert left and right
    page.evaluate("slide(0)")

    def click(x, **options):
        box = page.locator("#after").bounding_box()
        page.mouse.move(0, 0)
        position = {"x": box["width"] * x / 320, "y": box["height"] / 2}
        page.locator("#after").click(position=position, **options)

    click(100)
    erased = alpha_of(page)
    assert not erased[:, :200].any() and erased[:, 200:].any()
    click(100)
    np.testing.assert_array_equal(alpha_of(page), whole)
    click(260, modifiers=["Shift"])  # this one alone
    np.testing.assert_array_equal(alpha_of(page), erased)
    page.click("#undo")
    np.testing.assert_array_equal(alpha_of(page), whole)
    first = page.locator("#parts button").first
    assert first.get_attribute("aria-pressed") == "true"
    first.click()
    np.testing.assert_array_equal(alpha_of(page), erased)
    assert page.locator("#parts button").first.get_attribute("aria-pressed") == "false"
    page.click("#reset")
    np.testing.assert_array_equal(alpha_of(page), whole)
    assert page.is_disabled("#reset") and page.is_enabled("#undo")


def test_several_pictures_are_shown_downloaded_and_removed(page):
    give(page, as_file(draw_disc()), as_file(two_discs()), as_file(draw_disc(300, 300)))
    assert page.locator("#pictures .show").count() == 3
    assert page.inner_text("#status").startswith("disc.png\n200 × 150")
    page.get_by_label("Show 2-disc.png").click()
    assert page.inner_text("#status").startswith("2-disc.png\n300 × 300")
    downloads = []
    page.on("download", lambda one: downloads.append(one))
    page.click("#all")
    wait_for(page, lambda: len(downloads) == 3)
    assert sorted(one.suggested_filename for one in downloads) == [
        "1-disc-cutout.png",
        "2-disc-cutout.png",
        "disc-cutout.png",
    ]
    page.get_by_label("Remove 2-disc.png").click()
    assert page.inner_text("#status").startswith("1-disc.png")
    for _ in range(2):
        page.locator("#pictures .drop").first.click()
    assert page.inner_text("#status") == "" and page.is_hidden("#results")


def test_the_slider_divides_before_and_after(page):
    give(page, as_file(draw_disc()))
    page.locator("#slider").fill("20")
    assert page.evaluate("getComputedStyle(after).clipPath") == "inset(0px 0px 0px 20%)"
    stage, line = page.evaluate(
        "[after.getBoundingClientRect(), parseFloat(getComputedStyle(stage, '::after').left)"
        " + stage.getBoundingClientRect().left]"
    )
    assert abs(stage["x"] + 0.2 * stage["width"] - line) < 1.5


def test_every_key_does_what_the_list_says(page):
    choosers = []
    page.on("filechooser", lambda one: choosers.append(one))
    give_two_parts(page)
    give(page, as_file(draw_disc()), name="1-disc.png")
    page.keyboard.press("PageUp")
    page.click("#keys >> xpath=..")
    assert page.locator("#keys dt").count() == 7 and page.locator("#keys dd").count() == 7
    for key, view in zip("54321", ("mask", "edges", "overlay", "map", "cutout")):
        page.keyboard.press(key)
        assert page.locator(f"#views input[value={view}]").is_checked()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#slider").input_value() == "45"
    page.keyboard.press("ArrowRight")
    assert page.locator("#slider").input_value() == "50"
    page.locator("#parts button").first.click()
    page.keyboard.press("z")
    assert page.is_disabled("#undo")
    page.keyboard.press("PageDown")
    assert page.inner_text("#status").startswith("1-disc.png")
    page.keyboard.press("PageUp")
    assert page.inner_text("#status").startswith("disc.png")
    with page.expect_download():
        page.keyboard.press("s")
    page.keyboard.press("o")
    wait_for(page, lambda: choosers)
    page.keyboard.press("Delete")
    assert page.locator("#pictures .show").count() == 1


def test_names_are_shown_as_text_and_run_nothing(page):
    give(page, as_file(draw_disc()), name=EVIL_NAME)
    assert page.inner_text("#status").startswith(EVIL_NAME)
    assert not page.locator("img[src=x]").count()


def test_nothing_stands_out_is_said(page):
    give(page, as_file(np.full((240, 320, 3), (200, 30, 30), np.uint8)), name="wall.png")
    assert page.inner_text("#alert") == "Nothing stands out in this picture."
    assert page.locator("#alert").get_attribute("role") == "alert"


def test_a_picture_is_dropped_and_pasted(page):
    for name, place in (("DragEvent", "dataTransfer"), ("ClipboardEvent", "clipboardData")):
        page.evaluate(
            """([bytes, name, place]) => {
                const data = new DataTransfer();
                const content = new Uint8Array(bytes);
                data.items.add(new File([content], `${place}.png`, {type: "image/png"}));
                const kind = name === "DragEvent" ? "drop" : "paste";
                document.dispatchEvent(new window[name](kind, {[place]: data, bubbles: true}));
            }""",
            [list(as_file(draw_disc())), name, place],
        )
        until(page, "pictures.at(-1).state === 'done'")
        assert page.inner_text("#status").startswith(f"{place}.png")


def test_the_camera_takes_a_picture(page):
    page.click("#camera")
    wait_for(page, lambda: page.evaluate("document.querySelector('video').videoWidth > 0"))
    page.click("#shoot")
    until(page, "pictures[0].state === 'done'")
    assert page.inner_text("#status").startswith("photo.png") and page.is_hidden("#photo")
    assert page.evaluate("document.querySelector('video').srcObject") is None
    page.click("#camera")
    page.click("#close")
    assert page.is_hidden("#photo") and page.locator("#pictures .show").count() == 1


def test_everything_has_a_name_for_those_who_do_not_see_it(page):
    give(page, as_file(draw_disc()))
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, canvas, section, dialog, ul, ol")]
            .filter(one => !(one.ariaLabel || one.textContent.trim()
                || one.labels?.[0]?.textContent.trim()) && !one.closest("#pictures .show"))
            .map(one => one.outerHTML)"""
    )
    assert nameless == []
    page.keyboard.press("Tab")  # and can be reached by the keyboard
    assert page.evaluate("document.activeElement.id") == "files"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_speaks_the_browsers_language_and_is_light_or_dark(browser, address, scheme):
    for locale, title in (("zh-CN", "显著目标检测"), ("en-US", "Salient object detection")):
        context = browser.new_context(locale=locale, color_scheme=scheme)
        page = context.new_page()
        wrong, _ = watch(page)
        page.goto(address)
        assert page.title() == page.inner_text("h1") == title
        assert page.get_attribute("html", "lang") == {"z": "zh-CN", "e": "en"}[locale[0]]
        assert page.evaluate("Object.keys(WORDS.en).join() === Object.keys(WORDS.zh).join()")
        assert "undefined" not in page.inner_text("body") and wrong == []
        paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
        context.close()
