"""What is wrong is answered in one line, which names the key and the remedy."""

from __future__ import annotations

import sys

import pytest

import salient
from salient.cli.run import explain


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("modle", "modle: no such command; there are train"),
        ("evla dataset=sod", "evla: no such command; did you mean eval? there are"),
        ("eval", "dataset: missing; salient eval dataset=ecssd"),
        ("predict", "input: missing; salient predict photo.jpg"),
        ("export", "output: missing; salient export output=model.onnx"),
        ("strip dataset=sample", "dataset and predictions: missing"),
        ("eval dataset=ECSSD", "dataset=ECSSD: no such choice; did you mean ecssd? there are all"),
        ("eval dataset=sample outptu=x", "outptu: unknown key; did you mean output? there are"),
        ("eval dataset=sample +outptu=x", "outptu: unknown key; did you mean output? there are"),
        ("eval dataset=sample device=gpu", "device: 'gpu' is not valid"),
        ("predict input=x mode=cutuot", "mode: 'cutuot' is not valid; there are map, cutout"),
        ("train model=lte seed=1 dataset=sample_train", "model=lte: no such choice; did you mean"),
        ("train experiment=finetune", "start: missing"),
        ("train loader.sizze=3 dataset=sample_train", "loader.sizze: unknown key; did you mean"),
        ("train dataset=sample_train resume=gone", "resume=gone: no such checkpoint"),
        ("predict input=[", "input=[: cannot be read"),
        ("predict input=x batch_size=0", "batch_size must be at least 1, got 0"),
        (
            "train model.lr=1 dataset=sample",
            "model.lr: unknown key; did you mean model.optimizer.lr?",
        ),
        (
            "train model.optimzer.lr=1 dataset=sample",
            "model.optimzer: unknown key; did you mean mode",
        ),
        ("train loss=bce dataset=sample", "loss: unknown key; did you mean model.loss?"),
        ("train checkpoints=x dataset=sample", "checkpoints was renamed: publish_to"),
        (
            "train trainer.max_epochz=1 dataset=sample",
            "trainer.max_epochz: unknown key; did you mean",
        ),
        ("eval dataset=sample report=1", "report was renamed: report_pictures"),
        ("predict x background=white", "background: unknown key; did you mean cutout.background?"),
        (
            "predict x cutout.background=wihte mode=cutout",
            "cutout.background: 'wihte' is not valid",
        ),
        ("predict x --mode cutout", "--mode: options are key=value: mode=cutout"),
        ("predict x -o y", "-o: options are key=value: output=y"),
        ("predict input=x batch_size=true", "batch_size must be an integer, got True"),
        ("eval dataset=sample device=meta", "device: 'meta' is not valid; use auto"),
        ("eval dataset=sample device=", "device: '' is not valid"),
        ("predict gone.jpg", "input=gone.jpg: no such file or folder"),
        ("predict gone.jpg input=x", "input: given twice, as input= and as gone.jpg"),
        ("weights checkpoint=last", "checkpoint=last: no safetensors file in checkpoints/"),
        ("eval dataset=[]", "dataset: missing"),
        ("doctor +dataset.x={_target_:os.getcwd}", "dataset.x: its _target_ builds a str, not a P"),
        ("doctor +dataset.x=1", "dataset.x: 1 has no _target_, the name of what to build"),
        ("train name=/abs dataset=sample_train", "name must match pattern"),
        ("train name=a/../../b dataset=sample_train", "name must match pattern"),
        ("train name=. dataset=sample_train", "name must match pattern"),
        ("train start=??? dataset=sample_train", "Missing mandatory value: start"),
        ("train start=last dataset=sample_train model=lite", "start=last: no safetensors file"),
        (
            "train trainer.gradient_clip_val=nan",
            "trainer.gradient_clip_val must be a finite number, got nan",
        ),
        ("train trainer.max_epochs=true", "trainer.max_epochs must be an integer, got True"),
        (
            "train trainer.log_every_n_steps=0",
            "trainer.log_every_n_steps must be at least 1, got 0",
        ),
        (
            "train loader.augmentation.zoom=nan",
            "loader.augmentation.zoom must be a finite number, got nan",
        ),
        ("train loader.augmentation.rotate=1e9", "loader.augmentation.rotate must be at most 180"),
        ("train loader.size=32000", "loader.size must be at most 2048, got 32000"),
        ("train model.network.head=99999999999", "model.network.head must be at most 4096"),
    ],
)
def test_what_is_wrong_is_answered_in_one_line(call, tmp_path, arguments, line):
    said = call(tmp_path, *arguments.split(), fails=True).stderr
    said = said[said.index("error: ") :]
    assert said.startswith(f"error: {line}") and "\n" not in said
    assert not list(tmp_path.glob("*.log"))


def test_a_typo_is_found_before_pytorch_is_imported(run, tmp_path):
    program = "import sys; sys.argv = ['salient', 'train', 'dataset=sample', 'loader.sizze=3']\n"
    program += "from salient.cli.main import main\n"
    program += "try: main()\nexcept SystemExit as end: print(end, 'torch' in sys.modules)"
    done = run(tmp_path, "-c", program)
    assert "loader.sizze: unknown key; did you mean loader.size?" in done.stdout
    assert done.stdout.endswith("False\n") and not list(tmp_path.iterdir())


def test_what_is_not_foreseen_is_no_single_line(call, tmp_path, monkeypatch):
    def broken(*_):
        raise KeyError("a fault of ours")

    monkeypatch.setattr("salient.commands.weights.describe", broken)
    with pytest.raises(KeyError, match="a fault of ours"):
        call(tmp_path, "weights")


def test_an_interrupt_ends_in_a_line(call, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("salient.commands.weights.describe", interrupted)
    done = call(tmp_path, "weights", fails=True)
    assert "files that were already written are kept" in done.stderr and "Trace" not in done.stderr


def test_a_command_prints_that_line_and_nothing_else(run, tmp_path):
    done = run(tmp_path, "eval.py", "dataset=sample", "outptu=x", fails=True)
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1
    done = run(tmp_path, "predict.py", fails=True)
    assert done.stdout == "" and done.stderr.startswith("error: input: missing")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_named_with_its_extra(run, tmp_path):
    (tmp_path / "pytorch_lightning.py").write_text("raise ModuleNotFoundError(name=__name__)")
    program = "import sys; sys.path.insert(0, '.'); sys.argv = ['salient', 'train']; "
    program += "from salient.cli.main import main; main()"
    done = run(tmp_path, "-c", program, fails=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    line = "the package pytorch_lightning is not installed; in a checkout of salient-sod: "
    assert f"{line}pip install '.[train]'" in done.stderr


def test_a_package_that_is_missed_later_is_named_too(call, small_network, tmp_path, monkeypatch):
    salient.save_network(small_network(), tmp_path / "a.safetensors")
    monkeypatch.setitem(sys.modules, "onnx", None)
    where = ("checkpoint=a.safetensors", "output=a.onnx")
    said = call(tmp_path, "export", *where, fails=True).stderr
    assert said.startswith("error: salient export: the package onnx is not installed")
    assert "pip install '.[export]'" in said


@pytest.mark.parametrize("end", ["exited unexpectedly", "is killed by signal: Killed."])
def test_a_killed_worker_of_the_loader_is_one_line(end):
    line = explain(RuntimeError(f"DataLoader worker (pid(s) 7) {end}"))
    assert line is not None and "a worker of the loader was killed" in line
