"""`salient completion SHELL`: a script that completes verbs, keys and choices."""

from __future__ import annotations

from collections.abc import Sequence

from salient.cli.help import choices, groups_of, nodes_of, read_yaml
from salient.cli.signatures import read_signature
from salient.cli.verbs import VERBS
from salient.distribution import config_folder

SCRIPTS = {
    "bash": """\
# eval "$(salient completion bash)"   in ~/.bashrc
_salient() {
    local line="${COMP_LINE:0:COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}" before="" IFS=$'\\n'
    local last="${line##* }"
    case "$last" in *=*) before="${last%"$word"}" ;; esac
    [ "$word" = "=" ] && before="$last" word=""
    COMPREPLY=($(salient completion words ${line//[[:space:]]/$'\\n'} 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
    [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$word"))
    case "${COMPREPLY[*]}" in *=) compopt -o nospace ;; esac
}
complete -o filenames -F _salient salient
""",
    "zsh": """\
# eval "$(salient completion zsh)"   in ~/.zshrc, after compinit
_salient() {
    local -a found
    found=("${(@f)$(salient completion words "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    found=(${found:#})
    if (( $#found )); then compadd -S '' -- $found; else compset -P '*='; _files; fi
}
compdef _salient salient
""",
    "fish": """\
# salient completion fish > ~/.config/fish/completions/salient.fish
complete -c salient -f -a '(salient completion words (commandline -opc) (commandline -ct))'
complete -c salient -F
""",
}


def completion(arguments: Sequence[str]) -> str:
    """The script for a shell, or the words that may follow on a command line.

    Raises:
        SystemExit: the shell is unknown.
    """
    if arguments and arguments[0] == "words":
        return "\n".join(complete(list(arguments[2:])))
    if len(arguments) != 1 or arguments[0] not in SCRIPTS:
        raise SystemExit(f"error: salient completion takes one of {', '.join(SCRIPTS)}")
    return SCRIPTS[arguments[0]]


def complete(words: Sequence[str]) -> list[str]:
    """The completions of the last word after `salient`."""
    *before, last = words or [""]
    if not before:
        return [verb for verb in [*VERBS, "completion"] if verb.startswith(last)]
    verb = before[0]
    if verb not in VERBS:
        return [shell for shell in SCRIPTS if verb == "completion" and shell.startswith(last)]
    key, equals, _ = last.partition("=")
    if equals:
        found = [f"{key}={value}" for value in _values(key)]
    else:
        found = [f"{key}=" for key in keys(verb)]
    return [word for word in found if word.startswith(last)]


def _values(key: str) -> list[str]:
    return choices(key) if (config_folder() / key).is_dir() else []


def keys(verb: str) -> list[str]:
    """The keys of a verb, its groups, and the keys inside the default choice of each."""
    stated = read_yaml(config_folder() / f"{verb}.yaml")
    signature = read_signature(f"salient.commands.{verb}.{verb}")
    assert signature is not None
    found = list(signature.arguments)
    groups = dict(groups_of(stated))
    found += [group for group in groups if group not in found]
    nodes = {k: nodes_of(k, v) for k, v in groups.items() if v in choices(k)}
    for key, node in (stated | nodes).items():
        if isinstance(node, dict):
            found += _inner(node, f"{key}.")
    return found


def _inner(node: dict[str, object], prefix: str) -> list[str]:
    signature = read_signature(str(node.get("_target_", "")))
    own = [k for k in node if not k.startswith("_")]
    names = [k for k in (signature.arguments if signature else own) if k not in own]
    found = [f"{prefix}{key}" for key in [*own, *names]]
    for key in own:
        inner = node[key]
        if isinstance(inner, dict):
            found += _inner(inner, f"{prefix}{key}.")
    return found
