"""`salient`: its help, its errors, and the small verbs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import salient
from salient.cli.arguments import divide
from salient.cli.completion import complete
from salient.cli.run import adapt
from salient.cli.training import adapt_arguments
from salient.cli.verbs import VERBS
from tests.fixtures.commands import ENVIRONMENT, ROOT, compose_config


def test_help_fits_one_screen_and_lists_verbs_keys_and_groups(run, call, tmp_path):
    screen = call(tmp_path, "--help").stdout
    assert len(screen.splitlines()) <= 24
    assert all(f"  {verb} " in screen for verb in VERBS)
    assert call(tmp_path, "--version").stdout.strip() == salient.__version__
    for verb in VERBS:
        screen = call(tmp_path, verb, "--help").stdout
        assert len(screen.splitlines()) <= 66, verb
        assert max(map(len, screen.splitlines())) <= 120, verb
        groups = [path for path in (ROOT / "configs").iterdir() if path.is_dir()]
        for group in groups if verb == "train" else []:
            assert f"\n  {group.name} " in screen
            assert all(choice.stem in screen for choice in group.glob("*.yaml"))
    assert "dataset=folder" in run(tmp_path, "train.py", "--help").stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("modle", "modle: no such verb; there are train"),
        ("evla dataset=sod", "evla: no such verb; did you mean eval? there are"),
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
        ("doctor +dataset.x={_target_:os.getcwd}", "dataset.x: its _target_ makes a str, no PairS"),
        ("doctor +dataset.x=1", "dataset.x: 1 has no _target_, which says what it makes"),
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


def test_paths_may_hold_what_no_grammar_reads(call, tmp_path):
    photo = np.full((40, 50, 3), 90, np.uint8)
    names = ["a b,c=[1].png", "input=x.png", "${oops}.png", "-dash.png", "\u5149.png"]
    for name in names:
        Image.fromarray(photo).save(tmp_path / name)
    call(tmp_path, "predict", *names[:3], "output=maps", "--", *names[3:])
    assert {path.name for path in (tmp_path / "maps").iterdir()} == set(names)


def test_a_path_key_takes_any_name(tmp_path):
    """As it is typed, whatever Hydra's grammar would make of it."""
    names = [
        "epoch=3-step=12.ckpt",
        "\u56fe\u7247",
        "a'b",
        "a, b",
        "[x]",
        "a#b & (c)",
        "~x",
        "2024",
        "true",
    ]
    for name in [*names, "it's\\'", "back\\"]:
        overrides, given = adapt("predict", [f"output={name}", "x"])
        config = compose_config(tmp_path, "predict", *overrides)
        assert config["output"] == name and given == {"input": ["x"]}
    overrides, _ = adapt("predict", ["cutout.background=255,0,0"])
    assert compose_config(tmp_path, "predict", *overrides)["cutout"]["background"] == "255,0,0"
    overrides, _ = adapt(
        "train", ["-m", "dataset=sample", "start=a,b", "model.network.context=1,2"]
    )
    assert overrides[2:] == ["start=a,b", "model.network.context=1,2"]  # a sweep
    _, given = adapt("eval", ['predictions={"F3_Net & 50%": DIR, b: c}'])
    assert given == {"predictions": {"F3_Net & 50%": "DIR", "b": "c"}}


def test_no_key_needs_a_plus_sign(tmp_path):
    given = ["trainer.max_steps=5", "trainer.num_sanity_val_steps=0", "model.network.std=[1,1,1]"]
    for sign in ("", "+"):
        overrides, _ = adapt("train", ["dataset=sample_train", *(sign + text for text in given)])
        config = compose_config(tmp_path, "train", *overrides)
        assert config["trainer"]["max_steps"] == 5
        assert config["model"]["network"]["std"] == [1, 1, 1]
        assert config["trainer"]["num_sanity_val_steps"] == 0
    assert config["model"]["network"]["context"] == 256  # of a signature


def test_a_run_that_goes_on_takes_its_own_overrides(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run/.hydra").mkdir(parents=True)
    before = ["experiment=demo", "seed=3", "model.encoder_rate=1", "checkpoints=mine"]
    (tmp_path / "run/.hydra/overrides.yaml").write_text("".join(f"- {a}\n" for a in before))
    now = ["resume=run/last.ckpt", "seed=4"]
    kept = ["experiment=demo", "model.encoder_lr_ratio=1", "publish_to=mine"]
    assert adapt_arguments(now) == kept + now
    assert "run/.hydra/overrides.yaml: experiment=demo" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs_keys_and_choices(call, tmp_path, shell):
    script = call(tmp_path, "completion", shell).stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
    assert "salient completion words" in script


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ev", ["eval"]),
        ("eval dataset=so", ["dataset=sod"]),
        ("predict cutout.f", ["cutout.feather="]),
        ("train loader.augmentation.z", ["loader.augmentation.zoom="]),
        ("completion b", ["bash"]),
    ],
)
def test_completion_knows_the_words(typed, expected):
    assert complete(typed.split()) == expected


def test_a_typo_is_found_before_pytorch_is_imported(tmp_path):
    program = "import sys; sys.argv = ['salient', 'train', 'dataset=sample', 'loader.sizze=3']\n"
    program += "from salient.cli.main import main\n"
    program += "try: main()\nexcept SystemExit as end: print(end, 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert "loader.sizze: unknown key; did you mean loader.size?" in done.stdout
    assert done.stdout.endswith("False\n") and not list(tmp_path.iterdir())


def test_arguments_are_divided_into_overrides_and_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mode=x").write_text("")
    given = ["a.jpg", "mode=mask", "mode=x", "~output", "--cfg", "job", "+x=1", "--", "-m", "b=1"]
    overrides = ["mode=mask", "~output", "--cfg", "job", "+x=1"]
    assert divide(given) == (overrides, ["a.jpg", "mode=x", "-m", "b=1"])


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
    assert "interrupted; what was written stays" in done.stderr and "Trace" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="no folder that nobody can write")
def test_no_writable_working_folder_is_needed(run, tmp_path):
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    run("/proc", "predict.py", str(tmp_path / "photo.png"), f"output={tmp_path}/maps")
    assert (tmp_path / "maps/photo.png").is_file()
    done = run("/proc", "predict.py", str(tmp_path / "photo.png"), fails=True)
    assert "Traceback" not in done.stderr and done.stderr.startswith("error: maps: ")


@pytest.mark.parametrize("verb", ["predict photo.png output=out", "weights", "eval dataset=sample"])
def test_every_verb_says_which_checkpoint_it_uses(call, tmp_path, verb):
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    shown = call(tmp_path, *verb.split()).stdout
    assert len(re.findall(r"best.safetensors, 320 px, the bundled weights 'best'", shown)) == 1


def test_a_command_prints_that_line_and_nothing_else(run, tmp_path):
    done = run(tmp_path, "eval.py", "dataset=sample", "outptu=x", fails=True)
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1
    done = run(tmp_path, "predict.py", fails=True)
    assert done.stdout == "" and done.stderr.startswith("error: input: missing")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_named_with_its_extra(tmp_path):
    (tmp_path / "pytorch_lightning.py").write_text("raise ModuleNotFoundError(name=__name__)")
    program = "import sys; sys.path.insert(0, '.'); sys.argv = ['salient', 'train']; "
    program += "from salient.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
    )
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


def test_doctor_says_what_is_there(call, sample_root, tmp_path):
    """It only reads, also where it is asked for the sample, and names the sets in one line."""
    (tmp_path / "photo.jpg").touch()
    shown = call(tmp_path, "doctor").stdout
    assert "computes      on" in shown and "best.safetensors" in shown
    assert "no sets       in data: DUTS-TR, DUTS-TE" in shown and "[dev]" not in shown
    assert re.search(r"\nsample +32( +0){8}", call(tmp_path, "doctor", "dataset=sample").stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
    (tmp_path / "SOD").symlink_to(sample_root / "sample/test")
    shown = call(tmp_path, "doctor", "data_root=.", fails=True).stdout
    assert "SOD           NOT IN ORDER: 32 of 300 pairs" in shown


def test_doctor_reads_the_sets_that_are_named(call, sample_root, tmp_path):
    shutil.copytree(sample_root / "sample", tmp_path / "sample")
    root = f"data_root={tmp_path}"
    done = call(tmp_path, "doctor", root, "dataset=[sample,sod]", "json=found/doctor.json")
    assert re.search(r"\nset +pairs +alone +damaged", done.stdout)
    assert re.search(r"\nsample +32( +0){8} +\d+ +0 +\d", done.stdout)
    assert "not there: SOD: no folders" in done.stdout
    found = json.loads((tmp_path / "found/doctor.json").read_text())
    assert found["sets"]["sample"]["pairs"] == 32 and "missing" in found["sets"]["SOD"]
    assert "best.safetensors, 320 px" in found["detects with"]
    mask = sorted((tmp_path / "sample/test/masks").iterdir())[0]
    mask.write_bytes(mask.read_bytes()[:50])
    copy = tmp_path / "sample/train/images" / "copy.png"
    copy.write_bytes(sorted((tmp_path / "sample/test/images").iterdir())[1].read_bytes())
    other = sorted((tmp_path / "sample/test/masks").iterdir())[1]
    (tmp_path / "sample/train/masks/copy.png").write_bytes(other.read_bytes())
    folder = tmp_path / "sample/train"
    named = ("dataset=[folder,sample]", "title=mine", f"images={folder}/images")
    done = call(tmp_path, "doctor", root, *named, f"masks={folder}/masks", fails=True)
    assert f"sample: SPOILS A RUN: {mask}: not a readable picture" in done.stdout
    assert f"mine: 1 pictures are in sample too: copy = {other.stem}" in done.stdout
    assert "SPOILS" in call(tmp_path, "doctor", root, "dataset=sample", fails=True).stdout
    call(tmp_path, "doctor", root, "dataset=sod", fails=True)  # nothing is there


def test_strip_puts_methods_side_by_side(call, trained):
    maps = ("save_maps=true", "output=strip", "workers=0")
    call(trained, "eval", "dataset=sample", *maps)
    methods = "predictions={a: strip/maps, b: strip/maps/sample}"
    picture = ("output=strip/rows.png", "rows=4", "every=8")
    call(trained, "strip", "dataset=sample", methods, *picture)
    with Image.open(trained / "strip/rows.png") as image:
        shown = np.asarray(image)
    height, width = 160 + 4, 160 * 4 // 3 + 4
    assert shown.shape == (2 * height, 2 * 4 * width, 3)
    np.testing.assert_array_equal(shown[:, 2 * width : 3 * width], shown[:, 3 * width : 4 * width])
