"""Read the signature of a function or a class from its source, without importing it.

So `--help`, completion and the check of keys do not import PyTorch and Lightning, which would take
seconds.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass, field
from typing import Any

from salient.cli.source import find_constant, find_definition

UNKNOWN = object()  # a default that is not a literal


@dataclass(frozen=True)
class Argument:
    """A named parameter.

    Attributes:
        annotation: its type as in the source, with aliases spelled out.
        needed: whether it has no default.
        default: its value; `UNKNOWN` if it is not a literal, or if there is none.
        text: its description in the docstring, on one line.
    """

    annotation: str
    needed: bool
    default: Any
    text: str


@dataclass
class Signature:
    """The arguments of a callable.

    Attributes:
        name, text: its name and its docstring.
        foreign: arguments that it passes on to a callable of another package.
        takes_any: whether it accepts other names too.
    """

    name: str
    text: str
    arguments: dict[str, Argument] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    takes_any: bool = False

    def defaults(self) -> dict[str, Any]:
        """The defaults that a configuration can contain, without foreign ones."""
        own = {key: it for key, it in self.arguments.items() if key not in self.foreign}
        return {key: it.default for key, it in own.items() if it.default is not UNKNOWN}


@functools.cache
def read_signature(target: str) -> Signature | None:
    """The signature of `package.module.name`; None if its source has no such function or class."""
    found = find_definition(target)
    if found is None:
        return None
    module, definition = found
    text = ast.get_docstring(definition) or ""
    signature = Signature(definition.name, text)
    if isinstance(definition, ast.ClassDef):
        if not _add_class(signature, module, definition, describe(text)):
            return None
        dimensions = _dimensions(module, definition) if signature.takes_any else None
        if dimensions is not None:
            signature.arguments = dimensions.arguments | signature.arguments
            signature.takes_any = dimensions.takes_any
    else:
        _add_function(signature, module, definition, describe(text))
    return signature


def describe(docstring: str) -> dict[str, str]:
    """The descriptions in `Args:` or `Attributes:` of a docstring in Google's layout."""
    match = re.search(r"^(?:Args|Attributes):\n((?:[ \t]+.*\n?|\n)+)", docstring, re.MULTILINE)
    if not match:
        return {}
    texts: dict[str, str] = {}
    names: list[str] = []
    for line in match[1].splitlines():
        entry = re.fullmatch(r" {4}(\**\w+(?:, \**\w+)*)(?: \([^)]*\))?: +(\S.*)", line)
        if entry:
            names = [name.lstrip("*") for name in entry[1].split(", ")]
            texts |= dict.fromkeys(names, entry[2])
        elif line.strip():
            texts |= {name: f"{texts[name]} {line.strip()}" for name in names}
    return texts


def _add_class(
    signature: Signature, module: str, definition: ast.ClassDef, texts: dict[str, str]
) -> bool:
    """Add the arguments of a class: of its `__init__`, its dataclass fields, or its parent's."""
    for statement in definition.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            _add_function(signature, module, statement, texts)
            return True
    is_dataclass = any("dataclass" in ast.unparse(mark) for mark in definition.decorator_list)
    for base in definition.bases:
        parent = find_definition(f"{module}.{ast.unparse(base)}")
        if parent and isinstance(parent[1], ast.ClassDef):
            more = describe(ast.get_docstring(parent[1]) or "")
            found = _add_class(signature, parent[0], parent[1], more | texts)
            if found and not is_dataclass:
                return True
    if not is_dataclass:
        return False
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            argument = _argument(module, statement.annotation, statement.value)
            signature.arguments[name] = _with_text(argument, texts.get(name, ""))
    return True


def _dimensions(module: str, definition: ast.ClassDef) -> Signature | None:
    """The dataclass with the keywords of a network: see `salient.model.base`."""
    for statement in definition.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        target = statement.target if isinstance(statement, ast.AnnAssign) else target
        if isinstance(target, ast.Name) and target.id == "Dimensions":
            value = getattr(statement, "value", None)
            return read_signature(f"{module}.{ast.unparse(value)}") if value else None
    for base in definition.bases:
        parent = find_definition(f"{module}.{ast.unparse(base)}")
        if parent and isinstance(parent[1], ast.ClassDef):
            return _dimensions(parent[0], parent[1])
    return None


def _add_function(
    signature: Signature, module: str, function: ast.FunctionDef, texts: dict[str, str]
) -> None:
    takes = function.args
    ordered = [*takes.posonlyargs, *takes.args]
    defaults: list[ast.expr | None] = [None] * (len(ordered) - len(takes.defaults))
    defaults += takes.defaults
    pairs = [*zip(ordered, defaults), *zip(takes.kwonlyargs, takes.kw_defaults)]
    for parameter, default in pairs:
        if parameter.arg not in ("self", "cls"):
            argument = _argument(module, parameter.annotation, default)
            text = texts.get(parameter.arg, "")
            signature.arguments[parameter.arg] = _with_text(argument, text)
    signature.takes_any = takes.kwarg is not None
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "passes_on":
            target = f"{module}.{ast.unparse(mark.args[0])}"
            found, inner = find_definition(target), read_signature(target)
            if found is not None and inner is not None:
                own = signature.arguments
                without = {x.value for x in ast.walk(mark) if isinstance(x, ast.Constant)}
                more = {k: v for k, v in inner.arguments.items() if k not in without | own.keys()}
                signature.arguments = more | own
                signature.takes_any = inner.takes_any
                if found[0].partition(".")[0] != module.partition(".")[0]:
                    signature.foreign = set(more)


def _argument(module: str, annotation: ast.expr | None, default: ast.expr | None) -> Argument:
    kind = "" if annotation is None else _in_full(module, annotation)
    if default is None:
        return Argument(kind, True, UNKNOWN, "")
    return Argument(kind, False, _value(module, default), "")


def _with_text(argument: Argument, text: str) -> Argument:
    return Argument(argument.annotation, argument.needed, argument.default, text)


def _in_full(module: str, annotation: ast.expr) -> str:
    """An annotation, followed by the definitions of the aliases in it."""
    text = ast.unparse(annotation)
    for name in dict.fromkeys(re.findall(r"\b[A-Z]\w+", text)):
        meaning = find_constant(module, name)
        if meaning is not None and not isinstance(meaning[1], ast.Constant):
            text += f" {name}={ast.unparse(meaning[1])}"
    return text


def _value(module: str, expression: ast.expr) -> Any:
    """A literal, or the literal that a name in the module refers to."""
    if isinstance(expression, ast.Name):
        meaning = find_constant(module, expression.id)
        if meaning is None:
            return UNKNOWN
        expression = meaning[1]
    try:
        value = ast.literal_eval(expression)
    except ValueError:
        return UNKNOWN
    return list(value) if isinstance(value, tuple) else value
