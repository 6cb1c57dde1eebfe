"""Check that the simulation can fail: each deliberate mistake in the product causes the expected violation."""

from __future__ import annotations

import pytest

from tests.sim.faults import Fate, Fault
from tests.sim.mistakes import MISTAKES, Mistake, settle_without_waiting
from tests.sim.story import tell
from tests.sim.undo_mistakes import UNDO_MISTAKES
from tests.sim.undoing import tell_undo

ALL = MISTAKES | UNDO_MISTAKES


def violations(mistake: Mistake) -> str:
    """Return the violation in the first story that shows the mistake; empty if no story does."""
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


def test_at_least_twenty_mistakes_are_planted() -> None:
    assert len(ALL) >= 20


def test_settle_without_waiting_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that an act may still run after the next laptop has settled: later acts wait for its lock and check again
    under it. So the wait in settle is a second safeguard, and a settle without it is not a mistake that must show. But
    settle must record the new attempt: without that, no run can continue."""
    settle_without_waiting(monkeypatch)
    calls = [number for number, call in enumerate(tell(most_laptops=1).calls) if call.verb == "act"]
    for number in calls[::2]:
        late = {number: Fault(Fate.LATE, at=2)}
        assert tell(late, most_laptops=3).violations == []
        assert tell_undo("abort", late, most_laptops=2).violations == []
