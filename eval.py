"""Score: run a network over test sets, print and save the benchmark table."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from salient import load_network
from salient.benchmark import FIGURES, Row, TestSet, save, table
from salient.config import check_config, errors_for_people
from salient.data.pairs import Pair
from salient.detector import pick_device
from salient.scoring import gaussian_guess, predict_pairs, score
from salient.weights import find_checkpoint

log = logging.getLogger("salient")


def evaluate(
    dataset: dict[str, Any],
    data_root: str,
    name: str,
    images: str | None,
    masks: str | None,
    checkpoint: str | None,
    output: str,
    strict: bool,
    baseline: bool,
    device: str,
    batch_size: int,
    workers: int | None,
) -> list[Row]:
    """Score the sets of `dataset` that are there; returns their rows."""
    sets: list[TestSet] = [instantiate(s, _convert_="all") for s in dataset.values()]
    found, missing = _find(sets, data_root, strict)
    path = find_checkpoint(checkpoint)
    network = load_network(path, pick_device(device))
    log.info("%s at %d px on %s", path, network.size, next(network.parameters()).device)
    rows = []
    for test_set, pairs in found:
        methods = {"ours": predict_pairs(network, pairs, batch_size, workers)}
        if baseline:
            methods = {"centred Gaussian": gaussian_guess(pairs)} | methods
        for method, predictions in methods.items():
            rows.append(_row(test_set, method, pairs, predictions))
    print(table(rows))
    for problem in missing:
        print(f"not scored: {problem}")
    save(rows, output, {"checkpoint": str(path), "size": network.size, "missing": missing})
    print(f"saved in {output}")
    return rows


def _find(
    sets: list[TestSet], data_root: str, strict: bool
) -> tuple[list[tuple[TestSet, list[Pair]]], list[str]]:
    """Sets with their pairs, and why the others are missing: an error if that is all of them."""
    found, missing = [], []
    for test_set in sets:
        try:
            found.append((test_set, test_set.pairs(data_root, strict)))
        except FileNotFoundError as error:
            missing.append(str(error))
    if not found:
        raise FileNotFoundError("\n".join(missing))
    return found, missing


def _row(test_set: TestSet, method: str, pairs: list[Pair], predictions: Iterator[Any]) -> Row:
    title = f"{test_set.title}, {method}"
    progress = tqdm(predictions, title, len(pairs), leave=False, disable=None)
    metrics = score(iter(progress))
    figures = metrics.compute()
    numbers = {key: float(figures[key]) for key in FIGURES}
    published = test_set.published if method == "ours" else {}
    return Row(test_set.title, method, len(pairs), **numbers, published=published)


@hydra.main(version_base="1.3", config_path="configs", config_name="eval")
def main(config: DictConfig) -> None:
    with errors_for_people():
        plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        check_config(plain, evaluate)
        evaluate(**plain)


if __name__ == "__main__":
    main()
