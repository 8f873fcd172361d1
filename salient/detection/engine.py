"""The interface of engines, which run a network with onnxruntime or PyTorch."""

from __future__ import annotations

from typing import Protocol

from salient.arrays import Picture, Probabilities
from salient.detection.quality import IouFit


class Engine(Protocol):
    """A network and what runs it. It may be called from several threads, and pickled.

    Attributes:
        name: in words, such as `PyTorch bf16 on cuda`.
        origin: the file of the network, its size, and where it comes from, in a line.
        precision: what it computes in: fp32, bf16, fp16 or int8.
        size: side in pixels of the square that it takes.
        resize: the filter that brings pictures there, a name in `salient.data.transforms.RESIZE`.
        on_cores: whether it computes on the processor's cores. There, many pictures are quickest
            one at a time, each on a thread of its own; elsewhere several at once are quicker.
        quality: what predicts the IoU of its maps; None where nothing was fitted for its weights.
    """

    name: str
    origin: str
    precision: str
    size: int
    resize: str
    on_cores: bool
    quality: IouFit | None

    @property
    def sha256(self) -> str | None:
        """Of the checkpoint's file; None of a network in memory."""
        ...

    def run(self, squares: Picture, threads: int | None = None) -> Probabilities:
        """RGB uint8 B,S,S,3 -> probabilities B,S,S.

        Do not call this directly: `salient.detection.road.detect_squares` calls it, averages mirror
        images and checks the result.

        Args:
            squares: pictures, resized to the network's square.
            threads: number of threads on the processor's cores; None uses all cores.
        """
        ...
