"""Hooks in the simulation: when each program of the operator began, how it ended, and which runs are violations.

A program that nothing interrupts reports its exit status. The result of an interrupted one is unknown: it runs again
only if the operator has declared that as safe. The masters start only after the hook has succeeded, or after the
operator has confirmed that its work is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from orchestrator.core.inventory.declared import HookPlace, Volumes, VolumesHook
from tests.sim.acts import Call, FullError

HOOK, UNDO = "/opt/hook", "/opt/unhook"
LAPTOP = "laptop"
TAKES_S = 30.0
POLICIES = {place: VolumesHook(hook=(HOOK, "all of it"), on=place, undo=(UNDO,), timeout_s=600) for place in HookPlace}


@dataclass(slots=True)
class Ran:
    """One run of a program. ``code`` is None until it ends, and remains None if it is interrupted."""

    program: str
    where: str
    run: str
    code: int | None = None
    is_running: bool = True


@dataclass(slots=True)
class Ledger:
    """All runs of hooks. ``fails``: the exit statuses of the next ones. ``words``: the runs for which the operator has
    confirmed that the hook's work is done. ``serving`` returns the masters on which etcd runs."""

    policy: Volumes | VolumesHook | None
    accuse: Callable[[str], None]
    serving: Callable[[], Iterable[str]]
    ran: list[Ran] = field(default_factory=list)
    fails: list[int] = field(default_factory=list)
    words: set[str] = field(default_factory=set)

    def begins(self, argv: tuple[str, ...], env: dict[str, str], where: str) -> Ran:
        """Record that a program begins. Report a violation if it may not."""
        assert isinstance(self.policy, VolumesHook)
        program, run = argv[0], env["ORCHESTRATOR_RUN"]
        if argv not in (self.policy.hook, self.policy.undo):
            self.accuse(f"it runs a program that nobody has declared: {' '.join(argv)}")
        if run in self.words:
            self.accuse(f"{program} runs on {where}, though the operator has said that it is done")
        for earlier in self._of(program, run, where):
            # If the laptop died before it recorded a success on the masters, only `rerunnable` allows another run.
            unheard = where == LAPTOP and self.policy.rerunnable
            if earlier.code == 0 and not unheard:
                self.accuse(f"{program} runs again on {where}, having succeeded")
            elif earlier.code is None and not self.policy.rerunnable:
                self.accuse(f"{program} runs again on {where}, and nobody knows what it has done")
        if up := sorted(self.serving()):
            self.accuse(f"{program} runs on {where} while etcd runs on {' and '.join(up)}")
        self.ran.append(Ran(program, where, run))
        return self.ran[-1]

    async def work(self, ran: Ran, pace: Callable[[], object]) -> int:
        """Run the program. A cancelled task is an interrupted program."""
        try:
            for _ in range(3):
                await pace()  # type: ignore[misc]
            ran.code = self.fails.pop(0) if self.fails else 0
        except FullError:
            ran.code = 1
            raise
        finally:
            ran.is_running = False
        return ran.code

    def _of(self, program: str, run: str, where: str) -> list[Ran]:
        return [it for it in self.ran if (it.program, it.run, it.where) == (program, run, where)]

    def has_succeeded(self, program: str, where: str) -> bool:
        return any((it.program, it.where, it.code) == (program, where, 0) for it in self.ran)

    async def look(self, run: str) -> None:
        """Act as the operator: wait for hooks that still run, complete their work, and confirm it."""
        while any(it.is_running for it in self.ran):
            await asyncio.sleep(1)
        self.words.add(run)

    def starts_restore(self, masters: Iterable[str]) -> None:
        """Report a violation if a master starts on the snapshot and the hook has not succeeded everywhere."""
        if isinstance(self.policy, VolumesHook):
            where = (LAPTOP,) if self.policy.on is HookPlace.LAPTOP else tuple(masters)
            for place in where:
                if not (self.words or self.has_succeeded(self.policy.hook[0], place)):
                    self.accuse(f"a master starts its restore, and the hook has not done its work on {place}")


async def env(ledger: Ledger, host: str, call: Call) -> int:
    """Run a hook on a master: `env NAME=VALUE... PROGRAM ARGUMENT...`."""
    pairs = [arg for arg in call.args if arg.startswith("ORCHESTRATOR_")]
    ran = ledger.begins(call.args[len(pairs) :], dict(pair.split("=", 1) for pair in pairs), host)
    return await ledger.work(ran, call.work)
