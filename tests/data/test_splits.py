"""Which pairs are held out: by a hash of the name, in folds, and whole synsets."""

from __future__ import annotations

from collections import Counter

import pytest

from salient.data.pairs import Pair
from salient.data.splits import held_out_part, split_pairs, split_synsets


def test_split_is_by_name_alone_and_near_its_share():
    pairs = [Pair(f"ILSVRC2012_{i:08d}", None, None) for i in range(10553)]
    training, validation = split_pairs(pairs, 0.05)
    assert 450 < len(validation) < 610 and len(training) + len(validation) == len(pairs)
    fewer = {p.name for p in split_pairs(pairs[::3], 0.05)[1]}
    assert fewer == {p.name for p in validation} & {p.name for p in pairs[::3]}


def test_folds_are_exact_and_divide_the_pairs():
    pairs = [Pair(f"photo {k}", None, None) for k in range(32)]
    folds = [split_pairs(pairs, 0.2, fold) for fold in range(5)]
    assert [len(validation) for _, validation in folds] == [7, 7, 6, 6, 6]
    assert sorted(pair for _, validation in folds for pair in validation) == sorted(pairs)
    for training, validation in folds:
        assert sorted(training + validation) == sorted(pairs)


@pytest.fixture
def kinds():
    """Pairs named as DUTS-TR's: 12 synsets with 1 to 12 pictures, SUN's, and others."""
    names = [f"n{10000000 + 7 * k}_{i}" for k in range(12) for i in range(k + 1)]
    names += [f"sun_{'abcde'[i]}" for i in range(5)]
    names += [f"ILSVRC2012_test_{i:08d}" for i in range(30)] + ["n1_2", "n90000000"]
    return [Pair(name, None, None) for name in names]


def test_whole_synsets_and_sun_are_held_out(kinds):
    training, validation = split_synsets(kinds, 4)
    assert sorted(training + validation) == sorted(kinds)
    synsets = {p.name.split("_")[0] for p in validation} - {"sun"}
    assert len(synsets) == 4
    sizes = Counter(p.name.split("_")[0] for p in kinds)
    assert len(validation) == 5 + sum(sizes[synset] for synset in synsets)
    assert not any(p.name.startswith(("sun", *synsets)) for p in training)
    assert {"n1_2", "n90000000"} <= {p.name for p in training}  # no synsets by their form
    assert validation == split_synsets(kinds[::-1], 4)[1][::-1]
    more = {p.name for p in split_synsets(kinds, 6)[1]}
    assert {p.name for p in validation} < more
    assert split_pairs(kinds, 0.5, synsets=4) == (training, validation)


def test_what_is_held_out_is_named(kinds):
    assert held_out_part(kinds, "kinds", None, 0) == (kinds, "kinds")
    part, title = held_out_part(kinds, "kinds", 0.3, 0)
    assert (part, title) == (split_pairs(kinds, 0.3)[1], "kinds held out")
    part, title = held_out_part(kinds, "kinds", None, 4)
    assert (part, title) == (split_synsets(kinds, 4)[1], "kinds 4 synsets held out")
    for held_out, synsets, said in ((1e-9, 0, "held_out=1e-09"), (None, 3, "held_out_synsets=3")):
        with pytest.raises(ValueError, match=f"{said}: no pair of kinds"):
            held_out_part([Pair("a", None, None)], "kinds", held_out, synsets)
