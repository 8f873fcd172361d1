"""The interface of engines, which run a network with onnxruntime or PyTorch."""

from __future__ import annotations

from typing import Protocol

from salient.arrays import Picture, Probabilities
from salient.detection.quality import IouFit


class Engine(Protocol):
    """A network and the program that runs it. It can be called from several threads, and pickled.

    Attributes:
        name: in words, such as `PyTorch bf16 on cuda`.
        origin: the file of the network, its size and its origin, in one line.
        precision: fp32, bf16, fp16 or int8.
        size: side in pixels of the square that the network takes.
        resize: the filter that makes this square, a name in `salient.data.transforms.RESIZE`.
        on_cores: whether it computes on the processor's cores. There, pictures are processed one
            per thread; elsewhere in batches.
        quality: predicts the IoU of its maps; None if there is no fit for its weights.
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
        """The hash of the checkpoint's file; None for a network in memory."""
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
