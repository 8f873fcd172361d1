"""What runs a network: the interface of the engines by onnxruntime and by PyTorch."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from salient.arrays import Picture, Probability


class Found(NamedTuple):
    """In [0, 1], float32: `saliency` B,S,S and `edge` (the boundary) B,S/4,S/4.

    `edge` is None where the network has no such output.
    """

    saliency: Probability
    edge: Probability | None = None


class Engine(Protocol):
    """A network and what runs it.

    Attributes:
        name: in words, such as `PyTorch bf16 on cuda`.
        origin: the file of the network, its size, and where it comes from, in a line.
        size: side in pixels of the square that it takes.
        resize: the filter that brings pictures there, a name in `salient.data.transforms.RESIZE`.
        on_cores: whether it computes on the processor's cores, where each square is best given
            alone, from a thread for each core; else several at once are quicker.
    """

    name: str
    origin: str
    size: int
    resize: str
    on_cores: bool

    def run(self, squares: Picture, flip: bool = False, alone: bool = True) -> Found:
        """RGB uint8 B,S,S,3 -> what is found, at the network's size.

        Args:
            squares: pictures.
            flip: average with what is found in the mirror images, in twice the time.
            alone: nothing else runs meanwhile, so that all cores may work on this; else one does.

        Raises:
            ValueError: a probability is NaN, which would be saved as a black map.
        """
        ...
