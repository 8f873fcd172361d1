"""Find definitions in the source of a module, following its imports without importing anything."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

Definition: TypeAlias = ast.FunctionDef | ast.ClassDef


def find_constant(module: str, name: str) -> tuple[str, ast.expr] | None:
    """The module in which a name is assigned, and its value; imports are followed."""
    for statement in _statements(module):
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            assert isinstance(statement, ast.Assign | ast.AnnAssign)
            return None if statement.value is None else (module, statement.value)
        source = _imported(module, statement, name)
        if source is not None:
            return find_constant(*source)
    return None


def find_definition(target: str) -> tuple[str, Definition] | None:
    """The module in which a function or class is defined, and its definition."""
    module, _, name = target.rpartition(".")
    for statement in _statements(module):
        if isinstance(statement, Definition) and statement.name == name:
            return module, statement
        source = _imported(module, statement, name)
        if source is not None:
            return find_definition(".".join(source))
    if module and _file(module) is None:  # `module.Name.__init__` and the like, or an alias
        outer, _, alias = module.rpartition(".")
        for statement in _statements(outer):
            source = _imported(outer, statement, alias)
            if source is not None:
                return find_definition(f"{'.'.join(source)}.{name}")
    return None


def _imported(module: str, statement: ast.stmt, name: str) -> tuple[str, str] | None:
    """(module, name) from which a statement imports `name`, if it does."""
    if isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            if (alias.asname or alias.name) == name:
                return _absolute(module, statement), alias.name
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.asname == name and "." in alias.name:
                outer, _, inner = alias.name.rpartition(".")
                return outer, inner
            if alias.asname == name:
                return alias.name, ""
    return None


def _absolute(module: str, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    file = _file(module)
    inside = 1 if file is not None and file.name == "__init__.py" else 0
    parts = module.split(".")
    package = parts[: len(parts) - statement.level + inside]
    return ".".join([*package, *([statement.module] if statement.module else [])])


def _statements(module: str) -> Iterator[ast.stmt]:
    """The statements of a module, including those under `if` and `try`."""
    tree = _tree(module)
    stack: list[ast.stmt] = list(reversed(tree.body)) if tree else []
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            stack += reversed(statement.body)


@functools.cache
def _tree(module: str) -> ast.Module | None:
    file = _file(module)
    try:
        return ast.parse(file.read_bytes()) if file else None
    except (OSError, SyntaxError, ValueError):
        return None


@functools.cache
def _file(module: str) -> Path | None:
    """The source file of a module, found without importing its package."""
    top, *inner = module.split(".")
    loaded = sys.modules.get(top)
    try:
        spec = loaded.__spec__ if loaded else importlib.util.find_spec(top)
    except (ValueError, ImportError):
        return None
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    if not inner:
        return origin if origin.suffix == ".py" else None
    place = origin.parent.joinpath(*inner)
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)
