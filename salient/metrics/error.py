"""The mean absolute error of Perazzi et al., "Saliency Filters", CVPR 2012."""

from salient.metrics.measured import Measured


def mean_absolute_error(measured: Measured) -> float:
    """The mean of |prediction - mask|, 0..1 (Perazzi et al. 2012, equation 11)."""
    background, foreground = measured.totals
    wrong = background @ measured.value + foreground @ (1 - measured.value)
    return float(wrong) / measured.size
