"""What networks lose on damaged pictures, figure by figure, with the pictures that lose most."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from tqdm import tqdm

from salient.arrays import Map, Mask, Picture
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.data.transforms import to_map
from salient.detection.engine import Engine
from salient.detection.road import detect_pictures
from salient.files import write_whole
from salient.metrics import HEADLINE, Choice, Figure
from salient.metrics.measured import Floats
from salient.scoring.album import thumbnail
from salient.scoring.bundles.ledger import Ledger, Record
from salient.scoring.confidence import Interval, intervals, replicates
from salient.scoring.robustness.corruptions import corrupted
from salient.scoring.score import rank_and_world, score_predictions, summarise
from salient.scoring.sources import Prediction
from salient.scoring.tables import Conventions, Row, aligned, write_csv

F = TypeVar("F", float, Floats)
STRENGTHS = (1, 2, 3)
WORST = 12  # pictures of a method on a set
NOTE = (
    "Loss: what the figure loses, relative to that of the pictures as they are (of MAE, what it "
    "gains), with its 95 % interval over the pictures."
)


class Loss(NamedTuple):
    """A figure of damaged pictures, and its loss relative to that of the pictures as they are."""

    value: float
    relative: float
    low: float
    high: float

    def in_words(self) -> str:
        """The loss and its interval, in per cent."""
        return f"{self.relative:+.1%} ({self.low:+.1%} to {self.high:+.1%})"


class Line(NamedTuple):
    """A corruption at a strength: the loss of each headline figure, by its key."""

    corruption: str
    strength: int
    losses: Mapping[str, Loss]


class Worst(NamedTuple):
    """A picture whose MAE grows much: WebP files in base64, of its maps undamaged and damaged."""

    name: str
    corruption: str
    strength: int
    picture: str
    truth: str
    undamaged: str
    damaged: str


class Tested(NamedTuple):
    """A network on a set: its losses, and the pictures that lose most."""

    dataset: str
    method: str
    lines: Sequence[Line]
    worst: Sequence[Worst]


def damage_all(
    engine: Engine,
    pairs: Sequence[Pair],
    row: Row,
    records: Mapping[str, Record],
    corruptions: Sequence[str],
    choice: Choice,
    conventions: Conventions,
) -> Tested:
    """Score a network on damaged copies of the pictures of a set.

    Args:
        engine: the network.
        pairs: of the set, those of all processes.
        row: of the pictures as they are; `records` are those behind it.
        corruptions: names of `CORRUPTIONS`.
        choice, conventions: with which the row was scored.
    """
    rank, world = rank_and_world()
    order = sorted(records)
    before = np.stack([records[name].values for name in order])
    drawn = replicates(before, choice=choice)
    lines, gaps = list[Line](), list[tuple[float, str, str, int]]()
    variants = [(name, strength) for name in corruptions for strength in STRENGTHS]
    for name, strength in tqdm(variants, f"{row.dataset}, {row.method}, damaged", disable=None):
        ledger = Ledger(choice)
        scored = score_predictions(
            _predictions(engine, pairs[rank::world], name, strength),
            normalize=conventions.normalize,
            choice=choice,
            watcher=ledger.add,
        )
        damaged, _ = summarise(row.dataset, row.method, scored, {}, conventions.max_f, choice)
        found = ledger.gather().records
        after = np.stack([found[one].values for one in order])
        bounds = _bounds(drawn, replicates(after, choice=choice))
        losses = {
            figure.key: Loss(
                damaged.figures[figure.key],
                _relative(figure, row.figures[figure.key], damaged.figures[figure.key]),
                *bounds[figure.key_under(conventions.max_f)],
            )
            for figure in HEADLINE
        }
        lines.append(Line(name, strength, losses))
        gaps += [
            (b - a, one, name, strength) for a, b, one in zip(before[:, 0], after[:, 0], order)
        ]
    by_name = {pair.name: pair for pair in pairs}
    most = [(by_name[one], k, strength) for _, one, k, strength in sorted(gaps)[: -WORST - 1 : -1]]
    return Tested(row.dataset, row.method, lines, [_worst(engine, *one) for one in most])


def _relative(figure: Figure, before: F, after: F) -> F:
    """The loss from `before` to `after`, as a share of `before`."""
    lost = before - after if figure.higher_is_better else after - before
    return lost / np.maximum(before, 1e-12)  # type: ignore[no-any-return]


def _bounds(before: Mapping[str, Floats], after: Mapping[str, Floats]) -> dict[str, Interval]:
    """The intervals of the losses, on the same drawn sets."""
    variants = [variant for figure in HEADLINE for variant in figure.variants()]
    return intervals({v.key: _relative(v, before[v.key], after[v.key]) for v in variants})


def _predictions(
    engine: Engine, pairs: Sequence[Pair], name: str, strength: int
) -> Iterator[Prediction]:
    for pair in pairs:
        yield Prediction(pair.name, partial(_detected, engine, pair, name, strength))


def _detected(engine: Engine, pair: Pair, name: str, strength: int) -> tuple[Map, Mask]:
    picture, mask = corrupted(read_picture(pair), read_truth(pair), name, strength, pair.name)
    return _map(engine, picture), mask


def _map(engine: Engine, picture: Picture) -> Map:
    (found,) = detect_pictures(engine, [picture], threads=1)
    return to_map(found.saliency, picture.shape[:2])


def _worst(engine: Engine, pair: Pair, name: str, strength: int) -> Worst:
    """The drawings of a picture, which is run again."""
    picture = read_picture(pair)
    damaged, truth = corrupted(picture, read_truth(pair), name, strength, pair.name)
    drawings = (damaged, truth, _map(engine, picture), _map(engine, damaged))
    return Worst(
        pair.name, name, strength, *(b64encode(thumbnail(one)).decode() for one in drawings)
    )


def save_losses(tested: Sequence[Tested], folder: Path) -> None:
    """Write `robustness.md` and `robustness.csv`."""
    parts = [f"## {one.method} on {one.dataset}\n\n{losses_table(one)}" for one in tested]
    write_whole(folder / "robustness.md", "\n\n".join([*parts, NOTE]) + "\n")
    lines = [
        {"dataset": one.dataset, "method": one.method}
        | {"corruption": line.corruption, "strength": line.strength, "figure": key}
        | loss._asdict()
        for one in tested
        for line in one.lines
        for key, loss in line.losses.items()
    ]
    write_csv(folder / "robustness.csv", lines)


def losses_table(tested: Tested) -> str:
    """A line for each corruption and strength, and their mean."""
    head = ["Corruption", "Strength", *(figure.label for figure in HEADLINE)]
    lines = [
        [line.corruption, str(line.strength), *(loss.in_words() for loss in line.losses.values())]
        for line in tested.lines
    ]
    means = [
        float(np.mean([line.losses[figure.key].relative for line in tested.lines]))
        for figure in HEADLINE
    ]
    return aligned([head, *lines, ["mean", "", *(f"{mean:+.1%}" for mean in means)]])
