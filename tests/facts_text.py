"""Facts in the format that a host's script prints (templates/host/lib/facts.sh)."""

from __future__ import annotations

MARK = "7d0b6e3a-7c1f-4f0e-9a55-0f6c1d1f2a3b"


def fact(name: str, value: str) -> str:
    return f"\n{MARK} {name}\n{value}\n{MARK}\n"


def facts_text(facts: dict[str, str]) -> str:
    return "".join(fact(name, value) for name, value in facts.items())
