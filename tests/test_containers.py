"""The Dockerfiles, which only the public workflow builds: their structure, and what they copy."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.fixtures.commands import ROOT

FILES = ["Dockerfile", "train.Dockerfile"]


def instructions_of(name):
    """(word, arguments) of each line, with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / name).read_text())
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [tuple(line.split(" ", 1)) for line in lines]


def last_stage(name):
    lines = instructions_of(name)
    start = max(k for k, (word, _) in enumerate(lines) if word == "FROM")
    return lines[start:]


@pytest.mark.parametrize("name", FILES)
def test_it_is_not_root_and_its_base_has_a_version(name):
    words = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK"}
    lines = instructions_of(name)
    assert {word for word, _ in lines} <= words | {"ENTRYPOINT", "CMD"}
    for word, arguments in lines:
        if word == "FROM":
            assert re.match(r"python:3\.\d+-slim( AS \w+)?$", arguments)
        if word == "RUN":
            assert "pip install --no-cache-dir" in arguments and "apt" not in arguments
    users = [arguments for word, arguments in last_stage(name) if word == "USER"]
    assert len(users) == 1 and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[0])
    after = [word for word, _ in last_stage(name)]
    assert "RUN" not in after[after.index("USER") :] and after.count("ENTRYPOINT") == 1


@pytest.mark.parametrize("name", FILES)
def test_what_it_copies_is_there_and_not_ignored(name):
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for word, arguments in instructions_of(name):
        if word == "COPY" and "--from" not in arguments:
            *sources, _ = arguments.split()
            assert set(sources) <= set(kept)
            assert all((ROOT / source).exists() for source in sources)


def test_the_api_has_a_health_check_and_no_pytorch():
    text = (ROOT / "Dockerfile").read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert "'.[serve]'" in text and not any("torch" in need for need in extras["serve"])
    (check,) = [arguments for word, arguments in last_stage("Dockerfile") if word == "HEALTHCHECK"]
    assert "http://127.0.0.1:7860/healthz" in check and "--timeout=" in check
    assert "--read-only" in text


def test_the_workflow_builds_and_asks_both():
    workflow = (ROOT / ".github/workflows/containers.yml").read_text()
    for name in FILES:
        assert f"hadolint < {name}" in workflow and f"-f {name} " in workflow
    assert "--read-only --cap-drop=ALL" in workflow and "/detect/map" in workflow
