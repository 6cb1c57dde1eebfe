"""The simulation can fail: each deliberate mistake in the product shows in it, by the violation it must cause."""

from __future__ import annotations

import pytest

from tests.sim.mistakes import MISTAKES, Mistake
from tests.sim.undo_mistakes import UNDO_MISTAKES

ALL = MISTAKES | UNDO_MISTAKES


def violations(mistake: Mistake) -> str:
    """Those of the first story that shows the mistake; else nothing."""
    for story in mistake.stories():
        if shown := [it for it in story.violations if mistake.shows in it]:
            return shown[0]
    return ""


@pytest.mark.parametrize("name", ALL)
def test_a_mistake_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake = ALL[name]
    assert violations(mistake) == "", "the same stories show nothing without the mistake"
    mistake.make(monkeypatch)
    caught = violations(mistake)
    assert caught
    print(f"{name}: {caught}")


def test_there_are_mistakes_enough() -> None:
    assert len(ALL) >= 20
