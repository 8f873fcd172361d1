"""What `salient VERB --help` prints: read from the verb's own YAML, where each key is explained."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

WIDTH = 100


def config_folder() -> Path:
    """`configs/` of an installed package, or of a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def usage(folder: Path, verb: str) -> str:
    """The head of `<folder>/<verb>.yaml`, its keys and its groups, within one screen."""
    lines = (folder / f"{verb}.yaml").read_text().splitlines()
    head = [line.removeprefix("# ").removeprefix("#") for line in lines if line.startswith("#")]
    parts = ["\n".join(head), "\n".join(_keys(lines))]
    groups = list(_groups(folder, lines))
    if groups:
        parts.append("\n".join(["Groups:", *groups]))
    if verb == "train":
        parts.append("Keys of a group: GROUP.KEY=value. All of them: salient train --cfg job")
    return "\n\n".join(parts)


def _keys(lines: list[str]) -> list[str]:
    """`key=default  comment` for each key of the verb itself."""
    section, rows = "", []
    for line in lines:
        match = re.fullmatch(r"( *)(\w+):(?: ([^#]*?))?(?:\s+# (.*))?", line)
        if not match or line.startswith("#"):
            continue
        indent, key, value, comment = (part or "" for part in match.groups())
        section = key if not indent else section
        if section in ("defaults", "hydra") or key == "_target_" or (not indent and not value):
            continue
        value = "" if value == "null" else re.sub(r"\$\{.*\}.*", "...", value)
        rows.append((f"{section}.{key}=" if indent else f"{key}=", value, comment))
    width = max(len(name + value) for name, value, _ in rows)
    return ["Keys:", *(f"  {name + value:<{width}}  {note}".rstrip() for name, value, note in rows)]


def _groups(folder: Path, lines: list[str]) -> list[str]:
    """`GROUP  choices`, the default of each first, in brackets."""
    found = [re.fullmatch(r"  - (\w+): (\w+)", line) for line in lines]
    rows = []
    for group, default in (match.groups() for match in found if match):
        choices = sorted(path.stem for path in (folder / group).glob("*.yaml"))
        if default in choices:
            choices.remove(default)
            choices.insert(0, f"[{default}]")
        text = textwrap.fill(" ".join(choices), WIDTH - 14)
        rows.append(textwrap.indent(text, " " * 14).replace(" " * 14, f"  {group:<12}", 1))
    nested = [p for p in sorted(folder.glob("*/*/")) if p.parent.name in "".join(rows)]
    for path in nested:
        name = f"{path.parent.name}/{path.name}"
        rows.append(f"  {name:<16}{' '.join(sorted(p.stem for p in path.glob('*.yaml')))}")
    return rows
