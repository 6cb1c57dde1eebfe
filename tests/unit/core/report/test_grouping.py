"""What is printed about two hundred workers fits a screen, and says of whom."""

from __future__ import annotations

import pytest

from orchestrator.adapters.screen.live import LiveReporter
from orchestrator.adapters.screen.report import print_findings, print_plan, print_status
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.model.outcome import ActRecord, ActState, Answer
from orchestrator.core.model.plan import PhaseName, Step
from orchestrator.core.plans.workers import workers_phase
from orchestrator.core.runs.progress import failure_of
from orchestrator.core.runs.result import StepEnd
from orchestrator.core.text import few
from orchestrator.distros import KUBLR
from tests.unit import builders
from tests.unit.adapters.screen.test_live import _screen, _terminal
from tests.unit.adapters.screen.test_plain import Screen, screen  # noqa: F401 - a fixture
from tests.unit.screens import Printed, StillClock

WORKERS = tuple(f"worker-{number}" for number in range(1, 201))


def test_few() -> None:
    assert few([str(number) for number in range(10)])[-1] == "9"
    assert few([str(number) for number in range(1210)])[9:] == ("9", "and 1,200 more")


def test_a_verbose_plan_shows_alike_commands_once(printed: Printed) -> None:
    plan = builders.plan(builders.inventory(workers=200, batch="25%"))
    two = builders.plan(builders.inventory(workers=2))
    text, short = (printed(print_plan, it, verbose=1, width=200) for it in (plan, two))
    assert len(text.splitlines()) <= len(short.splitlines()) + 2
    assert "look all masters: workers/is_node_ready.sh " in text
    assert "look all masters: (199 more, each with another worker's name)" in text
    assert "node=worker-1 " in short and "node=worker-2 " in short


def finding(host: str, what: str, severity: Severity = Severity.WARN) -> Finding:
    return Finding(name="worker-silent", severity=severity, host=host, what=what, remedy="mend it")


def test_findings_in_the_same_words_stand_together(printed: Printed) -> None:
    text = printed(print_findings, [finding(name, "no answer") for name in WORKERS], WORKERS, width=120)
    assert len(text.splitlines()) < 8
    assert "worker-3 and 197 more" in text
    assert "200 warnings; 0 of 200 hosts are fine." in text


def test_of_many_warnings_the_first_and_of_blockers_all(printed: Printed) -> None:
    warnings = [finding(name, f"{name}: no answer") for name in WORKERS]
    text = printed(print_findings, warnings, width=200)
    assert text.count("no answer") == 10
    assert "190 more" in text and "--json shows all" in text
    blockers = [finding(name, f"{name}: no answer", Severity.BLOCK) for name in WORKERS]
    assert printed(print_findings, blockers, width=200).count("no answer") == 200


def test_status_tells_the_same_reason_once(printed: Printed) -> None:
    plan = builders.plan(builders.inventory(workers=200))
    records = {name: [ActRecord("claim.take", 1, ActState.ENDED, 0)] for name in plan.masters}
    records |= {name: [ActRecord("workers.restart", 1, ActState.RUNNING, None)] for name in WORKERS[:120]}
    text = printed(print_status, plan, records, {}, "prod-1.yml", width=200)
    assert "worker-1, worker-2, worker-3 and 117 more: workers.restart is running" in text
    assert text.count("is running") == 1


def test_an_error_names_the_first_failures() -> None:
    step = builders.plan().phases[0].steps[0]
    ends = [
        StepEnd(step.model_copy(update={"id": f"workers.restart/{name}", "host": name}), False, Answer.NO, "not ready")
        for name in WORKERS
    ]
    error = failure_of(PhaseName.WORKERS, ends, builders.RUN)
    assert isinstance(step, Step)
    assert error.message.count("not ready") == 10
    assert error.message.endswith("\n  and 190 more")


def test_the_screen_shows_those_that_take_longest(clock: StillClock) -> None:
    with LiveReporter(_terminal(), clock) as reporter:
        reporter.phase("workers", "restart the workers", WORKERS)
        for host in reversed(WORKERS[:100]):
            reporter.step(host, f"workers.restart/{host}", "acting", "reboot")
            clock.now_s += 1
        lines = _screen(reporter)
    assert [line.split()[0] for line in lines[1:-1]] == list(reversed(WORKERS[90:100]))
    assert lines[-1] == "0 of 200 hosts done, 0 of them failed; 100 running; 190 not shown"


def test_the_heartbeat_names_those_that_take_longest(screen: Screen) -> None:  # noqa: F811
    screen.reporter.phase("workers", "restart the workers", WORKERS)
    for host in WORKERS:
        screen.reporter.step(host, f"workers.restart/{host}", "acting", "reboot")
    screen.lines()
    said = screen.tick(30)
    assert len(said) == 11
    assert said[-1].endswith("and 190 more")


@pytest.mark.parametrize(("batch", "poll_s"), [(1, 2.0), (20, 2.0), ("25%", 5.0), (200, 20.0)])
def test_masters_are_asked_ten_times_a_second_at_most(batch: int | str, poll_s: float) -> None:
    cluster = builders.inventory(workers=200, batch=batch)
    phase = workers_phase(cluster, builders.masters(), KUBLR, builders.RUN)
    assert {step.done_if.poll_s for step in phase.steps if step.done_if} == {poll_s}
