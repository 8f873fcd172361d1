"""Add arguments to `salient train`: those of a resumed run, or the embedded sample."""

from __future__ import annotations

from pathlib import Path

import yaml

from salient.cli.verbs import RENAMED

SAMPLE = ("publish_to=results/sample", "loader=small", "dataset=sample_train")
BANNER = """
============================================================================
 {root}/DUTS-TR is missing: training on the embedded sample, 96 pictures drawn
 by code. This shows that everything works, but gives no useful detector.
 How to get DUTS: data/README.md. Your own: dataset=folder images=DIR masks=DIR
============================================================================
"""


def adapt_arguments(arguments: list[str]) -> list[str]:
    """The arguments of a run: `-m` first, and additions.

    With `resume=RUN/last.ckpt`, the overrides in `RUN/.hydra` are added; new ones come on top. If
    no data set is named and the default one is missing, the embedded sample is used.
    """
    arguments = sorted(arguments, key=lambda argument: argument not in ("-m", "--multirun"))
    values = {_key(a): a.partition("=")[2] for a in arguments if "=" in a}
    if values.get("resume"):
        return [*_overrides_of(values["resume"], values), *arguments]
    root = values.get("data_root", "data")
    asked = {"dataset", "images", "experiment", "data_root"} & values.keys()
    options = [a for a in arguments if a.startswith("-") and a not in ("-m", "--multirun")]
    if asked or options or Path(root, "DUTS-TR").is_dir():
        return arguments
    print(BANNER.format(root=root), flush=True)
    stated = [a for a in SAMPLE if _key(a) not in values]
    return [*stated, *arguments]


def _overrides_of(checkpoint: str, given: dict[str, str]) -> list[str]:
    """The overrides of the run of a checkpoint, without those that are given again."""
    file = Path(checkpoint.strip("'\"")).parent / ".hydra" / "overrides.yaml"
    if not file.is_file():
        return []
    overrides = [_renamed(str(line)) for line in yaml.safe_load(file.read_text()) or []]
    kept = [a for a in overrides if _key(a) not in given.keys() | {"resume"}]
    if kept:
        print(f"{file}: {' '.join(kept)}", flush=True)
    return kept


def _renamed(override: str) -> str:
    """An override of an older version with its new name."""
    key = _key(override)
    before, dot, last = key.rpartition(".")
    new = last if last == "name" else RENAMED.get(last, last)
    return override.replace(key, f"{before}{dot}{new}", 1)


def _key(argument: str) -> str:
    return argument.partition("=")[0].lstrip("+~")
