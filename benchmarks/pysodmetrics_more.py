"""The other figures of PySODMetrics 1.6.2 for one pair, by their keys in `salient.metrics.MORE`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
HANDLERS = {
    "precision": "PrecisionHandler",
    "recall": "RecallHandler",
    "specificity": "SpecificityHandler",
    "fall_out": "FPRHandler",
    "f": "FmeasureHandler",
    "dice": "DICEHandler",
    "iou": "IOUHandler",
    "accuracy": "OverallAccuracyHandler",
    "ber": "BERHandler",
}  # kappa is missing because it is not Cohen's: see `salient.metrics.confusion.kappa`


def quotients(prediction: Bytes, mask: Bytes) -> dict[str, float]:
    """Largest, smallest, mean, adaptive and binary forms of `FmeasureV2`."""
    return _forms(_run("FmeasureV2", prediction, mask), "")


def size_invariant(prediction: Bytes, mask: Bytes) -> dict[str, float]:
    """The same forms of `SizeInvarianceFmeasureV2`, as means over objects, and its MAE.

    Raises:
        AssertionError: the mask is all foreground.
        OverflowError: the mask has more than 63 objects.
    """
    import py_sod_metrics as sod

    error = sod.SizeInvarianceMAE()
    error.step(prediction, mask)
    found = _forms(_run("SizeInvarianceFmeasureV2", prediction, mask), "si_")
    return found | {"si_mae": float(error.maes[0])}


def multiscale(prediction: Bytes, mask: Bytes) -> dict[str, float]:
    """The forms of `MSIoU`, over the 256 levels."""
    import py_sod_metrics as sod

    np.trapz = np.trapezoid  # type: ignore[attr-defined]  # NumPy 2 has no trapz
    metric = sod.MSIoU(True, True, with_binary=True)
    metric.step(prediction, mask)
    curve = np.array(metric.dynamic_results[0])[:256]
    values = float(metric.adaptive_results[0]), float(metric.binary_results[0])
    return _named("msiou", curve, *values)


def correction(prediction: Bytes, mask: Bytes) -> dict[str, float]:
    """Human correction efforts."""
    import py_sod_metrics as sod

    metric = sod.HumanCorrectionEffortMeasure()
    metric.step(prediction, mask)
    return {"hce": float(metric.hces[0])}


def context(prediction: Bytes, mask: Bytes) -> dict[str, float]:
    """The Context-measure.

    Raises:
        LinAlgError: the foreground lies on a slanted line.
    """
    import py_sod_metrics as sod

    metric = sod.ContextMeasure()
    metric.step(prediction, mask)
    return {"cm": float(metric.scores[0])}


FAMILIES: Mapping[str, Callable[[Bytes, Bytes], dict[str, float]]] = {
    "quotients of the four counts": quotients,
    "size-invariant": size_invariant,
    "MSIoU": multiscale,
    "HCE": correction,
    "Context-measure": context,
}


def _run(name: str, prediction: Bytes, mask: Bytes) -> dict[str, Any]:
    import py_sod_metrics as sod

    handlers = {
        key: getattr(sod, handler)(True, True, with_binary=True)
        for key, handler in HANDLERS.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(sod, name)(handlers).step(prediction, mask)
    return handlers


def _forms(handlers: Mapping[str, Any], prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, handler in handlers.items():
        curve = np.atleast_2d(handler.dynamic_results[0]).mean(axis=0)
        values = float(handler.adaptive_results[0]), float(handler.binary_results[0])
        found |= _named(f"{prefix}{key}", curve, *values)
    return found


def _named(key: str, curve: NDArray[np.float64], adaptive: float, half: float) -> dict[str, float]:
    found = {"max": curve.max(), "min": curve.min(), "mean": curve.mean()}
    named = {f"{form}_{key}": float(value) for form, value in found.items()}
    return named | {f"adaptive_{key}": adaptive, f"binary_{key}": half}
