"""Fit the prediction of a map's IoU, for one or more checkpoints, on held-out pairs.

    python -m recipes.fit_iou best fast --data-root data
    python -m recipes.fit_iou mine.safetensors --test data/MSRA-500/images data/MSRA-500/masks

It uses the 540 pairs of DUTS-TR that `held_out=0.05` leaves out, and writes NAME.iou.json next to
each checkpoint. This takes minutes on a CPU. The calibration error is cross-validated; `--test`
also measures it on another set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from salient.data.masks import read_truth
from salient.data.pairs import Pair, find_pairs, read_picture
from salient.data.sets import find_set
from salient.data.splits import split_pairs
from salient.data.transforms import to_map
from salient.detection.engine import Engine
from salient.detection.load import load_engine
from salient.detection.quality import ENDING, FEATURES, IouFit, features, iou
from salient.detection.road import detect_pictures, threads_of
from salient.devices import in_parallel
from salient.files import write_whole
from salient.metrics.measured import Floats
from salient.scoring.reliability import calibration_error, in_words
from salient.weights.find import find_checkpoint
from salient.weights.store import checksum, load_network, read_metadata

FOLDS = 10
RIDGE = 1.0  # on the weights of the features


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", help="a file, best or fast")
    parser.add_argument("--data-root", default="data", help="where DUTS-TR lies")
    parser.add_argument("--held-out", type=float, default=0.05, help="share of DUTS-TR")
    parser.add_argument("--test", nargs=2, metavar=("IMAGES", "MASKS"), help="another set")
    asked = parser.parse_args(arguments)
    try:
        pairs = split_pairs(find_set("duts_tr").pairs(asked.data_root), asked.held_out)[1]
        test = find_pairs(*asked.test) if asked.test else []
        for checkpoint in asked.checkpoints:
            fit_checkpoint(find_checkpoint(checkpoint), pairs, test)
    except (ValueError, OSError) as error:
        parser.exit(1, f"error: {error}\n")


def fit_checkpoint(checkpoint: Path, pairs: Sequence[Pair], test: Sequence[Pair]) -> IouFit:
    """Fit one checkpoint, write the file, and print its quality. Raises as `load_engine`."""
    engine = load_engine(checkpoint, "auto", "fp32")
    values, ious = measure(engine, pairs)
    state = load_network(checkpoint).state_dict()
    known = {read_metadata(checkpoint).get("crc32", ""), checksum(state)} - {""}
    held = cross_validated(values, ious)
    constant, *weights = (round(x, 4) for x in fit(values, ious))
    made = IouFit(
        constant,
        dict(zip(FEATURES, weights)),
        tuple(sorted(known)),
        len(ious),
        round(calibration_error(held, ious), 4),
    )
    write_whole(checkpoint.with_suffix(ENDING), made.to_json())
    print(f"{checkpoint.stem}, {len(ious)} held-out pairs, cross-validated: {in_words(held, ious)}")
    if test:
        others, theirs = measure(engine, test)
        predicted = logistic(others, np.array([constant, *weights]))
        print(f"{checkpoint.stem}, {len(theirs)} other pairs: {in_words(predicted, theirs)}")
    return made


def measure(engine: Engine, pairs: Sequence[Pair]) -> tuple[Floats, Floats]:
    """The features n,4 and the IoU n of each pair's map."""
    threads = threads_of(engine)
    measured = in_parallel(partial(_measure, engine), pairs, threads)
    rows = list(tqdm(measured, "detection", len(pairs), unit="picture", disable=None))
    return np.array([row for row, _ in rows]), np.array([value for _, value in rows])


def _measure(engine: Engine, pair: Pair) -> tuple[tuple[float, ...], float]:
    (found,) = detect_pictures(engine, [read_picture(pair)], threads=1)
    truth = read_truth(pair)
    return features(found), iou(to_map(found.saliency, truth.shape), truth)


def fit(values: Floats, ious: Floats) -> Floats:
    """The constant and weights of a logistic regression on shares, by Newton's method.

    Maximises the likelihood of y log p + (1 - y) log(1 - p) with a ridge on the weights (Papke and
    Wooldridge 1996, "Econometric methods for fractional response variables", equation 5).
    """
    rows = np.column_stack([np.ones(len(values)), values])
    penalty = RIDGE * np.r_[0, np.ones(values.shape[1])]
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-rows @ weights))
        gradient = rows.T @ (p - ious) + penalty * weights
        curvature = (rows * (p * (1 - p))[:, None]).T @ rows + np.diag(penalty)
        weights = weights - np.linalg.solve(curvature, gradient)
    return np.asarray(weights)


def logistic(values: Floats, weights: Floats) -> Floats:
    """The predicted IoU of each row of features."""
    return np.asarray(1 / (1 + np.exp(-(weights[0] + values @ weights[1:]))))


def cross_validated(values: Floats, ious: Floats) -> Floats:
    """The IoU of each row, predicted by a fit on the others: FOLDS parts in a fixed order."""
    order = np.random.default_rng(0).permutation(len(ious))
    predicted = np.zeros(len(ious))
    for fold in range(FOLDS):
        out = order[fold::FOLDS]
        rest = np.setdiff1d(order, out)
        predicted[out] = logistic(values[out], fit(values[rest], ious[rest]))
    return predicted


if __name__ == "__main__":
    main()
