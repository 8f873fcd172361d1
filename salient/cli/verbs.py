"""The table of verbs. A new one is a row here, a module of its name in `commands`, and a YAML."""

from __future__ import annotations

from typing import NamedTuple

from salient.distribution import how_to_install


class Verb(NamedTuple):
    """A command and its summary in one line.

    Attributes:
        extra: the extra of `pip install` that it needs, if any.
        paths: the key that takes bare paths, if any.
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
    "eval": Verb("score networks or saved maps, next to the published scores"),
    "compare": Verb("compare two methods picture by picture", paths="methods"),
    "convention": Verb("find the conventions under which saved maps give published scores"),
    "verify": Verb("check a bundle of scores, or merge several", paths="bundles"),
    "predict": Verb("make saliency maps, cut-outs or masks of pictures or a video", paths="input"),
    "manifest": Verb("merge and check the manifests of shards", paths="manifests"),
    "export": Verb("write a network for other runtimes, and check it there", "export"),
    "weights": Verb("inspect, convert or average checkpoints", "torch"),
    "serve": Verb("serve a web page and an HTTP API on this machine", "serve"),
    "doctor": Verb("check the installation and the data sets"),
    "strip": Verb("draw rows of picture | truth | maps"),
}


EXTRAS = {  # the extras of packages that only some uses of a verb need
    "torch": "torch",
    "timm": "torch",
    "safetensors": "torch",
    "numba": "score",
    "torchmetrics": "eval",
    "onnx": "export",
    "onnxscript": "export",
}


def what_is_missing(verb: str, error: ModuleNotFoundError) -> str:
    """The message about a missing package, with the command that installs it."""
    if error.name is None:
        return str(error)
    package = error.name.partition(".")[0]
    extra = VERBS[verb].extra or EXTRAS.get(package)
    return f"salient {verb}: the package {package} is not installed; {how_to_install(extra)}"
