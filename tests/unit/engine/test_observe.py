"""What a look round amounts to: hosts without an answer, and how far a clock is off."""

from __future__ import annotations

import pytest

from orchestrator.core.model.outcome import Failure, Output
from orchestrator.engine.observe import _offset, refuse_silent
from orchestrator.errors import LoginError, OrchestratorError, UnreachableError, ours


def silent(failure: Failure, detail: str = "") -> Output:
    return Output(None, failure=failure, detail=detail)


@pytest.mark.parametrize(
    ("failures", "error", "code"),
    [
        ((Failure.UNREACHABLE,), UnreachableError, 4),
        ((Failure.HOST_KEY,), UnreachableError, 4),
        ((Failure.TIMEOUT,), UnreachableError, 4),
        ((Failure.LOGIN,), LoginError, 12),
        ((Failure.SUDO, Failure.LOGIN), LoginError, 12),
        ((Failure.LOGIN, Failure.UNREACHABLE), UnreachableError, 4),
    ],
)
def test_masters_without_an_answer(failures: tuple[Failure, ...], error: type[OrchestratorError], code: int) -> None:
    outputs = {f"master-{number}": silent(failure, "why") for number, failure in enumerate(failures)}
    with pytest.raises(error) as raised:
        refuse_silent(outputs)
    assert raised.value.exit_code == code
    heading, lines = f"cannot examine {len(outputs)} hosts:", [f"  {name}: why" for name in outputs]
    said = raised.value.message.splitlines()
    assert said[0].startswith("master-0: why; ") if len(outputs) == 1 else said[:-1] == [heading, *lines]
    assert "--without HOST" in raised.value.message
    assert raised.value.next_step == ours("check")


def test_all_masters_answer() -> None:
    refuse_silent({})


@pytest.mark.parametrize(
    ("first", "last", "offset_s"),
    [
        ("100.2", "100.8", 0.0),  # both within our own two readings: nothing shows a difference
        ("102.5", "103.0", 2.0),  # ahead: it ended 2 s after we had the answer
        ("97.0", "97.5", -3.0),  # behind: it began 3 s before we had asked
        ("", "100.8", 0.0),
        ("soon", "100.8", 0.0),
    ],
)
def test_a_clock_is_off_by_what_no_delay_explains(first: str, last: str, offset_s: float) -> None:
    assert _offset({"clock_first": first, "clock_last": last}, before=100.0, after=101.0) == pytest.approx(offset_s)
