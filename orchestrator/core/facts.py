"""What the hosts' scripts print: one line per fact, its name, a tab, its value in base64."""

from __future__ import annotations

import base64
import binascii


def parse_facts(text: str) -> dict[str, str]:
    """The values by name. A line cut short by a broken connection is left out."""
    facts: dict[str, str] = {}
    for line in text.splitlines():
        name, tab, encoded = line.partition("\t")
        if not tab:
            continue
        try:
            facts[name] = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            continue
    return facts
