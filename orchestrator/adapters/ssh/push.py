"""Push of a file to one host: it streams, resumes from what has arrived, and counts only after its hash matches."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncssh

from orchestrator.adapters.ssh.connection import NoAnswerError
from orchestrator.adapters.ssh.shell import Process, Shell, call_line
from orchestrator.core.model.outcome import Ended, Outcome
from orchestrator.core.runs.markers import Part, parse_part
from orchestrator.core.timeouts import HASH_S
from orchestrator.ports import HostError, Progress, Source

log = logging.getLogger(__name__)

MOST_TRIES = 8


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a push: the state folder, the run and attempt that push, the path, and the expected sha256."""

    state: str
    run: str
    attempt: str
    path: str
    sha256: str


class Pusher:
    """One push to one host. If a try is cut, the next one resumes from the verified length."""

    def __init__(self, shell: Shell, functions: str, source: Source, target: Target) -> None:
        self._shell = shell
        self._functions = functions
        self._source = source
        self._target = target
        self._tries = itertools.count(1)

    async def push(self, progress: Progress | None) -> Outcome:
        """Push the file. Never raises for what a host does, neither the target nor the source's host."""
        try:
            for _ in range(MOST_TRIES):
                outcome = await self._try(progress)
                if outcome is not None:
                    return outcome
        except NoAnswerError as error:
            return Outcome(Ended.LOST, detail=error.detail)
        except HostError as error:
            return Outcome(Ended.FAILED, detail=str(error))
        return Outcome(Ended.LOST, detail=f"the push of {self._target.path} was interrupted {MOST_TRIES} times")

    async def _try(self, progress: Progress | None) -> Outcome | None:
        """Try once; None if it was cut, or if an earlier part turned out to be wrong and was removed."""
        target = self._target
        part = f"{target.path}.part.{target.attempt}.{next(self._tries)}"
        have = await self._ask("part", part)
        if isinstance(have, Outcome):
            return have
        offset = await verified(self._source, have)
        try:
            refused = await self._send(part, offset, progress)
        except NoAnswerError as error:
            log.info("the push of %s was interrupted: %s", target.path, error.detail)
            return None
        if refused is not None:
            await self._ask("drop", part)
            return refused
        outcome = await self._ask("finish", part)
        if isinstance(outcome, Part) or (outcome.ended is Ended.FAILED and offset):
            return None
        return outcome

    async def _ask(self, function: str, part: str) -> Part | Outcome:
        return await ask_host(self._shell, self._functions, function, self._target, part)

    async def _send(self, part: str, offset: int, progress: Progress | None) -> Outcome | None:
        """Stream the bytes from ``offset`` on; return an Outcome if the host could not take them.

        Raises NoAnswerError if the stream is cut.
        """
        text = f"{self._functions}\n{call_line('receive', self._target.path, part, offset)}"
        async with self._shell.channel(("sh", "-c", text)) as process:
            await _stream(process, self._source.chunks(offset), offset, progress)
            try:
                async with asyncio.timeout(HASH_S):
                    _, stderr = await process.communicate()
            except (asyncssh.Error, OSError) as error:
                raise self._shell.broken(str(error)) from error
            exit_code = self._shell.exit_code(process)
        if exit_code and not stderr:
            # Killed, or its part is gone: a later try or attempt has taken over, which the next `part` will show.
            raise self._shell.broken(f"the receiver ended with {exit_code}")
        return failed(exit_code, stderr) if exit_code else None


async def _stream(process: Process, chunks: AsyncIterator[bytes], offset: int, progress: Progress | None) -> None:
    """Write until the source ends or the host stops listening; its exit status then says why."""
    async for chunk in chunks:
        try:
            process.stdin.write(chunk)
            await process.stdin.drain()
        except (asyncssh.Error, OSError):
            return
        offset += len(chunk)
        if progress is not None:
            progress(offset)
    try:
        process.stdin.write_eof()
    except OSError:
        return


async def ask_host(shell: Shell, functions: str, function: str, target: Target, part: str) -> Part | Outcome:
    """Call `part`, `drop`, `finish` or `adopt`. Raises NoAnswerError."""
    place = (target.state, target.run, target.attempt, target.path, target.sha256, part)
    output = await shell.call(functions, function, *place, timeout_s=HASH_S)
    try:
        return parse_part(output.text)
    except ValueError:
        return failed(output.exit_code, output.stderr)


async def verified(source: Source, part: Part) -> int:
    """Return how many of the arrived bytes can stay: all or none. Raises HostError."""
    if not 0 < part.size_bytes <= source.size_bytes:
        return 0
    return part.size_bytes if await source.sha256(part.size_bytes) == part.sha256 else 0


def failed(exit_code: int | None, stderr: bytes) -> Outcome:
    """Return the outcome of a host that could not take the file, with its own words."""
    said = stderr.decode("utf-8", "replace").strip()
    why = "the disk is full" if "No space left" in said else said or f"exit status {exit_code}"
    return Outcome(Ended.FAILED, exit_code, log=said, detail=why)
