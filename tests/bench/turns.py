"""Rounds of a bench: every contender as often as the others, by turns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

Round = TypeVar("Round")


def play_by_turns(contenders: Iterable[str], play: Callable[[str], Round], rounds: int) -> list[Round]:
    """Play all rounds with a rotating start, so that a machine that gets busier is fair to all."""
    names = list(contenders)
    played = []
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            played.append(play(name))
            print(f"round {number + 1}: {played[-1]}", file=sys.stderr, flush=True)
    return played
