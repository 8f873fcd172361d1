"""Conventions found again from the digits that they gave."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmarks.pysodmetrics import draw_pair
from salient.data.pairs import Pair
from salient.metrics import ExactSums, score_pair
from salient.scoring.published import Outcome, decimals, in_words, outcomes
from salient.scoring.sources import from_files


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Six maps that do not reach 255, with masks whose edges are grey, and one of another size."""
    folder = tmp_path_factory.mktemp("grey")
    maps, pairs = [], []
    for k in range(6):
        saliency, mask = draw_pair(np.random.default_rng(k), (60, 80))
        soft = np.where(mask > 0, 255, 0).astype(np.uint8)
        soft[20:30] = soft[20:30] // 2  # 127: above 0, not above 127
        soft[40:44] = np.minimum(soft[40:44], 128)  # above 127, not above 128
        paths = folder / f"{k}-map.png", folder / f"{k}.png"
        Image.fromarray((saliency // 2 + 20).astype(np.uint8)).save(paths[0])
        Image.fromarray(soft).save(paths[1])
        maps.append(paths[0])
        pairs.append(Pair(str(k), paths[1], paths[1]))
    return maps, pairs


def published(files, threshold, normalize, max_f):
    sums = ExactSums()
    for saliency, pair in zip(*files):
        mask = np.where(np.asarray(Image.open(pair.mask)) > threshold, 255, 0).astype(np.uint8)
        sums.add(score_pair(np.asarray(Image.open(saliency)), mask, normalize=normalize))
    figures = sums.means(max_f)[0]
    return [round(figures[key], 3) for key in ("mae", "sm", "max_f", "weighted_f")]


@pytest.mark.parametrize("threshold", [0, 127, 128])
@pytest.mark.parametrize(
    ("normalize", "max_f"), [(True, "curve"), (False, "pooled"), (True, "image")]
)
def test_the_mask_threshold_of_a_set_scored_wrongly_is_found(files, threshold, normalize, max_f):
    numbers = published(files, threshold, normalize, max_f)
    met = [one for one in outcomes(from_files(*files)) if not any(one.misses(numbers))]
    assert {one.choices[1] for one in met} == {f"mask > {threshold}"}
    assert {one.choices[2] for one in met} == {"map stretched" if normalize else "map as it is"}
    names = {"curve": "of the mean curve", "pooled": "pooled", "image": "of each picture"}
    assert f"max F {names[max_f]}" in {one.choices[4] for one in met}
    assert f"mask > {threshold}" in in_words(met)[0]


def test_maps_of_another_size_are_resized_in_every_way(files, tmp_path):
    maps, pairs = files
    small = tmp_path / "small.png"
    Image.open(maps[0]).resize((40, 30)).save(small)
    found = outcomes(from_files([small, *maps[1:]], pairs))
    resizes = {one.choices[0] for one in found}
    assert len(resizes) == 4 and "mask resized to the map" in resizes
    assert len({one.values for one in found if one.choices[1:3] == found[0].choices[1:3]}) > 4


def test_digits_are_those_that_were_published():
    outcome = Outcome(("a",), (0.1213, 0.7514))
    assert outcome.misses([0.121, 0.751]) == [0, 0] and outcome.misses([None, 0.751]) == [0]
    assert outcome.misses([0.120, 0.751])[0] == pytest.approx(0.8, abs=1e-3)
    assert (decimals(0.93), decimals(0.0349), decimals(0.1)) == (3, 4, 3)
