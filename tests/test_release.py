"""What a release consists of: one version in three files, and workflows that can be read."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from salient import __version__
from tests.fixtures.commands import ROOT

FORGE = sorted((ROOT / ".github").rglob("*.yml"))


def test_changelog_and_citation_have_the_version_of_the_package():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = next(heading for heading in headings if heading != "Unreleased")
    match = re.fullmatch(r"(\d+\.\d+\.\d+), (\d{4}-\d\d-\d\d)", newest)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert match
    assert match[1] == __version__ == citation["version"]
    assert match[2] == str(citation["date-released"])


@pytest.mark.parametrize("file", FORGE, ids=lambda file: file.name)
def test_what_the_forge_reads_is_yaml(file):
    assert yaml.safe_load(file.read_text())


def test_every_python_that_is_allowed_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    assert allowed
    versions = [f"3.{minor}" for minor in range(int(allowed[1]), int(allowed[2]))]
    for name in ("test", "release"):
        workflow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
        assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == versions
    for version in versions:
        assert f"Programming Language :: Python :: {version}" in project["classifiers"]
