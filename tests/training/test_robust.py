"""Runs that meet trouble: losses that are not finite, full memory, kills, several processes."""

from __future__ import annotations

import errno
import functools
import json
import os

import pytest
import pytorch_lightning as pl
import torch

from salient.cli.run import explain
from salient.commands import train as command
from salient.training.callbacks import NonFiniteLossError
from salient.training.resume import read_run
from salient.training.task import SaliencyTask
from salient.weights.store import load_network, save_network
from tests.fixtures.commands import QUICK, ROOT
from tests.fixtures.runs import datamodule, task, trainer
from tests.training.ddp_validate import validate


class Poison(pl.Callback):
    """Spoils one weight before step 7, in the second epoch of five steps."""

    def on_train_batch_start(self, trainer, module, *_):
        if trainer.global_step == 7:
            module.network.out8.bias.data.fill_(float("inf"))


def test_a_loss_that_is_not_finite_stops_the_run_with_what_is_needed(
    small_network, sample_root, tmp_path
):
    fit = trainer(tmp_path)
    fit.callbacks.insert(0, Poison())
    with pytest.raises(NonFiniteLossError, match="not finite at step 7: .*out8.*; pictures 00"):
        fit.fit(task(small_network()), datamodule(sample_root))
    saved = torch.load(tmp_path / "nonfinite-0.pt", weights_only=True)
    assert saved["step"] == 7 and len(saved["names"]) == 16
    assert saved["images"].shape == (16, 3, 64, 64) and saved["masks"].shape == (16, 1, 64, 64)
    # The step has not been taken: all but the spoilt weight, and what depends on it, are finite.
    assert torch.isfinite(saved["network"]["encoder.body.conv1.0.weight"]).all()
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert last["global_step"] == 5
    assert all(torch.isfinite(x).all() for x in last["state_dict"].values())


def test_a_failure_while_saving_leaves_the_previous_checkpoint_whole(
    small_network, sample_root, tmp_path, monkeypatch
):
    """The second checkpoint does not reach the disk; what kills do: tests/soak."""
    fsync, calls = os.fsync, []

    def full(number):
        calls.append(number)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="last.ckpt") as caught:
        trainer(tmp_path).fit(task(small_network()), datamodule(sample_root))
    assert "what was there before is whole" in explain(caught.value)
    assert read_run(tmp_path / "last.ckpt")["global_step"] == 5
    assert not list(tmp_path.glob(".*"))


def test_nothing_of_a_checkpoint_goes_through_the_temporary_folder(
    small_network, sample_root, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    fit = trainer(tmp_path / "run", max_epochs=1, limit_train_batches=1)
    fit.fit(task(small_network()), datamodule(sample_root))
    assert read_run(tmp_path / "run/last.ckpt")["global_step"] == 1


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried"), RuntimeError("can't allocate memory: 9")],
)
def test_full_memory_names_batch_and_size(composed, sample_root, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(SaliencyTask, "training_step", fail)
    changes = (f"data_root={sample_root}", f"publish_to={tmp_path}")
    config = composed("train", *QUICK, *changes, "trainer.num_sanity_val_steps=0")
    with pytest.raises(ValueError, match="lower the loader's batch_size .16. or size .64."):
        command.train(**config)


def test_two_processes_train_and_publish_once(run, tmp_path):
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    devices = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "name=ddp")
    short = ("trainer.max_epochs=1", "trainer.limit_train_batches=1", "trainer.limit_val_batches=1")
    done = run(tmp_path, *launch, str(ROOT / "train.py"), *QUICK, *devices, *short)
    assert done.stderr.count("published") + done.stdout.count("published") == 1
    assert load_network(tmp_path / "checkpoints/ddp.safetensors").size == 64


def test_two_processes_validate_to_the_last_digit(run, small_network, sample_root, tmp_path):
    """As this process does without any other."""
    torch.manual_seed(1)
    checkpoint = save_network(small_network(), tmp_path / "network.safetensors")
    where = (checkpoint, sample_root)
    one = validate(*where, trainer(tmp_path))
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    script = ROOT / "tests/training/ddp_validate.py"
    run(tmp_path, *launch, *map(str, (script, *where, tmp_path / "two.json")))
    two = json.loads((tmp_path / "two.json").read_text())
    assert one["pairs"] == two["pairs"] > 20 and one["pairs"] % 2  # unequal shares
    for name in ("val/mae", "val/sm", "val/max_f", "val/weighted_f"):
        assert one[name] == two[name], name


def test_compiled_training_has_a_program_for_each_size_and_publishes_the_same_keys(
    small_network, sample_root, tmp_path
):
    """Compiled by a backend that only traces: Inductor takes minutes on a CPU."""
    sides: set[object] = set()

    def tracing(program, inputs):
        sides.update(side for tensor in inputs for side in tensor.shape[2:])
        return program.forward

    module = task(small_network(), scales=[0.5, 1])
    keys = list(module.network.state_dict())
    module.compiled = True
    module.network.compile = functools.partial(module.network.compile, backend=tracing)
    trainer(tmp_path, max_epochs=1, limit_train_batches=4).fit(module, datamodule(sample_root))
    assert list(module.network.state_dict()) == keys
    assert {32, 64} <= sides and all(type(side) is int for side in sides)  # none is a symbol


@pytest.mark.parametrize("scales, expected", [([1], [{"dynamic": False}]), ([0.5, 1], [])])
def test_a_gpu_compiles_where_there_is_one_size(small_network, monkeypatch, scales, expected):
    module, calls = task(small_network(), scales=scales), []
    monkeypatch.setattr(type(module), "device", torch.device("cuda"))
    module.network.compile = lambda **options: calls.append(options)
    module.on_fit_start()
    assert calls == expected


def test_deterministic_gives_the_same_weights_twice_and_a_record(run, call, trained, tmp_path):
    """In a new process and in this one."""
    short = ("trainer.max_epochs=1", "trainer.limit_val_batches=1", "loader.workers=2")
    start = f"start={trained}/checkpoints/demo.safetensors"
    options = (*QUICK, *short, "deterministic=true", start)
    run(tmp_path, "train.py", *options, "name=a")
    try:
        call(tmp_path, "train", *options, "name=b")
    finally:
        torch.use_deterministic_algorithms(False)
    a, b = (load_network(tmp_path / f"checkpoints/{n}.safetensors").state_dict() for n in "ab")
    begin = load_network(trained / "checkpoints/demo.safetensors").state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], begin[key]) for key in a)
    (folder,) = (tmp_path / "runs/a").iterdir()
    record = json.loads((folder / "record.json").read_text())
    assert "deterministic=true" in record["command"] and record["seed"] == 0
    assert record["versions"]["torch"] and {"commit", "clean", "platform"} <= record.keys()
    assert (folder / ".hydra/config.yaml").is_file() and (
        folder / ".hydra/overrides.yaml"
    ).is_file()


def test_the_sanity_check_is_no_validation_of_the_run(small_network, sample_root, tmp_path):
    short = dict(max_epochs=1, limit_train_batches=1, check_val_every_n_epoch=2)
    module = task(small_network())
    fit = trainer(tmp_path, num_sanity_val_steps=1, **short)
    fit.fit(module, datamodule(sample_root))
    assert fit.global_step == 1 and module.validated == {}
