"""Copies a file to several hosts along a chain: the laptop sends to the first, each host to the next.

Every host of a chain is controlled over its own connection, which also reports its progress; only the bytes flow
from host to host (templates/relay.sh). Between two hosts they flow through OpenSSH, with a key that is created on
the giver and never leaves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

import asyncssh

from orchestrator.adapters.ssh.connection import NoAnswerError
from orchestrator.adapters.ssh.packing import Limit, Pace, packed
from orchestrator.adapters.ssh.push import Target, ask_host, failed
from orchestrator.adapters.ssh.shell import Process, Shell, script_stdin
from orchestrator.core.model.outcome import Ended, Outcome, Output
from orchestrator.core.runs.markers import Part, fenced
from orchestrator.core.timeouts import MARK_S
from orchestrator.core.transfer.chains import LAPTOP, Chain
from orchestrator.core.transfer.relay import Link, Relay
from orchestrator.ports import HostError, Load, Witness

log = logging.getLogger(__name__)

READY_S = 30.0
GRACE_S = 2.0
"""Bytes that a giver sent before it disappeared reach the next host within this time."""


@dataclass(frozen=True, slots=True)
class End:
    """One host as the carrier sees it: its shell, the functions of `relay.sh`, the run of its last settle."""

    shell: Shell
    functions: str
    state: str
    run: str


@dataclass(slots=True)
class Carry:
    """One chain in progress. ``parts`` has each host's part file; ``name`` makes the folders on the hosts unique."""

    ends: Mapping[str, Callable[[], End]]
    relay: Relay
    limit: Limit
    parts: Mapping[str, str]
    chain: Chain
    load: Load
    witness: Witness
    name: str
    _keys: dict[str, str] = field(default_factory=dict)
    _taking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _ready: dict[str, asyncio.Event] = field(default_factory=dict)
    _head: asyncio.Future[Process] | None = None

    async def run(self) -> None:
        """Create the keys, let every host listen, then start the stream."""
        self.chain = await self._with_keys()
        if self.chain.hosts:
            await self._flow()
        await self._forget_keys()

    async def _flow(self) -> None:
        self._ready = {host: asyncio.Event() for host in self.chain.hosts}
        self._head = asyncio.get_running_loop().create_future()
        feeding: asyncio.Task[None] | None = None
        try:
            await self._listen()
            feeding = asyncio.create_task(self._feed())
            await asyncio.wait(self._taking.values())
        finally:
            tasks = (*self._taking.values(), *([feeding] if feeding else ()))
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    # --- keys -------------------------------------------------------------------------------------------

    async def _with_keys(self) -> Chain:
        """Create a key for each link, on its giver. The chain ends before a host for which this fails."""
        made = await asyncio.gather(*(self._make_key(*pair) for pair in self.chain.links))
        missing = [taker for (_, taker), is_there in zip(self.chain.links, made, strict=True) if not is_there]
        if not missing:
            return self.chain
        return replace(self.chain, hosts=self.chain.hosts[: self.chain.hosts.index(missing[0])])

    async def _make_key(self, giver: str, taker: str) -> bool:
        try:
            output = await self._call(giver, "relay_key", pinned=f"taker {self._link(giver, taker).host_key}")
        except NoAnswerError as error:
            return self._broken(giver, error.detail, taker)
        for line in output.text.splitlines():
            if line.startswith("key "):
                self._keys[taker] = line.removeprefix("key ").strip()
                return True
        return self._broken(giver, _said(output.stderr) or "it could not make a key", taker)

    async def _forget_keys(self) -> None:
        """Remove keys that no shell has used. If this is cut off, the next settle removes them."""
        givers = [giver for giver, taker in self.chain.links if taker in self._keys]
        with contextlib.suppress(NoAnswerError):
            await asyncio.gather(*(self._call(giver, "forget_key") for giver in givers))

    def _broken(self, giver: str, why: str, taker: str = "") -> bool:
        """Report that a giver failed. The host that waits for it is cut off after the bytes in flight have arrived."""
        taker = taker or self._next(giver)
        self.witness.broken(giver, taker, why)
        self._leave_behind(taker)
        return False

    def _leave_behind(self, host: str) -> None:
        if task := self._taking.get(host):
            asyncio.get_running_loop().call_later(GRACE_S, task.cancel)

    # --- the hosts --------------------------------------------------------------------------------------

    async def _take(self, host: str) -> None:
        """Run one host of the chain from listening to its end. A failure is reported, or the host is planned again."""
        stderr, handed_on = b"", False
        try:
            async with self._channel(host, "take", **self._values_to_take(host)) as process:
                if host == self.chain.hosts[0] and self._head:
                    self._head.set_result(process)
                handed_on = await self._hear(host, process)
                _, stderr = await process.communicate()
        except (NoAnswerError, asyncssh.Error, OSError) as error:
            log.info("%s: cut: %s", host, error)
        finally:
            self._ready[host].set()
            if not handed_on:
                self._leave_behind(self._next(host))
        if said := _said(stderr):
            log.info("%s: %s", host, said)
        if "No space left" in said:
            await self._ask(host, "drop")
            self.witness.arrived(host, failed(None, stderr))

    def _values_to_take(self, host: str) -> dict[str, object]:
        place = self.chain.hosts.index(host)
        giver = (self.chain.giver, *self.chain.hosts)[place]
        values: dict[str, object] = {"part": self.parts[host], "path": self.load.paths[host]}
        values |= {"user": "", "keys": "", "line": "", "address": ""}
        if giver != LAPTOP:
            link = self._link(giver, host)
            values |= {"user": link.login, "keys": link.keys, "line": self._keys[host]}
        if following := self._next(host):
            values |= _onward(self._link(host, following))
        return values

    async def _hear(self, host: str, process: Process) -> bool:
        """Read a host's reports to their end; return whether it has passed everything on."""
        handed_on, done_bytes = False, 0
        async for line in process.stdout:
            match line.decode("utf-8", "replace").split():
                case ["ready"]:
                    self._ready[host].set()
                case ["at", done]:
                    done_bytes = int(done)
                    self.witness.moved(host, done_bytes)
                case ["sum", sha256] if sha256 == self.load.sha256:
                    outcome = await self._ask(host, "adopt")
                    if isinstance(outcome, Outcome):
                        self.witness.arrived(host, outcome)
                case ["sum", sha256]:  # cut or damaged: `part` will show which, and where to resume
                    log.info("%s: what has arrived so far has sha256 %s", host, sha256)
                    if self.chain.giver != LAPTOP and done_bytes == self.load.source.size_bytes:
                        self.witness.broken(self.chain.giver, host, "it has another file")
                case ["gave", code, *why]:
                    handed_on = code == "0"
                    if not handed_on:
                        self._broken(host, " ".join(why) or f"ssh ended with {code}")
                case ["fenced", newer]:
                    self.witness.arrived(host, Outcome(Ended.FENCED, detail=fenced(newer)))
        return handed_on

    # --- the bytes --------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Start all hosts, the last one first: when a host listens, its predecessor logs in there.

        A host that is not ready in time is dropped.
        """
        for host in reversed(self.chain.hosts):
            self._taking[host] = asyncio.create_task(self._take(host))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_S):
                    await self._ready[host].wait()

    async def _feed(self) -> None:
        if self.chain.giver != LAPTOP:
            await self._give()
        elif self._head and self._head.done():
            await self._stream(self._head.result())

    async def _give(self) -> None:
        """Let a master that has the file send it."""
        giver, taker = self.chain.giver, self.chain.hosts[0]
        why = "it ended too early"
        try:
            values: dict[str, object] = {"path": self.load.paths[giver]}
            async with self._channel(giver, "give", **values, **_onward(self._link(giver, taker))) as process:
                async for line in process.stdout:
                    match line.decode("utf-8", "replace").split():
                        case ["gave", "0", *_]:
                            return
                        case ["gave", code, *said]:
                            why = " ".join(said) or f"ssh ended with {code}"
                _, stderr = await process.communicate()
                why = _said(stderr) or why
        except (NoAnswerError, asyncssh.Error, OSError) as error:
            why = str(error)
        self._broken(giver, why, taker)

    async def _stream(self, process: Process) -> None:
        pace = Pace()
        try:
            packing = self.relay.packing
            async for chunk, raw_bytes in packed(self.load.source, self.chain.offset, packing, pace):
                began_s = time.monotonic()
                await self.limit.wait(len(chunk))
                process.stdin.write(chunk)
                await process.stdin.drain()
                now_s = time.monotonic()
                pace.sent(len(chunk), raw_bytes, now_s - began_s, now_s)
            process.stdin.write_eof()
        except HostError as error:
            log.info("the source failed: %s", error)
            process.close()
        except (asyncssh.Error, OSError) as error:
            log.info("the stream was interrupted: %s", error)

    # --- what they are made of --------------------------------------------------------------------------

    def _next(self, host: str) -> str:
        """Return the next host of the chain; empty for the last one."""
        return dict(zip((self.chain.giver, *self.chain.hosts), (*self.chain.hosts, ""), strict=True))[host]

    def _link(self, giver: str, taker: str) -> Link:
        return self.relay.link(giver, taker)

    async def _ask(self, host: str, function: str) -> Part | Outcome:
        end = self.ends[host]()
        target = Target(end.state, end.run, self.load.attempt, self.load.paths[host], self.load.sha256)
        return await ask_host(end.shell, end.functions, function, target, self.parts[host])

    async def _call(self, host: str, function: str, **values: object) -> Output:
        text = script_stdin(self._text(host, function, values))
        return await self.ends[host]().shell.ask_again(("sh", "-s"), text, timeout_s=MARK_S)

    def _channel(self, host: str, function: str, **values: object) -> AbstractAsyncContextManager[Process]:
        return self.ends[host]().shell.channel(("sh", "-c", self._text(host, function, values)))

    def _text(self, host: str, function: str, values: Mapping[str, object]) -> str:
        end = self.ends[host]()
        known: dict[str, object] = {
            "state": end.state,
            "run": end.run,
            "attempt": self.load.attempt,
            "offset": self.chain.offset,
            "packing": self.relay.packing,
            "folder": f"{end.state}/{end.run}/relay.{self.name}",
        }
        lines = (f"{name}={shlex.quote(str(value))}" for name, value in (known | dict(values)).items())
        return "\n".join((end.functions, *lines, function))


def _onward(link: Link) -> dict[str, object]:
    return {"address": link.address, "port": link.port, "login": link.login}


def _said(stderr: bytes) -> str:
    return stderr.decode("utf-8", "replace").strip()
