"""`salient strip`: rows of picture, mask and maps."""

from __future__ import annotations

import numpy as np
from PIL import Image


def test_strip_puts_methods_side_by_side(call, trained):
    maps = ("save_maps=true", "output=strip", "workers=0")
    call(trained, "eval", "dataset=sample", *maps)
    methods = "predictions={a: strip/maps, b: strip/maps/sample}"
    picture = ("output=strip/rows.png", "rows=4", "every=8")
    call(trained, "strip", "dataset=sample", methods, *picture)
    with Image.open(trained / "strip/rows.png") as image:
        shown = np.asarray(image)
    height, width = 160 + 4, 160 * 4 // 3 + 4
    assert shown.shape == (2 * height, 2 * 4 * width, 3)
    np.testing.assert_array_equal(shown[:, 2 * width : 3 * width], shown[:, 3 * width : 4 * width])
