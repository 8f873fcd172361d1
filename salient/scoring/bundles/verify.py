"""Compare a bundle with maps and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from salient.data.masks import read_truth
from salient.data.pairs import Pair, find_maps
from salient.scoring.bundles.ledger import Ledger, pixel_hash
from salient.scoring.bundles.store import Bundle, Scored
from salient.scoring.score import score_predictions
from salient.scoring.sources import from_files


def differing(
    bundle: Bundle, title: str, pairs: Sequence[Pair], folders: Mapping[str, str]
) -> Iterator[str]:
    """A line for each picture of a set that differs from the bundle.

    Args:
        bundle: the bundle.
        title: of the set.
        pairs: of the set; their masks are read.
        folders: of saved maps by method, which are scored again.

    Raises:
        ValueError: the bundle does not contain the set, or a method on it.
    """
    of_set = {one.row.method: one for one in bundle.scored if one.row.dataset == title}
    if not of_set:
        known = ", ".join(dict.fromkeys(one.row.dataset for one in bundle.scored))
        raise ValueError(f"{bundle.path}: not scored on {title}; on {known}")
    for method in folders:
        if method not in of_set:
            raise ValueError(f"{bundle.path}: no {method} on {title}; there are {[*of_set]}")
    recorded = next(iter(of_set.values()))
    by_name = {pair.name: pair for pair in pairs}
    for name in sorted(by_name.keys() ^ set(recorded.names)):
        where = "not in the bundle" if name in by_name else "not in the set"
        yield f"{title}: {name} is {where}"
    for name, mask in zip(recorded.names, recorded.masks):
        if name in by_name and pixel_hash(read_truth(by_name[name])) != mask:
            yield f"{title}: {name}: another mask"
    for method, folder in folders.items():
        both = [by_name[name] for name in of_set[method].names if name in by_name]
        yield from _rescored(bundle, of_set[method], both, folder)


def _rescored(bundle: Bundle, scored: Scored, pairs: Sequence[Pair], folder: str) -> Iterator[str]:
    """A line for each difference in the maps and figures of a method."""
    ledger, title = Ledger(bundle.choice), scored.row.dataset
    maps = from_files(find_maps(folder, pairs, title), pairs)
    normalize = bundle.conventions.normalize
    for _ in score_predictions(maps, normalize=normalize, choice=bundle.choice, watcher=ledger.add):
        pass
    for name, mark, values in zip(scored.names, scored.maps, scored.values):
        record = ledger.records.get(name)
        if record is not None and record.map != mark:
            yield f"{title}, {scored.row.method}: {name}: another map"
        elif record is not None and not np.array_equal(record.values, values):
            most = float(np.abs(record.values - values).max())
            yield f"{title}, {scored.row.method}: {name}: other figures, by up to {most:.3g}"
