"""A score in one file: sealed, checked against maps and masks, merged without any picture."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest

from salient.scoring.bundles.store import read_bundle
from tests.fixtures.scored import draw_discs

FOLDER = ("dataset=folder", "masks=masks", "title=discs")


@pytest.fixture(scope="module")
def folder(call, tmp_path_factory):
    """Bundles of two methods, one by one and together, and what `eval` saved of both."""
    folder = tmp_path_factory.mktemp("bundles")
    draw_discs(folder)
    for name, width in (("a", 5), ("b", 9)):
        (folder / name).mkdir()
        for mask in (folder / "masks").iterdir():
            grey = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
            cv2.imwrite(str(folder / name / mask.name), cv2.blur(grey, (width, width)))
    quick = (*FOLDER, "report_pictures=0")
    for name in ("a", "b"):
        call(folder, "eval", *quick, f"predictions={name}", f"bundle={name}.bundle", "output=one")
    call(folder, "eval", *quick, "predictions={a: a, b: b}", "output=both")
    return folder


def test_merged_bundles_give_the_leaderboard_of_both_to_the_digit(call, folder, tmp_path):
    done = call(folder, "verify", "a.bundle", "b.bundle", f"output={tmp_path}")
    assert "a.bundle: whole, and its means follow from its pictures" in done.stdout
    for name in ("leaderboard.md", "leaderboard.csv", "table.csv", "curves.csv"):
        assert (tmp_path / name).read_text() == (folder / "both" / name).read_text()
    assert "| discs    | a - b | -0.0" in (tmp_path / "differences.md").read_text()
    assert np.load(folder / "a.bundle")["0.npy"].shape[0] == 4  # a ZIP file of arrays


def test_a_bundle_altered_by_one_byte_is_refused(folder, tmp_path):
    content = bytearray((folder / "a.bundle").read_bytes())
    for place in (0, 11, len(content) // 2, len(content) - 70, len(content) - 1):
        altered = content.copy()
        altered[place] ^= 1
        (tmp_path / "x.bundle").write_bytes(altered)
        with pytest.raises(ValueError, match=r"x\.bundle: not a bundle .* or altered"):
            read_bundle(tmp_path / "x.bundle")
    (tmp_path / "x.bundle").write_bytes(content)
    assert read_bundle(tmp_path / "x.bundle").scored[0].row.method == "a"


def test_what_differs_from_maps_and_masks_is_named(call, folder, tmp_path):
    maps = ("a.bundle", *FOLDER, "predictions=a")
    assert "its masks and its maps are those at hand" in call(folder, "verify", *maps).stdout
    for name in ("masks", "a", "b"):
        shutil.copytree(folder / name, tmp_path / name)
    shutil.copy(tmp_path / "a/d3.png", tmp_path / "a/d1.png")
    shutil.copy(tmp_path / "masks/d0.png", tmp_path / "masks/d2.png")
    (tmp_path / "a.bundle").write_bytes((folder / "a.bundle").read_bytes())
    done = call(tmp_path, "verify", *maps, fails=True)
    assert "discs: d2: another mask" in done.stderr
    assert "discs, a: d1: another map" in done.stderr
    assert "discs, a: d2: other figures, by up to" in done.stderr and "d3" not in done.stderr


def test_bundles_that_do_not_belong_together_are_refused(call, folder):
    done = call(folder, "verify", "a.bundle", "a.bundle", fails=True)
    assert "a on discs is also in an earlier bundle" in done.stderr
    other = ("eval", *FOLDER, "predictions=b", "report_pictures=0", "output=one")
    call(folder, *other, "metrics.max_f=pooled", "bundle=pooled.bundle")
    done = call(folder, "verify", "a.bundle", "pooled.bundle", fails=True)
    assert "a.bundle and pooled.bundle were scored with different conventions" in done.stderr
    results = json.loads((folder / "one/results.json").read_text())
    assert (
        read_bundle(folder / "pooled.bundle").scored[0].row.figures["mae"]
        == (results["rows"][0]["mae"])
    )
