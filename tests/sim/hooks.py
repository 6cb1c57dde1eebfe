"""The operator's own programs in the simulation: when each began and how it ended, and what must never be seen of it.

One that nobody stopped in the middle says how it ended. Of one that was cut off nobody knows what it has done: it runs
again only where the operator has declared that to be safe, and the masters start only after it, or on his word.
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
    """One time that a program ran. ``code`` is None until it ends, and stays so where it was cut off."""

    program: str
    where: str
    run: str
    code: int | None = None
    is_running: bool = True


@dataclass(slots=True)
class Ledger:
    """All of them. ``fails`` are the exit statuses of the next ones; ``words`` the runs for which the operator has
    given his word; ``serving`` names the masters whose etcd runs."""

    policy: Volumes | VolumesHook | None
    accuse: Callable[[str], None]
    serving: Callable[[], Iterable[str]]
    ran: list[Ran] = field(default_factory=list)
    fails: list[int] = field(default_factory=list)
    words: set[str] = field(default_factory=set)

    def begins(self, argv: tuple[str, ...], env: dict[str, str], where: str) -> Ran:
        """Accuses where it may not."""
        assert isinstance(self.policy, VolumesHook)
        program, run = argv[0], env["ORCHESTRATOR_RUN"]
        if argv not in (self.policy.hook, self.policy.undo):
            self.accuse(f"it runs a program that nobody has declared: {' '.join(argv)}")
        if run in self.words:
            self.accuse(f"{program} runs on {where}, though the operator has said that it is done")
        for earlier in self._of(program, run, where):
            # Where the laptop died before it told the masters, nobody knows of a success: then `rerunnable` counts.
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
        """The program itself. Cancelled, it was cut off."""
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
        """The operator looks, waits for what still runs, and sees to it that all is done."""
        while any(it.is_running for it in self.ran):
            await asyncio.sleep(1)
        self.words.add(run)

    def starts_restore(self, masters: Iterable[str]) -> None:
        """A master starts on the snapshot: what puts the volumes back has succeeded, everywhere."""
        if isinstance(self.policy, VolumesHook):
            where = (LAPTOP,) if self.policy.on is HookPlace.LAPTOP else tuple(masters)
            for place in where:
                if not (self.words or self.has_succeeded(self.policy.hook[0], place)):
                    self.accuse(f"a master starts its restore, and the hook has not done its work on {place}")


async def env(ledger: Ledger, host: str, call: Call) -> int:
    """A hook on a master: `env NAME=VALUE... PROGRAM ARGUMENT...`."""
    pairs = [arg for arg in call.args if arg.startswith("ORCHESTRATOR_")]
    ran = ledger.begins(call.args[len(pairs) :], dict(pair.split("=", 1) for pair in pairs), host)
    return await ledger.work(ran, call.work)
