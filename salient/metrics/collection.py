"""The sums over a dataset: a `torchmetrics.Metric` that no order of the pairs can change."""

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric

from salient.metrics.compiled import LEVELS
from salient.metrics.counted import Bytes, Floats
from salient.metrics.functional import PairScores, f_measure, score_pair

MaxF = Literal["curve", "pooled", "image"]
SCALARS = ("mae", "sm", "weighted_f", "adaptive_f", "adaptive_e", "best_f")
CURVES = ("precision", "recall", "f", "e")
WORD_BITS = 32  # a sum of 2**31 words of 32 bits fits in int64
ByteMap = Bytes | Tensor


class SaliencyMetrics(Metric):
    """MAE, S, F, E and weighted F over the pairs of one dataset, each a mean over pairs.

    The state is exact: each figure of a pair is split into a whole part and two words of 32 bits
    (steps of 2**-64), and int64 sums are the same in any order. So one process, several with
    unequal shards, `merge_state` and a shuffled dataset agree to the last digit; `half()`,
    `float()` and `to(dtype)` change nothing. It holds up to 2**31 pairs.

    Args:
        normalize: stretch each prediction by its own minimum and maximum; see `count_pair`.
        max_f: which maximum F to report: "curve", the maximum of the mean F curve (PySODMetrics);
            "pooled", the maximum F of the mean precision and recall (F3Net's and MINet's tables);
            "image", the mean of each image's best F. The other figures do not depend on it.
        **kwargs: keyword arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: `max_f` is none of the three.

    Example:
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

    def __init__(self, normalize: bool = True, max_f: MaxF = "curve", **kwargs: Any) -> None:
        if max_f not in get_args(MaxF):
            raise ValueError(f"max_f is {max_f!r}; choose one of {', '.join(get_args(MaxF))}")
        super().__init__(**kwargs)
        self.normalize = normalize
        self.max_f = max_f
        columns = len(SCALARS) + len(CURVES) * LEVELS
        self.add_state("sums", torch.zeros(3, columns, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("pairs", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: ByteMap, mask: ByteMap) -> None:
        """Score one pair and add it.

        Args:
            prediction: uint8 H x W, 0..255; NumPy array or tensor on any device.
            mask: uint8 H x W of the same size; foreground is > 128.

        Raises:
            ValueError: not uint8, not H x W, of different sizes, or without pixels.
        """
        self._accumulate(score_pair(as_array(prediction), as_array(mask), normalize=self.normalize))

    def add(self, scores: PairScores) -> None:
        """Add a pair that was scored elsewhere, with the same `normalize`.

        Raises:
            ValueError: a figure is not finite.
        """
        self._computed = None
        self._update_count += 1
        self._accumulate(scores)

    def _accumulate(self, scores: PairScores) -> None:
        words = torch.from_numpy(to_words(flatten(scores)))
        self.sums = self.sums + words.to(self.sums.device)
        self.pairs = self.pairs + 1

    def compute(self) -> dict[str, Tensor]:
        """Return the means over all pairs, float64, on the metric's device.

        Returns:
            0-d: mae, sm, max_f, mean_f, adaptive_f, weighted_f, max_e, mean_e, adaptive_e, and
            pairs (int64); 256, by the threshold t (positive where level >= t): precision, recall,
            f, e.

        Raises:
            ValueError: no pair was given.
        """
        pairs = int(self.pairs)
        if pairs == 0:
            raise ValueError("no pairs were given: call update() or add() before compute()")
        means = exact_means(self.sums.cpu().numpy(), pairs)
        result = {name: np.asarray(value) for name, value in summarise(means, self.max_f).items()}
        tensors = {name: torch.from_numpy(value).to(self.device) for name, value in result.items()}
        return {**tensors, "pairs": self.pairs}

    def set_dtype(self, dst_type: str | torch.dtype) -> "SaliencyMetrics":
        """Return self unchanged: the sums are integers and the results float64 by definition."""
        return self


def as_array(grey: ByteMap) -> Bytes:
    """Return the map as a NumPy array, without copying one that is in host memory."""
    array: Bytes = grey.detach().cpu().numpy() if isinstance(grey, Tensor) else np.asarray(grey)
    return array


def flatten(scores: PairScores) -> Floats:
    """Return a pair's figures in the order of SCALARS and CURVES, float64 (6 + 4 * 256)."""
    scalars = [scores.f.max() if name == "best_f" else getattr(scores, name) for name in SCALARS]
    return np.concatenate([scalars, *(getattr(scores, name) for name in CURVES)])


def to_words(values: Floats) -> npt.NDArray[np.int64]:
    """Split values into int64 3 x n words: value = w0 + w1 / 2^32 + w2 / 2^64, 0 <= w1, w2 <= 2^32.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("a score is NaN or infinite; scores of score_pair never are")
    whole = np.floor(values)
    rest = np.ldexp(values - whole, WORD_BITS)
    high = np.floor(rest)
    low = np.rint(np.ldexp(rest - high, WORD_BITS))
    return np.stack([whole, high, low]).astype(np.int64)


def exact_means(sums: npt.NDArray[np.int64], pairs: int) -> Floats:
    """Return the correctly rounded means, float64 n, of sums of words (int64 3 x n)."""
    divisor = pairs << 2 * WORD_BITS
    totals = ((w << 2 * WORD_BITS) + (h << WORD_BITS) + low for w, h, low in sums.T.tolist())
    return np.array([total / divisor for total in totals])


def summarise(means: Floats, max_f: MaxF) -> dict[str, Any]:
    """Return a dataset's figures by name from its mean scalars and curves, ordered as `flatten`."""
    named: dict[str, Any] = dict(zip(SCALARS, means[: len(SCALARS)], strict=True))
    named |= zip(CURVES, means[len(SCALARS) :].reshape(len(CURVES), LEVELS), strict=True)
    best = {
        "curve": named["f"].max(),
        "pooled": f_measure(named["precision"], named["recall"]).max(),
        "image": named.pop("best_f"),
    }
    named |= {"max_f": best[max_f], "mean_f": named["f"].mean()}
    return named | {"max_e": named["e"].max(), "mean_e": named["e"].mean()}
