"""Reading a whole set: damage, masks, and pictures that are there twice, resized or compressed."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from salient.data.examine import difference_hash, examine, report, same_pictures
from salient.data.pairs import list_pairs


@pytest.fixture
def scenes(sample_root, tmp_path):
    """A copy of the sample's test half, 32 pairs."""
    return shutil.copytree(sample_root / "sample/test", tmp_path / "test")


def read(folder, **settings):
    listing = list_pairs(folder / "images", folder / "masks")
    examined = [examine(pair) for pair in listing.pairs]
    return examined, report("T", listing, examined, **settings)


def test_the_sample_is_in_order(scenes):
    examined, found = read(scenes, expected=32)
    assert found.faults == [] and found.remarks == []
    assert {key for key, names in found.names.items() if names} <= {"grey"}
    assert same_pictures(examined, examined) == [(one.name, one.name) for one in examined]


def test_all_that_is_wrong_is_named(scenes):
    images, masks = (sorted((scenes / folder).iterdir()) for folder in ("images", "masks"))
    images[0].write_bytes(images[0].read_bytes()[:-40])
    masks[1].write_bytes(b"")
    masks[2].unlink()
    for path, level in ((masks[3], 0), (masks[4], 255)):
        with Image.open(path) as mask:
            constant = Image.new("L", mask.size, level)
        constant.save(path)
    Image.new("L", (9, 9), 255).save(masks[5])
    (scenes / "images/notes.txt").write_text("")
    with Image.open(images[6]) as picture:
        picture.resize((97, 103)).save(scenes / "images/copy.jpg", quality=80)
    with Image.open(masks[6]) as mask:
        mask.resize((97, 103)).save(scenes / "masks/copy.png")
    _, found = read(scenes, expected=32)
    names = [path.stem for path in masks]
    assert found.names["alone"] == [names[2]] and found.names["damaged"] == names[:2]
    assert found.names["sizes"] == [names[5]] and found.names["empty"] == [names[3]]
    assert found.names["full"] == names[4:6] and found.names["doubles"] == [f"{names[6]} = copy"]
    said = "\n".join(found.faults)
    assert f"1 without partner, or several with the same name: {names[2]}" in said
    assert f"{images[0]}: not a readable picture" in said and str(masks[1]) in said
    assert f"1 mask and picture differ in size: {names[5]}" in said
    assert "1 files have no image extension: notes.txt" in found.remarks
    _, found = read(scenes, differing_sizes=[names[5]])
    assert "differ in size" not in "\n".join(found.faults)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda mask: mask // 255, "all 32 masks are empty above 128: they hold 0, 1;"),
        (lambda mask: 255 - mask, "have mostly foreground"),
        (lambda mask: np.random.default_rng(0).integers(0, 256, mask.shape), "pictures and masks"),
    ],
)
def test_what_is_wrong_with_most_masks_spoils_a_run(scenes, change, said):
    for path in (scenes / "masks").iterdir():
        with Image.open(path) as mask:
            changed = Image.fromarray(change(np.asarray(mask)).astype(np.uint8))
        changed.save(path)
    assert said in "\n".join(read(scenes)[1].faults)


def test_the_hash_is_that_of_its_author_by_hand():
    """Each of 8 x 8 bits: brighter than the neighbour on the left."""
    ramp = np.repeat(np.arange(9, dtype=np.uint8)[None] * 20, 8, axis=0)
    picture = np.repeat(ramp.repeat(10, 0).repeat(10, 1)[..., None], 3, axis=2)
    assert difference_hash(picture) == 2**64 - 1
    assert difference_hash(picture[:, ::-1]) == 0
    picture[:10] = picture[:10, ::-1]
    assert difference_hash(picture) == 2**56 - 1


def test_other_pictures_are_not_the_same(scenes):
    examined = [examine(pair) for pair in list_pairs(scenes / "images", scenes / "masks").pairs]
    assert same_pictures(examined) == [] and len({one.hash for one in examined}) > 28
    flat = np.full((40, 60, 3), 128, np.uint8)
    assert difference_hash(flat) == 0
