"""The table of verbs. A new one is a row here, a module of its name in `commands`, and a YAML."""

from __future__ import annotations

from typing import NamedTuple

from salient.distribution import how_to_install


class Verb(NamedTuple):
    """A command: what it does in a line.

    Attributes:
        extra: of `pip install`, if it needs one.
        paths: the key that takes arguments which are bare paths, if it has one.
    """

    summary: str
    extra: str | None = None
    paths: str | None = None


RENAMED = {  # keys of older versions, by their last part
    "checkpoints": "publish_to",
    "encoder_rate": "encoder_lr_ratio",
    "name": "title",  # of dataset=folder; a run's own is still known
    "report": "report_pictures",
}

# Each is the function of its own name in the module of its name, and configs/VERB.yaml.
VERBS = {
    "train": Verb("train a network and publish its weights", "train"),
    "eval": Verb("score a network or saved maps next to the published table"),
    "compare": Verb("say picture by picture whether a method beats another", paths="methods"),
    "convention": Verb("find the conventions under which saved maps give published scores"),
    "verify": Verb("check a bundle of scores again, or merge several", paths="bundles"),
    "predict": Verb("pictures in, saliency maps (or cut-outs, masks, ...) out", paths="input"),
    "export": Verb("write a network for other runtimes, and check it there", "export"),
    "weights": Verb("say what a checkpoint is, or convert it", "torch"),
    "serve": Verb("serve a page and an HTTP API on this machine", "serve"),
    "doctor": Verb("say what is installed, which sets are there, what would run"),
    "strip": Verb("draw rows of picture | truth | maps"),
}


EXTRAS = {  # of packages that only a part of a verb needs
    "torch": "torch",
    "timm": "torch",
    "safetensors": "torch",
    "numba": "score",
    "torchmetrics": "eval",
    "onnx": "export",
    "onnxscript": "export",
}


def what_is_missing(verb: str, error: ModuleNotFoundError) -> str:
    """A package that a verb needs and that is not installed, and how to install it."""
    if error.name is None:
        return str(error)
    package = error.name.partition(".")[0]
    extra = VERBS[verb].extra or EXTRAS.get(package)
    return f"salient {verb}: the package {package} is not installed; {how_to_install(extra)}"
