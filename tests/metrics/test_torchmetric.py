"""The sums over a dataset: against PySODMetrics' means, and exactly equal in any order."""

import copy
import multiprocessing
import random
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.distributed as dist

from benchmarks.pysodmetrics import draw_pair, reference_scores
from salient.metrics import SaliencyMetrics, score_pair
from salient.metrics.sums import exact_means, to_words

pytest.importorskip("py_sod_metrics")
FIGURES = [
    "mae",
    "sm",
    "max_f",
    "mean_f",
    "adaptive_f",
    "weighted_f",
    "max_e",
    "mean_e",
    "adaptive_e",
]


def draw_pairs(count):
    rng = np.random.default_rng(7)
    return [draw_pair(rng, (40 + 3 * k, 70 - 2 * k)) for k in range(count)]


PAIRS = draw_pairs(9)


def fill(pairs, **options):
    metrics = SaliencyMetrics(**options)
    for prediction, mask in pairs:
        metrics.update(prediction, mask)
    return metrics


def assert_identical(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_figures_are_those_of_pysodmetrics():
    scores = [reference_scores(*pair) for pair in PAIRS]
    f, e = (np.mean([curves[name] for _, curves in scores], axis=0) for name in ("f", "e"))
    result = fill(PAIRS).compute()
    for name in ("mae", "sm", "adaptive_f", "weighted_f", "adaptive_e"):
        expected = np.mean([figures[name] for figures, _ in scores])
        assert float(result[name]) == pytest.approx(expected, abs=1e-12), name
    expected = {"max_f": f.max(), "mean_f": f.mean(), "max_e": e.max(), "mean_e": e.mean()}
    for name, value in expected.items():
        assert float(result[name]) == pytest.approx(value, abs=1e-12), name
    for name in ("precision", "recall", "f", "e"):
        curve = np.mean([curves[name] for _, curves in scores], axis=0)
        np.testing.assert_allclose(result[name], curve, rtol=0, atol=1e-12)
    assert int(result["pairs"]) == len(PAIRS)
    assert all(result[name].dtype == torch.float64 for name in FIGURES)
    assert all(result[name].ndim == 0 for name in FIGURES)


def test_the_three_conventions_of_max_f():
    scores = [reference_scores(*pair) for pair in PAIRS]
    p, r, f = (
        np.mean([curves[n] for _, curves in scores], axis=0) for n in ("precision", "recall", "f")
    )
    expected = {
        "curve": f.max(),
        "pooled": (1.3 * p * r / (0.3 * p + r)).max(),
        "image": np.mean([figures["max_f"] for figures, _ in scores]),
    }
    assert len({round(value, 6) for value in expected.values()}) == 3
    for name, value in expected.items():
        result = fill(PAIRS, max_f=name).compute()
        assert float(result["max_f"]) == pytest.approx(value, abs=1e-12)
        assert torch.equal(result["mean_f"], fill(PAIRS).compute()["mean_f"])


def test_order_merging_and_workers_change_nothing():
    whole = fill(PAIRS).compute()
    for seed in range(1, 6):
        shuffled = random.Random(seed).sample(PAIRS, len(PAIRS))
        assert_identical(whole, fill(shuffled).compute())
        merged = fill(shuffled[:seed])
        merged.merge_state(fill(shuffled[seed:]))
        assert_identical(whole, merged.compute())
    added = SaliencyMetrics()
    for pair in PAIRS:
        added.add(score_pair(*pair))
    assert_identical(whole, added.compute())


def test_means_are_exact_to_the_last_step_of_the_sums():
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [rng.random(500), rng.random(500) * 1e-3, [0.0, 1.0, 1 + 1e-9, 2.0**52]]
    )
    sums = sum(to_words(values * scale) for scale in (1.0, 0.5, 0.25))
    exact = [sum(Fraction(v * s) for s in (1.0, 0.5, 0.25)) / 3 for v in values.tolist()]
    means = exact_means(sums, 3)
    np.testing.assert_allclose(means, [float(x) for x in exact], rtol=2.0**-53, atol=2.0**-64)


def test_conversions_of_dtype_leave_the_sums_alone():
    metrics = fill(PAIRS[:4])
    for change in ("half", "float", "double", "bfloat16"):
        getattr(metrics, change)()
    metrics.to(torch.float16)
    metrics.set_dtype(torch.float16)
    torch.nn.ModuleDict({"inner": metrics}).half()
    for pair in PAIRS[4:]:
        metrics.update(*pair)
    assert_identical(fill(PAIRS).compute(), metrics.compute())


def test_tensors_copies_and_forward():
    metrics = SaliencyMetrics()
    one = metrics(*(torch.from_numpy(array) for array in PAIRS[0]))
    assert_identical(one, fill(PAIRS[:1]).compute())
    for pair in PAIRS[1:]:
        metrics(*pair)
    assert_identical(copy.deepcopy(metrics).compute(), fill(PAIRS).compute())
    metrics.reset()
    metrics.update(*PAIRS[0])
    assert_identical(metrics.compute(), one)


def test_a_result_is_not_kept_over_add():
    metrics = fill(PAIRS[:1])
    before = metrics.compute()
    metrics.add(score_pair(*PAIRS[1]))
    assert int(before["pairs"]) == 1
    assert int(metrics.compute()["pairs"]) == 2


def test_scores_without_normalization():
    expected = np.mean([reference_scores(*pair, normalize=False)[0]["mae"] for pair in PAIRS])
    mae = float(fill(PAIRS, normalize=False).compute()["mae"])
    assert mae == pytest.approx(expected, abs=1e-12)
    assert mae != pytest.approx(float(fill(PAIRS).compute()["mae"]), abs=1e-6)


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match="curve, pooled, image"):
        SaliencyMetrics(max_f="best")
    with pytest.warns(UserWarning, match="before"), pytest.raises(ValueError, match="no pairs"):
        SaliencyMetrics().compute()
    metrics = SaliencyMetrics()
    with pytest.raises(ValueError, match="resize the prediction"):
        metrics.update(PAIRS[0][0], PAIRS[1][1])
    with pytest.raises(ValueError, match="uint8"):
        metrics.update(torch.rand(4, 4), torch.zeros(4, 4))
    with pytest.raises(ValueError, match="NaN"):
        scores = score_pair(*PAIRS[0])
        metrics.add(scores._replace(figures=scores.figures | {"sm": float("nan")}))
    assert int(metrics.pairs) == 0


def score_shard(rank, store, folder):
    """Score one process's shard; of the second dataset all pairs fall to process 0."""
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    unequal = fill(PAIRS[:7] if rank == 0 else PAIRS[7:])
    lopsided = fill(PAIRS if rank == 0 else [])
    torch.save([unequal.compute(), lopsided.compute()], f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_with_unequal_shards_give_the_same_digits(tmp_path):
    folder = str(tmp_path)
    other = multiprocessing.get_context("spawn").Process(
        target=score_shard, args=(1, f"{folder}/store", folder)
    )
    other.start()
    score_shard(0, f"{folder}/store", folder)
    other.join()
    assert other.exitcode == 0
    whole = fill(PAIRS).compute()
    for rank in range(2):
        for result in torch.load(tmp_path / f"{rank}.pt"):
            assert_identical(result, whole)
