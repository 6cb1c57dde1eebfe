"""The values of a script: the names that its header lists, and the lines that set them.

`# values: folder [owner] units...` in a script's opening comment lists what it takes: `folder` must be given, `owner`
may be, and `units` is a list, which the script reads as `"$@"`. A script has one list at most.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

Values = Mapping[str, str | tuple[str, ...]]
"""The values of a call by name; a tuple is the script's list."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Header:
    """What a script takes; ``items`` is the name of its list, or empty."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    items: str = ""

    @property
    def names(self) -> frozenset[str]:
        return self.required | self.optional | ({self.items} if self.items else frozenset())


@cache
def parse_header(text: str) -> Header:
    """The header of a rendered script. Raises ValueError if a name is not a lowercase word."""
    words = [word for line in re.findall(r"^# values: (.*)$", text, re.MULTILINE) for word in line.split()]
    items = [word.removesuffix("...") for word in words if word.endswith("...")]
    optional = [word[1:-1] for word in words if word.startswith("[") and word.endswith("]")]
    required = [word for word in words if not word.endswith(("...", "]"))]
    for name in (*items, *optional, *required):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a value")
    if len(items) > 1:
        raise ValueError(f"two lists: {' and '.join(items)}")
    return Header(frozenset(required), frozenset(optional), "".join(items))


def bind(file: str, text: str, values: Values) -> tuple[dict[str, str], tuple[str, ...]]:
    """Every value that the script takes, empty if it is optional and not given; and its list. Raises ValueError if a
    required value is missing, or the header does not list one that is given."""
    header = parse_header(text)
    if wrong := sorted((values.keys() - header.names) | (header.required - values.keys())):
        raise ValueError(f"{file}: values that do not fit its header: {', '.join(wrong)}")
    found = dict.fromkeys(sorted(header.optional), "")
    items: tuple[str, ...] = ()
    for name, value in values.items():
        if isinstance(value, str) == (name == header.items):
            raise ValueError(f"{file}: {name} is {'a list' if name == header.items else 'not a list'}")
        if isinstance(value, str):
            found[name] = value
        else:
            items = value
    return found, items


def assignments(values: Mapping[str, str]) -> str:
    """Shell lines that set these values, each quoted: a value is data, whatever it holds."""
    for name in values:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a value")
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items()))
