"""The figures of `MORE` against PySODMetrics 1.6.2, scikit-learn and definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks.pysodmetrics import draw_pair
from benchmarks.pysodmetrics_more import FAMILIES, size_invariant
from salient.data.images import read_mask
from salient.metrics import MORE, ExactSums, SaliencyMetrics, choose, score_pair
from tests.metrics.test_figures import ORACLE, masks, predictions

pytest.importorskip("py_sod_metrics")
ALL = choose("all")
REFUSED = (AssertionError, OverflowError, np.linalg.LinAlgError)  # what the reference cannot do


def hard_cases():
    rng = np.random.default_rng(2)
    for size in ((1, 1), (1, 17), (19, 1), (3, 5), (24, 31)):
        for kind, mask in masks(*size, rng):
            for look, prediction in predictions(mask, rng):
                yield f"{look} prediction of {kind} mask {size}", prediction, mask


def real_pairs():
    for path in sorted((ORACLE / "preds").iterdir()):
        yield path.name, read_mask(path), read_mask(ORACLE / "masks" / path.name)
    rng = np.random.default_rng(3)
    for index in range(2):
        yield f"drawn {index}", *draw_pair(rng, (90, 120))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pairs", [hard_cases, real_pairs])
def test_every_figure_is_that_of_pysodmetrics(family, pairs):
    compared = 0
    slow = family == "MSIoU" and pairs is hard_cases  # every third case: every kind of it
    for name, prediction, mask in itertools.islice(pairs(), 0, None, 3 if slow else 1):
        ours = score_pair(prediction, mask, choice=ALL).figures
        assert np.isfinite(list(ours.values())).all(), name
        try:
            theirs = FAMILIES[family](prediction, mask)
        except REFUSED:
            continue
        for key in theirs.keys() & ours.keys():
            if not np.isnan(theirs[key]):
                assert ours[key] == pytest.approx(theirs[key], abs=1e-9), f"{key}: {name}"
                compared += 1
    assert compared >= (100 if pairs is hard_cases else 3)


def test_the_size_invariant_mean_is_over_objects():
    """Two squares, one found and one missed: the small one counts as much as the large one."""
    mask = np.zeros((60, 90), np.uint8)
    mask[5:45, 5:45] = mask[10:20, 70:80] = 255
    prediction = mask.copy()
    prediction[10:20, 70:80] = 0
    figures = score_pair(prediction, mask, choice=ALL).figures
    assert figures["binary_si_recall"] == 0.5
    assert figures["binary_recall"] == 1600 / 1700
    assert figures["si_mae"] == size_invariant(prediction, mask)["si_mae"] > figures["mae"]


def test_kappa_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    prediction, mask = draw_pair(np.random.default_rng(5), (40, 61))
    figures = score_pair(prediction, mask, normalize=False, choice=ALL).figures
    expected = metrics.cohen_kappa_score((mask > 128).ravel(), (prediction / 255 > 0.5).ravel())
    assert figures["binary_kappa"] == pytest.approx(expected, abs=1e-12)


def test_the_boundary_iou_is_that_of_its_definition():
    ndimage = pytest.importorskip("scipy.ndimage")

    def near_the_edge(binary, width):
        outside = ~np.pad(binary, 1)  # the picture's border is an edge
        distance = ndimage.distance_transform_cdt(~outside, metric="chessboard")[1:-1, 1:-1]
        return binary & (distance <= width)

    rng = np.random.default_rng(6)
    for size in ((1, 1), (1, 9), (60, 80), (150, 200)):
        prediction, mask = (rng.integers(0, 256, size, dtype=np.uint8),) * 2
        if min(size) > 9:
            prediction, mask = draw_pair(rng, size)
        width = max(round(0.02 * float(np.hypot(*size))), 1)
        found, truth = (near_the_edge(x, width) for x in (prediction >= 128, mask > 128))
        union = (found | truth).sum()
        expected = (found & truth).sum() / union if union else 1
        ours = score_pair(prediction, mask, normalize=False, choice=ALL).figures["boundary_iou"]
        assert ours == pytest.approx(expected, abs=1e-12)


def test_a_set_takes_the_largest_value_of_its_mean_curve():
    pairs = [draw_pair(np.random.default_rng(k), (40, 50)) for k in range(4)]
    choice = choose("max_dice,max_msiou,min_ber")
    sums, metrics = ExactSums(choice), SaliencyMetrics(figures=["max_dice", "max_msiou", "min_ber"])
    scores = [score_pair(*pair, choice=choice) for pair in pairs]
    for pair, each in zip(pairs, scores):
        sums.add(each)
        metrics.update(*pair)
    figures, curves = sums.means()
    for key, best in (("max_dice", np.max), ("max_msiou", np.max), ("min_ber", np.min)):
        curve = np.mean([each.curves[f"{key[4:]}_curve"] for each in scores], axis=0)
        assert figures[key] == pytest.approx(best(curve), abs=1e-12)
        assert float(metrics.compute()[key]) == figures[key]
        assert np.array_equal(curves[f"{key[4:]}_curve"], metrics.compute()[f"{key[4:]}_curve"])


def test_only_what_is_chosen_is_computed():
    prediction, mask = draw_pair(np.random.default_rng(1), (30, 40))
    usual = score_pair(prediction, mask)
    assert not {figure.key for figure in MORE} & usual.figures.keys()
    chosen = score_pair(prediction, mask, choice=choose(["hce"]))
    assert chosen.figures.keys() - usual.figures.keys() == {"hce"}
    assert chosen.curves.keys() == usual.curves.keys()
    with pytest.raises(ValueError, match="max_dise: no such figure; did you mean max_dice"):
        choose("max_dise")
