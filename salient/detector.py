"""The one-call detector: a picture in, its saliency map at its own size out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

import numpy as np
import torch
from numpy.typing import NDArray

from salient.data.images import read_image
from salient.data.transforms import inference_transform, to_map
from salient.model.network import SaliencyNetwork
from salient.weights import find_checkpoint, load_network

Picture = str | Path | NDArray[np.uint8]
Map = NDArray[np.uint8]
Precision = Literal["auto", "32", "bf16", "fp16"]


class Detector:
    """Pictures -> saliency maps, by one network on one device.

    Args:
        network: in eval mode, on the device to run on.
        batch_size: pictures of a list that go through the network together.
    """

    def __init__(self, network: SaliencyNetwork, batch_size: int = 8) -> None:
        self.network, self.batch_size = network, batch_size
        self.transform = inference_transform(network.size)

    @classmethod
    def load(cls, path: str | Path | None = None, device: str = "auto") -> Detector:
        """From a checkpoint (the newest of `checkpoints/` if None), on `pick_device(device)`.

        Raises as `salient.load_network`.
        """
        return cls(load_network(find_checkpoint(path), pick_device(device)))

    @overload
    def __call__(self, pictures: Picture) -> Map: ...
    @overload
    def __call__(self, pictures: list[Picture]) -> list[Map]: ...
    def __call__(self, pictures: Picture | list[Picture]) -> Map | list[Map]:
        """A path or an RGB array uint8 H,W,3 -> its map uint8 H,W; a list gives a list.

        Raises:
            FileNotFoundError, ValueError: a file that is not there or no picture, or an array of
                another shape or type.
        """
        if isinstance(pictures, str | Path | np.ndarray):
            return self([pictures])[0]
        maps: list[Map] = []
        for start in range(0, len(pictures), self.batch_size):
            images = [_to_array(p) for p in pictures[start : start + self.batch_size]]
            squares = [self.transform(image=image)["image"] for image in images]
            batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
            for probability, image in zip(self.network.predict(batch).numpy(), images):
                maps.append(to_map(probability, image.shape[:2]))
        return maps


def pick_device(name: str = "auto") -> torch.device:
    """`auto` is the GPU if there is one; anything else is PyTorch's name of a device."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def pick_precision(device: torch.device, name: Precision = "auto") -> torch.dtype:
    """What to compute in. `auto` is bf16 where the device computes with it, fp16 on other GPUs.

    A CPU computes with bf16 if it has AVX512-BF16 or AMX; on others it would be slower.
    """
    if name != "auto":
        return {"32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[name]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    can = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32


def _to_array(picture: Picture) -> NDArray[np.uint8]:
    if not isinstance(picture, np.ndarray):
        return read_image(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        shape = f"{picture.dtype} {picture.shape}"
        raise ValueError(f"a picture is an RGB array uint8 of shape (H, W, 3), got {shape}")
    return picture
