"""The pictures of `distil.py`: labelled pairs and photographs, mixed and augmented."""

from __future__ import annotations

import random
from collections.abc import Iterator

import albumentations as A
import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from salient.data.images import read_image
from salient.data.masks import read_truth
from salient.data.pairs import Pair
from salient.data.soft import SoftPair, read_soft

SIDE = 320
SOFT_SHARE = 0.56  # of the pictures, from the photographs


class Mixture(IterableDataset[tuple[Tensor, Tensor]]):
    """An endless series of augmented pictures uint8 3,S,S and labels 1,S,S in [0, 1]."""

    def __init__(self, pairs: list[Pair], photos: list[SoftPair], seed: str) -> None:
        self.pairs, self.photos, self.seed = pairs, photos, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = torch.utils.data.get_worker_info()
        rng = random.Random(f"{self.seed}/{worker.id if worker else 0}")
        transform, hard, soft = augmentation(), list[Pair](), list[SoftPair]()
        while True:
            if is_soft := rng.random() < SOFT_SHARE:
                soft = soft or rng.sample(self.photos, len(self.photos))
                picture, mask = read_soft(soft.pop())
            else:
                hard = hard or rng.sample(self.pairs, len(self.pairs))
                pair = hard.pop()
                picture, mask = read_image(pair.image), read_truth(pair)
            transform.set_random_seed(rng.getrandbits(31))
            made = transform(image=picture, mask=mask)
            label = torch.from_numpy(made["mask"]).float()[None] / 255
            image = torch.from_numpy(np.ascontiguousarray(made["image"])).permute(2, 0, 1)
            yield image, label if is_soft else (label > 128 / 255).float()


def augmentation() -> A.Compose:
    """Crop, flip, turn, zoom and change colours; damage two of five pictures in one way."""
    damage = [
        A.GaussianBlur(blur_limit=(3, 7)),
        A.GaussNoise(std_range=(0.02, 0.08)),
        A.Sharpen(),
        A.ImageCompression(quality_range=(25, 80)),
        A.RandomGamma((60, 160)),
        A.MotionBlur(blur_limit=(3, 7)),
    ]
    turn = A.Affine(
        rotate=(-12, 12),
        scale=(0.6, 1.7),
        mask_interpolation=cv2.INTER_LINEAR,
        border_mode=cv2.BORDER_REFLECT_101,
        p=0.7,
    )
    resize = A.Resize(
        SIDE, SIDE, mask_interpolation=cv2.INTER_LINEAR, area_for_downscale="image_mask"
    )
    colours = A.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.5, 1.5), (-0.06, 0.06), p=0.8)
    crop = A.RandomCropFromBorders(0.15, 0.15, 0.15, 0.15, p=1)
    steps = [crop, A.HorizontalFlip(p=0.5), turn, resize, colours, A.ToGray(p=0.05)]
    return A.Compose([*steps, A.OneOf(damage, p=0.4)])
