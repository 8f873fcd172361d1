"""Divide pairs into training and validation by their names, the same on every machine."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from salient.data.pairs import Pair

SYNSET = re.compile(r"n\d{8}(?=_)")  # how pictures of ImageNet's training set begin
SCENE = "sun"  # how pictures of the SUN database begin
Parts = tuple[list[Pair], list[Pair]]


def split_pairs(
    pairs: Sequence[Pair], held_out: float, fold: int | None = None, synsets: int = 0
) -> Parts:
    """Pairs to train on, and pairs that are held out.

    Args:
        pairs: all pairs.
        held_out: fraction to hold out, in (0, 1); chosen by a hash of the name.
        fold: 0, 1, ...: exactly that one of the 1 / `held_out` equal parts. None: approximately the
            fraction, and whether a pair is held out does not depend on the others.
        synsets: if above 0, use `split_synsets` with that number instead.
    """
    if synsets:
        return split_synsets(pairs, synsets)
    hashes = {pair.name: _hash(pair.name) for pair in pairs}
    if fold is None:
        names = {name for name in hashes if hashes[name] / 2**32 < held_out}
    else:
        names = set(sorted(hashes, key=hashes.__getitem__)[fold :: round(1 / held_out)])
    return [p for p in pairs if p.name not in names], [p for p in pairs if p.name in names]


def split_synsets(pairs: Sequence[Pair], count: int) -> Parts:
    """Pairs to train on, and held-out pairs of other kinds: new objects, not just new pictures.

    70 % of DUTS-TR are named after a synset of ImageNet, such as `n07753592_1234`, and most of
    these synsets have more than fifty pictures. `count` whole synsets, chosen by a hash, and all
    pictures named `sun...` are held out. With 40 these are 921 pairs of DUTS-TR.
    """
    of_pairs = {p.name: match[0] for p in pairs if (match := SYNSET.match(p.name))}
    chosen = set(sorted(set(of_pairs.values()), key=_hash)[:count])
    names = {p.name for p in pairs if p.name.startswith(SCENE) or of_pairs.get(p.name) in chosen}
    return [p for p in pairs if p.name not in names], [p for p in pairs if p.name in names]


def held_out_part(
    pairs: Sequence[Pair], title: str, held_out: float | None, synsets: int
) -> tuple[list[Pair], str]:
    """The pairs that training with these settings holds out, and a name for them.

    Without settings, all pairs.

    Raises:
        ValueError: there are none.
    """
    if held_out is None and not synsets:
        return list(pairs), title
    part = split_pairs(pairs, held_out or 0, synsets=synsets)[1]
    if not part:
        asked = f"held_out_synsets={synsets}" if synsets else f"held_out={held_out}"
        raise ValueError(f"{asked}: no pair of {title} is held out; give a larger value")
    return part, f"{title} {f'{synsets} synsets ' if synsets else ''}held out"


def _hash(name: str) -> int:
    return zlib.crc32(name.encode())
