"""The screen of a run on a terminal, drawn into memory; and which reporter a stream gets."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console
from rich.file_proxy import FileProxy

from orchestrator.adapters.screen import report
from orchestrator.adapters.screen.live import LiveReporter
from orchestrator.adapters.screen.plain import PlainReporter
from orchestrator.adapters.screen.reporters import QuietReporter
from orchestrator.core.model.plan import PhaseName
from tests.unit.screens import Printed, StillClock, text_of

MIB = 1 << 20


def _terminal(width: int = 80) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system=None,
        width=width,
        height=40,
        markup=False,
        highlight=False,
    )


def _screen(reporter: LiveReporter, width: int = 80) -> list[str]:
    """Return what a terminal of that width shows now."""
    console = Console(file=io.StringIO(), width=width, color_system=None, markup=False, highlight=False)
    console.print(reporter.render())
    return text_of(console).splitlines()


@pytest.fixture
def reporter(clock: StillClock) -> LiveReporter:
    """A reporter that is not entered: tests ask what it would draw."""
    return LiveReporter(_terminal(), clock)


def test_one_line_per_host(reporter: LiveReporter, clock: StillClock) -> None:
    with reporter:
        reporter.phase("stage", "copy the snapshot to every master", ("master-1", "master-2", "master-3"))
        reporter.step("master-1", "stage.push/master-1", "acting", "copy the snapshot")
        reporter.step("master-2", "stage.push/master-2", "acting", "copy the snapshot")
        reporter.moved("master-1", 0, 400 * MIB)
        clock.now_s += 4
        reporter.moved("master-1", 100 * MIB, 400 * MIB)
        reporter.step("master-2", "stage.push/master-2", "done")
        assert _screen(reporter) == [
            "phase 3/13 stage  4s of 4s  copy the snapshot to every master",
            "master-1  stage.push  25% of 400.0 MiB, 25.0 MiB/s, 12s left                  4s",
            "master-2  stage.push  done                                                    4s",
            "master-3",
        ]


def test_barrier_shows_reasons(reporter: LiveReporter, clock: StillClock) -> None:
    with reporter:
        reporter.phase("stop", "stop", ("master-1", "master-2"))
        for host in ("master-1", "master-2"):
            reporter.step(host, f"down.unit.docker/{host}", "acting", "stop docker.service")
            reporter.step(host, f"down.unit.docker/{host}", "done")
        clock.now_s += 3
        reporter.waiting("stop", {"master-2": "port 2380 still listens"})
        assert _screen(reporter) == [
            "phase 5/13 stop  3s of 3s  all steps have ended; checking every host",
            "master-1  down.unit.docker  done                                              0s",
            "master-2  down.unit.docker  waiting: port 2380 still listens                  0s",
        ]
        reporter.phase("api", "wait", ())
        reporter.waiting("api", {"master-3": "not ready"})
        assert _screen(reporter)[1].split() == ["master-3", "waiting:", "not", "ready"]


def test_long_reason_is_truncated_to_line(reporter: LiveReporter) -> None:
    with reporter:
        reporter.phase("start", "start", ("master-1",))
        reporter.step("master-1", "start.services/master-1", "waiting", "no answer on the peer port yet " * 5)
        lines = _screen(reporter)
    assert len(lines) == 2
    assert len(lines[1]) == 80
    assert "…" in lines[1]


def test_many_hosts_show_only_failed_and_busy_ones(reporter: LiveReporter) -> None:
    hosts = tuple(f"worker-{number}" for number in range(1, 101))
    with reporter:
        reporter.phase("workers", "restart the workers", hosts)
        for number, host in enumerate(hosts[:40]):
            reporter.step(host, f"workers.restart/{host}", "acting", "reboot")
            if number < 37:
                reporter.step(host, f"workers.restart/{host}", "failed" if number == 5 else "done", "why")
        lines = _screen(reporter)
    assert [line.split()[0] for line in lines[1:-1]] == ["worker-6", "worker-38", "worker-39", "worker-40"]
    assert lines[-1] == "37 of 100 hosts done, 1 of them failed; 3 running; 96 not shown"


def test_only_plain_lines_remain_at_end(clock: StillClock) -> None:
    console = _terminal()
    with LiveReporter(console, clock) as reporter:
        reporter.note("connecting to 5 hosts")
        reporter.phase("claim", "take", ("master-1",))
        clock.now_s += 2
        reporter.phase("volumes", "volumes", ("master-1",))
        reporter.note("policy `none`")
        reporter.step("master-1", "volumes.pause/master-1", "failed", "nobody answered")
    left = _replayed(console)
    assert left == [
        "connecting to 5 hosts",
        "phase 1/13 claim done (2s)",
        "phase 9/13 volumes: policy `none`",
        "master-1 volumes.pause failed (0s): nobody answered",
        "phase 9/13 volumes done (0s)",
    ]


def test_phase_that_raised_is_halted(clock: StillClock) -> None:
    console = _terminal()
    reporter = LiveReporter(console, clock)
    with pytest.raises(RuntimeError), reporter:
        reporter.phase("stop", "stop", ())
        raise RuntimeError
    assert _replayed(console) == ["phase 5/13 stop halted (0s)"]


def test_screen_is_free_after_reading_before_first_phase(clock: StillClock) -> None:
    """Afterwards the operator is asked to confirm: nothing may be drawn over the question."""
    console = _terminal()
    with LiveReporter(console, clock) as reporter:
        reporter.moved("laptop", 5 * MIB, 10 * MIB)
        assert _is_drawing()
        reporter.moved("laptop", 10 * MIB, 10 * MIB)
        assert not _is_drawing()
    assert _replayed(console) == []


def test_aside_hides_and_restores_display(clock: StillClock) -> None:
    console = _terminal()
    with LiveReporter(console, clock) as reporter:
        reporter.phase("volumes", "volumes", ("master-1",))
        assert _is_drawing()
        with reporter.aside():
            assert not _is_drawing()
        assert _is_drawing()
    assert not _is_drawing()


def test_results_on_stdout_are_not_redirected(clock: StillClock, capsys: pytest.CaptureFixture[str]) -> None:
    console = _terminal()
    with LiveReporter(console, clock) as reporter:
        reporter.phase("stop", "stop", ())
        print("a result")
    assert capsys.readouterr().out == "a result\n"


def _is_drawing() -> bool:
    """While rich draws, it proxies what others write to stderr."""
    return isinstance(sys.stderr, FileProxy)


def _replayed(console: Console) -> list[str]:
    """Return the lines that a terminal shows after executing all output: cursor up, erase line, return."""
    assert isinstance(console.file, io.StringIO)
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[\??\d*[A-Za-z]|\n|\r|[^\x1b\n\r]+", console.file.getvalue()):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece.endswith("A") and piece.startswith("\x1b"):
            row -= int(piece[2:-1] or 1)
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif not piece.startswith("\x1b") and piece != "\r":
            lines[row] = piece
    return [line.rstrip() for line in lines if line.strip()]


# --- Which reporter -----------------------------------------------------------------------------------


def _stderr(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, **environment: str) -> io.StringIO:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def _work(reporter: LiveReporter | PlainReporter | QuietReporter) -> None:
    with reporter:
        reporter.begin(tuple(PhaseName))
        reporter.phase("stop", "stop", ("master-1",))
        reporter.step("master-1", "stop.unit.kublr/master-1", "acting", "stop kublr.service")
        reporter.step("master-1", "stop.unit.kublr/master-1", "failed", "why")
        reporter.moved("master-1", 1, 2)
        reporter.waiting("stop", {"master-1": "because"})
        reporter.note("note")
        with reporter.aside():
            pass


def test_terminal_gets_live_display(monkeypatch: pytest.MonkeyPatch, clock: StillClock) -> None:
    stream = _stderr(monkeypatch, terminal=True)
    _work(report.make_reporter(clock=clock))
    assert "\x1b[?25l" in stream.getvalue()  # hides the cursor
    assert "\x1b[1;31m" in stream.getvalue()


def test_no_color_keeps_live_display(monkeypatch: pytest.MonkeyPatch, clock: StillClock) -> None:
    stream = _stderr(monkeypatch, terminal=True, NO_COLOR="1")
    _work(report.make_reporter(clock=clock))
    assert "\x1b[?25l" in stream.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", stream.getvalue())


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}, {"TTY_INTERACTIVE": "1"}])
def test_pipe_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, clock: StillClock, environment: dict[str, str]) -> None:
    stream = _stderr(monkeypatch, terminal=False, **environment)
    _work(report.make_reporter(clock=clock))
    assert "\x1b" not in stream.getvalue()
    assert "03:10:00Z phase 5/13 stop: stop\n" in stream.getvalue()


def test_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, clock: StillClock) -> None:
    stream = _stderr(monkeypatch, terminal=True, TERM="dumb")
    _work(report.make_reporter(clock=clock))
    assert "\x1b" not in stream.getvalue()
    assert "03:10:00Z phase 5/13 stop: stop\n" in stream.getvalue()


def test_quiet_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _stderr(monkeypatch, terminal=True)
    _work(report.make_reporter(quiet=True))
    assert stream.getvalue() == ""


def test_force_color_colours_error_in_pipe(
    monkeypatch: pytest.MonkeyPatch, printed: Printed, clock: StillClock
) -> None:
    stream = _stderr(monkeypatch, terminal=False, FORCE_COLOR="1")
    from orchestrator.errors import RefusedError

    report.print_error(report.stderr(), RefusedError("x"))
    assert stream.getvalue().startswith("\x1b[1;31merror: ")
