"""Every config composes and passes the check; whatever is wrong is refused by its key."""

from __future__ import annotations

import re
from io import BytesIO, TextIOWrapper

import pytest
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from salient.cli.main import escape_unprintable
from salient.commands.eval import eval
from salient.commands.predict import predict
from salient.commands.train import train
from salient.config import ConfigError, check_config, check_value
from tests.fixtures.commands import ROOT

GROUPS = ["dataset", "loader", "model", "trainer", "callbacks", "logger", "experiment"]
GROUPS += ["model/optimizer"]
SETS = ["all", "camouflage", "everything", "high_resolution", "dis5k", "rgbd", "cosod", "video"]


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "configs" / group).glob("*.yaml"))


def check_train(config) -> None:
    check_config(config, train)


@pytest.mark.parametrize(
    "override", [f"{group}={choice}" for group in GROUPS for choice in choices(group)]
)
def test_every_training_config_composes(composed, override):
    check_train(composed("train", override, "start=fast", "images=a", "masks=b"))


@pytest.mark.parametrize("choice", choices("dataset"))
def test_every_test_set_composes(composed, choice):
    config = composed("eval", f"dataset={choice}", "images=a", "masks=b")
    check_config(config, eval)
    sets = config["dataset"]
    assert list(sets) == ([choice] if choice not in SETS else list(sets)) and sets


def test_seven_sets_carry_all_published_figures(composed):
    sets = composed("eval", "dataset=all")["dataset"]
    assert len(sets) == 7
    for test_set in sets.values():
        assert set(test_set["published"]) == {"mae", "sm", "max_f", "weighted_f"}
        assert test_set["expected"] > 0 and test_set["home"].startswith("http")
        assert test_set["layouts"]


def test_four_camouflage_sets_and_their_counts(composed):
    sets = composed("eval", "dataset=camouflage")["dataset"]
    counts = {name: test_set["expected"] for name, test_set in sets.items()}
    assert counts == {"chameleon": 76, "camo": 250, "cod10k": 2026, "nc4k": 4121}


def test_several_sets_by_list(composed):
    assert list(composed("eval", "dataset=[ecssd,sod]")["dataset"]) == ["ecssd", "sod"]


def test_predict_config(composed):
    check_config(composed("predict", "input=a.jpg"), predict)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("loader.batchsize=3", "batchsize"),
        ("model.network.contxt=3", "contxt"),
        ("colour=red", "colour"),
        ("+loader.batchsize=3", "loader.batchsize"),
        ("+loader.augmentation.nosuch=1", "loader.augmentation.nosuch"),
        ("+trainer.nosuch=1", "trainer.nosuch"),
        ("+callbacks.watch.nosuch=1", "callbacks.watch.nosuch"),
        ("+dataset.duts_tr.nosuch=1", "dataset.duts_tr.nosuch"),
        ("+model.optimizer.nosuch=1", "model.optimizer.nosuch"),
        ("+trainer.limit_val_batches=many", "trainer.limit_val_batches"),
        ("+model.network.contxt=3", "model.network.contxt"),
        ("+colour=red", "colour"),
        ("loader.batch_size=many", "loader.batch_size"),
        ("loader.batch_size=2.5", "loader.batch_size"),
        ("loader.augmentation.crop=wide", "loader.augmentation.crop"),
        ("trainer.max_epochs=three", "trainer.max_epochs"),
        ("trainer.precision=high", "trainer.precision"),
        ("seed=abc", "seed"),
        ("deterministic=perhaps", "deterministic"),
        ("model.loss.saliency=1", "model.loss.saliency"),
        ("model.loss.region._target_=dice", "model.loss.region._target_"),
        ("model.optimizer.lr=fast", "model.optimizer.lr"),
        ("model.optimizer._target_=torch.optim.SGDD", "model.optimizer._target_"),
        ("model.network.fine=[1,2,3]", "model.network.fine"),
        ("model.decay=exp", "model.decay"),
    ],
)
def test_what_is_wrong_is_refused_by_its_key(composed, override, key):
    with pytest.raises((ConfigError, HydraException, OmegaConfBaseException), match=re.escape(key)):
        check_train(composed("train", override))


def test_the_check_lets_the_right_types_through():
    def target(a: int, b: float = 1, c: str | None = None, d: list[int] | None = None): ...

    check_config({"a": 1, "b": 2, "c": None, "d": [1]}, target)
    with pytest.raises(ConfigError, match="^a must be an integer.* got 'x1'"):
        check_config({"a": "x1"}, target)
    with pytest.raises(ConfigError, match="^e: unknown key; target takes a, b, c, d"):
        check_config({"a": 1, "e": 2}, target)


def test_a_target_with_a_missing_parameter_is_refused():
    with pytest.raises(ConfigError, match="^loader.sets: missing; PairsDataModule needs it"):
        check_config({"loader": {"_target_": "salient.training.datamodule.PairsDataModule"}})


def test_a_name_that_is_not_utf8_is_a_text(tmp_path):
    """As Python gives it: a byte that is none becomes a lone surrogate."""
    check_value("caf\udce9 \U0001f600.jpg", str, "input")
    check_value(["caf\udce9.jpg"], str | list[str], "input")
    with pytest.raises(ConfigError, match="input must be"):
        check_value("caf\udce9.jpg", int, "input")
    stream = TextIOWrapper(BytesIO(), encoding="ascii", errors="strict")
    escape_unprintable(stream)
    stream.write("caf\udce9 \u56fe\n")
    stream.flush()
    assert stream.buffer.getvalue() == b"caf\\udce9 \\u56fe\n"
