"""Brings one file to all masters: chain after chain, until every one has it or cannot have it.

Which chains to begin, `core.transfer.chains` decides; a `Carrier` carries them out. A host that was cut asks anew where
it stands, and is planned for again: behind a master that has the file by then, else behind the laptop.
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
"""Steps of a phase begin together: their hosts make one chain."""
ASKING_S = 10.0
"""Nobody waits longer than that for a host that does not say where it stands: it may be hashing what it has."""
WATCH_S = 1.0
STILL_S = 60.0
"""Where nothing has come for so long, nothing will: whoever should hand it on hangs."""


@dataclass(slots=True)
class Waiting:
    """A host that waits for its turn: what it has, whom to tell of its bytes, and of its end (None: cut, ask again)."""

    have: int
    moved: Progress
    ended: asyncio.Future[Outcome | None]


@dataclass(slots=True)
class Transfers:
    """All files of one attempt. ``note`` tells the operator what did not go as planned."""

    relay: Relay
    carrier: Carrier
    attempt: str
    note: Callable[[str], None]
    _transfers: dict[str, Transfer] = field(default_factory=dict)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def bring(
        self, host: str, push: Push, open_source: Callable[[], Awaitable[Source]], moved: Callable[[int, int], None]
    ) -> Outcome:
        """One host's share in it; ``moved`` is told of bytes done and in all."""
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
        """Ends what is still under way."""
        for transfer in self._transfers.values():
            await transfer.close()


@dataclass(slots=True)
class Transfer:
    """One file on its way to many hosts, and how far each host is. Is the witness of its chains' bytes."""

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
        """A host from which the others can have it; what lies there is proven by what arrives."""
        if host not in self.whole:
            self.load = replace(self.load, paths={**self.load.paths, host: path})
            self.whole.append(host)

    async def bring(self, host: str, path: str, moved: Progress) -> Outcome:
        """Asks where the host stands, and waits for its bytes, until it has the file or cannot have it."""
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
        """Ends its chains; what runs on hosts for them ends by itself then."""
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
        """In the order that the plan shows."""
        return self.relay.order.index(host) if host in self.relay.order else len(self.relay.order)

    def chain_ended(self, chain: Chain) -> None:
        """Others may go on from what its hosts have."""
        self.filling -= set(chain.hosts)
        self._soon()


@dataclass(slots=True)
class ChainRun:
    """One chain under way; implements ``ports.Witness``."""

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
        """Ends where one host holds others up, or nothing moves: all are planned for again."""
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
        """Whoever has not arrived asks again; what is our own mistake is told to everybody who waits."""
        for waiting in self.waiting.values():
            with contextlib.suppress(asyncio.InvalidStateError):
                if error:
                    waiting.ended.set_exception(error)
                else:
                    waiting.ended.set_result(None)
        self.file.chain_ended(self.chain)
