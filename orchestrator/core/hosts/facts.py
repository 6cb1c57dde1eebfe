"""Parser for the facts that scripts on hosts print: plain values, each between two lines with a fresh mark.

The first of the two lines also has the name (templates/host/lib/facts.sh). This needs no process on the host to print a
fact; an encoding would need one for each.

A module that reads facts declares their names in ``FACTS``: script file below templates/host/ -> names, ``*`` for the
part that a script or a parser fills in. tests/unit/test_facts.py compares them with both.
"""

from __future__ import annotations

import re

_NAMED = re.compile(r"^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) .+$", re.MULTILINE)


def parse_facts(text: str) -> dict[str, str]:
    """The values by name. A value cut short by a broken connection is left out; text outside of values is ignored."""
    named = _NAMED.search(text)
    if not named:
        return {}
    facts: dict[str, str] = {}
    for piece in f"\n{text}".split(f"\n{named[1]}")[1:-1]:
        name, _, value = piece.partition("\n")
        if name:
            facts[name.removeprefix(" ")] = value
    return facts
