"""Methods to score: networks, saved maps and a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from salient.config import Word, check_value
from salient.data.masks import check_maps
from salient.data.pairs import Pair, find_maps
from salient.detection.any_onnx import load_onnx
from salient.detection.engine import Engine
from salient.detection.load import EngineName
from salient.devices import Precision
from salient.scoring.preparation import pick_engine
from salient.scoring.sources import Prediction, from_files, from_gaussian, from_network
from salient.weights.find import Checkpoint, find_checkpoint, read_checkpoint

GUESS, OURS = "centred Gaussian", "ours"  # names of methods


class Method(Protocol):
    """A source of maps for any set."""

    def predictions(self, pairs: Sequence[Pair], title: str) -> Iterator[Prediction]:
        """The maps for the pairs of a set, in order."""
        ...


@dataclass(frozen=True)
class Guess:
    """A centred Gaussian. See `from_gaussian`."""

    def predictions(self, pairs: Sequence[Pair], title: str) -> Iterator[Prediction]:
        """As `Method.predictions`."""
        return from_gaussian(pairs)


@dataclass(frozen=True)
class SavedMaps:
    """A folder of maps. See `find_maps`."""

    folder: str | Path

    def predictions(self, pairs: Sequence[Pair], title: str) -> Iterator[Prediction]:
        """Like `Method.predictions`. Raises as `find_maps`."""
        files = find_maps(self.folder, pairs, title)
        check_maps(files, title)
        return from_files(files, pairs)


@dataclass(frozen=True)
class Runs:
    """A network. See `from_network`."""

    engine: Engine
    batch_size: int = 8
    workers: int | None = None
    flip: bool = False

    def predictions(self, pairs: Sequence[Pair], title: str) -> Iterator[Prediction]:
        """As `Method.predictions`."""
        return from_network(self.engine, pairs, self.batch_size, self.workers, self.flip)


class Loaded(NamedTuple):
    """A network: its file, its engine, and a description of both."""

    source: Checkpoint
    engine: Engine
    how: str

    def in_words(self) -> str:
        """The network in one line."""
        return f"{self.source.path} at {self.engine.size} px ({self.engine.resize}) by {self.how}"

    def details(self) -> dict[str, Any]:
        """The network's entry in `results.json`."""
        runs = self.engine
        return {
            "checkpoint": str(self.source.path),
            "size": runs.size,
            "resize": runs.resize,
            "engine": runs.name,
        }


def by_names(
    checkpoint: str | dict[str, str] | None,
    predictions: str | dict[str, str] | None,
    default: str | None,
) -> tuple[dict[str, str | None], dict[str, str]]:
    """Checkpoints and folders of maps by the names of their methods.

    Args:
        checkpoint, predictions: as in `evaluate`.
        default: the name of the default checkpoint, which is scored if neither is given; None if
            other networks are scored.
    """
    folders = predictions if isinstance(predictions, dict) else {}
    if isinstance(predictions, str):
        folders = {Path(predictions).name: predictions}
    if isinstance(checkpoint, dict):
        return {**checkpoint}, folders
    if checkpoint is not None or (default and not folders):
        return {default or OURS: checkpoint}, folders
    return {}, folders


def load_networks(
    checkpoints: Mapping[str, str | None],
    onnx: Mapping[str, str | Mapping[str, Any]],
    pairs: list[Pair],
    device: str,
    precision: Precision,
    engine: EngineName,
) -> dict[str, Loaded]:
    """Load networks, by the names of their methods.

    Args:
        checkpoints: arguments of `find_checkpoint`.
        onnx: files, or descriptions with the key `file`; see `load_onnx`.
        pairs: pairs to try 16 bits on, on a CPU.
        device, precision, engine: as in `load_engine`, for the checkpoints.

    Raises:
        ValueError: a name is not valid, or a file is not a network.
        FileNotFoundError: a file is missing.
    """
    loaded = {}
    for name, path in checkpoints.items():
        source = read_checkpoint(find_checkpoint(path))
        loaded[name] = Loaded(source, *pick_engine(source, device, precision, engine, pairs))
    for name, given in onnx.items():
        described = None if isinstance(given, str) else dict(given)
        file = given if described is None else described.pop("file", None)
        if not isinstance(file, str):
            raise ValueError(f"onnx.{name}: missing file; give {{file: FILE.onnx, size: 320, ...}}")
        runs = load_onnx(file, described)
        loaded[name] = Loaded(read_checkpoint(file), runs, runs.name)
    for name in loaded:
        check_value(name, Word, "a method's name")  # it may become a folder's
    return loaded


def list_methods(
    folders: Mapping[str, str],
    networks: Mapping[str, Loaded],
    baseline: bool,
    batch_size: int,
    workers: int | None,
    tta: str | None,
) -> dict[str, Method]:
    """All methods by name, in the order of the table.

    Raises:
        ValueError: two methods have the same name.
    """
    methods: dict[str, Method] = {GUESS: Guess()} if baseline else {}
    methods |= {name: SavedMaps(folder) for name, folder in folders.items()}
    if twice := methods.keys() & networks.keys():
        raise ValueError(f"two methods are called {min(twice)}; rename one of them")
    for name, network in networks.items():
        methods[name] = Runs(network.engine, batch_size, workers)
        if tta is not None:  # apart: a row of its own
            methods[f"{name}, {tta}"] = Runs(network.engine, batch_size, workers, True)
    return methods
