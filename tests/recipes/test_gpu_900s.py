"""The 900 seconds of a GPU, rehearsed: packed, decoded, trained on a CPU, loaded again."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from recipes.gpu_900s import Pictures
from recipes.gpu_augment import augment
from recipes.gpu_pack import decode, pack
from salient import Detector
from salient.data.images import read_image
from salient.data.transforms import squash
from salient.weights.find import find_checkpoint
from salient.weights.store import load_network, read_metadata
from tests.fixtures.commands import ENVIRONMENT, ROOT

SIDE = 64


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    pack(["sample_train"], str(folder / "data"), 2, SIDE, folder / "packs")
    for number in (1, 2):
        decode(folder / f"packs/{number}.zip", SIDE, folder / "arrays")
    return folder


def test_what_is_packed_comes_back(arrays):
    for number in (1, 2):
        stem = arrays / "arrays" / str(number)
        listed = json.loads(stem.with_suffix(".json").read_text())
        images, labels = np.load(f"{stem}.npy"), np.load(f"{stem}.labels.npy")
        assert images.shape == (48, SIDE, SIDE, 3) and labels.shape == (48, SIDE, SIDE)
        for k in (0, 17, 47):
            name, soft = listed[k]
            assert soft is False
            (file,) = (arrays / "data/sample/train/images").glob(f"{name}.*")
            difference = squash(read_image(file), SIDE).astype(int) - images[k]
            assert np.abs(difference).mean() < 12  # WebP at quality 60
        assert ((labels < 8) | (labels > 247)).mean() > 0.85


def test_pictures_are_divided_as_training_divides_them(arrays):
    pictures = Pictures(arrays / "arrays", torch.device("cpu"))
    assert pictures.images.shape == (96, 3, SIDE, SIDE) and pictures.labels.dtype == torch.uint8
    assert sorted(pictures.labelled + pictures.held_out) == list(range(96)) and not pictures.soft
    torch.manual_seed(0)
    batches = pictures.batches(8)
    seen = torch.cat(batches).tolist()
    assert {len(batch) for batch in batches} == {8} and len(set(seen)) == len(seen)
    assert set(seen) <= set(pictures.labelled) and len(seen) > len(pictures.labelled) - 8
    pictures.soft, pictures.labelled = pictures.labelled[:30], pictures.labelled[30:]
    for batch in pictures.batches(8):
        assert [int(k) in pictures.soft for k in batch] == [False] * 4 + [True] * 4


def test_a_picture_and_its_label_stay_together():
    """Pictures that are their own labels: after all geometry both still agree."""
    torch.manual_seed(0)
    places = torch.arange(SIDE).float()
    discs = [((places - x) ** 2 + (places[:, None] - y) ** 2 < 15**2) for x, y in
             torch.randint(12, 52, (64, 2)).tolist()]  # fmt: skip
    labels = (255 * torch.stack(discs)[:, None]).to(torch.uint8)
    images, soft = augment(labels.expand(-1, 3, -1, -1).contiguous(), labels)
    assert images.shape == (64, 3, SIDE, SIDE) and images.dtype == soft.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1 and soft.min() >= 0 and soft.max() <= 1
    shown, kept = images.mean(1).flatten(1), soft.flatten(1)
    varied = [k for k in range(64) if kept[k].std() > 0.1]
    together = torch.stack([torch.corrcoef(torch.stack([shown[k], kept[k]]))[0, 1] for k in varied])
    assert len(varied) > 48 and together.min() > 0.8
    again, _ = augment(labels.expand(-1, 3, -1, -1).contiguous(), labels)
    assert not torch.equal(images, again)
    torch.manual_seed(0)
    torch.randint(12, 52, (64, 2))
    assert torch.equal(augment(labels.expand(-1, 3, -1, -1).contiguous(), labels)[0], images)


def test_the_rehearsal_ends_in_a_checkpoint(tmp_path):
    settings = {"REHEARSE": "1", "PYTHON": sys.executable, "ARRAYS": str(tmp_path / "arrays")}
    settings |= {"OUTPUT": str(tmp_path / "made.safetensors"), "TIME_LIMIT": "1", "ARCHIVES": "1"}
    done = subprocess.run(
        ["bash", str(ROOT / "recipes/gpu_900s.sh")],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.zip: 96 pictures" in done.stdout and "held-out MAE" in done.stdout
    metadata = read_metadata(tmp_path / "made.safetensors")
    assert json.loads(metadata["steps"]) >= 4 and json.loads(metadata["pairs"]) > 80
    made, start = load_network(tmp_path / "made.safetensors"), load_network(find_checkpoint("fast"))
    assert made.size == SIDE and made.config["encoder"] == start.config["encoder"]
    kernels = [
        (a, b) for a, b in zip(made.parameters(), start.parameters(), strict=True) if a.ndim > 1
    ]  # a few short steps can be below the resolution of a scale near 1
    assert sum(not torch.equal(a, b) for a, b in kernels) > 0.9 * len(kernels)
    saliency = Detector.load(tmp_path / "made.safetensors")(np.zeros((50, 70, 3), np.uint8))
    assert np.asarray(saliency).shape == (50, 70)
