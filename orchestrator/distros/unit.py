"""How systemd starts a service: its command line and its environment. Pure.

D-Bus returns what systemd has already read, with all drop-ins, quotes, line ends and specifiers resolved. systemd
resolves the rest only when it starts the service; this module does the same. Source: systemd.exec(5), "Environment";
systemd.service(5), "Command lines"; systemd 252, src/basic/env-file.c and env-util.c.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PROPERTIES = ("ExecStart", "Environment", "EnvironmentFiles", "User", "WorkingDirectory", "RootDirectory")
"""The properties that `templates/host/lib/unit_facts.sh` asks for, in this order."""

FACTS = {"lib/unit_facts.sh": "*_environment_* *_unit"}

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-7]{3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_VARIABLE = re.compile(r"\$(\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = r"""'[^']*'|"(?:[^"\\]|\\.)*\""""
_ASSIGNMENT = re.compile(
    rf"^[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=((?:[ \t]*(?:{_QUOTED}))*)[ \t]*((?:\\.|[^\\\n])*)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Service:
    """The program that a unit starts, and its environment; ``argv`` is empty if the unit starts nothing."""

    argv: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"
    root: str = ""


def parse_service(properties: str, files: Sequence[str]) -> Service:
    """Parse one line of `busctl get-property` for each of PROPERTIES, and the unit's environment files in their
    order -> the service."""
    values = dict(zip(PROPERTIES, (_values(line) for line in properties.splitlines()), strict=False))
    start, plain = values.get("ExecStart", []), values.get("Environment", [])
    environment = dict(pair.partition("=")[::2] for pair in plain[1:])
    for text in files:  # "Settings from these files override settings made with Environment="; the later file wins
        environment.update(parse_environment_file(text))
    # a(sasbttttuii): number of commands; the first one's program, number of words, words; then its last run
    count = int(start[2]) if len(start) > 2 else 0
    argv = tuple(word for raw in start[3 : 3 + count] for word in _expanded(raw, environment))
    user, folder, root = ("".join(values.get(name, [])[:1]) for name in PROPERTIES[3:])
    return Service(argv, environment, user, folder.lstrip("!") or "/", root)


def read_service(name: str, facts: Mapping[str, str]) -> Service:
    """Read the service that `templates/host/lib/unit_facts.sh` printed under this name."""
    prefix = f"{name}_environment_"
    numbers = sorted(int(fact.removeprefix(prefix)) for fact in facts if fact.startswith(prefix))
    return parse_service(facts.get(f"{name}_unit", ""), [facts[f"{name}_environment_{number}"] for number in numbers])


def _values(line: str) -> list[str]:
    """Parse `as 2 "A=b" "C=d"` -> `2`, `A=b`, `C=d`."""
    found = [_unescaped(quoted) if quoted or not plain else plain for quoted, plain in _TOKEN.findall(line)]
    return found[1:]


def _unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "01234567" and len(code) == 3:
            return chr(int(code, 8))
        if code[0] == "x" and len(code) == 3:
            return chr(int(code[1:], 16))
        return _ESCAPED.get(code, code)

    return _ESCAPE.sub(character, text)


def _expanded(word: str, environment: Mapping[str, str]) -> list[str]:
    """Expand variables: a word `$NAME` becomes one word for each word of its value; `${NAME}` splits nothing."""
    if _NAME.fullmatch(word[1:]) and word.startswith("$"):
        value = environment.get(word[1:], "")
        try:
            return shlex.split(value)
        except ValueError:  # an open quote: systemd keeps it unchanged
            return value.split()
    return [_VARIABLE.sub(lambda found: "$" if found[1] == "$" else environment.get(found[2], ""), word)]


def parse_environment_file(text: str) -> dict[str, str]:
    """Parse the variables of an EnvironmentFile. A quote counts only at the beginning of a value. A value may continue
    on the next line, within quotes or after a backslash. Lines without an assignment are ignored."""
    return {name: _joined(quoted) + _escaped(plain).rstrip() for name, quoted, plain in _ASSIGNMENT.findall(text)}


def _joined(quoted: str) -> str:
    parts = re.findall(_QUOTED, quoted, re.DOTALL)
    return "".join(part[1:-1] if part[0] == "'" else _escaped(part[1:-1], '"\\\\$`\n') for part in parts)


def _escaped(text: str, kinds: str = "") -> str:
    """Remove backslashes before these characters, or before any; a backslash before a line's end joins the lines."""
    pattern = rf"\\([{kinds}])" if kinds else r"\\(.)"
    return re.sub(pattern, lambda found: found[1].strip("\n"), text, flags=re.DOTALL)
