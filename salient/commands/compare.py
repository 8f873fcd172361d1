"""Compare two methods picture by picture: is the second better than the first?

salient compare best mine.safetensors dataset=duts_tr held_out=0.05
salient compare MAPS1 MAPS2 dataset=sod            two folders of saved maps; no PyTorch needed
salient compare MAPS best dataset=[ecssd,sod] output=compared
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salient.cli.build import build_sets
from salient.cli.main import run
from salient.config import Amount, AnyPath, Count, Part, Word, Workers
from salient.data.pairs import Pair
from salient.data.splits import held_out_part
from salient.detection.load import EngineName, load_engine
from salient.devices import Precision
from salient.files import check_writable, write_whole
from salient.scoring.methods import Runs, SavedMaps
from salient.scoring.paired import Comparison, compare_methods
from salient.scoring.paired_tables import CONVENTIONS, groups_table, table, to_plain
from salient.scoring.sources import Prediction
from salient.weights.find import find_checkpoint


def compare(
    methods: list[str] | None = None,
    data_root: AnyPath = "data",
    title: Word = "folder",
    images: AnyPath | None = None,
    masks: AnyPath | None = None,
    strict: bool = True,
    normalize: bool = True,
    output: AnyPath | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    engine: EngineName = "torch",
    batch_size: Count = 8,
    workers: Workers | None = None,
    held_out: Part | None = None,
    held_out_synsets: Amount = 0,
    dataset: dict[str, Any] | None = None,
) -> dict[str, list[Comparison]]:
    """Compare the second method with the first on each set; returns the comparisons by set title.

    Args:
        methods: two methods, each a checkpoint (as in eval) or a folder of saved maps.
        data_root: the folder with the data sets.
        title: the name of dataset=folder in tables.
        images, masks: for dataset=folder, the folders of pictures and of masks.
        strict: false turns a wrong number of pairs into a warning.
        normalize: stretch each map by its own minimum and maximum.
        output: a folder for comparison.md and comparison.json.
        device: auto is the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: fp32, the same digits on every machine; or auto, bf16, fp16.
        engine: of both; torch, or onnx, auto: faster on a CPU, the last digit may differ.
        batch_size: pictures per batch on a GPU.
        workers: processes that decode for a GPU; by default one per core, at most 16.
        held_out: only the pairs that training with this loader.held_out leaves out.
        held_out_synsets: the same for loader.held_out_synsets.
        dataset: the sets.

    Raises:
        ValueError: not two methods, no set, or fewer than 2 pictures. And as `PairSet.pairs`.
        FileNotFoundError: a set, a checkpoint or a map is missing.
        OSError: `output` cannot be written.
    """
    if methods is None or len(methods) != 2 or not dataset:
        raise ValueError("two methods and dataset: missing; salient compare A B dataset=ecssd")
    if output is not None:
        check_writable(output)
    sources = [_Source(method, device, precision, engine) for method in methods]
    for word, source in zip(("before", "after"), sources):
        print(f"{word}: {source.origin}")
    compared: dict[str, list[Comparison]] = {}
    needs_pictures = any(source.folder is None for source in sources)
    for pair_set in build_sets(dataset):
        pairs, name = pair_set.pairs(data_root, strict, needs_pictures), pair_set.title
        pairs, name = held_out_part(pairs, name, held_out, held_out_synsets)
        before, after = (
            source.predictions(pairs, pair_set.title, batch_size, workers) for source in sources
        )
        compared[name] = compare_methods(before, after, normalize=normalize)
        print(f"\n{name}, {len(pairs)} pictures\n\n{table(compared[name][0])}")
        print(f"\n{groups_table(compared[name])}")
    print(f"\n{CONVENTIONS}")
    if output is not None:
        _save(compared, [source.origin for source in sources], Path(output))
    return compared


class _Source:
    """A checkpoint or a folder of maps; `folder` is None for a checkpoint."""

    def __init__(self, method: str, device: str, precision: Precision, engine: EngineName) -> None:
        self.folder = _maps_folder(method)
        if self.folder is not None:
            self.origin = f"maps of {self.folder}"
            return
        self.engine = load_engine(find_checkpoint(method), device, precision, engine)
        self.origin = f"{self.engine.origin} by {self.engine.name}"

    def predictions(
        self, pairs: list[Pair], title: str, batch_size: int, workers: int | None
    ) -> Iterator[Prediction]:
        """The maps of the pairs."""
        if self.folder is None:
            return Runs(self.engine, batch_size, workers).predictions(pairs, title)
        return SavedMaps(self.folder).predictions(pairs, title)


def _maps_folder(method: str) -> Path | None:
    """The folder of saved maps, or None for a checkpoint (a file, `best`, ModelScope's folder)."""
    folder = Path(method)
    is_checkpoint = (folder / "pytorch_model.bin").exists() or method in ("best", "fast", "last")
    return folder if folder.is_dir() and not is_checkpoint else None


def _save(compared: dict[str, list[Comparison]], origins: list[str], folder: Path) -> None:
    """Write `comparison.json` and `comparison.md`."""
    sets = {title: list(map(to_plain, of_set)) for title, of_set in compared.items()}
    content = {"before": origins[0], "after": origins[1], "sets": sets}
    write_whole(folder / "comparison.json", json.dumps(content, indent=2) + "\n")
    parts = [
        f"## {title}\n\n{table(of_set[0])}\n\n{groups_table(of_set)}"
        for title, of_set in compared.items()
    ]
    head = f"Before: {origins[0]}. After: {origins[1]}."
    write_whole(folder / "comparison.md", "\n\n".join([head, *parts, CONVENTIONS]) + "\n")
    print(f"saved in {folder}")


if __name__ == "__main__":
    run("compare")
