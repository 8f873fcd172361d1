"""The report as a reader has it: opened in Chromium, everything clicked, at two widths.

Needs `pip install playwright` and a Chromium, Chrome or playwright's own; else it is skipped, as on
the machines of the continuous integration.
"""

from __future__ import annotations

import pytest

from salient.metrics import ExactSums, score_pair
from salient.scoring.objects import objects_of
from salient.scoring.paired import paired
from salient.scoring.paired_tables import judged
from salient.scoring.report import render
from tests.fixtures.browsers import WIDTHS, open_browser
from tests.fixtures.reports import EVIL_FILE, EVIL_METHOD, draw_set

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no browser test: pip install playwright"
)


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    return [draw_set(folder / "a", "first", 30), draw_set(folder / "b", "second", 8)]


@pytest.fixture(scope="module")
def file(sets, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(sets, {"Made": "today", "Config": "a\nb"}, "note", 100, "curve"))
    return path


@pytest.fixture(params=list(WIDTHS))
def page(request, browser, file):
    """The open page; afterwards nothing may have failed, been requested or been executed."""
    width, height = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    opened, wrong, requests = context.new_page(), [], []
    opened.on("console", lambda message: wrong.append(f"console: {message.text}"))
    opened.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    opened.on(
        "dialog", lambda dialog: (wrong.append(f"executed: {dialog.message}"), dialog.accept())
    )
    opened.on("request", lambda asked: requests.append(asked.url))
    opened.goto(file.as_uri())
    opened.wait_for_selector("body[data-ready]")
    yield opened
    context.close()
    assert wrong == [] and requests == [file.as_uri()]


def first_cards(page, count=3):
    return page.locator("#cards h3").all_inner_texts()[:count]


def figures_under(page, place, row=0):
    """The numbers of the first method in a row of a table, as shown."""
    cells = page.locator(f"{place} tbody tr").nth(row).locator("td b").all_inner_texts()
    return [float(cell) for cell in cells]


def test_everything_that_can_be_clicked_is_clicked(page):
    for links in (
        "nav a",
        "summary",
        "#objects button",
        "#cards button",
        ".pager button",
        "#reset",
    ):
        for element in page.locator(links).all():
            if element.count() and element.is_enabled():
                element.click()
            for button in page.locator("dialog[open] button").all():
                button.click()
            assert not page.locator("dialog[open]").count()
    page.check("#all-figures")
    assert page.locator("#figures .more").first.is_visible()
    page.uncheck("#all-figures")
    assert not page.locator("#figures .more").first.is_visible()
    for select in page.locator("select").all():
        values = select.locator("option").evaluate_all("all => all.map(one => one.value)")
        for value in [*values, values[0]]:
            select.select_option(value)
    for field in page.locator("input[type=number]").all():
        field.fill("7")
        field.press("Enter")
    page.fill("#name", "no such name")
    assert "0 of 30" in page.inner_text("#passing") and "–" in page.inner_text("#passing")
    page.fill("#name", "img src")
    for chart in page.locator("svg").all():
        chart.hover()


def test_names_are_shown_as_text_and_run_nothing(page):
    page.fill("#name", "onerror")
    assert first_cards(page) == [EVIL_FILE]
    assert page.locator("#cards .card").get_by_text(EVIL_METHOD, exact=True).count() == 1
    page.click("#cards .cells")
    assert EVIL_FILE in page.inner_text("dialog h3")
    assert not page.locator("img[src=x], svg[onload]").count()


def test_nothing_is_wider_than_the_screen(page):
    for state in ("", "dialog"):
        if state:
            page.click("#cards .cells")
        wide, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= screen
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= screen


def test_pictures_are_sorted_by_figures_and_differences(page, sets):
    part = sets[0]
    good, blurred = ([a.entries[p.name].figures for p in part.pairs] for a in part.albums)
    names = [pair.name for pair in part.pairs]

    def ranked(value):
        return sorted(names, key=lambda name: (value(names.index(name)), names.index(name)))

    page.select_option("#sort", "sm")
    page.select_option("#of", "0")
    assert first_cards(page) == ranked(lambda k: good[k]["sm"])[:3]
    page.select_option("#order", "best")
    assert first_cards(page, 1) == ranked(lambda k: -good[k]["sm"])[:1]
    page.select_option("#of", "0-1")
    assert first_cards(page, 1) == ranked(lambda k: blurred[k]["sm"] - good[k]["sm"])[:1]
    page.select_option("#sort", "mae")  # less is better: where the first method gains most
    assert first_cards(page, 1) == ranked(lambda k: good[k]["mae"] - blurred[k]["mae"])[:1]
    page.select_option("#order", "median")
    assert first_cards(page, 1) == [ranked(lambda k: blurred[k]["mae"] - good[k]["mae"])[14]]
    page.locator(".pager button").nth(1).click()
    assert page.locator("#cards .card").count() == 6  # 24 and 6


def test_rows_of_a_filter_have_their_own_exact_figures(page, sets):
    from salient.data.images import read_mask

    part, sums, pooled = sets[0], ExactSums(), None
    for pair in part.pairs:
        mask = read_mask(pair.mask)
        if objects_of(mask).border:
            saliency = read_mask(pair.mask.parent.parent / "0" / pair.mask.name)
            sums.add(score_pair(saliency, mask))
    assert 0 < sums.pairs < 30
    expected, pooled = sums.means()[0], sums.means("pooled")[0]["max_f"]
    shown = [expected["mae"], expected["sm"], expected["max_f"], pooled, expected["weighted_f"]]
    page.get_by_role("button", name="touches the border").click()
    assert f"{sums.pairs} of 30" in page.inner_text("#passing")
    assert figures_under(page, "#passing") == pytest.approx(shown, abs=6e-5)
    page.click("#reset")
    whole = [part.rows[0].figures[key] for key in ("mae", "sm", "max_f")]
    assert figures_under(page, "#passing")[:3] == pytest.approx(whole, abs=6e-5)
    assert figures_under(page, "#objects-table")[:3] == pytest.approx(whole, abs=6e-5)
    page.fill("#least", "99")
    assert "0 of 30" in page.inner_text("#passing")


def test_hovering_and_keys_tell_the_numbers(page, sets):
    box = page.locator("#f svg").bounding_box()
    page.locator("#f svg").scroll_into_view_if_needed()
    page.locator("#f svg").hover(position={"x": 0.5 * box["width"], "y": 0.5 * box["height"]})
    level = int(page.inner_text("#level"))
    assert 100 < level < 150
    page.focus("#threshold")
    page.keyboard.press("ArrowRight")
    assert int(page.inner_text("#level")) == level + 1
    curves = sets[0].rows[0].curves
    shown = page.locator("#readout tbody tr").first.locator("td").all_inner_texts()
    expected = [curves[name][level + 1] for name in ("precision", "recall", "f", "e")]
    assert [float(cell) for cell in shown] == pytest.approx(expected, abs=6e-5)
    page.focus("#cards .cells")
    page.keyboard.press("Enter")
    one = page.inner_text("dialog h3")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("dialog h3") != one
    page.keyboard.press("Escape")
    assert not page.locator("dialog[open]").count()


def test_another_set_and_the_difference_of_two_methods(page, sets):
    page.select_option("#set", "1")
    page.wait_for_selector("body[data-ready=second]")
    assert "8 of 8" in page.inner_text("#passing")
    assert page.inner_text("#curves .of-set") == "· second"
    row = page.locator("#difference-table tbody tr").first
    cells = row.locator("td").all_inner_texts()
    good, blurred = (of.figures["mae"] for of in sets[1].rows)
    assert cells[0] == f"+{blurred - good:.4f}" and cells[3].strip() == "good"
    page.select_option("#one", "0")
    assert "Choose two" in page.inner_text("#difference-table")
    page.select_option("#other", "1")
    assert row.locator("td").first.inner_text() == f"−{blurred - good:.4f}"


def test_the_comparison_picture_by_picture_turns_with_the_two_methods(page, sets):
    of_pictures = [
        [album.entries[pair.name].figures for pair in sets[0].pairs] for album in sets[0].albums
    ]
    row = page.locator("#paired-table tbody tr").first  # MAE

    def expect(before, after):
        found = paired(of_pictures[before], of_pictures[after])
        mae = found.differences[0]
        cells = [cell.replace("−", "-") for cell in row.locator("td").all_inner_texts()]
        middle = f"{mae.middle:+.5f} ± {mae.error:.5f}"
        assert cells[:3] == [middle, f"{mae.errors:+.1f}", judged(mae)]
        assert cells[3:5] == [str(mae.gains), str(mae.losses)]
        of = found.failures
        said = f"{of.before} to {of.after}; {of.cured} cured, {of.new} new"
        assert said in page.inner_text("#paired-table")

    expect(before=0, after=1)
    page.select_option("#other", "1")
    assert page.inner_text("#paired-table") == ""
    page.select_option("#one", "0")
    expect(before=1, after=0)


def test_the_tables_stand_there_without_programs(browser, file):
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(file.as_uri())
    assert opened.locator("#figures table").count() == 2
    assert opened.locator("noscript p").is_visible()
    context.close()
