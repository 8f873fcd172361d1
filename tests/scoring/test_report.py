"""The report as a text: complete, closed to the network, names shown as text, its data exact."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from salient.metrics import CURVES, FIGURES
from salient.scoring.album import SIDE, STEP, Album, spread
from salient.scoring.objects import objects_of
from salient.scoring.paired import paired
from salient.scoring.paired_tables import to_plain
from salient.scoring.report import _quotas, render
from tests.fixtures.reports import EVIL_FILE, EVIL_METHOD, EVIL_TITLE, METHODS, draw_set

RUN = {"Made": "today", "Command": f"eval {EVIL_FILE}", "Config": "{\n  </script>\n}"}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return [draw_set(folder / "a", "first", 30), draw_set(folder / "b", EVIL_TITLE, 8)]


@pytest.fixture(scope="module")
def text(sets):
    return render(sets, RUN, "how it was scored", 100, "curve")


class Page(HTMLParser):
    """Tags with attributes, text outside of programs, and what stands in script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.texts, self.inside, self.open = [], [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self.open = f"{tag} {dict(attributes).get('type', '')}".strip()

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.open = None

    def handle_data(self, data):
        if self.open:
            self.inside[self.open] = self.inside.get(self.open, "") + data
        else:
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


@pytest.fixture(scope="module")
def data(page):
    return json.loads(page.inside["script application/json"])


def test_names_are_text_and_end_nothing(page, data):
    assert [tag for tag, _ in page.tags].count("script") == 2  # the data and the program
    assert not [tag for tag, _ in page.tags if tag in ("img", "svg", "iframe", "object", "embed")]
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert {EVIL_TITLE, EVIL_METHOD, f"eval {EVIL_FILE}"} <= set(page.texts)
    assert data["sets"][0]["names"][0] == EVIL_FILE and data["sets"][1]["title"] == EVIL_TITLE
    assert data["sets"][1]["methods"][1]["name"] == EVIL_METHOD


def test_nothing_is_loaded_and_nothing_else_may_run(text, page):
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "srcset", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "@import" not in text and "url(" not in page.inside["style"]
    (policy,) = [
        a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; img-src data:;")
    for part in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.inside[part].encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in policy and "unsafe" not in policy


def test_the_page_is_well_formed(text, page):
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids)) and text.startswith("<!doctype html>")
    targets = {a["href"][1:] for tag, a in page.tags if tag == "a"}
    assert targets <= set(ids) and len(targets) == 8
    program = page.inside["script"]
    named = set(re.findall(r'control\("([\w-]+)"\)', program))
    assert named - set(ids) == set() and "sort" in named
    for tag in ("section", "table", "div", "tr", "select", "span"):
        assert text.count(f"<{tag}") >= text.count(f"</{tag}>") > 0


def test_the_tables_hold_every_figure_interval_and_the_published_row(sets, page):
    for part in sets:
        for row in part.rows:
            for figure in FIGURES:
                assert f"{row.figures[figure.key]:.4f}" in page.texts, figure.key
    assert page.texts.count("ModelScope (reported)") == 3 and page.texts.count("0.910") == 4
    assert "max F, curve" in page.texts and "max F, pooled" in page.texts
    assert sum(bool(re.fullmatch(r"-?\d\.\d{4} – \d\.\d{4}", text)) for text in page.texts) == 52
    assert "how it was scored" in page.texts


def test_pictures_are_small_webps_of_every_column(data):
    for part in data["sets"]:
        columns = [part["pictures"], part["truths"], *(m["maps"] for m in part["methods"])]
        assert {len(column) for column in columns} == {len(part["shown"])} == {len(part["names"])}
        for column in columns:
            with Image.open(BytesIO(base64.b64decode(column[0]))) as picture:
                assert picture.format == "WEBP" and max(picture.size) <= SIDE


def test_curves_come_back_to_a_hundred_thousandth(sets, data):
    for part, saved in zip(sets, data["sets"]):
        for album, method in zip(part.albums, saved["methods"]):
            planes = np.frombuffer(zlib.decompress(base64.b64decode(method["packed"])), np.uint8)
            low, high = planes.reshape(2, len(part.pairs), len(CURVES) - 1, 256).astype(np.uint16)
            curves = np.cumsum(low | high << 8, axis=2, dtype=np.uint16) / STEP
            expected = [album.entries[p.name].curves[[0, 1, 3]] / STEP for p in part.pairs]
            assert np.abs(curves - np.stack(expected)).max() == 0


def test_two_methods_are_compared_picture_by_picture(sets, data, page):
    assert [group["name"] for group in data["groups"]][:2] == ["all pictures", "area under 5 %"]
    for part, saved in zip(sets, data["sets"]):
        (pair,) = saved["differences"]
        names = [entry.name for entry in part.pairs]
        after, before = (
            [part.albums[k].entries[name].figures for name in names] for k in pair["of"]
        )
        assert pair["paired"][0] == to_plain(paired(before, after))
    assert any("Yuen 1974" in text for text in page.texts)


def test_predicted_ious_are_drawn_where_a_method_has_some(sets, page):
    assert "True IoU over predicted IoU" not in page.texts
    lines = [
        {"method": "good", "predicted_iou": 0.9, "iou": 0.8},
        {"method": "good", "predicted_iou": 0.4, "iou": 0.3},
        {"method": "other", "predicted_iou": None, "iou": 0.8},
    ]
    shown = Page(render([sets[0]._replace(lines=lines)], RUN, "", 10, "curve"))
    assert shown.texts.count("True IoU over predicted IoU") == 1
    assert any("calibration error 0.100; IoU below 0.5: 50.0%" in text for text in shown.texts)


def test_a_single_picture_is_shown_without_a_comparison(tmp_path):
    page = Page(render([draw_set(tmp_path, "one", 1)], RUN, "", 1, "curve"))
    (saved,) = json.loads(page.inside["script application/json"])["sets"]
    assert saved["differences"][0]["paired"] == []


def test_what_an_album_keeps_is_what_was_scored(sets):
    part = sets[0]
    means = np.mean([e.curves / STEP for e in part.albums[0].entries.values()], axis=0)
    for curve, mean in zip(CURVES, means):
        assert np.abs(mean - part.rows[0].curves[curve]).max() < 1e-5, curve


def test_objects_of_masks():
    mask = np.zeros((100, 100), np.uint8)
    assert objects_of(mask) == (0.0, False, 0)
    mask[50, 50] = 255
    assert objects_of(mask) == (pytest.approx(1e-4), False, 1)  # small, but all there is
    mask[10:20, 10:20] = mask[20:30, 20:30] = 200  # corners touch: one part
    assert objects_of(mask) == (pytest.approx(0.0201), False, 1)
    mask[70:80, 99] = 129  # grey above 128 at the border
    assert objects_of(mask) == (pytest.approx(0.0211), True, 2)


def test_thumbnails_are_divided_among_the_sets_and_spread_by_rank(sets):
    assert _quotas([1000, 300], 1000) == [700, 300] and _quotas([5, 5000, 900], 1000) == [
        5, 498, 497
    ]  # fmt: skip
    assert spread(list("abcdefghi"), 5) == list("acegi") and spread([3, 1], 5) == [3, 1]
    part = json.loads(
        Page(render(sets[:1], RUN, "", 10, "pooled")).inside["script application/json"]
    )
    (saved,) = part["sets"]
    assert len(saved["shown"]) == len(saved["truths"]) == len(saved["methods"][0]["maps"]) == 10
    errors = saved["methods"][-1]["values"]["mae"]
    shown = [errors[index] for index in saved["shown"]]
    assert {min(errors), max(errors)} < set(shown) and len(saved["names"]) == 30


def test_a_set_of_masks_alone_has_no_pictures(sets):
    part = sets[1]
    masks = part._replace(pairs=[p._replace(image=p.mask) for p in part.pairs])
    saved = json.loads(Page(render([masks], RUN, "", 5, "curve")).inside["script application/json"])
    assert saved["sets"][0]["pictures"] == [""] * 5 and all(saved["sets"][0]["truths"])


def test_albums_of_several_processes_become_one(sets, monkeypatch):
    whole = sets[0].albums[0]
    names = list(whole.entries)
    parts = [{name: whole.entries[name] for name in names[rank::2]} for rank in (0, 1)]
    monkeypatch.setattr("salient.scoring.album.of_all_processes", lambda _: parts)
    mine = Album()
    mine.entries = dict(parts[0])
    assert mine.gather().entries.keys() == whole.entries.keys()


def test_methods_are_named_as_they_are(data):
    assert tuple(m["name"] for m in data["sets"][0]["methods"]) == METHODS
