"""Two methods picture by picture: the statistics against scipy's, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from salient.metrics import FIGURES, HEADLINE
from salient.scoring.objects import GROUPS, Objects
from salient.scoring.paired import (
    Difference,
    Measurements,
    compare_groups,
    compare_methods,
    paired,
    sign_test,
    trimmed_mean,
)
from salient.scoring.paired_tables import groups_table, judged, table, to_plain
from salient.scoring.sources import from_files

MAE, SM, *_ = HEADLINE


@pytest.mark.parametrize("count", [2, 7, 10, 29, 540])
def test_the_trimmed_mean_is_yuens(count):
    """Against scipy: its trimmed t-test of the values with a sample that never varies."""
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(count).standard_t(2, count)
    mean, error = trimmed_mean(values)
    assert mean == pytest.approx(stats.trim_mean(values, 0.1))
    expected = stats.ttest_ind(values, np.zeros(count), trim=0.1, equal_var=False).statistic
    assert mean / error == pytest.approx(expected)


def test_the_trimmed_mean_by_hand():
    """1 and 100 are left out, and count as 2 and 9 in the variance; 8 * 7 = 56."""
    mean, error = trimmed_mean([5, 1, 2, 3, 4, 6, 7, 8, 9, 100])
    squares = sum((x - 5.5) ** 2 for x in (2, 2, 3, 4, 5, 6, 7, 8, 9, 9))
    assert (mean, error) == (5.5, pytest.approx((squares / 56) ** 0.5))
    assert trimmed_mean([0.25] * 20) == (0.25, 0)


@pytest.mark.parametrize(("gains", "losses"), [(0, 0), (5, 5), (8, 2), (0, 9), (356, 184)])
def test_the_sign_test_is_the_binomial_one(gains, losses):
    stats = pytest.importorskip("scipy.stats")
    count = gains + losses
    expected = stats.binomtest(gains, count).pvalue if count else 1
    assert sign_test(gains, losses) == sign_test(losses, gains) == pytest.approx(expected)


def figures(mae: float, iou: float = 0.9) -> dict[str, float]:
    return {figure.key: 0.5 for figure in FIGURES} | {"mae": mae, "sm": 1 - mae, "iou": iou}


def test_gains_failures_and_directions():
    before = [figures(0.2, 0.4), figures(0.2, 0.4), figures(0.2, 0.5), figures(0.2), figures(0.2)]
    after = [figures(0.1, 0.6), figures(0.1, 0.3), figures(0.1, 0.49), figures(0.1), figures(0.3)]
    found = paired(before, after)
    mae, sm, max_f, _ = found.differences
    assert (mae.gains, mae.losses) == (sm.gains, sm.losses) == (4, 1)  # MAE falls, Sm rises
    assert (max_f.gains, max_f.losses, max_f.middle, max_f.errors) == (0, 0, 0, 0)
    assert (mae.before, mae.after) == (pytest.approx(0.2), pytest.approx(0.14))
    assert mae.middle == pytest.approx(-0.06) and sm.middle == pytest.approx(0.06)
    assert mae.errors == pytest.approx(sm.errors) == pytest.approx(1.5)  # -.06 by hand: SE .04
    assert found.failures == (2, 2, 1, 1, 1.0) and found.pictures == 5
    assert mae.chance == sign_test(4, 1)
    turned = paired(after, before)
    assert turned.failures == (2, 2, 1, 1, 1.0)
    assert turned.differences[0].errors == -mae.errors


@pytest.mark.parametrize(
    ("middle", "error", "said"),
    [
        (-0.003, 0.001, "better"),
        (0.003, 0.001, "worse"),
        (-0.0029, 0.001, "not settled"),
        (-0.1, 0, "better"),
        (0, 0, "not settled"),
    ],
)
def test_a_change_is_judged_by_three_standard_errors(middle, error, said):
    assert judged(Difference(MAE, 0.2, 0.2, middle, error, 1, 1, 1.0)) == said
    turned = {"better": "worse", "worse": "better"}.get(said, said)
    assert judged(Difference(SM, 0.2, 0.2, middle, error, 1, 1, 1.0)) == turned


def test_a_comparison_needs_the_same_pictures_and_two_of_them():
    one = [figures(0.1)]
    for before, after in ((one, one), (2 * one, one)):
        with pytest.raises(ValueError, match="2 pictures or more"):
            paired(before, after)
    objects = {"a": Objects(0.1, False, 1), "b": Objects(0.1, False, 1)}
    of = [Measurements(dict.fromkeys(names, one[0]), objects) for names in ("ab", "ac")]
    with pytest.raises(ValueError, match="different pictures"):
        compare_groups(*of)


def test_groups_are_of_the_masks_objects():
    objects = {
        "small": Objects(0.01, False, 1),
        "edge": Objects(0.05, True, 2),
        "large": Objects(0.5, True, 7),
        "none": Objects(0, False, 0),
    }
    held = {group.name: {k for k, o in objects.items() if group.holds(o)} for group in GROUPS}
    assert held["all pictures"] == set(objects)
    assert held["area under 5 %"] == {"small", "edge", "none"}
    assert held["area 5 to 20 %"] == {"edge"} and held["area over 40 %"] == {"large"}
    assert held["touches the border"] == {"edge", "large"}
    assert held["free of the border"] == {"small", "none"}
    assert held["three parts or more"] == {"large"} and held["no part"] == {"none"}
    of = Measurements(dict.fromkeys(objects, figures(0.1)), objects)
    compared = compare_groups(of, of)
    assert [c.group for c in compared] == [
        *("all pictures", "area under 5 %", "touches the border", "free of the border")
    ]
    assert "| all pictures" in groups_table(compared) and "0 before, 0 after" in table(compared[0])
    assert to_plain(compared[0])["differences"]["mae"]["gains"] == 0


def test_saved_maps_are_compared(tmp_path):
    from tests.fixtures.reports import METHODS, draw_set

    part = draw_set(tmp_path, "set", 12)
    good, blurred = (
        from_files([tmp_path / str(k) / pair.mask.name for pair in part.pairs], part.pairs)
        for k in range(len(METHODS))
    )
    whole, *groups = compare_methods(blurred, good)
    for difference in whole.differences:
        key = difference.figure.key
        change = [
            b.figures[key] - a.figures[key]
            for a, b in zip(*(map(album.entries.get, sorted(part.albums[0].entries))
                              for album in reversed(part.albums)))
        ]  # fmt: skip
        assert difference.middle == pytest.approx(trimmed_mean(change)[0])
        assert difference.after - difference.before == pytest.approx(np.mean(change))
    assert whole.pictures == 12 and {group.group for group in groups} >= {"touches the border"}
