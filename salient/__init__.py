"""Salient object detection: pictures in, saliency maps out.

Importing this package is quick: neither Lightning nor Hydra is imported, and the module of a name
only when the name is first used.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from salient.distribution import how_to_install

if TYPE_CHECKING:
    from salient.data.sets import PairSet
    from salient.detection.detector import Detector
    from salient.detection.pipeline import pipeline
    from salient.detection.result import Result
    from salient.model import ARCHITECTURES
    from salient.model.base import Network, Outputs
    from salient.model.boundary import SaliencyNetwork
    from salient.scoring.evaluation import evaluate
    from salient.training.run import train
    from salient.weights.store import load_network, save_network

__version__ = "0.3.0"
_HOMES = {
    "Detector": "salient.detection.detector",
    "PairSet": "salient.data.sets",
    "Result": "salient.detection.result",
    "evaluate": "salient.scoring.evaluation",
}
_WITH_TORCH = {
    "ARCHITECTURES": "salient.model",
    "Network": "salient.model.base",
    "Outputs": "salient.model.base",
    "SaliencyNetwork": "salient.model.boundary",
    "load_network": "salient.weights.store",
    "pipeline": "salient.detection.pipeline",
    "save_network": "salient.weights.store",
    "train": "salient.training.run",
}

__all__ = ["Detector", "PairSet", "Result", "evaluate"]
if find_spec("torch"):  # without it, detection works and `from salient import *` too
    __all__ += [
        "ARCHITECTURES",
        "Network",
        "Outputs",
        "SaliencyNetwork",
        "load_network",
        "pipeline",
        "save_network",
        "train",
    ]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    homes = _HOMES | _WITH_TORCH
    if name not in homes:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    try:
        return getattr(import_module(homes[name]), name)
    except ModuleNotFoundError as error:
        if error.name in ("torch", "timm", "safetensors"):
            raise ModuleNotFoundError(
                f"salient.{name} needs {error.name}; {how_to_install('torch')}", name=error.name
            ) from error
        raise
