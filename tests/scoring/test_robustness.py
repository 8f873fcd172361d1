"""Damaged pictures: each corruption does what it says, and the losses are those of plain scores."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from salient.scoring.robustness.corruptions import (
    CORRUPTIONS,
    choose_corruptions,
    corrupted,
)
from tests.fixtures.scored import SIDE, draw_discs, write_grey

Y, X = np.mgrid[:224, :256]
MASK = np.where(np.hypot(Y - 90, X - 150) < 40, 255, 0).astype(np.uint8)
PICTURE = np.stack([MASK // 2 + 60, 60 + X // 2, 200 - Y // 2], 2).astype(np.uint8)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_damages_more_by_strength_and_the_same_by_name(name):
    damaged = [corrupted(PICTURE, MASK, name, strength, "a") for strength in (1, 2, 3)]
    for picture, mask in damaged:
        assert picture.dtype == mask.dtype == np.uint8 and picture.shape[:2] == mask.shape
        assert set(np.unique(mask)) == {0, 255}
    again, _ = corrupted(PICTURE, MASK, name, 2, "a")
    assert np.array_equal(again, damaged[1][0])
    if name not in ("rotate", "aspect", "crop"):
        assert all(mask is MASK for _, mask in damaged)
        moved = [np.abs(picture.astype(int) - PICTURE).mean() for picture, _ in damaged]
        if name == "fog":  # what of a difference between two pictures is lost in the same clouds
            moved = [1 - kept_in_fog(strength) for strength in (1, 2, 3)]
        assert 0 < moved[0] < moved[1] < moved[2]


def kept_in_fog(strength):
    other = PICTURE.copy()
    other[..., 0] = 60  # without the disc
    first, second = (
        corrupted(picture, MASK, "fog", strength, "a")[0].astype(int)
        for picture in (PICTURE, other)
    )
    return (first - second).sum() / (PICTURE.astype(int) - other).sum()


def test_masks_go_with_pictures_that_change_shape():
    turned, mask = corrupted(PICTURE, MASK, "rotate", 1, "a")
    assert np.array_equal(np.rot90(turned, -1), PICTURE)
    assert np.array_equal(np.rot90(mask, -1), MASK)
    for strength, factor in ((1, 1.5), (3, 3)):
        squeezed, mask = corrupted(PICTURE, MASK, "aspect", strength, "a")
        assert squeezed.shape == PICTURE.shape and (squeezed[:, 0] == 128).all()
        assert (mask > 0).sum() == pytest.approx((MASK > 0).sum() / factor, rel=0.1)
    touched = []
    for strength in (1, 2, 3):
        cut, mask = corrupted(PICTURE, MASK, "crop", strength, "a")
        assert (mask > 0).sum() == (MASK > 0).sum() and cut.shape[:2] == mask.shape
        touched.append(sum(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1])))
    assert touched == [1, 2, 4]
    empty = np.zeros_like(MASK)
    assert corrupted(PICTURE, empty, "crop", 3, "a")[0] is PICTURE


def test_corruptions_are_chosen_by_name():
    assert len(choose_corruptions("standard")) == 12
    assert choose_corruptions("jpeg,fog") == ["jpeg", "fog"]
    with pytest.raises(ValueError, match=r"corrupt: jpg: no such corruption; did you mean jpeg\?"):
        choose_corruptions("jpg")


def test_losses_are_tabled_with_intervals_and_shown_in_the_report(call, tmp_path):
    draw_discs(tmp_path)
    write_grey(tmp_path / "grey.onnx")
    described = f"onnx={{grey: {{file: grey.onnx, size: {SIDE}, output: 1, stretch: true}}}}"
    discs = ("dataset=folder", "images=images", "masks=masks", "title=discs", "output=out")
    done = call(tmp_path, "eval", *discs, described, "corrupt=rotate,noise")
    with (tmp_path / "out/robustness.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 3 * 4
    for line in lines:
        assert float(line["low"]) <= float(line["relative"]) <= float(line["high"])
    loss = {(x["corruption"], x["strength"], x["figure"]): float(x["relative"]) for x in lines}
    assert loss["rotate", "2", "mae"] == pytest.approx(0, abs=0.05)  # upside down
    assert loss["noise", "3", "mae"] > 0.3 and loss["noise", "3", "weighted_f"] > 0.05
    assert "| noise" in done.stdout and "grey on discs, damaged" in done.stdout
    page = (tmp_path / "out/report.html").read_text()
    assert page.count('<figure class="card">') == 12 and "damaged picture, mask" in page
    done = call(tmp_path, "eval", *discs, "predictions=masks", "corrupt=fog", fails=True)
    assert "corrupt: needs a network" in done.stderr
