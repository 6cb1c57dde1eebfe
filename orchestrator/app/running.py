"""Carrying a plan out: `restore`, `apply`, `resume`, `restart-workers`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from orchestrator import __version__
from orchestrator.adapters.journal import FileJournal
from orchestrator.adapters.source import BytesSource
from orchestrator.app.cluster import Cluster
from orchestrator.app.evidence import find_evidence
from orchestrator.app.history import know_run, refuse_forgetful, refuse_held, refuse_undone
from orchestrator.app.hooks import here
from orchestrator.app.identity import laptop, new_attempt, open_journal
from orchestrator.app.push_sources import Sources
from orchestrator.app.terminal import ask
from orchestrator.core.model.outcome import Command
from orchestrator.core.model.plan import Pause, Plan, canonical_json
from orchestrator.core.proof.evidence import Evidence
from orchestrator.core.runs.result import Result
from orchestrator.core.text import rate_of
from orchestrator.core.timeouts import FAREWELL_S
from orchestrator.engine.coordinator import Coordinator
from orchestrator.engine.hooks import Hooks
from orchestrator.engine.transfer import Transfers
from orchestrator.errors import OrchestratorError, again


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """A run whose restore is proven. ``error`` is what still keeps it open: workers that did not come back.
    ``total_s`` ends with the run; ``evidence`` was looked at after it."""

    plan: Plan
    result: Result
    total_s: float
    evidence: Evidence | None = None
    error: OrchestratorError | None = None


async def run_plan(
    cluster: Cluster,
    plan: Plan,
    *,
    attempt: int = 1,
    snapshot: Path | None = None,
    answers: frozenset[str] = frozenset(),
    limit: str = "",
) -> CompletedRun:
    """Carries out one attempt at a plan; no more than ``limit`` bytes a second leave the laptop (`--limit-rate`).

    Raises OrchestratorError; its next step goes on from there.
    """
    bytes_per_s = rate_of(limit)
    began = cluster.clock.monotonic()
    name = new_attempt(attempt)
    journal = _begin_journal(cluster, plan, name)
    sources = Sources(cluster, plan, snapshot, is_first=attempt == 1)
    transfers = _transfers(cluster, plan, name, bytes_per_s)
    coordinator = Coordinator(
        plan=plan,
        attempt=name,
        remotes=cluster.remotes,
        clock=cluster.clock,
        journal=journal,
        reporter=cluster.reporter,
        plan_source=BytesSource(canonical_json(plan).encode()),
        open_source=sources.open,
        ask=lambda pause: _ask(cluster, pause, answers),
        hooks=Hooks(plan, name, cluster.remotes, cluster.clock, here(journal.folder, name, cluster.clock), answers),
        transfers=transfers,
        stop=cluster.stop,
    )
    try:
        return await _attempt(cluster, coordinator, journal, began)
    finally:
        if transfers:
            await transfers.close()
        journal.close()
        sources.close()


def _transfers(cluster: Cluster, plan: Plan, attempt: str, bytes_per_s: float) -> Transfers | None:
    """How files come to several masters; None where the plan has not looked for ways between them."""
    if plan.relay is None or cluster.carrier is None:
        return None
    return Transfers(plan.relay, cluster.carrier(plan.relay, bytes_per_s), attempt, cluster.reporter.note)


def _begin_journal(cluster: Cluster, plan: Plan, attempt: str) -> FileJournal:
    """Raises OrchestratorError where this laptop cannot write down what it does."""
    try:
        journal = open_journal(plan.inventory.cluster, plan.run, cluster.clock)
        path = journal.folder / "plan.json"
        path.touch(mode=0o600)
        path.chmod(0o600)  # one from before is replaced
        path.write_text(canonical_json(plan), encoding="utf-8")
        journal.write("attempt", attempt=attempt, laptop=laptop(), plan_sha256=plan.sha256, tool_version=__version__)
    except OSError as error:
        raise OrchestratorError(
            f"cannot write the journal on this laptop: {error.strerror}: {error.filename or 'its disk'}; "
            "free some space, or set XDG_STATE_HOME to a folder with room",
            again(),
        ) from error
    return journal


async def _attempt(cluster: Cluster, coordinator: Coordinator, journal: FileJournal, began: float) -> CompletedRun:
    plan = coordinator.plan
    try:
        result = await coordinator.run()
    except OrchestratorError as error:
        await _say_goodbye(cluster, plan, coordinator.attempt)
        _end_journal(journal, error=error.message, exit_code=error.exit_code)
        if coordinator.result.failed_workers and coordinator.result.proof:
            return await _with_evidence(cluster, coordinator, began, error)
        raise
    _end_journal(journal, exit_code=0, proof=result.proof, outage_s=result.outage_s)
    return await _with_evidence(cluster, coordinator, began)


async def _with_evidence(
    cluster: Cluster, coordinator: Coordinator, began: float, error: OrchestratorError | None = None
) -> CompletedRun:
    """The run is over and journalled by now: nothing that is seen here changes how it ended."""
    total_s = cluster.clock.monotonic() - began
    evidence = await find_evidence(cluster, coordinator.plan, coordinator.result.proof)
    return CompletedRun(coordinator.plan, coordinator.result, total_s, evidence, error)


def _end_journal(journal: FileJournal, **fields: object) -> None:
    """How it ended is told on the screen, too: a full disk changes nothing about it."""
    with contextlib.suppress(OSError):
        journal.write("attempt-ended", **fields)


async def _say_goodbye(cluster: Cluster, plan: Plan, attempt: str) -> None:
    """Takes the heartbeat's file away, so that the next laptop need not wait for silence."""

    async def leave(host: str, state: str) -> None:
        await cluster.remotes[host].act("attempt.end", attempt, Command(("rm", "-f", f"{state}/alive")))

    with contextlib.suppress(asyncio.CancelledError, TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            await asyncio.gather(
                *(leave(host.name, host.paths.state) for host in plan.inventory.masters), return_exceptions=True
            )


async def _ask(cluster: Cluster, pause: Pause, answers: frozenset[str]) -> bool:
    if pause.answer_flag in answers:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    with cluster.reporter.aside():
        return await ask(f"{pause.question} Type yes to continue: ") == "yes"


async def resume(
    cluster: Cluster,
    run: str | None,
    *,
    snapshot: Path | None = None,
    answers: frozenset[str] = frozenset(),
    limit: str = "",
) -> CompletedRun:
    """Goes on with the run that the hosts know. Raises LockedError while its holder is alive."""
    known = await know_run(cluster, run)
    state = known.state
    refuse_held(state)
    refuse_undone(state)
    refuse_forgetful(known.plan, state)
    attempt = state.newest_attempt + 1
    return await run_plan(known.cluster, known.plan, attempt=attempt, snapshot=snapshot, answers=answers, limit=limit)
