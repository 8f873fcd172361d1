"""The documents: their examples run, their commands compose, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from operator import attrgetter

import numpy as np
import pytest
from PIL import Image

from salient import Detector, save_network
from salient.commands import compare, doctor, eval, export, predict, serve, strip, train, weights
from salient.config import check_config
from tests.fixtures.commands import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "data/README.md"]
NAME = attrgetter("name")
FUNCTIONS = {
    "train": train.train,
    "eval": eval.eval,
    "compare": compare.compare,
    "predict": predict.predict,
    "export": export.export,
    "weights": weights.weights,
    "doctor": doctor.doctor,
    "strip": strip.strip,
    "serve": serve.serve,
}
COMMAND = re.compile(
    r"(?:python (train|eval|predict)\.py|salient (\w+)|\S+ (train|eval)\.py) ?(.*)"
)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "docs/detecting.md"])
def test_python_examples_run(page, small_network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(small_network(), "checkpoints/demo.safetensors")
    Image.fromarray(np.full((50, 70, 3), 90, np.uint8)).save("photo.jpg")
    examples = re.findall(r"```python\n(.+?)```", (ROOT / page).read_text(), re.DOTALL)
    assert examples
    names: dict[str, object] = {}
    for example in examples:
        exec(example, names)
    assert isinstance(names["detector"], Detector)
    assert names["saliency"].shape == names["probability"].shape == (50, 70)


def commands_of(text: str):
    """(verb, arguments) of every command in indented or fenced blocks, without its comment."""
    for line in text.splitlines():
        line = line.strip()
        if not re.match(r"(python|salient|torchrun|python -m) ", line):
            continue
        match = COMMAND.search(line)
        if match:
            yield next(filter(None, match.groups()[:3])), shlex.split(match[4], comments=True)


def first_of_a_sweep(argument: str) -> str:
    key, _, value = argument.partition("=")
    return argument if any(c in value for c in "[{'\"") else f"{key}={value.split(',')[0]}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "log.md"], ids=NAME)
def test_commands_compose_and_pass_the_check(page, composed):
    for verb, arguments in commands_of(page.read_text()):
        if verb == "VERB" or arguments[:1] in (["..."], ["VERB"]):
            continue
        overrides = [first_of_a_sweep(a) for a in arguments if not a.startswith("-") and "=" in a]
        if "experiment=finetune" in overrides and "start=" not in str(overrides):
            overrides.append("start=best")
        check_config(composed(verb, *overrides), FUNCTIONS[verb])


@pytest.mark.parametrize("script", sorted((ROOT / "recipes").glob("*.sh")), ids=NAME)
def test_commands_of_the_recipes_compose(script, composed):
    text = script.read_text().replace("\\\n", " ").replace(' "$@"', "")
    (lite,) = re.findall(r"lite\(\) {\n(.+?)\n}", text, re.DOTALL) or ["python train.py"]
    lines = [line.strip() for line in text.splitlines()]
    lines = [re.sub(r"^lite ", f"{lite.strip()} ", line) for line in lines if "lite()" not in line]
    text = "\n".join(lines).replace("$made", "made").replace("$seed", "1")
    commands = list(commands_of(text))
    assert {verb for verb, _ in commands} >= {"train", "eval"}
    for verb, arguments in commands:
        overrides = [a for a in arguments if "=" in a and not a.startswith("-")]
        check_config(composed(verb, *overrides), FUNCTIONS[verb])


@pytest.mark.parametrize("page", PAGES, ids=NAME)
def test_links_and_pictures_are_there(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http", "mailto")):
            assert (page.parent / target).exists(), target


def test_the_readme_has_its_twin():
    english, chinese = ((ROOT / name).read_text() for name in ("README.md", "README.zh-CN.md"))
    figures = re.compile(r"(?<![\w.])\.\d{3,4}\b")
    assert figures.findall(english) == figures.findall(chinese)
    assert english.count("\n## ") == chinese.count("\n## ")
