"""`salient`: its help, its arguments and completion. Its errors: test_errors.py."""

from __future__ import annotations

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
from tests.fixtures.commands import ROOT, compose_config


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
    group = call(tmp_path, "train", "--help", "dataset").stdout
    assert "\n  dataset.duts_tr.title=DUTS-TR " in group  # the key as it can be typed
    assert list(tmp_path.iterdir()) == []


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


def test_arguments_are_divided_into_overrides_and_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mode=x").write_text("")
    given = ["a.jpg", "mode=mask", "mode=x", "~output", "--cfg", "job", "+x=1", "--", "-m", "b=1"]
    overrides = ["mode=mask", "~output", "--cfg", "job", "+x=1"]
    assert divide(given) == (overrides, ["a.jpg", "mode=x", "-m", "b=1"])


@pytest.mark.skipif(sys.platform != "linux", reason="no folder that nobody can write")
def test_no_writable_working_folder_is_needed(run, tmp_path):
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    run("/proc", "predict.py", str(tmp_path / "photo.png"), f"output={tmp_path}/maps")
    assert (tmp_path / "maps/photo.png").is_file()
    done = run("/proc", "predict.py", str(tmp_path / "photo.png"), fails=True)
    assert "Traceback" not in done.stderr and done.stderr.startswith("error: maps: ")


@pytest.mark.parametrize(
    "verb",
    ["predict photo.png output=out", "weights", "eval dataset=folder images=. masks=masks"],
)
def test_every_verb_says_which_checkpoint_it_uses(call, tmp_path, verb):
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.eye(40, 50, dtype=np.uint8) * 255).save(tmp_path / "masks/photo.png")
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    shown = call(tmp_path, *verb.split()).stdout
    assert len(re.findall(r"best.safetensors, 320 px, the bundled weights 'best'", shown)) == 1
