"""Progress as plain lines, with a clock that the test advances."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest

from orchestrator.adapters.screen import plain
from orchestrator.adapters.screen.plain import PlainReporter
from orchestrator.core.runs.phases import PHASES
from tests.unit.screens import StillClock

MIB = 1 << 20


class Screen:
    """A plain reporter whose lines a test takes."""

    def __init__(self, clock: StillClock, **options: Any) -> None:
        self.stream = io.StringIO()
        self.clock = clock
        self.reporter = PlainReporter(self.stream, clock, **options)

    def lines(self) -> list[str]:
        """Return the lines printed since the last call."""
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return text.splitlines()

    def tick(self, seconds: float) -> list[str]:
        """Advance the clock, second by second."""
        for _ in range(round(seconds)):
            self.clock.now_s += 1
            self.reporter.tick()
        return self.lines()


@pytest.fixture
def screen(clock: StillClock) -> Screen:
    return Screen(clock)


def test_phase_and_its_steps(screen: Screen) -> None:
    report = screen.reporter
    report.phase("stop", "stop the services", ("master-1", "master-2"))
    report.step("master-1", "stop.unit.kublr/master-1", "acting", "stop kublr.service")
    screen.clock.now_s += 12
    report.step("master-1", "stop.unit.kublr/master-1", "done")
    report.step("master-2", "stop.unit.kublr/master-2", "already")
    report.step("master-2", "down.unit.docker/master-2", "failed", "failed (exit 1): no such unit")
    assert screen.lines() == [
        "03:10:00Z phase 5/13 stop: stop the services",
        "03:10:00Z master-1 stop.unit.kublr acting: stop kublr.service",
        "03:10:12Z master-1 stop.unit.kublr done (12s)",
        "03:10:12Z master-2 stop.unit.kublr already done",
        "03:10:12Z master-2 down.unit.docker failed (0s): failed (exit 1): no such unit",
    ]


def test_phases_are_counted_as_in_the_plan(clock: StillClock) -> None:
    screen = Screen(clock, phases=("claim", "workers", "release"))
    screen.reporter.phase("workers", "restart", ())
    screen.reporter.phase("other", "unknown", ())
    assert screen.lines() == ["03:10:00Z phase 2/3 workers: restart", "03:10:00Z phase other: unknown"]


def test_all_phases_are_known(screen: Screen) -> None:
    for name in PHASES:
        screen.reporter.phase(name, "", ())
    assert [line.split()[2] for line in screen.lines()] == [f"{number}/13" for number in range(1, 14)]


def test_heartbeat_after_thirty_seconds_of_silence(screen: Screen) -> None:
    screen.reporter.phase("keep", "keep a copy", ("master-1", "master-2"))
    screen.reporter.step("master-1", "keep.copy/master-1", "acting", "copy the old data")
    screen.reporter.step("master-2", "keep.copy/master-2", "done")
    screen.lines()
    assert screen.tick(29) == []
    assert screen.tick(1) == ["03:10:30Z master-1 keep.copy still acting: copy the old data (30s)"]
    assert screen.tick(60) == [
        "03:11:00Z master-1 keep.copy still acting: copy the old data (1m)",
        "03:11:30Z master-1 keep.copy still acting: copy the old data (1m30s)",
    ]


def test_heartbeat_of_a_barrier(screen: Screen) -> None:
    screen.reporter.phase("api", "wait for the API servers", ())
    screen.lines()
    assert screen.tick(30) == ["03:10:30Z phase 11/13 api still checking the hosts (30s)"]
    screen.reporter.waiting("api", {"master-3": "not ready"})
    assert screen.lines() == ["03:10:30Z master-3 api.barrier waiting: not ready"]
    assert screen.tick(30) == ["03:11:00Z phase 11/13 api still waiting: master-3: not ready (1m)"]


def test_no_heartbeat_before_first_phase_or_during_question(screen: Screen) -> None:
    assert screen.tick(100) == []
    screen.reporter.phase("volumes", "persistent volumes", ())
    screen.lines()
    with screen.reporter.aside():
        assert screen.tick(100) == []
    assert len(screen.tick(1)) == 1


def test_reasons_are_printed_on_change_at_most_every_ten_seconds(screen: Screen) -> None:
    reporter = screen.reporter
    reporter.phase("start", "start", ("master-1",))
    reporter.step("master-1", "start.services/master-1", "acting", "start")
    screen.lines()
    said: list[str] = []
    for second in range(25):
        reporter.step("master-1", "start.services/master-1", "waiting", "no answer" if second < 3 else "no quorum")
        said += screen.tick(1)
    assert said == [
        "03:10:00Z master-1 start.services waiting: no answer",
        "03:10:10Z master-1 start.services waiting: no quorum",
    ]


def test_verbose_prints_every_reason(clock: StillClock) -> None:
    screen = Screen(clock, verbose=1)
    for reason in ("a", "a", "b"):
        screen.reporter.waiting("stop", {"master-1": reason})
    assert [line[-1] for line in screen.lines()] == ["a", "b"]


def test_slow_transfer_is_printed_every_ten_seconds(screen: Screen) -> None:
    screen.reporter.phase("stage", "bring", ("master-1",))
    screen.reporter.step("master-1", "stage.push/master-1", "acting", "copy the snapshot")
    screen.lines()
    said: list[str] = []
    for second in range(31):
        screen.reporter.moved("master-1", second * MIB, 1000 * MIB)
        said += screen.tick(1)
    assert said == [
        "03:10:10Z master-1 stage.push 1% of 1000.0 MiB, 1.0 MiB/s, 16m30s left",
        "03:10:20Z master-1 stage.push 2% of 1000.0 MiB, 1.0 MiB/s, 16m20s left",
        "03:10:30Z master-1 stage.push 3% of 1000.0 MiB, 1.0 MiB/s, 16m10s left",
    ]


def test_fast_transfer_is_printed_every_tenth_at_most_every_two_seconds(screen: Screen) -> None:
    screen.reporter.phase("stage", "bring", ("master-1",))
    screen.lines()
    for percent in range(0, 100, 10):
        screen.reporter.moved("master-1", percent * MIB, 100 * MIB)
        screen.clock.now_s += 1
    assert [line.split()[2] for line in screen.lines()] == ["20%", "40%", "60%", "80%"]


def test_rate_of_resumed_push_counts_only_moved_bytes(screen: Screen) -> None:
    screen.reporter.moved("master-1", 900 * MIB, 1000 * MIB)
    screen.clock.now_s += 10
    screen.reporter.moved("master-1", 950 * MIB, 1000 * MIB)
    assert screen.lines() == ["03:10:10Z master-1 95% of 1000.0 MiB, 5.0 MiB/s, 10s left"]


def test_new_step_resets_transfer(screen: Screen) -> None:
    screen.reporter.phase("stage", "bring", ("master-1",))
    screen.reporter.moved("master-1", 5, 10)
    screen.reporter.step("master-1", "keep.copy/master-1", "acting", "copy")
    screen.lines()
    assert screen.tick(30) == ["03:10:30Z master-1 keep.copy still acting: copy (30s)"]


def test_text_of_hosts_stays_on_one_line(screen: Screen) -> None:
    screen.reporter.step("master-1", "stop.unit.kublr/master-1", "failed", "a\nb\x1b[2J")
    screen.reporter.waiting("stop", {"master-2": "c\r\nd\x07"})
    screen.reporter.note("e\nf")
    text = screen.stream.getvalue()
    assert "\x1b" not in text
    assert [line[10:] for line in screen.lines()] == [
        "master-1 stop.unit.kublr failed (0s): a b?[2J",
        "master-2 stop.barrier waiting: c d?",
        "e f",
    ]


class ClosedTerminal(io.StringIO):
    """A terminal that was closed."""

    def write(self, _: str) -> int:
        raise OSError(5, "Input/output error")


def test_closed_terminal_does_not_end_run(clock: StillClock) -> None:
    reporter = PlainReporter(ClosedTerminal(), clock)
    reporter.phase("stop", "stop", ())
    reporter.note("nobody reads this")


def test_heartbeat_thread_runs_while_entered(clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It beats while the program waits for a host, and only while the reporter is entered."""
    monkeypatch.setattr(plain, "BEAT_S", 0.01)
    screen = Screen(clock)
    with screen.reporter:
        screen.reporter.phase("keep", "keep", ())
        screen.lines()
        clock.now_s += 31
        deadline = time.monotonic() + 10
        while not screen.stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert screen.lines() == ["03:10:31Z phase 7/13 keep still checking the hosts (31s)"]
    clock.now_s += 100
    time.sleep(0.1)
    assert screen.lines() == []
