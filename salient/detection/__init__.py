"""Pictures in, saliency maps out: without Lightning or Hydra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salient.lazy import lazy_names

if TYPE_CHECKING:
    from salient.detection.by_torch import TorchEngine
    from salient.detection.cutout import Cutout
    from salient.detection.detector import Detector
    from salient.detection.load import load_engine
    from salient.detection.modes import MODES
    from salient.detection.pipeline import pipeline

__all__ = [
    "MODES",
    "Cutout",
    "Detector",
    "TorchEngine",
    "load_engine",
    "pipeline",
]
__getattr__ = lazy_names(
    __name__,
    {
        "TorchEngine": "by_torch",
        "Cutout": "cutout",
        "Detector": "detector",
        "load_engine": "load",
        "MODES": "modes",
        "pipeline": "pipeline",
    },
)
