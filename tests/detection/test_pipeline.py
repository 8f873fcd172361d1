"""The pipeline in place of ModelScope's, against its mask and against its steps one by one."""

from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

import salient
from salient.detection.pipeline import Pipeline, to_mask
from salient.weights import hub
from salient.weights.find import find_checkpoint
from tests.fixtures.commands import SHARED
from tests.fixtures.modelscope import load_arrays, write_folder

PICTURE = SHARED / "data/samples/DUTS-TE/DUTS-TE-Image/sun_ekmqudbbrseiyiht.jpg"
PUBLISHED = "norm_mean = [0.485, 0.456, 0.406]\nnorm_std = [0.229, 0.224, 0.225]\n"
# Of another size and mean, as its sibling for camouflaged objects may have.
OTHER = "norm_mean = [0.4, 0.5, 0.6]\nnorm_std = [0.2, 0.25, 0.3]\nnorm_size = (96, 96)\n"


@pytest.fixture(scope="session")
def folder(modelscope_state, tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("model"), modelscope_state, OTHER)


@pytest.fixture(scope="session")
def theirs(folder):
    return salient.pipeline("semantic-segmentation", model=str(folder), device="cpu")


def their_steps(network, picture: Image.Image) -> np.ndarray:
    """What ModelScope's pipeline computes, by the packages that it uses."""
    prepare = transforms.Compose(
        [
            transforms.Resize((96, 96)),
            transforms.ToTensor(),
            transforms.Normalize([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]),
        ]
    )
    with torch.inference_mode():
        data = torch.sigmoid(network(prepare(picture)[None]).saliency[0])[0, 0]
    data = (data - data.min()) / (data.max() - data.min())
    return cv2.resize((data.numpy() * 255).astype("uint8"), picture.size)


@pytest.fixture
def picture():
    rng = np.random.default_rng(5)
    rough = rng.integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(cv2.resize(rough, (301, 227), interpolation=cv2.INTER_CUBIC))


def test_the_end_of_their_pipeline_to_the_byte():
    oracle = load_arrays("pipeline")
    height, width = oracle["mask"].shape
    mask = cv2.resize(to_mask(oracle["probability"]), (width, height))
    np.testing.assert_array_equal(mask, oracle["mask"])


@pytest.mark.skipif(not PICTURE.is_file(), reason="needs a picture of DUTS-TE")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_their_mask_of_a_real_picture(modelscope_state, tmp_path, dtype):
    model = write_folder(tmp_path, modelscope_state, PUBLISHED + "norm_size = (352, 352)\n")
    detect = salient.pipeline(model=model, device="cpu")
    detect.network.to(dtype)
    difference = np.abs(detect(PICTURE)["masks"].astype(int) - load_arrays("pipeline")["mask"])
    assert difference.max() <= 1 and difference.mean() <= 0.01


def test_their_steps_on_every_kind_of_input(theirs, picture, tmp_path):
    expected = their_steps(theirs.network, picture)
    bgr = np.asarray(picture)[..., ::-1]
    transparent = picture.copy()
    transparent.putalpha(40)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down, so turned back when it is read
    for name, image in {"a": picture, "b": transparent, "c": picture.rotate(180)}.items():
        image.save(tmp_path / f"{name}.png", exif=exif if name == "c" else None)
    kinds = [picture, bgr, np.ascontiguousarray(bgr), transparent, {"image": bgr}]
    files = [tmp_path / "a.png", str(tmp_path / "b.png"), {"image": str(tmp_path / "c.png")}]
    for output in theirs(kinds + files):
        assert list(output) == ["masks"] and output["masks"].dtype == np.uint8
        difference = np.abs(output["masks"].astype(int) - expected)
        assert difference.max() <= 1 and difference.mean() <= 0.01
    grey = picture.convert("L")
    difference = theirs(np.asarray(grey))["masks"].astype(int) - theirs(grey)["masks"]
    assert not difference.any()


def test_another_filter_gives_another_mask(theirs, picture):
    expected = their_steps(theirs.network, picture).astype(int)
    assert theirs.network.resize == "pillow"
    theirs.network.set_input(96, "area")
    try:
        assert np.abs(theirs(picture)["masks"] - expected).mean() > 0.05
    finally:
        theirs.network.set_input(96, "pillow")


def test_a_constant_map_gives_zeros(small_network, picture):
    network = small_network().eval()
    torch.nn.init.zeros_(network.out4.weight)
    mask = Pipeline(network)(picture)["masks"]
    assert mask.shape == (227, 301) and not mask.any()


def test_wrong_input_is_refused(theirs):
    cases = [
        (np.zeros((4, 5, 4), np.uint8), ValueError, "BGR uint8 H,W,3"),
        (np.zeros((4, 5), np.float32), ValueError, "float32"),
        ({"img": 1}, ValueError, "'image'"),
        (7, TypeError, "got int"),
        ("nothing.jpg", FileNotFoundError, "nothing.jpg"),
    ]
    for wrong, error, words in cases:
        with pytest.raises(error, match=words):
            theirs(wrong)
    with pytest.raises(ValueError, match="task: 'ocr'"):
        salient.pipeline("ocr")


def test_scoring_uses_the_folders_own_preprocessing(folder, theirs, call, tmp_path, picture):
    for name, image in {"images": picture, "masks": picture.convert("L")}.items():
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "a.png")
    pair = ("dataset=folder", "images=images", "masks=masks", "title=one", "workers=0")
    options = (f"checkpoint={folder}", "save_maps=true", "output=out", "precision=fp32")
    with pytest.warns(UserWarning, match="many pixels between black and white"):
        call(tmp_path, "eval", *pair, *options)
    details = json.loads((tmp_path / "out/results.json").read_text())["networks"]["ours"]
    assert (details["size"], details["resize"]) == (96, "pillow")
    detected = salient.Detector.load(folder, "cpu", "fp32")(picture)
    (saved,) = (tmp_path / "out/maps").rglob("a.png")
    np.testing.assert_array_equal(np.asarray(Image.open(saved)), detected)
    # Not stretched and not truncated, so not their mask, but the same map under it.
    stretched = detected.astype(float) - detected.min()
    expected = their_steps(theirs.network, picture)
    assert np.abs(stretched * 255 / stretched.max() - expected).mean() < 1.5


def test_a_model_is_a_path_or_a_hubs_id(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    asked = []

    def snapshot_download(name, revision=None, **options):
        asked.append((name, revision))
        if name == "no/network":
            raise OSError("no\nroute")
        return str(folder)

    package = SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setattr(hub, "find_spec", lambda name: name == "modelscope")
    monkeypatch.setattr(hub, "import_module", lambda name: package)
    assert hub.find_model(folder) == folder
    assert hub.find_model("damo/cv_res2net_salient-detection", "v1.0.0") == folder
    assert asked == [("damo/cv_res2net_salient-detection", "v1.0.0")]
    assert find_checkpoint("damo/cv_res2net_salient-detection") == folder
    with pytest.raises(FileNotFoundError, match=r"modelscope: no route\); download .*model=FOLDER"):
        hub.find_model("no/network")
    with pytest.raises(
        FileNotFoundError, match=r"^start=no/network: no such file, .* start=FOLDER"
    ):
        find_checkpoint("no/network", key="start")
    with pytest.raises(ValueError, match="addresses are not opened; download"):
        hub.find_model("https://example.org/pytorch_model.bin")
    asked.clear()
    for path in ("checkpoints/a.safetensors", "nothing", "a/b/c"):
        with pytest.raises(FileNotFoundError, match="no such file or folder"):
            hub.find_model(path)
    assert not asked
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install modelscope"):
        hub.find_model("damo/cv_res2net_camouflaged-detection")


def test_a_hubs_folder_needs_one_model(monkeypatch, tmp_path):
    package = SimpleNamespace(snapshot_download=lambda name, **options: str(tmp_path))
    monkeypatch.setattr(hub, "find_spec", lambda name: name == "huggingface_hub")
    monkeypatch.setattr(hub, "import_module", lambda name: package)
    with pytest.raises(FileNotFoundError, match="neither pytorch_model.bin nor one safetensors"):
        hub.find_model("someone/model")
    (tmp_path / "model.safetensors").touch()
    assert hub.find_model("someone/model") == tmp_path
