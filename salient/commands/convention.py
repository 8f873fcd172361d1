"""Find the conventions under which saved maps give published scores.

salient convention predictions=DIR dataset=sod published=.121,.751,.844
salient convention predictions=DIR dataset=folder images=DIR masks=DIR published=.034,.897,.887,.853
"""

from __future__ import annotations

from typing import Any

from salient.cli.build import build_sets
from salient.cli.main import run
from salient.config import AnyPath, Word
from salient.data.masks import check_maps
from salient.data.pairs import find_maps
from salient.scoring.published import FIGURES, Outcome, decimals, in_words, outcomes
from salient.scoring.sources import from_files

NEAREST = 3  # outcomes to list if none gives the published digits


def convention(
    predictions: AnyPath | None = None,
    published: list[float | None] | None = None,
    data_root: AnyPath = "data",
    title: Word = "folder",
    images: AnyPath | None = None,
    masks: AnyPath | None = None,
    strict: bool = True,
    dataset: dict[str, Any] | None = None,
) -> list[Outcome]:
    """Print which conventions give the published digits, or the nearest; returns them.

    Args:
        predictions: a folder of saved maps.
        published: the published MAE, Sm, max F and weighted F, or the first of them; null for an
            unknown one.
        data_root: the folder with the data sets.
        title: the name of dataset=folder.
        images, masks: for dataset=folder, the folders of pictures and of masks.
        strict: false turns a wrong number of pairs into a warning.
        dataset: the set.

    Raises:
        ValueError: a key is missing, or there is more than one set.
        FileNotFoundError: the set or a map is missing.
    """
    numbers = published or []
    if predictions is None or not dataset or not 1 <= len(numbers) <= len(FIGURES):
        raise ValueError(
            "predictions, dataset, published: missing; "
            "salient convention predictions=DIR dataset=sod published=.121,.751,.844"
        )
    sets = build_sets(dataset)
    if len(sets) != 1:
        raise ValueError(f"dataset: has {len(sets)} sets; name one")
    pairs = sets[0].pairs(data_root, strict, pictures=False)
    files = find_maps(predictions, pairs, sets[0].title)
    check_maps(files, sets[0].title)
    grey = [pair._replace(threshold=128) for pair in pairs]  # as the masks are in their files
    found = sorted(outcomes(from_files(files, grey)), key=lambda one: sum(one.misses(numbers)))
    met = [one for one in found if not any(one.misses(numbers))]
    print(f"{sets[0].title}, {len(pairs)} maps; published: {_listed(numbers, numbers)}")
    print(
        "These conventions give the published scores:"
        if met
        else "No convention gives the published scores; the nearest are:"
    )
    for line in in_words(met) if met else []:
        print(f"  {line}")
    for one in [] if met else found[:NEAREST]:
        print(f"  {_listed(one.values, numbers)}: {'; '.join(one.choices)}")
    return met or found[:NEAREST]


def _listed(values: Any, published: list[float | None]) -> str:
    shown = [
        f"{name} {value:.{decimals(number)}f}"
        for name, value, number in zip(FIGURES, values, published)
        if number is not None
    ]
    return ", ".join(shown)


if __name__ == "__main__":
    run("convention")
