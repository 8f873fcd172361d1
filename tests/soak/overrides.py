"""Nonsense on the command line: every key of every verb, misspelt and with impossible values."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.fixtures.commands import QUICK

ONE_STEP = (
    *(*QUICK, "trainer.max_epochs=1", "trainer.limit_train_batches=1"),
    *("trainer.limit_val_batches=1", "dataset=sample_train", "trainer.accelerator=cpu"),
)
# What makes each verb run quickly, or not at all, if an override is let through.
VERBS = {
    "train": ONE_STEP,
    "eval": ("dataset=sample", "workers=0", "output=out", "checkpoint=good.safetensors"),
    "predict": ("input=photo.png", "output=maps", "overwrite=true", "checkpoint=good.safetensors"),
    "weights": ("checkpoint=good.safetensors",),
    "export": ("checkpoint=good.safetensors", "output=none.nosuch"),
    "strip": ("dataset=sample", "predictions=photos"),
    "doctor": ("dataset=sample",),
}
NUMBERS = ("nan", "inf", "-1e9", "1e30", "99999999999999999999", "''", "[]", "{}", "true", "text")
NUMBERS += ("'1'", "[1,2]", "{a:1}", "???")
FLAGS = ("2", "maybe", "''", "[]", "{a:1}", "1.5")
TEXTS = ("[]", "{a:1}", "1.5", "true", "???")
LISTS = ("text", "nan", "{a:1}", "[]", "[text]", "[nan,nan,nan]", "[-1,-1,-1]", "true")
# Named in an issue as a traceback or as accepted.
KNOWN = {
    "predict": (
        *("device=''", "device=abc", "device=meta", "device=mps", "device=cuda:99"),
        *("batch_size=0", "batch_size=-1", "mode=''", "mode=nosuch", "checkpoint=/dev/null"),
        *("checkpoint=photo.png", "checkpoint=gone", "input=gone", "output=photo.png"),
        *("input=a,b", "input=[", "=1", "++", "input=${nosuch}", "input=${", "hydra.nosuch=1"),
        *("output=photo.png/x", "input=''", "precision=16-mixed", "+x=1", "+x.y=1", "x.y=1"),
    ),
    "train": (
        *("dataset=[]", "dataset=nosuch", "+dataset.x={_target_:os.getcwd}", "trainer.nosuch=1"),
        *("+dataset.x={_target_:nosuch}", "+dataset.x=1", "experiment=nosuch", "model=nosuch"),
        *("+loader.augmentation.nosuch=1", "trainer.log_every_n_steps=0", "trainer.devices=0"),
        *("trainer.log_every_n_steps=null", "trainer.log_every_n_steps={a:1}", "model=5"),
        *("trainer.log_every_n_steps=[1,2]", "trainer.gradient_clip_val=nan", "start=???"),
        *("trainer.max_steps=-5", "trainer.devices=''", "trainer.accelerator=tpu", "resume=gone"),
        *("trainer.accelerator=gpu", "trainer.precision=16-mixed", "model.network.head=true"),
        *("model.network.encoder.weights=notes.txt", "model.network.head=99999999999"),
        *("loader.size=32000", "publish_to=/dev/null", "loader.batch_size=0", "name=/abs"),
        *("loader.augmentation.zoom=nan", "loader.augmentation.rotate=1e9", "name=''", "name=."),
        *("model.optimizer.lr=99999999999", "trainer.max_epochs=true", "name=a/b/../../c"),
        *("name=..", "name=a/b", "model/optimizer=nosuch", "callbacks=nosuch", "logger=nosuch"),
        *("model.network.encoder.name=hf-hub:a/b", "model.network.encoder.name=local-dir:/etc"),
        *("model.network.encoder.name=nosuch", "model.network=5", "model.network=null", "~model"),
        *("loader=null", "trainer=null", "callbacks.last=5", "callbacks.last=[1]", "seed=-1"),
        *("trainer.plugins=1", "+trainer.strategy=nosuch", "trainer.profiler=nosuch"),
        *(
            "model.loss._target_=os.getcwd",
            "model.optimizer._target_=os.getcwd",
            "data_root=photo.png",
        ),
        *("callbacks.timer.duration=never", "logger.tensorboard._target_=os.getcwd"),
        "start=photo.png",
    ),
    "eval": (
        *("dataset=[]", "dataset=null", "dataset=ECSSD", "metrics.max_f=best"),
        *("+dataset.x={_target_:os.getcwd}", "predictions=gone", "predictions={a:gone}"),
        *("output=photo.png", "checkpoint=photos", "metrics={a:1}"),
    ),
    "weights": ("size=32000", "size=33", "output=photo.png/x", "add=1", "output=photos"),
    "export": ("output=x.nosuch", "output=null", "content=nosuch", "pictures=gone"),
    "strip": ("every=0", "rows=0", "predictions=null", "predictions=gone", "output=photos"),
    "doctor": ("dataset=nosuch", "dataset=5", "+dataset.x={_target_:os.getcwd}", "title=''"),
}


class Override(NamedTuple):
    """One more argument of a verb; `wrong` if it must not run."""

    verb: str
    text: str
    wrong: bool


def known() -> Iterator[Override]:
    """What was wrong once."""
    for verb, texts in KNOWN.items():
        yield from (Override(verb, text, True) for text in texts)


def fuzzed(compose: Callable[..., dict[str, Any]], dice: random.Random) -> Iterator[Override]:
    """Every key misspelt, and with values of other types and beyond all bounds.

    `compose` gives a verb's config as plain dicts. A text may be nearly anything; a number, a flag
    or a list that is none is wrong.
    """
    for verb, arguments in VERBS.items():
        config = compose(verb, *(a for a in arguments if not a.startswith("input=")))
        for key, value in leaves(config):
            spot = dice.randrange(len(key) - 1)
            yield Override(verb, f"{key[: spot + 1]}{key[spot]}{key[spot + 1 :]}=1", True)
            if isinstance(value, bool):
                values = FLAGS
            elif isinstance(value, int | float):
                values = NUMBERS
            else:
                values = LISTS if isinstance(value, list) else TEXTS
            for text in dice.sample(values, 4):
                wrong = isinstance(value, bool | int | float) or text == "???"
                wrong = wrong and not key.startswith("trainer.limit")  # beyond all is all
                yield Override(verb, f"{key}={text}", wrong)


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(key, value) of all that is no dict, targets aside."""
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        elif not str(key).startswith("_"):
            yield f"{path}{key}", value
