"""One host over SSH: the adapter's side of `ports.Remote`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import asyncssh

from orchestrator.adapters.ssh.connection import NoAnswerError
from orchestrator.adapters.ssh.push import Pusher, Target
from orchestrator.adapters.ssh.relay import End
from orchestrator.adapters.ssh.shell import Shell, call_line, look_words, run_text
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.outcome import Command, Ended, Failure, Outcome, Output, Settled
from orchestrator.core.runs.markers import fenced, parse_join, parse_settle
from orchestrator.core.timeouts import GRACE_S, SLACK_S
from orchestrator.ports import HostError, Progress, Source

log = logging.getLogger(__name__)


class SshRemote:
    """One host over SSH; implements ``Remote``."""

    def __init__(self, host: Host, shell: Shell, texts: Mapping[str, str]) -> None:
        self._host = host
        self._shell = shell
        self._functions = "\n".join((texts["host/lib/forget.sh"], texts["host.sh"]))
        self._relaying = texts["relay.sh"]
        self._wrapper = texts["act.sh"]
        self._run = ""
        self._fenced_by = ""
        self._heartbeat: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self._host.name

    async def look(self, command: Command) -> Output:
        words, text = look_words(command)
        try:
            return await self._shell.ask_again(words, text, as_root=command.as_root, timeout_s=command.timeout_s)
        except NoAnswerError as error:
            detail = error.detail
            if error.failure is Failure.TIMEOUT:
                detail = f"{self.name}: {' '.join(command.argv)} took longer than {command.timeout_s:g} s"
            return Output(None, failure=error.failure, detail=detail)

    async def act(self, step: str, attempt: str, command: Command) -> Outcome:
        place = (self._host.paths.state, self._bound_run(), attempt, step)
        limit_s = math.ceil(command.timeout_s)
        values = (*place, limit_s, int(command.lets_go), self._wrapper, run_text(command))
        give_up = time.monotonic() + limit_s + GRACE_S
        while time.monotonic() < give_up:
            outcome = await self._join(values)
            if outcome is not None:
                return outcome
        return Outcome(Ended.LOST, detail=f"{self.name}: {step} did not end within {GRACE_S:g} s after its time limit")

    async def _join(self, values: tuple[object, ...]) -> Outcome | None:
        """Start the act, or join it, and wait for a while; None if it has not ended by then."""
        if self._fenced_by:
            return Outcome(Ended.FENCED, detail=fenced(self._fenced_by))
        join_s = self._shell.patience.join_s
        try:
            output = await self._shell.call(self._functions, "act", join_s, *values, timeout_s=join_s + SLACK_S)
            outcome = parse_join(output.text)
        except NoAnswerError as error:
            return Outcome(Ended.LOST, detail=error.detail)
        except ValueError as error:
            return Outcome(Ended.LOST, detail=f"{self.name}: {error}: {_stderr_text(output)}")
        if outcome is not None and outcome.ended is Ended.FAILED and outcome.exit_code is None:
            return replace(outcome, log=_stderr_text(output), detail=f"{outcome.detail}: {_stderr_text(output)}")
        return outcome

    async def push(
        self, source: Source, path: str, sha256: str, attempt: str, progress: Progress | None = None
    ) -> Outcome:
        if self._fenced_by:
            return Outcome(Ended.FENCED, detail=fenced(self._fenced_by))
        try:
            sha256 = sha256 or await source.sha256(source.size_bytes)
        except HostError as error:
            return Outcome(Ended.FAILED, detail=str(error))
        target = Target(self._host.paths.state, self._bound_run(), attempt, path, sha256)
        return await Pusher(self._shell, self._functions, source, target).push(progress)

    def end(self) -> End:
        """Return what a chain needs of this host, after a settle."""
        return End(self._shell, f"{self._functions}\n{self._relaying}", self._host.paths.state, self._bound_run())

    async def read(self, path: str) -> AsyncIterator[bytes]:
        try:
            async with self._shell.channel(("cat", "--", path)) as process:
                process.stdin.write_eof()
                while chunk := await process.stdout.read(256 * 1024):
                    yield chunk
                stderr = await process.stderr.read()
                await process.wait_closed()
                exit_code = self._shell.exit_code(process)
        except (NoAnswerError, asyncssh.Error, OSError) as error:
            raise HostError(f"{self.name}: cannot read {path}: {error}") from error
        if exit_code:
            raise HostError(f"{self.name}: cannot read {path}: {stderr.decode('utf-8', 'replace').strip()}")

    async def settle(self, run: str, attempt: str, wait_s: float) -> Settled:
        await self._stop_heartbeat()
        self._run, self._fenced_by = run, ""
        place = (self._host.paths.state, run, attempt)
        values = (*place, math.ceil(wait_s))
        try:
            output = await self._shell.call(self._functions, "settle", *values, timeout_s=wait_s + SLACK_S)
            settled = parse_settle(output.text)
        except NoAnswerError as error:
            return Settled(failure=error.failure, detail=error.detail)
        except ValueError as error:
            return Settled(failure=Failure.UNREACHABLE, detail=f"{self.name}: {error}: {_stderr_text(output)}")
        self._fenced_by = settled.fenced_by
        if settled.ok:
            self._heartbeat = asyncio.create_task(self._beat(call_line("heartbeat", *place)))
        return settled

    async def close(self) -> None:
        await self._stop_heartbeat()
        await self._shell.line.close()

    def _bound_run(self) -> str:
        if not self._run:
            raise RuntimeError(f"{self.name}: a step or a push needs a settle first")
        return self._run

    async def _stop_heartbeat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heartbeat
            self._heartbeat = None

    async def _beat(self, line: str) -> None:
        """Send a line at each interval, over a new connection if one breaks, until a later attempt fences us."""
        words = ("sh", "-c", f"{self._functions}\n{line}")
        every_s = self._shell.patience.heartbeat_s
        while not self._fenced_by:
            try:
                async with self._shell.channel(words) as process:
                    while not self._fenced_by:
                        process.stdin.write(b"\n")
                        async with asyncio.timeout(every_s):
                            answer = (await process.stdout.readline()).decode().split()
                        if not answer:
                            raise self._shell.broken("the heartbeat's channel has closed")
                        if answer[0] == "fenced":
                            self._fenced_by = answer[1]
                        await asyncio.sleep(every_s)
            except (NoAnswerError, asyncssh.Error, OSError) as error:
                log.info("%s: heartbeat: %s", self.name, error)
                await asyncio.sleep(min(1.0, every_s))


def _stderr_text(output: Output) -> str:
    return output.stderr.decode("utf-8", "replace").strip()
