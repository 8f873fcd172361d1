"""The report of a scoring: one HTML page that opens in any browser and loads nothing else.

`page/` has its template, style and scripts. This module adds the data as one JSON block. The
content security policy of the page forbids everything else.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from salient.arrays import Float32
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.data.transforms import MASK_THRESHOLD
from salient.devices import in_parallel
from salient.metrics import CURVES, FIGURES, HEADLINE, USUAL, Choice, MaxF
from salient.metrics.measured import Floats
from salient.metrics.sums import every_figure
from salient.scoring.album import Album, Entry, packed, spread, thumbnail, values_of
from salient.scoring.confidence import differences, intervals, replicates
from salient.scoring.leaderboard import leaderboard
from salient.scoring.objects import GROUPS
from salient.scoring.paired import Measurements, compare_groups
from salient.scoring.paired_tables import CONVENTIONS, to_plain
from salient.scoring.reliability import curves_of, lines_of
from salient.scoring.robustness.losses import NOTE, Tested
from salient.scoring.tables import PUBLISHED, Row

PROGRAMS = ("figures.js", "charts.js", "gallery.js", "page.js")


class Shown(NamedTuple):
    """A figure on the page. `source` is its key in a picture's figures, and `rule` is how the page
    computes it for a selection of pictures (see `OfCurves`), or None if it cannot.
    """

    key: str
    label: str
    source: str
    up: bool
    rule: str | None
    first: bool


class ScoredSet(NamedTuple):
    """A scored set: its name and pairs, and for each method a row, an album and lines."""

    title: str
    pairs: Sequence[Pair]
    rows: list[Row]
    albums: list[Album]
    lines: list[dict[str, Any]]
    choice: Choice = USUAL


def shown_figures(choice: Choice = USUAL) -> list[Shown]:
    """The figures of the page: those of the choice, each under all its conventions."""
    return [
        Shown(
            variant.key,
            variant.label,
            figure.key,
            variant.higher_is_better,
            variant.of_curves.rule if variant.of_curves else "mean",
            variant.headline,
        )
        for figure in choice.figures
        for variant in figure.variants()
    ]


def render(
    scored: Sequence[ScoredSet],
    run: Mapping[str, str],
    note: str,
    most: int,
    max_f: MaxF,
    tested: Sequence[Tested] = (),
) -> str:
    """The page as one HTML text.

    Args:
        scored: the sets, each with the same methods.
        run: names and texts of the last section.
        note: the conventions in words.
        most: the largest number of thumbnails over all sets.
        max_f: the convention of the rows; the published maximum F goes into its column.
        tested: networks on damaged pictures.

    Raises:
        ModuleNotFoundError: jinja2 is not installed.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # an extra
    from markupsafe import Markup

    quotas = _quotas([len(part.pairs) for part in scored], most)
    sets = [_set_data(part, quota, max_f) for part, quota in zip(scored, quotas)]
    figures = [figure._asdict() for figure in shown_figures(scored[0].choice)]
    columns, lines = leaderboard(
        [row for part in scored for row in part.rows], scored[0].choice.shown
    )
    page = files("salient.scoring") / "page"
    style = (page / "report.css").read_text()
    program = "\n".join((page / name).read_text() for name in PROGRAMS)
    confidence = [
        (part.title, row.method, curves_of(*found))
        for part in scored
        for row in part.rows
        if (found := lines_of(part.lines, row.method)) is not None
    ]
    groups = [group._asdict() for group in GROUPS]
    content = {"figures": figures, "sets": sets, "groups": groups}
    data = json.dumps(content, separators=(",", ":"))
    environment = Environment(
        loader=PackageLoader("salient.scoring", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = "{:.4f}".format
    return environment.get_template("report.html").render(
        scored=scored,
        sets=sets,
        figures=figures,
        columns=columns,
        lines=lines,
        run=run,
        note=note,
        reported=PUBLISHED,
        confidence=confidence,
        paired_note=CONVENTIONS,
        tested=tested,
        losses_note=NOTE,
        headline=HEADLINE,
        style=Markup(style),
        program=Markup(program),
        style_hash=_hash(style),
        program_hash=_hash(program),
        data=Markup(data.replace("<", "\\u003c")),  # so that no name can end the block
    )


def _set_data(part: ScoredSet, quota: int, max_f: MaxF) -> dict[str, Any]:
    """The data of a set on the page."""
    published = next((row.published for row in part.rows if row.published), {})
    names = [pair.name for pair in part.pairs]
    entries = [[album.entries[name] for name in names] for album in part.albums]
    values = [values_of(of_method, part.choice) for of_method in entries]
    drawn = [replicates(of_method, choice=part.choice) for of_method in values]
    first = [entry.figures["mae"] for entry in entries[-1]]
    chosen = sorted(spread(sorted(range(len(names)), key=first.__getitem__), quota))
    pictures = _pictures([part.pairs[index] for index in chosen])
    objects = [entry.objects for entry in entries[0]]
    return {
        "title": part.title,
        "published": {f.key_under(max_f): published[f.key] for f in FIGURES if f.key in published},
        "names": names,
        "area": [round(of_mask.area, 5) for of_mask in objects],
        "border": [int(of_mask.border) for of_mask in objects],
        "parts": [of_mask.parts for of_mask in objects],
        "shown": chosen,
        "pictures": [picture for picture, _ in pictures],
        "truths": [truth for _, truth in pictures],
        "methods": [
            _method_data(*parts, chosen, part.choice)
            for parts in zip(part.rows, entries, values, drawn)
        ],
        "differences": [
            {
                "of": [a, b],
                "intervals": _rounded(differences(drawn[a], drawn[b])),
                "paired": _paired(names, entries[b], entries[a]),
            }
            for a, b in combinations(range(len(drawn)), 2)
        ],
    }


def _paired(
    names: Sequence[str], before: Sequence[Entry], after: Sequence[Entry]
) -> list[dict[str, Any]]:
    """The paired comparison of two methods: all pictures, then each group. None for one method."""
    if len(names) < 2:
        return []
    measured = [
        Measurements(
            {name: entry.figures for name, entry in zip(names, entries)},
            {name: entry.objects for name, entry in zip(names, entries)},
        )
        for entries in (before, after)
    ]
    return [to_plain(comparison) for comparison in compare_groups(*measured)]


def _method_data(
    row: Row,
    entries: Sequence[Entry],
    values: Float32,
    drawn: Mapping[str, Floats],
    chosen: Sequence[int],
    choice: Choice,
) -> dict[str, Any]:
    """The data of a method on a set."""
    own = {f.key: [round(entry.figures[f.key], 6) for entry in entries] for f in choice.figures}
    means = values[:, : len(choice.figures)].mean(axis=0, dtype=np.float64)
    curves = np.concatenate([row.curves[name] for name in choice.curves])
    return {
        "name": row.method,
        "figures": every_figure(np.concatenate([means, curves]), choice),
        "intervals": _rounded(intervals(drawn)),
        "curves": {name: [round(x, 5) for x in row.curves[name]] for name in CURVES},
        "values": own,
        "packed": packed(entries),
        "maps": [b64encode(entries[index].thumbnail).decode() for index in chosen],
    }


def _pictures(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """Thumbnails of pictures and masks in base64; no pictures if there are only masks."""

    def job(pair: Pair) -> tuple[str, str]:
        truth = np.where(read_truth(pair) > MASK_THRESHOLD, 255, 0).astype(np.uint8)
        picture = b"" if pair.image == pair.mask else thumbnail(read_picture(pair))
        return b64encode(picture).decode(), b64encode(thumbnail(truth)).decode()

    return list(in_parallel(job, pairs))


def _quotas(sizes: Sequence[int], most: int) -> list[int]:
    """How many pictures of each set to show: equal parts; small sets leave room for others."""
    quotas, left = dict.fromkeys(range(len(sizes)), 0), most
    for done, index in enumerate(sorted(quotas, key=sizes.__getitem__)):
        quotas[index] = min(sizes[index], left // (len(sizes) - done))
        left -= quotas[index]
    return list(quotas.values())


def _rounded(bounds: Mapping[str, tuple[float, float]]) -> dict[str, list[float]]:
    return {key: [round(low, 5), round(high, 5)] for key, (low, high) in bounds.items()}


def _hash(text: str) -> str:
    """The hash by which a content security policy allows a text."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
