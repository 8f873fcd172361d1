"""The embedded sample set: the same everywhere, and a fair miniature of the task."""

import numpy as np
import pytest

from salient.data.sample import COUNTS, draw_pair


def test_a_pair_is_the_same_every_time():
    first, second = draw_pair("test", 3), draw_pair("test", 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, second))


@pytest.mark.parametrize(("split", "index"), [("val", 0), ("train", -1), ("test", COUNTS["test"])])
def test_what_is_not_there_is_refused(split, index):
    with pytest.raises(ValueError, match="got"):
        draw_pair(split, index)
