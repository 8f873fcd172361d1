"""The figures of one pair, against PySODMetrics 1.6.2 and the figures it publishes."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.pysodmetrics import draw_pair, reference_scores
from salient.data.images import read_mask
from salient.metrics import kernels, score_pair
from salient.metrics.measured import measure_pair
from salient.metrics.structure import structure_measure
from salient.metrics.weighted import weighted_f_measure

sod = pytest.importorskip("py_sod_metrics")
ORACLE = Path(__file__).parents[1] / "oracle" / "pysodmetrics"
TOLERANCE = dict.fromkeys(
    ["sm", "e", "adaptive_e", "max_e", "mean_e", "weighted_f"], 1e-9
)  # 1e-12 elsewhere


def assert_same(prediction, mask, *, normalize=True):
    """Compare every figure; where the reference's S is NaN, ours is a number."""
    ours = score_pair(prediction, mask, normalize=normalize)
    figures, curves = reference_scores(prediction, mask, normalize=normalize)
    for name, b in (figures | curves).items():
        a = ours.figures[name] if name in figures else ours.curves[name]
        assert np.isfinite(a).all(), name
        if name == "sm" and math.isnan(b):
            continue
        tolerance = TOLERANCE.get(name, 1e-12)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)


def masks(height, width, rng):
    """Draw masks of every kind that has gone wrong somewhere, by name."""

    def empty():
        return np.zeros((height, width), np.uint8)

    pixel, last_row, last_column, ring, lattice = (empty() for _ in range(5))
    pixel[rng.integers(height), rng.integers(width)] = 255
    last_row[-1], last_column[:, -1] = 255, 255
    centre, radius = (width // 2, height // 2), max(min(height, width) // 3, 1)
    cv2.ellipse(ring, centre, (radius, radius), 0, 0, 360, (255,), 1)
    lattice[::4, ::4] = 255  # every background pixel but few has several nearest pixels
    corner, rows = empty(), empty()
    corner[-1, -1] = 255
    rows[::6] = 255  # three rows off, the nearest pixel is above and below
    yield from {
        "empty": empty(),
        "full": empty() + 255,
        "pixel": pixel,
        "corner": corner,
        "last row": last_row,
        "last column": last_column,
        "ring": ring,
        "lattice": lattice,
        "rows": rows,
        "sparse": np.where(rng.random((height, width)) < 0.03, 255, 0).astype(np.uint8),
        "noise": np.where(rng.random((height, width)) < 0.5, 255, 0).astype(np.uint8),
        "grey": rng.integers(0, 256, (height, width), dtype=np.uint8),
        "128 is background": rng.integers(127, 130, (height, width), dtype=np.uint8),
    }.items()


def predictions(mask, rng):
    """Draw predictions for a mask, by name."""
    noise = rng.integers(0, 256, mask.shape, dtype=np.uint8)
    blurred = cv2.GaussianBlur(mask, (0, 0), 2).reshape(mask.shape)
    low, high = sorted(rng.integers(0, 256, 2).tolist())
    yield from {
        "noise": noise,
        "narrow": (noise // 8 + 100).astype(np.uint8),
        "few levels": (noise // 64 * 64).astype(np.uint8),
        "two levels": np.where(noise > 128, high, low).astype(np.uint8),
        "constant": np.full_like(mask, rng.integers(1, 255)),
        "zero": np.zeros_like(mask),
        "perfect": mask.copy(),
        "inverse": 255 - mask,
        "blurred": blurred,
        "uneven": np.where(noise > 200, noise, blurred).astype(np.uint8),
    }.items()


SIZES = [(1, 1), (1, 2), (2, 1), (1, 17), (19, 1), (2, 2), (3, 5), (11, 8), (24, 31), (40, 37)]


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_kind_of_map_gives_the_figures_of_pysodmetrics(size, normalize):
    rng = np.random.default_rng(sum(size))
    for kind, mask in masks(*size, rng):
        for look, prediction in predictions(mask, rng):
            try:
                assert_same(prediction, mask, normalize=normalize)
            except AssertionError as error:
                raise AssertionError(f"{look} prediction of {kind} mask: {error}") from error


@pytest.mark.parametrize("seed", range(6))
def test_realistic_maps_give_the_figures_of_pysodmetrics(seed):
    rng = np.random.default_rng(seed)
    assert_same(*draw_pair(rng, (int(rng.integers(60, 300)), int(rng.integers(60, 300)))))


def test_a_foreground_farther_than_the_discount_reaches():
    rng = np.random.default_rng(0)
    prediction = rng.integers(0, 256, (330, 420), dtype=np.uint8)
    for place in ((0, 0), (329, 419), (5, 210)):
        mask = np.zeros((330, 420), np.uint8)
        mask[place] = 255
        assert_same(prediction, mask)


def published_pairs():
    for path in sorted((ORACLE / "preds").iterdir()):
        yield read_mask(path), read_mask(ORACLE / "masks" / path.name)


def test_the_three_published_maps():
    published = json.loads((ORACLE / "version_performance.json").read_text())["v1_4_0"]
    scores = [score_pair(*pair) for pair in published_pairs()]
    assert len(scores) == 3
    f, e = (np.mean([s.curves[name] for s in scores], axis=0) for name in ("f", "e"))
    mean = {key: np.mean([s.figures[key] for s in scores]) for key in scores[0].figures}
    ours = {
        "MAE": mean["mae"],
        "Smeasure": mean["sm"],
        "wFmeasure": mean["weighted_f"],
        "maxFm": f.max(),
        "meanFm": f.mean(),
        "adpFm": mean["adaptive_f"],
        "maxEm": e.max(),
        "meanEm": e.mean(),
        "adpEm": mean["adaptive_e"],
    }
    published["wFmeasure"] = 0.5579812753638986  # v1_3_0; v1_4_0 lists it under another name
    for name, value in ours.items():
        assert value == pytest.approx(published[name], abs=1e-12), name


@pytest.mark.parametrize("side", ["row", "column", "corner"])
def test_quadrants_without_area_are_left_out_of_s(side):
    rng = np.random.default_rng(3)
    mask = np.zeros((9, 12), np.uint8)
    mask[-1 if side != "column" else slice(None), -1 if side != "row" else slice(None)] = 255
    prediction = rng.integers(0, 256, mask.shape, dtype=np.uint8)
    assert math.isnan(reference_scores(prediction, mask)[0]["sm"])

    p, g = sod.utils.prepare_data(prediction, mask)
    y, x = (int(c.round()) + 1 for c in np.argwhere(g).mean(axis=0))
    reference = sod.Smeasure()
    region = 0.0
    for rows in (slice(0, y), slice(y, None)):
        for columns in (slice(0, x), slice(x, None)):
            if g[rows, columns].size:
                share = g[rows, columns].size / g.size
                region += share * reference.ssim(p[rows, columns], g[rows, columns])
    expected = max(0, 0.5 * reference.object(p, g) + 0.5 * region)
    assert structure_measure(measure_pair(prediction, mask)) == pytest.approx(expected, abs=1e-12)


def test_an_adaptive_threshold_that_ties_with_a_level():
    prediction = np.zeros((10, 10), np.uint8)
    prediction[:5] = 100  # twice the mean is the level itself, up to rounding
    mask = np.zeros((10, 10), np.uint8)
    mask[2:7] = 255
    for level in range(1, 256, 5):
        prediction[:5] = level
        assert_same(prediction, mask, normalize=False)


def test_scores_do_not_depend_on_memory_layout():
    prediction, mask = draw_pair(np.random.default_rng(1), (120, 90))
    plain = score_pair(prediction, mask)
    wide = np.zeros((130, 200), np.uint8)
    wide[3:123, 5:185:2] = prediction
    for variant in (wide[3:123, 5:185:2], np.asfortranarray(prediction)):
        other = score_pair(variant, mask)
        assert plain.figures == other.figures
        for name, curve in plain.curves.items():
            assert np.array_equal(curve, other.curves[name])


def test_weighted_f_of_an_empty_mask_is_zero():
    mask = np.zeros((5, 6), np.uint8)
    assert weighted_f_measure(measure_pair(mask, mask)) == 0.0


def test_curves_are_indexed_by_threshold():
    mask = np.array([[0, 0, 255, 255]], np.uint8)
    scores = score_pair(np.array([[0, 51, 204, 255]], np.uint8), mask)
    assert scores.curves["recall"][0] == 1.0
    assert scores.curves["recall"][255] == 0.5
    assert scores.curves["precision"][0] == 0.5
    assert scores.curves["precision"][255] == 1.0
    assert all(curve.shape == (256,) for curve in scores.curves.values())


@pytest.mark.parametrize(
    ("prediction", "mask", "message"),
    [
        (np.zeros((4, 5), np.float32), np.zeros((4, 5), np.uint8), "prediction has dtype float32"),
        (np.zeros((4, 5), np.uint8), np.zeros((4, 5), bool), "mask has dtype bool"),
        (np.zeros((1, 4, 5), np.uint8), np.zeros((4, 5), np.uint8), r"shape \(1, 4, 5\)"),
        (np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8), "resize the prediction"),
        (np.zeros((0, 5), np.uint8), np.zeros((0, 5), np.uint8), "no pixels"),
    ],
)
def test_a_wrong_pair_is_refused(prediction, mask, message):
    with pytest.raises(ValueError, match=message):
        score_pair(prediction, mask)


def test_loops_compile_where_no_cache_can_be_written(monkeypatch):
    njit = kernels.numba.njit

    def read_only(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(kernels.numba, "njit", read_only)
    assert kernels.compiled(lambda x: x + 1)(2) == 3


def test_iou_and_ber_by_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    for size in ((9, 7), (40, 61)):
        prediction, mask = draw_pair(rng, size)
        figures = score_pair(prediction, mask, normalize=False).figures
        truth, said = (mask > 128).ravel(), (prediction >= 128).ravel()
        assert figures["iou"] == pytest.approx(metrics.jaccard_score(truth, said), abs=1e-12)
        balanced = metrics.balanced_accuracy_score(truth, said)
        assert figures["ber"] == pytest.approx(1 - balanced, abs=1e-12)


def test_iou_and_ber_where_a_class_is_missing():
    nothing, everything = np.zeros((4, 5), np.uint8), np.full((4, 5), 255, np.uint8)
    half = np.repeat(np.array([[0, 0, 255, 255]], np.uint8), 4, axis=0)
    for prediction, mask, iou, ber in [
        (nothing, nothing, 1, 0),
        (everything, everything, 1, 0),
        (half, np.zeros_like(half), 0, 0.5),
        (half, np.full_like(half, 255), 0.5, 0.5),
        (255 - half, half, 0, 1),
    ]:
        figures = score_pair(prediction, mask).figures
        assert (figures["iou"], figures["ber"]) == (iou, ber)
