"""For `torch.hub.load(PATH_OF_THE_CHECKOUT, "detector", source="local")`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from salient import Detector, Network, load_network
from salient.weights import find_checkpoint

dependencies = ["cv2", "numpy", "onnxruntime", "pydantic", "safetensors", "timm", "torch"]


def detector(checkpoint: str | Path = "best", **options: Any) -> Detector:
    """What finds maps: `detector(pictures)`. Further arguments are those of `Detector.load`.

    Args:
        checkpoint: best or fast, the bundled weights; a file; or a hub's owner/name.
        **options: as of `Detector.load`.
    """
    return Detector.load(checkpoint, **options)


def network(checkpoint: str | Path = "best", device: str = "cpu") -> Network:
    """The network in eval mode, to train further or to build on.

    Args:
        checkpoint: as of `detector`.
        device: where it is.
    """
    return load_network(find_checkpoint(checkpoint), device)
