"""Finding and checking pairs, on files made here and on the samples of the real sets."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from salient.data.images import read_image, read_mask, read_size
from salient.data.layouts import find_folders
from salient.data.pairs import find_pairs, list_pairs
from salient.data.sets import PairSet
from tests.fixtures.commands import ROOT, SHARED

SAMPLES = SHARED / "data/samples"


def write(path: Path, size=(6, 4), mode="RGB", **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, options.pop("color", 0)).save(path, **options)
    return path


@pytest.fixture
def folders(tmp_path):
    for name, suffix in (("b", "jpg"), ("a", "PNG"), ("d", "webp"), ("c", "bmp"), ("e", "jpeg")):
        write(tmp_path / "images" / f"{name}.{suffix}")
        write(tmp_path / "masks" / f"{name}.png", mode="L")
    return tmp_path / "images", tmp_path / "masks"


def test_pairs_by_stem_sorted_and_other_files_left_out(folders):
    (folders[0] / "Thumbs.db").write_text("x")
    (folders[0] / "._a.png").write_text("x")
    pairs = find_pairs(*folders)
    assert [p.name for p in pairs] == ["a", "b", "c", "d", "e"]
    assert all(p.image.stem == p.mask.stem == p.name for p in pairs)


@pytest.mark.parametrize("archive", ["TestDataset/", ""])
def test_camouflage_sets_are_found_as_their_field_passes_them_on(tmp_path, archive):
    write(tmp_path / archive / "CAMO/Imgs/camourflage_00012.jpg")
    write(tmp_path / archive / "CAMO/GT/camourflage_00012.png", mode="L", color=255)
    settings = OmegaConf.to_container(OmegaConf.load(ROOT / "configs/dataset/camo.yaml"))
    camo = PairSet(**{key: value for key, value in settings.items() if key != "_target_"})
    with pytest.warns(UserWarning, match="CAMO: 1 of 250 pairs"):
        (pair,) = camo.pairs(tmp_path, strict=False)
    assert pair.name == "camourflage_00012"


def test_one_shared_folder_as_msra10k(tmp_path):
    for name in ("1", "2"):
        write(tmp_path / f"{name}.jpg")
        write(tmp_path / f"{name}.png", mode="L")
    assert [(p.image.name, p.mask.name) for p in find_pairs(tmp_path, tmp_path)] == [
        ("1.jpg", "1.png"),
        ("2.jpg", "2.png"),
    ]


def test_what_does_not_match_is_named(folders):
    images, masks = folders
    for name in ("x1", "x2", "x3", "x4", "x5", "x6"):
        write(images / f"{name}.jpg")
    with pytest.raises(ValueError, match="pictures without a mask.*: x1, x2.* and 1 more"):
        find_pairs(images, masks, title="T")
    for name in ("x1", "x2", "x3", "x4", "x5", "x6", "y"):
        write(masks / f"{name}.png")
    with pytest.raises(ValueError, match="masks without a picture.*: y$"):
        find_pairs(images, masks)
    (masks / "y.png").unlink()
    write(masks / "x1.png", size=(5, 4))
    with pytest.raises(ValueError, match="differ in size: x1$"):
        find_pairs(images, masks)
    assert len(find_pairs(images, masks, differing_sizes=["x1"])) == 11
    write(images / "x2.png")
    with pytest.raises(ValueError, match="several files with the same name.*images/x2$"):
        find_pairs(images, masks)


def test_a_wrong_count_is_an_error_or_a_warning(folders):
    with pytest.raises(ValueError, match=r"T: 5 of 7 pairs under .*data/README.md.*strict=false"):
        find_pairs(*folders, title="T", expected=7)
    with pytest.warns(UserWarning, match="5 of 7"):
        assert len(find_pairs(*folders, expected=7, strict=False)) == 5


def test_a_damaged_file_is_named(folders):
    (folders[0] / "b.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="b.jpg: not a readable picture"):
        find_pairs(*folders)


def test_missing_folders_name_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match="E: no folders .*E/img1 and .*data/README.md"):
        find_folders(tmp_path, "E", [("E/img1", "E/gt1")])
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(FileNotFoundError, match="no pictures in .*images"):
        find_pairs(tmp_path / "images", tmp_path / "masks")


@pytest.mark.parametrize("images", ["images", "Images", "image", "imgs", "Imgs", "img"])
@pytest.mark.parametrize("masks", ["masks", "mask", "gt", "GT", "ground_truth_mask"])
def test_usual_folder_names(tmp_path, images, masks):
    for name in (images, masks):
        (tmp_path / "S" / name).mkdir(parents=True)
    assert find_folders(tmp_path, "S") == (tmp_path / "S" / images, tmp_path / "S" / masks)


def test_masks_of_any_mode_become_grey(tmp_path):
    values = np.array([[0, 90, 255]], np.uint8)
    grey = Image.fromarray(values)
    for mode in ("L", "RGB", "RGBA", "LA", "P"):
        grey.convert(mode).save(tmp_path / f"{mode}.png")
        np.testing.assert_array_equal(read_mask(tmp_path / f"{mode}.png"), values, mode)
    grey.convert("1", dither=Image.Dither.NONE).save(tmp_path / "1.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "1.png"), [[0, 0, 255]])
    Image.fromarray(values.astype(np.uint16) * 257).save(tmp_path / "16.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "16.png"), values)


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # displayed turned by 90 degrees
    path = write(tmp_path / "turned.jpg", size=(8, 4), exif=exif)
    assert read_image(path).shape == (8, 4, 3) and read_size(path) == (8, 4)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no real samples beside this checkout")
@pytest.mark.parametrize("name", ["duts_te", "dut_omron", "sod", "pascal_s", "ecssd", "msra10k"])
def test_published_layouts_of_real_sets(name):
    config = OmegaConf.to_container(OmegaConf.load(ROOT / f"configs/dataset/{name}.yaml"))
    del config["_target_"]
    with pytest.warns(UserWarning) as caught:
        pairs = PairSet(**config).pairs(SAMPLES, strict=False)
    assert any(f" of {config['expected']} pairs" in str(one.message) for one in caught)
    assert len(pairs) >= 4
    for pair in pairs:
        assert read_image(pair.image).ndim == 3 and read_mask(pair.mask).ndim == 2


def test_names_in_another_unicode_form_are_matched_and_said(tmp_path):
    """macOS writes NFD; archives made there keep it."""
    name = "\u00e9t\u00e9"
    for folder, form in (("images", "NFD"), ("masks", "NFC")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / f"{unicodedata.normalize(form, name)}.png"
        Image.fromarray(np.full((4, 4), 255, np.uint8)).save(path)
    with pytest.warns(
        UserWarning, match="1 names are in another Unicode form.*matched: \u00e9t\u00e9"
    ):
        pairs = find_pairs(tmp_path / "images", tmp_path / "masks")
    assert [pair.name for pair in pairs] == [name]
    clash = tmp_path / f"images/{name}.png"
    clash.write_bytes(pairs[0].image.read_bytes())
    with pytest.raises(ValueError, match="several files with the same name"):
        find_pairs(tmp_path / "images", tmp_path / "masks")


def test_what_systems_leave_belongs_to_no_set(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for name in ("a.png", "._a.png", "Thumbs.db", "desktop.ini"):
            Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / folder / name, "PNG")
    listing = list_pairs(tmp_path / "images", tmp_path / "masks")
    assert [pair.name for pair in listing.pairs] == ["a"] and listing.left_out == []
