"""Maps averaged in the logit: against the formula, by folders, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recipes.mix_maps import main, mix


def save(folder, name, saliency):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(saliency, np.uint8)).save(folder / f"{name}.png")


def test_the_mean_is_of_logits():
    one, other = np.array([[51, 204, 0]], np.uint8), np.array([[204, 204, 255]], np.uint8)
    assert mix([one, other], [1, 1])[0].tolist() == pytest.approx([127.5, 204, 127.5], abs=0.5)
    odds = (51 / 204) ** 0.7 * (204 / 51) ** 0.3  # by hand: p / (1 - p), to the power of its share
    assert mix([one, other], [0.7, 0.3])[0, 0] == round(255 * odds / (1 + odds))
    assert mix([one, other], [7, 3]).tolist() == mix([one, other], [0.7, 0.3]).tolist()
    level = np.arange(1, 255, dtype=np.uint8)[None]
    assert (mix([level, level], [0.2, 0.8]) == level).all()


def test_maps_get_the_first_ones_size():
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    mixed = mix([np.full((20, 32), 128, np.uint8), ramp], [1e-6, 1])
    assert mixed.shape == (20, 32) and abs(int(mixed[10, 16]) - 130) <= 3


def test_folders_are_mixed_and_must_agree(tmp_path, capsys):
    for name, level in (("a", 51), ("b", 204)):
        save(tmp_path / "one", name, np.full((4, 5), level))
        save(tmp_path / "two", name, np.full((8, 8), 204))
    out = tmp_path / "out"
    main([str(out), str(tmp_path / "one"), "0.5", str(tmp_path / "two"), "0.5"])
    assert "2 maps" in capsys.readouterr().out
    with Image.open(out / "a.png") as mixed:
        assert mixed.size == (5, 4) and mixed.getextrema() == pytest.approx((127.5,) * 2, abs=0.5)
    save(tmp_path / "two", "c", np.zeros((4, 5)))
    for arguments, said in (
        ([str(tmp_path / "one"), "0.5", str(tmp_path / "two"), "0.5"], "no map of some"),
        ([str(tmp_path / "one"), "0.5"], "two folders or more"),
        ([str(tmp_path / "one"), str(tmp_path / "two")], "two folders or more"),
        ([str(tmp_path / "none"), "1", str(tmp_path / "two"), "1"], "none"),
    ):
        with pytest.raises(SystemExit) as end:
            main([str(out), *arguments])
        assert end.value.code and said in capsys.readouterr().err
