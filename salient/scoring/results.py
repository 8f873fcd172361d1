"""Methods on a set -> rows, lines and albums; and all that a scoring leaves in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from tqdm import tqdm

from salient.arrays import Map, Mask
from salient.distribution import how_to_install
from salient.files import write_whole
from salient.metrics import HEADLINE, MaxF, PairScores
from salient.scoring.album import Album, values_of
from salient.scoring.bundles.ledger import Ledger
from salient.scoring.confidence import intervals, replicates
from salient.scoring.leaderboard import save_leaderboard
from salient.scoring.provenance import describe_run
from salient.scoring.report import ScoredSet, render
from salient.scoring.robustness.losses import Tested
from salient.scoring.score import Watcher, rank_and_world, score_predictions, summarise
from salient.scoring.sources import Prediction
from salient.scoring.tables import plain_rows, save
from salient.scoring.workbook import workbook
from salient.weights.find import Checkpoint


def score_methods(
    in_set: ScoredSet,
    methods: Mapping[str, Iterator[Prediction]],
    *,
    normalize: bool,
    max_f: MaxF,
    published: Mapping[str, Mapping[str, float]],
    folders: Mapping[str, Path],
    keep: bool,
    ledgers: dict[tuple[str, str], Ledger] | None = None,
) -> None:
    """Add to a set each method's row, a line for each of its maps and its album.

    Args:
        in_set: the set; its pairs are those of all processes.
        methods: the maps of each, of this process's pairs.
        normalize, max_f: see `conventions`.
        published: reported figures of each method.
        folders: where a method's maps are written.
        keep: fill the albums, which the report needs.
        ledgers: gets what a bundle needs, by set and method; None keeps none of it.
    """
    rank, world = rank_and_world()
    total = len(in_set.pairs[rank::world])
    for method, maps in methods.items():
        album, ledger = Album(), Ledger(in_set.choice)
        watchers = [album.add] if keep else []
        if ledgers is not None:
            watchers.append(ledger.add)
        scores = score_predictions(
            maps,
            normalize=normalize,
            choice=in_set.choice,
            folder=folders.get(method),
            watcher=partial(_tell_all, watchers),
        )
        progress = tqdm(scores, f"{in_set.title}, {method}", total, disable=rank > 0 or None)
        reported = published.get(method, {})
        row, of_pairs = summarise(in_set.title, method, progress, reported, max_f, in_set.choice)
        in_set.rows.append(row)
        in_set.albums.append(album.gather())
        in_set.lines.extend(of_pairs)
        if ledgers is not None:
            ledgers[in_set.title, method] = ledger.gather()


def _tell_all(
    watchers: Sequence[Watcher], name: str, saliency: Map, mask: Mask, scores: PairScores
) -> None:
    for watcher in watchers:
        watcher(name, saliency, mask, scores)


def save_results(
    scored: Sequence[ScoredSet],
    folder: str | Path,
    config: Mapping[str, Any],
    checkpoints: Mapping[str, Checkpoint],
    details: Mapping[str, Any],
    note: str,
    max_f: MaxF,
    most: int,
    tested: Sequence[Tested] = (),
    formats: Sequence[str] = (),
) -> None:
    """Write tables, the leaderboard, the curves and, of `most` pictures, the report.

    Args:
        scored: the sets. One with fewer methods than the first is left out of the report.
        folder: where all of it goes.
        config: as the command composed it; the report shows it.
        checkpoints: the networks that were scored, by method.
        details: what else `results.json` says.
        note: the conventions in words.
        max_f: the convention of the rows.
        most: pictures in the report; 0 leaves it out.
        tested: networks on damaged pictures, for the report.
        formats: xlsx, all tables in one file; pdf, svg, the curves.
    """
    folder = Path(folder)
    rows = [row for in_set in scored for row in in_set.rows]
    lines = [line for in_set in scored for line in in_set.lines]
    shown = scored[0].choice.shown
    found = {in_set.title: intervals_of(in_set, max_f) for in_set in scored} if most else {}
    save(rows, lines, folder, {**details, **({"intervals": found} if found else {})}, note, shown)
    save_leaderboard(rows, folder, note, shown)
    if _can_make(folder / "curves.png", "matplotlib"):
        from salient.scoring.drawing import draw_curves

        figure = draw_curves(rows)
        for ending in ("png", *(x for x in formats if x in ("pdf", "svg"))):
            content = BytesIO()
            figure.savefig(content, dpi=120, format=ending)
            write_whole(folder / f"curves.{ending}", content.getvalue())
    if "xlsx" in formats and _can_make(folder / "tables.xlsx", "openpyxl"):
        sheets = {"table": plain_rows(rows), "images": lines}
        write_whole(folder / "tables.xlsx", workbook(sheets))
    if most and _can_make(folder / "report.html", "jinja2"):
        complete = [in_set for in_set in scored if len(in_set.rows) == len(scored[0].rows)]
        run = describe_run(config, checkpoints)
        write_whole(folder / "report.html", render(complete, run, note, most, max_f, tested))


def intervals_of(in_set: ScoredSet, max_f: MaxF) -> dict[str, dict[str, list[float]]]:
    """95 % intervals of each method's headline figures, by the keys of its row.

    Args:
        in_set: with its albums filled.
        max_f: the convention of the rows.
    """
    found = {}
    for row, album in zip(in_set.rows, in_set.albums):
        entries = [album.entries[pair.name] for pair in in_set.pairs]
        bounds = intervals(replicates(values_of(entries, in_set.choice), choice=in_set.choice))
        keys = {figure.key: figure.key_under(max_f) for figure in HEADLINE}
        found[row.method] = {
            key: [round(x, 5) for x in bounds[at]] for key, at in keys.items() if at in bounds
        }
    return found


def _can_make(path: Path, package: str) -> bool:
    if not find_spec(package):
        print(f"no {path.name}: it needs {package}; {how_to_install('score')}")
        return False
    return True
