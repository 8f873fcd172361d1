"""The networks, by name. A new one is a file here and a row in ARCHITECTURES."""

from __future__ import annotations

from salient.model.base import Network
from salient.model.boundary import BoundaryNetwork
from salient.model.fpn import FpnNetwork
from salient.model.u2net import U2Net

__all__ = ["ARCHITECTURES", "Network", "architecture_of"]

# What a checkpoint's metadata may name; a checkpoint without a name is the first.
ARCHITECTURES: dict[str, type[Network]] = {
    "boundary": BoundaryNetwork,
    "u2net": U2Net,
    "fpn": FpnNetwork,
}


def architecture_of(network: Network) -> str:
    """The name of a network's class in ARCHITECTURES.

    Raises:
        ValueError: the class is not listed there, so its checkpoints could not be loaded.
    """
    for name, architecture in ARCHITECTURES.items():
        if type(network) is architecture:
            return name
    kind = f"{type(network).__module__}.{type(network).__qualname__}"
    raise ValueError(
        f"{kind} is not in salient.model.ARCHITECTURES, so its checkpoint could not be loaded; "
        "add a row there (CONTRIBUTING.md, Network)"
    )
