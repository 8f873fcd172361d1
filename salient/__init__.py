"""Salient object detection: pictures in, saliency maps out.

Importing this package pulls in neither Lightning nor Hydra, and a name's module only when the name
is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from salient.distribution import how_to_install

if TYPE_CHECKING:
    from salient.data.sets import PairSet
    from salient.detection.detector import Detector
    from salient.detection.pipeline import pipeline
    from salient.model import ARCHITECTURES
    from salient.model.base import Network, Outputs
    from salient.model.boundary import SaliencyNetwork
    from salient.scoring.evaluation import evaluate
    from salient.training.run import train
    from salient.weights.store import load_network, save_network

__version__ = "0.2.0"
__all__ = [
    "ARCHITECTURES",
    "Detector",
    "Network",
    "Outputs",
    "PairSet",
    "SaliencyNetwork",
    "evaluate",
    "load_network",
    "pipeline",
    "save_network",
    "train",
]
_HOMES = {
    "ARCHITECTURES": "salient.model",
    "Detector": "salient.detection.detector",
    "Network": "salient.model.base",
    "Outputs": "salient.model.base",
    "SaliencyNetwork": "salient.model.boundary",
    "PairSet": "salient.data.sets",
    "evaluate": "salient.scoring.evaluation",
    "pipeline": "salient.detection.pipeline",
    "train": "salient.training.run",
    "load_network": "salient.weights.store",
    "save_network": "salient.weights.store",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name in ("torch", "timm", "safetensors"):
            raise ModuleNotFoundError(
                f"salient.{name} needs {error.name}; {how_to_install('torch')}", name=error.name
            ) from error
        raise


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
