"""Copies one file to all masters, chain after chain, until each has it or cannot get it.

`core.transfer.chains` decides which chains to start; a `Carrier` carries them out. A host whose stream was cut reports
its verified length again and is planned again: behind a master that has the file by then, or else behind the laptop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from orchestrator.core.model.outcome import Ended, Outcome
from orchestrator.core.model.plan import Push
from orchestrator.core.transfer.chains import Chain, Standings, held_up, next_chains
from orchestrator.core.transfer.relay import Relay
from orchestrator.ports import Carrier, Load, Progress, Source

MOST_TRIES = 8
GATHER_S = 0.05
"""How long to wait for other hosts of a phase: their steps begin together, and make one chain."""
ASKING_S = 10.0
"""How long the others wait for a host to report its length: it may be hashing its part."""
WATCH_S = 1.0
STILL_S = 60.0
"""After this time without bytes a chain is ended: the host that should send hangs."""


@dataclass(slots=True)
class Waiting:
    """A host that waits for a chain: what it has, and who receives its progress and its end (None: cut, ask again)."""

    have: int
    moved: Progress
    ended: asyncio.Future[Outcome | None]


@dataclass(slots=True)
class Transfers:
    """The transfers of one attempt, one for each file. ``note`` reports problems to the operator."""

    relay: Relay
    carrier: Carrier
    attempt: str
    note: Callable[[str], None]
    _transfers: dict[str, Transfer] = field(default_factory=dict)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def bring(
        self, host: str, push: Push, open_source: Callable[[], Awaitable[Source]], moved: Callable[[int, int], None]
    ) -> Outcome:
        """Copy a file to one host, as part of its transfer. ``moved`` receives bytes done and bytes in total."""
        async with self._one_by_one:
            source = await open_source()
            sha256 = push.sha256 or await source.sha256(source.size_bytes)
            if sha256 not in self._transfers:
                load = Load(source, sha256, self.attempt, {})
                self._transfers[sha256] = Transfer(self.relay, self.carrier, load, self.note)
        transfer = self._transfers[sha256]
        if push.source_host and self.carrier.reaches(push.source_host):
            transfer.has_it(push.source_host, push.source_path)
        return await transfer.bring(host, push.path, lambda done: moved(done, source.size_bytes))

    async def close(self) -> None:
        """End all transfers."""
        for transfer in self._transfers.values():
            await transfer.close()


@dataclass(slots=True)
class Transfer:
    """The transfer of one file to many hosts, with the progress of each host."""

    relay: Relay
    carrier: Carrier
    load: Load
    note: Callable[[str], None]
    waiting: dict[str, Waiting] = field(default_factory=dict)
    filling: set[str] = field(default_factory=set)
    whole: list[str] = field(default_factory=list)
    slow: set[str] = field(default_factory=set)
    bad: set[tuple[str, str]] = field(default_factory=set)
    _asking: int = 0
    _timer: asyncio.TimerHandle | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def has_it(self, host: str, path: str) -> None:
        """Add a host that has the file. Its content is verified by the sha256 at each receiver."""
        if host not in self.whole:
            self.load = replace(self.load, paths={**self.load.paths, host: path})
            self.whole.append(host)

    async def bring(self, host: str, path: str, moved: Progress) -> Outcome:
        """Ask the host for its length and wait for a chain, until it has the file or cannot get it."""
        if host not in self.whole:
            self.load = replace(self.load, paths={**self.load.paths, host: path})
        for _ in range(MOST_TRIES):
            standing = await self._ask(host)
            if isinstance(standing, int):
                self._has_it_no_more(host)
                waiting = Waiting(standing, moved, asyncio.get_running_loop().create_future())
                self.waiting[host] = waiting
                self._soon()
                outcome = await waiting.ended
                if outcome is None:
                    continue
            else:
                outcome = standing
            if outcome.ended is Ended.DONE:
                self.has_it(host, path)
            self._soon()
            return outcome
        return Outcome(Ended.LOST, detail=f"{path} did not arrive intact in {MOST_TRIES} tries")

    def _has_it_no_more(self, host: str) -> None:
        if host in self.whole:
            self.whole.remove(host)

    async def close(self) -> None:
        """End its chains. Their processes on hosts then end, too."""
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, host: str) -> int | Outcome:
        self._asking += 1
        try:
            return await self.carrier.standing(host, self.load)
        finally:
            self._asking -= 1

    def _soon(self) -> None:
        if self._timer:
            self._timer.cancel()
        delay_s = ASKING_S if self._asking else GATHER_S
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._begin)

    def _begin(self) -> None:
        now = Standings(
            size_bytes=self.load.source.size_bytes,
            have={host: self.waiting[host].have for host in sorted(self.waiting, key=self._place)},
            filling=frozenset(self.filling),
            whole=tuple(self.whole),
            links=self.relay.pairs - self.bad,
            slow=frozenset(self.slow),
        )
        for chain in next_chains(now):
            self.filling |= set(chain.hosts)
            run = ChainRun(self, chain, {host: self.waiting.pop(host) for host in chain.hosts})
            task = asyncio.create_task(run.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _place(self, host: str) -> int:
        """The host's position in the order of the plan."""
        return self.relay.order.index(host) if host in self.relay.order else len(self.relay.order)

    def chain_ended(self, chain: Chain) -> None:
        """Remove an ended chain. Other hosts may continue from its hosts."""
        self.filling -= set(chain.hosts)
        self._soon()


@dataclass(slots=True)
class ChainRun:
    """One running chain; implements ``ports.Witness``."""

    file: Transfer
    chain: Chain
    waiting: dict[str, Waiting]
    _began_s: float = 0.0
    _moved_at_s: float = 0.0
    _at: dict[str, int] = field(default_factory=dict)
    _whole_at_s: dict[str, float] = field(default_factory=dict)

    def moved(self, host: str, done_bytes: int) -> None:
        if done_bytes != self._at.get(host):
            self._at[host], self._moved_at_s = done_bytes, asyncio.get_running_loop().time()
        self.waiting[host].moved(done_bytes)

    def arrived(self, host: str, outcome: Outcome) -> None:
        if outcome.ended is Ended.DONE:
            self._whole_at_s[host] = asyncio.get_running_loop().time()
        if not self.waiting[host].ended.done():
            self.waiting[host].ended.set_result(outcome)

    def broken(self, giver: str, taker: str, why: str) -> None:
        self.file.bad.add((giver, taker))
        self.file.note(f"{giver or 'this laptop'} cannot send it to {taker}: {why}")

    async def run(self) -> None:
        self._began_s = self._moved_at_s = asyncio.get_running_loop().time()
        carrying = asyncio.create_task(self.file.carrier.carry(self.chain, self.file.load, self))
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.wait((carrying, watching), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (carrying, watching):
                task.cancel()
            ends = await asyncio.gather(carrying, watching, return_exceptions=True)
            self._leave(next((end for end in ends if isinstance(end, Exception)), None))

    async def _watch(self) -> None:
        """Return if one host delays the others, or if no bytes move: then all hosts are planned again."""
        while True:
            await asyncio.sleep(WATCH_S)
            now_s = asyncio.get_running_loop().time()
            since = {host: now_s - at_s for host, at_s in self._whole_at_s.items()}
            took = {host: at_s - self._began_s for host, at_s in self._whole_at_s.items()}
            if slow := held_up(self.chain, since, took):
                self.file.slow.add(slow)
                self.file.note(f"{slow} is slow, and no longer sends to others")
                return
            if now_s - self._moved_at_s > STILL_S and (still := self._first_unfilled()):
                giver = dict(zip(self.chain.hosts, (self.chain.giver, *self.chain.hosts), strict=False))[still]
                self.broken(giver, still, f"no data for {STILL_S:.0f} s")
                return

    def _first_unfilled(self) -> str:
        size_bytes = self.file.load.source.size_bytes
        return next((host for host in self.chain.hosts if self._at.get(host, 0) < size_bytes), "")

    def _leave(self, error: Exception | None) -> None:
        """Let hosts without the file ask again; pass an error of our own to every host that waits."""
        for waiting in self.waiting.values():
            with contextlib.suppress(asyncio.InvalidStateError):
                if error:
                    waiting.ended.set_exception(error)
                else:
                    waiting.ended.set_result(None)
        self.file.chain_ended(self.chain)
