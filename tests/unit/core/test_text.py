"""Quantities, names and foreign text."""

from __future__ import annotations

import subprocess

import pytest

from orchestrator.core.text import count, duration, listed, one_per_line, printable, quoted, size


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (432_013_344, "412.0 MiB"),
        (1 << 31, "2.0 GiB"),
        (5 << 50, "5120.0 TiB"),
    ],
)
def test_size(size_bytes: int, words: str) -> None:
    assert size(size_bytes) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0s"),
        (0.4, "0s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (102.4, "1m42s"),
        (120, "2m"),
        (605, "10m05s"),
        (3600, "1h"),
        (3725, "1h02m"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_count() -> None:
    assert (count(1, "key"), count(0, "key"), count(100_321, "key")) == ("1 key", "0 keys", "100,321 keys")


def test_listed() -> None:
    names = [f"h{number}" for number in range(9)]
    assert listed(names[:6]) == "h0, h1, h2, h3, h4, h5"
    assert listed(names) == "h0, h1, h2 and 6 more"


def test_printable() -> None:
    assert printable("a\r\n b\t\x1b]0;title\x07 é\u202e") == "a b ?]0;title? é?"


@pytest.mark.parametrize(
    "word",
    ["plain", "two words", "it's", "a\nb\tc", "o'clock\n", "back\\slash\n", "é\n", "\x7f\u202e", "", "$HOME `x`"],
)
def test_quoted_is_what_a_shell_reads_back(word: str) -> None:
    line = f"printf %s {quoted((word,))}"
    assert subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout.decode() == word
    assert quoted((word,)).isprintable()


def test_several_texts_get_a_line_each() -> None:
    assert one_per_line("stop", ["m1: no answer"]) == "stop: m1: no answer"
    assert one_per_line("stop", ["m1: no answer", "m2: no answer"]) == "stop:\n  m1: no answer\n  m2: no answer"
