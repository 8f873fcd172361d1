"""Salient object detection: pictures in, saliency maps out.

Importing this package pulls in neither Lightning nor Hydra.
"""

from salient.detector import Detector
from salient.model.network import Outputs, SaliencyNetwork
from salient.weights import load_network, save_network

__version__ = "0.1.0"
__all__ = ["Detector", "Outputs", "SaliencyNetwork", "load_network", "save_network"]
