"""Formatting of quantities, hosts and foreign text for people. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from orchestrator.errors import UsageError

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_MOST_NAMES = 6
_NAMED = {"\n": "\\n", "\t": "\\t", "'": "\\'", "\\": "\\\\"}


def size(size_bytes: float) -> str:
    """Format a size: 1_288_490_188 -> `1.2 GiB`."""
    for unit in _UNITS[:-1]:
        if size_bytes < 1024:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} {_UNITS[-1]}"


def duration(seconds: float) -> str:
    """Format a duration: 102.4 -> `1m42s`; `42s` below a minute, `10m` without seconds, `1h02m` from an hour on."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s".removesuffix("00s")
    return f"{whole // 3600}h{whole % 3600 // 60:02}m".removesuffix("00m")


def rate_of(text: str) -> float:
    """Parse a rate in curl's units: `2.5M` -> 2_621_440.0 bytes a second; empty for no limit, 0. Raises UsageError."""
    if not text:
        return 0
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMG]?)", text.upper())
    rate = float(found[1]) * 1024 ** ("", "K", "M", "G").index(found[2]) if found else 0
    if not rate:
        raise UsageError(f"invalid rate {text!r} (expected for example 800K, 2.5M, 1G)")
    return rate


def count(number: int, noun: str) -> str:
    """Format a count: `1 worker`, `2 workers`, `100,321 keys`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Join names with commas; of many names, the first ones and the number of the others."""
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[:3])} and {len(names) - 3} more"


def one_per_line(heading: str, texts: Sequence[str]) -> str:
    """`heading: text`; with several texts the heading, and each on a line of its own."""
    return f"{heading}: {texts[0]}" if len(texts) == 1 else "\n  ".join((f"{heading}:", *texts))


def with_advice(text: str, advice: str) -> str:
    """Append advice to a message: behind a semicolon, or below a message of several lines."""
    return f"{text}\n{advice}" if "\n" in text else f"{text}; {advice}"


def printable(text: str) -> str:
    """Return a host's own text as one line without control characters for the terminal."""
    return harmless(" ".join(text.split()))


def harmless(text: str) -> str:
    """Return the text with its lines, without any other control character for the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def quoted(argv: Sequence[str]) -> str:
    """Format a command as one line for a shell; unprintable text is written as in bash, $'...'."""
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in argv)


def _escaped(word: str) -> str:
    return f"$'{''.join(_NAMED.get(character) or _bytes(character) for character in word)}'"


def _bytes(character: str) -> str:
    # bash reads \xNN as one byte, and joins the bytes of a character again.
    return character if character.isprintable() else "".join(f"\\x{byte:02x}" for byte in character.encode())


MOST = 10
"""The largest number of items of a kind that are listed one by one."""


def few(texts: Sequence[str]) -> tuple[str, ...]:
    """Return all texts; of more than ten, the first ones and the number of the others."""
    if len(texts) <= MOST:
        return tuple(texts)
    return (*texts[:MOST], f"and {len(texts) - MOST:,} more")
