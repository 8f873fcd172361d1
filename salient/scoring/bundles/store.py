"""A bundle as a file.

It is a ZIP file that `numpy.load` can read: `bundle.json`, and for each set and method an array
float64 n,columns with the figures and curves of each pair. Its comment is the SHA-256 of all bytes
before the comment, so no byte can change unnoticed. This protects against damage. It is not a
signature: somebody who changes a bundle on purpose can compute a new hash, and only maps and masks
can prove it wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from salient import __version__
from salient.distribution import package_versions
from salient.files import check_regular, write_whole
from salient.metrics import FIGURES, Choice, choose
from salient.metrics.measured import Floats
from salient.metrics.sums import exact_means, figures_of_means, to_words
from salient.scoring.bundles.ledger import Ledger
from salient.scoring.tables import Conventions, Row

FORMAT = 1
SEAL = 64  # hex digits of the hash at the end


class Scored(NamedTuple):
    """The data of a method on a set in a bundle.

    Attributes:
        row: its figures, as recorded.
        names: of the pairs.
        maps, masks: hashes of their pixels, in this order; see `pixel_hash`.
        values: float64 n,columns: figures and curves of each pair, as `flatten` orders them.
    """

    row: Row
    names: Sequence[str]
    maps: Sequence[str]
    masks: Sequence[str]
    values: Floats


class Bundle(NamedTuple):
    """A bundle: its path, its conventions, its figures and the scored methods."""

    path: Path
    conventions: Conventions
    choice: Choice
    versions: Mapping[str, str]
    scored: Sequence[Scored]


def write_bundle(
    path: str | Path,
    rows: Sequence[Row],
    ledgers: Mapping[tuple[str, str], Ledger],
    conventions: Conventions,
    choice: Choice,
) -> None:
    """Write rows with their records.

    Args:
        path: the file.
        rows: the rows; their curves are computed from the records.
        ledgers: the records of each row, by the names of its set and method.
        conventions, choice: those of the scoring.
    """
    entries, arrays = [], list[Floats]()
    for row in rows:
        records = sorted(ledgers[row.dataset, row.method].records.items())
        of_row = {key: value for key, value in asdict(row).items() if key != "curves"}
        entries.append(
            of_row
            | {"names": [name for name, _ in records]}
            | {"maps": [record.map for _, record in records]}
            | {"masks": [record.mask for _, record in records]}
        )
        arrays.append(np.stack([record.values for _, record in records]))
    said = {
        "format": FORMAT,
        "versions": {"salient": __version__} | package_versions(),
        "conventions": asdict(conventions),
        "figures": [figure.key for figure in choice.figures],
        "curves": list(choice.curves),
        "scored": entries,
    }
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        archive.writestr(ZipInfo("bundle.json"), json.dumps(said, indent=1), ZIP_DEFLATED)
        for index, array in enumerate(arrays):
            with archive.open(ZipInfo(f"{index}.npy"), "w") as member:
                member.write(_npy(array))
        archive.comment = b"0" * SEAL
    unsealed = content.getvalue()[:-SEAL]
    write_whole(path, unsealed + sha256(unsealed).hexdigest().encode())


def read_bundle(path: str | Path) -> Bundle:
    """Read a bundle, and check its hash and its figures.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a bundle, was altered, or its figures do not follow from its records.
    """
    path = Path(path)
    check_regular(path, "bundle")
    content = path.read_bytes()
    unsealed, seal = content[:-SEAL], content[-SEAL:]
    if sha256(unsealed).hexdigest().encode() != seal:
        raise ValueError(f"{path}: not a bundle of `salient eval`, or altered: wrong checksum")
    try:
        with ZipFile(BytesIO(content)) as archive:
            said = json.loads(archive.read("bundle.json"))
            if said["format"] != FORMAT:
                raise ValueError(f"format {said['format']}; this version reads {FORMAT}")
            choice = _choice(said["figures"])
            conventions = Conventions(**said["conventions"])
            scored = [
                _read_scored(entry, archive.read(f"{index}.npy"), choice)
                for index, entry in enumerate(said["scored"])
            ]
    except (BadZipFile, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a readable bundle: {error}") from error
    found = Bundle(path, conventions, choice, said["versions"], scored)
    return found._replace(scored=[_checked(found, one) for one in scored])


def _read_scored(entry: dict[str, Any], array: bytes, choice: Choice) -> Scored:
    values = np.load(BytesIO(array), allow_pickle=False)
    names, maps, masks = (entry.pop(key) for key in ("names", "maps", "masks"))
    row = Row(**entry)
    lengths = {len(names), len(maps), len(masks)}
    if values.shape != (row.pairs, choice.columns) or lengths != {row.pairs}:
        raise ValueError(f"{row.method} on {row.dataset} has records of {values.shape}")
    return Scored(row, names, maps, masks, values)


def _checked(bundle: Bundle, scored: Scored) -> Scored:
    """The same with its curves, after comparing its figures with its records to the last digit."""
    words = sum(map(to_words, scored.values), np.zeros((3, bundle.choice.columns), np.int64))
    means = exact_means(words, len(scored.values))
    figures, curves = figures_of_means(means, bundle.conventions.max_f, bundle.choice)
    row = scored.row
    wrong = [key for key, value in figures.items() if row.figures.get(key) != value]
    if wrong:
        raise ValueError(
            f"{bundle.path}: {row.method} on {row.dataset}: {wrong[0]} is recorded as "
            f"{row.figures.get(wrong[0])}, but its pictures give {figures[wrong[0]]}"
        )
    named = {name: curve.tolist() for name, curve in curves.items()}
    return scored._replace(row=Row(**(asdict(row) | {"curves": named})))


def _choice(keys: Sequence[str]) -> Choice:
    """The choice of figures with these keys, in this order."""
    usual = {figure.key for figure in FIGURES}
    choice = choose([key for key in keys if key not in usual])
    if [figure.key for figure in choice.figures] != list(keys):
        raise ValueError("its figures are those of another version")
    return choice


def _npy(array: Floats) -> bytes:
    content = BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()
