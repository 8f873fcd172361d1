"""The documents: their examples run, their commands compose, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from operator import attrgetter

import numpy as np
import pytest
from PIL import Image

from salient import Detector, save_network
from salient.commands import (
    compare,
    convention,
    doctor,
    eval,
    export,
    manifest,
    predict,
    serve,
    strip,
    train,
    verify,
    weights,
)
from salient.config import check_config
from salient.weights.find import BOX
from tests.fixtures.commands import ROOT
from tests.fixtures.photos import draw_disc

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "data/README.md",
]
NAME = attrgetter("name")
FUNCTIONS = {
    "train": train.train,
    "eval": eval.eval,
    "compare": compare.compare,
    "convention": convention.convention,
    "verify": verify.verify,
    "predict": predict.predict,
    "manifest": manifest.manifest,
    "export": export.export,
    "weights": weights.weights,
    "doctor": doctor.doctor,
    "strip": strip.strip,
    "serve": serve.serve,
}
COMMAND = re.compile(
    r"(?:python (train|eval|predict)\.py|salient (\w+)|\S+ (train|eval)\.py) ?(.*)"
)


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "README.zh-CN.md", "docs/index.md", "docs/use/detect.md"),
        *("docs/evaluate/figures.md", "docs/reference/checkpoints.md", "docs/use/export.md"),
    ],
)
def test_python_examples_run(page, small_network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(small_network(), "checkpoints/demo.safetensors")
    Image.fromarray(draw_disc(50, 70)).save("photo.jpg")
    shutil.copy(BOX / "best.onnx", "best.onnx")
    examples = re.findall(r"```python\n(.+?)```", (ROOT / page).read_text(), re.DOTALL)
    assert examples
    names: dict[str, object] = {}
    for example in examples:
        exec(example, names)
    if "saliency" in names:
        assert isinstance(names["detector"], Detector)
        assert names["saliency"].shape == (50, 70)
    if page == "docs/use/export.md":  # a program without this package
        theirs, ours = np.asarray(Image.open("map.png")), Detector.load("best")("photo.jpg")
        assert np.abs(theirs.astype(int) - ours).max() <= 1


def test_no_page_has_an_example_that_never_runs():
    """Those of docs/reference/python.md run in tests/test_python.py."""
    (here,) = test_python_examples_run.pytestmark
    others = {"docs/reference/python.md", "CONTRIBUTING.md"}
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        assert "```python" not in page.read_text() or name in {*here.args[1], *others}, name


def test_every_page_is_in_the_navigation_and_every_picture_has_a_description():
    project = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    listed = re.findall(r"'([\w/-]+\.md)'", str(project["nav"]))
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted(pages)
    for page in PAGES:
        assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]\(", page.read_text())), page


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
    if key in ("published", "figures"):  # a list, not a sweep
        return f"{key}=[{value}]"
    return argument if any(c in value for c in "[{'\"") else f"{key}={value.split(',')[0]}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "log.md"], ids=NAME)
def test_commands_compose_and_pass_the_check(page, composed):
    for verb, arguments in commands_of(page.read_text()):
        if verb in ("VERB", "count") or arguments[:1] in (["..."], ["VERB"]):
            continue
        keys = (a for a in arguments if "=" in a and not a.startswith(("-", "hydra")))
        overrides = [first_of_a_sweep(a) for a in keys]
        if "experiment=finetune" in overrides and "start=" not in str(overrides):
            overrides.append("start=best")
        check_config(composed(verb, *overrides), FUNCTIONS[verb])


SCRIPTS = [
    file for file in sorted((ROOT / "recipes").glob("*.sh")) if "train.py" in file.read_text()
]


@pytest.mark.parametrize("script", SCRIPTS, ids=NAME)
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
