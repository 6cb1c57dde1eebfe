"""The operator's laptop: it begins a restore and may die during it; another laptop takes over the run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.source import BytesSource, RemoteSource
from orchestrator.app.cluster import Cluster
from orchestrator.app.history import know_run, refuse_forgetful, refuse_held, refuse_undone
from orchestrator.app.undo import Kind, fenced, plan_undo
from orchestrator.core.model.hooks import LocalHook
from orchestrator.core.model.outcome import Command, Ended, Outcome
from orchestrator.core.model.plan import Pause, Plan, Push, canonical_json
from orchestrator.core.plans.volumes import ANSWER_FLAG
from orchestrator.core.runs.result import Result
from orchestrator.engine.coordinator import Coordinator
from orchestrator.engine.hooks import Hooks
from orchestrator.errors import HaltedError, OrchestratorError, ours
from orchestrator.ports import Source
from tests.sim.clock import VirtualClock
from tests.sim.cluster import OBSERVED, SNAPSHOT_FILE
from tests.sim.faults import Fate, Faults, Line
from tests.sim.hooks import LAPTOP, TAKES_S
from tests.sim.host import STATE
from tests.sim.remote import SimRemote
from tests.sim.world import World
from tests.unit import builders


@dataclass(frozen=True, slots=True)
class Ending:
    """How the work of one laptop ended: done (a result), failed (an error), or dead (neither). ``run`` is the id of the
    undo that it has planned, if it has planned one."""

    line: Line
    result: Result | None = None
    error: OrchestratorError | None = None
    run: str = ""

    @property
    def is_done(self) -> bool:
        return self.result is not None


async def restore(world: World, plan: Plan, faults: Faults | None = None) -> Ending:
    """Run a plan for the first time."""
    return await _on_a_laptop(world, faults or {}, lambda laptop: laptop.carry_out(plan, 1))


async def resume(world: World, run: str, faults: Faults | None = None, answers: frozenset[str] = frozenset()) -> Ending:
    """Resume a run from another laptop: find it on the hosts, and leave out the lost ones."""
    return await _on_a_laptop(world, faults or {}, lambda laptop: laptop.take_over(run), answers)


async def gives_word(world: World, run: str, ending: Ending) -> frozenset[str]:
    """Return the flags for the operator's next command. If the last error asks for it, he checks the hook first."""
    if ending.error is None or f"resume with {ANSWER_FLAG} once" not in ending.error.message:
        return frozenset()
    await world.witness.hooks.look(run)
    return frozenset((ANSWER_FLAG,))


def never_began(error: OrchestratorError) -> bool:
    """Return True if no host knows the run, or no host has its plan."""
    return error.message.endswith("on any host") or "has not begun" in error.message


async def take_back(world: World, kind: Kind, run: str, faults: Faults | None = None) -> Ending:
    """Abort, roll back or finish a run from another laptop."""
    return await _on_a_laptop(world, faults or {}, lambda laptop: laptop.take_back(kind, run))


async def _on_a_laptop(
    world: World,
    faults: Faults,
    work: Callable[[_Laptop], Awaitable[Result]],
    answers: frozenset[str] = frozenset(),
) -> Ending:
    laptop = _Laptop(world, Line(faults), answers)
    task = asyncio.ensure_future(work(laptop))
    laptop.line.belongs_to(task)
    try:
        return Ending(laptop.line, result=await task, run=laptop.run)
    except asyncio.CancelledError:
        return Ending(laptop.line, run=laptop.run)
    except OrchestratorError as error:
        return Ending(laptop.line, error=error, run=laptop.run)
    finally:
        laptop.line.hang_up()


class _Laptop:
    def __init__(self, world: World, line: Line, answers: frozenset[str]) -> None:
        world.laptops += 1
        self.world = world
        self.line = line
        self.run = ""
        self.answers = answers
        self.remotes = {name: SimRemote(world, host, line) for name, host in world.hosts.items()}

    async def carry_out(self, plan: Plan, attempt: int) -> Result:
        """Run one attempt, as ``app.running.run_plan`` does."""
        self.line.may_run(plan)
        name = f"{attempt}-{self.world.laptops:06x}"
        coordinator = Coordinator(
            plan=plan,
            attempt=name,
            remotes=self.remotes,
            clock=VirtualClock(),
            journal=_Paper(),
            reporter=_Silence(),
            plan_source=BytesSource(canonical_json(plan).encode()),
            open_source=self._open_source,
            ask=self._ask,
            hooks=Hooks(plan, name, self.remotes, VirtualClock(), self._run_here, self.answers),
        )
        try:
            return await coordinator.run()
        finally:
            await self._say_goodbye(plan, name)

    async def take_over(self, run: str) -> Result:
        """Resume a run, as ``app.running.resume`` does: the hosts know what is done and which attempt is next."""
        known = await know_run(self._cluster(), run)
        refuse_held(known.state)
        refuse_undone(known.state)
        refuse_forgetful(known.plan, known.state)
        return await self.carry_out(known.plan, known.state.newest_attempt + 1)

    async def take_back(self, kind: Kind, run: str) -> Result:
        """Plan and run an undo, as `orchestrator abort`, `rollback` and `finish` do after the plan is confirmed."""
        plan = await fenced(await plan_undo(self._cluster(), kind, run))
        self.run = plan.run
        self.world.witness.takes_over(plan, run)
        return await self.carry_out(plan, 1)

    def _cluster(self) -> Cluster:
        return Cluster(
            inventory=self.world.inventory.leave_out(self.world.lost),
            distro=OBSERVED,
            scripts=builders.scripts(),
            opened={name: remote for name, remote in self.remotes.items() if name not in self.world.lost},
            clock=cast(SystemClock, VirtualClock()),
            reporter=_Silence(),
        )

    async def _say_goodbye(self, plan: Plan, attempt: str) -> None:
        if not self.line.is_gone:
            end = Command(("rm", "-f", f"{STATE}/alive"))
            await asyncio.gather(*(self.remotes[name].act("attempt.end", attempt, end) for name in plan.masters))

    async def _ask(self, pause: Pause) -> bool:
        """Act as the operator in a pause: wait ``pause_s`` seconds, do the work, and confirm it."""
        await asyncio.sleep(self.world.pause_s)
        if self.world.in_the_pause:
            self.world.in_the_pause(self.world)
        return True

    async def _run_here(self, hook: LocalHook, name: str) -> Outcome:
        """Run a program on this laptop. The laptop may die before, during or after it."""
        fault = await self.line.next("hook", LAPTOP, name, awake=True)
        fate, ledger = fault.fate if fault else None, self.world.witness.hooks
        if fate is Fate.LOST:
            await self.line.crash()
        ran = ledger.begins(hook.argv, hook.env, LAPTOP)
        program = asyncio.create_task(ledger.work(ran, lambda: asyncio.sleep(TAKES_S)))
        self.line.keep(program)
        if fate in (Fate.LATE, Fate.AFTER_SETTLE, Fate.DIED):
            await asyncio.sleep(TAKES_S / 2)
            if fate is Fate.DIED:
                program.cancel()
            await self.line.crash()
        await asyncio.wait({program})
        code = 1 if fate is Fate.FULL else program.result()
        ran.code = code
        if fate is Fate.DONE:
            await self.line.crash()
        return Outcome(Ended.FAILED if code else Ended.DONE, code)

    async def _open_source(self, push: Push) -> Source:
        if not push.source_host:
            return BytesSource(SNAPSHOT_FILE)
        remote = self.remotes[push.source_host]
        output = await remote.look(Command(("stat", "-c", "%s", push.source_path)))
        if output.exit_code != 0:
            raise HaltedError(f"{push.source_host}: {push.source_path} is gone", ours("resume"))
        return RemoteSource(remote, push.source_path, int(output.text), builders.scripts()["observe/head.sh"])


@dataclass(slots=True)
class _Paper:
    """Implement ``ports.Journal`` in memory."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    folder: Path = Path("/")

    def write(self, kind: str, **fields: Any) -> None:
        self.lines.append((kind, fields))


class _Silence:
    """Implement ``ports.Reporter`` without output."""

    def begin(self, phases: tuple[str, ...]) -> None: ...

    def phase(self, name: str, title: str, hosts: tuple[str, ...]) -> None: ...

    def step(self, host: str, step: str, state: str, detail: str = "") -> None: ...

    def moved(self, host: str, done_bytes: int, total_bytes: int) -> None: ...

    def waiting(self, phase: str, reasons: dict[str, str]) -> None: ...

    def note(self, text: str) -> None: ...

    def aside(self) -> AbstractContextManager[None]:
        return nullcontext()
