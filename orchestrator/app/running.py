"""Carries out a plan: `restore`, `apply`, `resume`, `restart-workers`."""

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
from orchestrator.app.served import api_error, ask_api_servers
from orchestrator.app.terminal import ask
from orchestrator.core.model.outcome import Command
from orchestrator.core.model.plan import Pause, Plan, canonical_json
from orchestrator.core.proof.evidence import Evidence
from orchestrator.core.proof.served import Served, judge_served
from orchestrator.core.runs.result import Result
from orchestrator.core.text import rate_of
from orchestrator.core.timeouts import FAREWELL_S, SERVED_WAIT_S
from orchestrator.engine.coordinator import Coordinator
from orchestrator.engine.hooks import Hooks
from orchestrator.engine.transfer import Transfers
from orchestrator.errors import OrchestratorError, again


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """A completed run. ``error`` is set if it is still open because workers did not become Ready, or if the API servers
    are not proven. ``total_s`` ends with the run; ``evidence`` and ``served`` were read after it."""

    plan: Plan
    result: Result
    total_s: float
    evidence: Evidence | None = None
    served: Served | None = None
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
    """Carry out one attempt at a plan. ``limit`` is the most bytes per second that leave the laptop (`--limit-rate`).

    Raises OrchestratorError; its next step continues the run.
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
    """The transfers from master to master; None if the plan does not say how masters can reach each other."""
    if plan.relay is None or cluster.carrier is None:
        return None
    return Transfers(plan.relay, cluster.carrier(plan.relay, bytes_per_s), attempt, cluster.reporter.note)


def _begin_journal(cluster: Cluster, plan: Plan, attempt: str) -> FileJournal:
    """Open the journal and save the plan next to it. Raises OrchestratorError if this laptop cannot write them."""
    try:
        journal = open_journal(plan.inventory.cluster, plan.run, cluster.clock)
        path = journal.folder / "plan.json"
        path.touch(mode=0o600)
        path.chmod(0o600)  # an earlier attempt's plan is replaced
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
            return await _with_evidence(cluster, coordinator, journal, began, error)
        raise
    _end_journal(journal, exit_code=0, proof=result.proof, outage_s=result.outage_s)
    return await _with_evidence(cluster, coordinator, journal, began)


async def _with_evidence(
    cluster: Cluster,
    coordinator: Coordinator,
    journal: FileJournal,
    began: float,
    error: OrchestratorError | None = None,
) -> CompletedRun:
    """Add what the API servers serve and what etcd holds. The run has ended and is in the journal: nothing found here
    changes its end."""
    total_s = cluster.clock.monotonic() - began
    plan, proof = coordinator.plan, coordinator.result.proof
    answers = await ask_api_servers(cluster, plan, proof, 0 if error else SERVED_WAIT_S)
    evidence = await find_evidence(cluster, plan, proof)  # after the API servers: it counts what was written meanwhile
    served = judge_served(plan, answers, proof, evidence) if answers else None
    if served and served.failures:
        with contextlib.suppress(OSError):
            journal.write("api-unproven", failures=[str(failure) for failure in served.failures])
    return CompletedRun(plan, coordinator.result, total_s, evidence, served, error or api_error(served))


def _end_journal(journal: FileJournal, **fields: object) -> None:
    """Write the end of the attempt. An error of the laptop's disk is ignored: the screen shows the end, too."""
    with contextlib.suppress(OSError):
        journal.write("attempt-ended", **fields)


async def _say_goodbye(cluster: Cluster, plan: Plan, attempt: str) -> None:
    """Delete the heartbeat's file on the masters, so that the next laptop need not wait for silence."""

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
    """Continue the run that the hosts have. Raises LockedError if its holder is still alive."""
    known = await know_run(cluster, run)
    state = known.state
    refuse_held(state)
    refuse_undone(state)
    refuse_forgetful(known.plan, state)
    attempt = state.newest_attempt + 1
    return await run_plan(known.cluster, known.plan, attempt=attempt, snapshot=snapshot, answers=answers, limit=limit)
