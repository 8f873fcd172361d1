"""Bootstrap intervals: against SciPy's, for means, for maxima of mean curves, and for pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from salient.metrics import USUAL
from salient.metrics.figures import MAX_F
from salient.metrics.sums import every_figure
from salient.scoring import confidence
from salient.scoring.confidence import differences, intervals, replicates

PLACE = {figure.key: index for index, figure in enumerate(USUAL.figures)}
COLUMNS = len(PLACE) + 256 * len(USUAL.curves)
F = slice(len(PLACE) + 2 * 256, len(PLACE) + 3 * 256)


@pytest.fixture(scope="module")
def values():
    """Figures and curves of 80 pictures; the curves differ in where they are highest."""
    rng = np.random.default_rng(5)
    drawn = rng.beta(2, 5, (80, USUAL.columns))
    drawn[:, F] *= np.exp(-((np.arange(256) - rng.normal(128, 40, (80, 1))) ** 2) / 5000)
    return drawn.astype(np.float32)


def reference(samples, statistic):
    """SciPy's percentile interval of a statistic over the first axis."""
    found = stats.bootstrap(
        samples, statistic, n_resamples=9999, method="percentile", rng=1, vectorized=False,
        paired=len(samples) > 1,
    )  # fmt: skip
    return found.confidence_interval


def test_intervals_are_those_of_scipy(values):
    bounds = intervals(replicates(values, 8000))
    expected = reference((values[:, PLACE["mae"]],), np.mean)
    assert bounds["mae"] == pytest.approx(expected, abs=1e-3)
    curves = values[:, F]
    expected = reference((np.arange(80),), lambda drawn: curves[drawn].mean(axis=0).max())
    assert bounds["max_f_curve"] == pytest.approx(expected, abs=2e-3)


def test_the_interval_of_a_difference_is_that_of_pairs(values):
    better = values.copy()
    better[:, PLACE["sm"]] += 0.01 + 0.002 * np.random.default_rng(6).standard_normal(80)
    one, other = replicates(better, 4000), replicates(values, 4000)
    low, high = differences(one, other)["sm"]
    expected = reference(
        (better[:, PLACE["sm"]], values[:, PLACE["sm"]]), lambda a, b: np.mean(a - b)
    )
    assert (low, high) == pytest.approx(expected, abs=1e-4)
    assert 0 < low < 0.01 < high < 0.011  # as separate samples they would overlap widely
    apart = intervals(other)["sm"]
    assert apart[1] - apart[0] > 20 * (high - low)


def test_draws_are_fixed_and_do_not_depend_on_the_blocks(values, monkeypatch):
    before = replicates(values, 250)["max_e"]
    monkeypatch.setattr(confidence, "BLOCK", 250)
    assert replicates(values, 250)["max_e"] == pytest.approx(before, abs=1e-6)


def test_every_convention_of_the_maximum_f_has_its_figure(values):
    figures = every_figure(values.mean(axis=0, dtype=np.float64))
    assert {f"max_f_{name}" for name in MAX_F} < figures.keys() and "max_f" not in figures
    assert figures["max_f_curve"] == pytest.approx(values[:, F].mean(axis=0).max(), abs=1e-6)
    assert figures["max_f_image"] == pytest.approx(values[:, PLACE["max_f"]].mean(), abs=1e-6)


def test_one_picture_has_an_interval_of_no_width(values):
    for low, high in intervals(replicates(values[:1], 20)).values():
        assert low == high
