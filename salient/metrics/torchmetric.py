"""The metrics of a set as a `torchmetrics.Metric`, for training loops."""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from salient.metrics.choice import choose
from salient.metrics.figures import MaxF
from salient.metrics.measured import Bytes
from salient.metrics.scores import PairScores, flatten, score_pair
from salient.metrics.sums import exact_means, figures_of_means, to_words

ByteMap = Bytes | Tensor


class SaliencyMetrics(Metric):
    """MAE, S, F, E, weighted F, IoU and BER over the pairs of one set, each a mean over pairs.

    The state is exact (see `ExactSums`): any number of processes, any order and `merge_state` agree
    to the last digit; `half()`, `float()` and `to(dtype)` change nothing.

    Args:
        normalize: stretch each prediction by its own minimum and maximum; see `measure_pair`.
        max_f: which maximum F to report: "curve", the maximum of the mean F curve (PySODMetrics);
            "pooled", the maximum F of the mean precision and recall (F3Net's and MINet's tables);
            "image", the mean of each image's best F. The other figures do not depend on it.
        figures: figures in addition to the usual ones; see `choose`.
        **kwargs: keyword arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: `max_f` is none of the three, or there is no such figure.

    Examples:
        >>> import numpy as np
        >>> metrics = SaliencyMetrics()
        >>> mask = np.zeros((4, 4), np.uint8)
        >>> mask[1:3, 1:3] = 255
        >>> metrics.update(mask, mask)
        >>> float(metrics.compute()["mae"])
        0.0
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False
    sums: Tensor
    pairs: Tensor

    def __init__(
        self,
        normalize: bool = True,
        max_f: MaxF = "curve",
        figures: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        if max_f not in get_args(MaxF):
            raise ValueError(f"max_f is {max_f!r}; choose one of {', '.join(get_args(MaxF))}")
        super().__init__(**kwargs)
        self.normalize = normalize
        self.max_f = max_f
        self.choice = choose(figures)
        zeros = torch.zeros(3, self.choice.columns, dtype=torch.int64)
        self.add_state("sums", zeros, dist_reduce_fx="sum")
        self.add_state("pairs", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: ByteMap, mask: ByteMap) -> None:
        """Score one pair and add it.

        Args:
            prediction: uint8 H,W, 0..255; NumPy array or tensor on any device.
            mask: uint8 H,W of the same size; foreground is > 128.

        Raises:
            ValueError: not uint8, not H,W, of different sizes, or without pixels.
        """
        arrays = as_array(prediction), as_array(mask)
        self._accumulate(score_pair(*arrays, normalize=self.normalize, choice=self.choice))

    def add(self, scores: PairScores) -> None:
        """Add a pair that was scored elsewhere, with the same `normalize` and figures.

        Raises:
            ValueError: a figure is not finite.
        """
        self._computed = None
        self._update_count += 1
        self._accumulate(scores)

    def _accumulate(self, scores: PairScores) -> None:
        words = torch.from_numpy(to_words(flatten(scores, self.choice)))
        self.sums = self.sums + words.to(self.sums.device)
        self.pairs = self.pairs + 1

    def compute(self) -> dict[str, Tensor]:
        """The means over all pairs, float64, on the metric's device.

        Returns:
            0-d: every figure of `salient.metrics.figures` by its key, and pairs (int64); 256, by
            the threshold t (positive where level >= t): precision, recall, f, e.

        Raises:
            ValueError: no pair was given.
        """
        pairs = int(self.pairs)
        if pairs == 0:
            raise ValueError("no pairs were given: call update() or add() before compute()")
        means = exact_means(self.sums.cpu().numpy(), pairs)
        figures, curves = figures_of_means(means, self.max_f, self.choice)
        named = {name: torch.as_tensor(value) for name, value in curves.items()}
        named |= {key: torch.tensor(value, dtype=torch.float64) for key, value in figures.items()}
        return {name: value.to(self.device) for name, value in named.items()} | {
            "pairs": self.pairs
        }

    def set_dtype(self, dst_type: str | torch.dtype) -> "SaliencyMetrics":
        """Self, unchanged: the sums are integers and the results float64 by definition."""
        return self


def as_array(grey: ByteMap) -> Bytes:
    """The map as a NumPy array, without copying one that is in host memory."""
    array: Bytes = grey.detach().cpu().numpy() if isinstance(grey, Tensor) else np.asarray(grey)
    return array
