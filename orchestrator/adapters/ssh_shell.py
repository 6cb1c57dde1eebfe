"""A shell on one host: the only place where values become command lines, and where a login becomes root."""

from __future__ import annotations

import asyncio
import contextlib
import math
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from enum import Enum

import asyncssh
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from orchestrator.adapters.ssh_line import Line, NoAnswerError, Patience, may_pass
from orchestrator.core.inventory import Sudo
from orchestrator.core.model import Command, Failure, Output

MOST_CHANNELS = 8
"""Sessions at once on one connection. sshd refuses the eleventh by default (sshd_config(5), MaxSessions)."""

Process = asyncssh.SSHClientProcess[bytes]
AskPassword = Callable[[], Awaitable[str]]


class Become(Enum):
    """How this login becomes root."""

    NOTHING = ""  # it is root, or is to stay what it is
    FREE = "sudo -n "
    PASSWORD = "sudo -k -S -p '' "  # noqa: S105 - the password goes to standard input, before all else


class Shell:
    """Runs command lines on one host, over a line that is opened again when it breaks."""

    def __init__(self, line: Line, patience: Patience, ask_password: AskPassword | None) -> None:
        self.line = line
        self.patience = patience
        self._ask_password = ask_password
        self._become = Become.NOTHING
        self._password = b""
        self._channels = asyncio.Semaphore(MOST_CHANNELS)

    async def find_root(self, sudo: Sudo) -> None:
        """Find out, once, how this login becomes root. Raises NoAnswerError when it may not."""
        if sudo is Sudo.NEVER:
            return
        probe = "id -u; sudo -n true 2>&1 && echo free"
        said = (await self.ask(("sh", "-c", probe), as_root=False, timeout_s=30)).text.split("\n")
        if said[0] == "0":
            return
        if "free" in said:
            self._become = Become.FREE
            return
        if self._ask_password is None:
            raise self._refused(f"sudo wants a password and none was given: {' '.join(said[1:])}")
        # With no password's line ever read by anything but sudo: a wrong one is found out here, with no more input.
        self._password = (await self._ask_password()).encode() + b"\n"
        self._become = Become.PASSWORD
        output = await self.ask(("true",), timeout_s=30)
        if output.exit_code != 0:
            self._password, self._become = b"", Become.NOTHING
            raise self._refused(f"sudo refuses: {output.stderr.decode('utf-8', 'replace').strip()}")

    @contextlib.asynccontextmanager
    async def channel(self, words: Sequence[str], *, as_root: bool = True) -> AsyncIterator[Process]:
        """A running command, its pipes open. Raises NoAnswerError where the connection cannot carry it."""
        become = self._become if as_root else Become.NOTHING
        async with self._channels:
            with _broken_is_no_answer(self.line):
                connection = await self.line.connection()
                process = await connection.create_process(become.value + shlex.join(words), encoding=None)
            try:
                if become is Become.PASSWORD:
                    with _broken_is_no_answer(self.line):
                        process.stdin.write(self._password)
                yield process
            finally:
                process.close()

    async def ask(self, words: Sequence[str], text: bytes = b"", *, as_root: bool = True, timeout_s: float) -> Output:
        """Run a command to its end, once. Raises NoAnswerError (unreachable, sudo, or the time is over)."""
        async with self.channel(words, as_root=as_root) as process:
            try:
                with _broken_is_no_answer(self.line):
                    async with asyncio.timeout(timeout_s):
                        send(process, text)
                        stdout, stderr = await process.communicate()
            except TimeoutError as error:
                what = f"{shlex.join(words[:6])} took longer than {timeout_s:g} s"
                raise NoAnswerError(Failure.TIMEOUT, f"{self.line.endpoint.name}: {what}") from error
            output = Output(self.exit_code(process), stdout, stderr)
        if as_root and self._become is not Become.NOTHING and stderr.startswith(b"sudo: ") and not stdout:
            raise self._refused(stderr.decode("utf-8", "replace").strip())
        return output

    async def ask_again(
        self, words: Sequence[str], text: bytes = b"", *, as_root: bool = True, timeout_s: float
    ) -> Output:
        """As ``ask``, but over a new connection where one breaks, until the patience ends."""
        tries = AsyncRetrying(
            stop=stop_after_delay(self.patience.unanswered_s),
            wait=wait_random_exponential(0.2, max=3),
            retry=retry_if_exception(may_pass),
            reraise=True,
        )
        return await tries(self.ask, words, text, as_root=as_root, timeout_s=timeout_s)

    def exit_code(self, process: Process) -> int:
        """A process's exit status; 128 + the signal's number as in a shell. Raises NoAnswerError without one."""
        if process.returncode is None:
            raise self.broken("the connection broke before the command ended")
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def broken(self, why: str) -> NoAnswerError:
        return NoAnswerError(Failure.UNREACHABLE, f"{self.line.endpoint.name}: {why}")

    def _refused(self, why: str) -> NoAnswerError:
        return NoAnswerError(Failure.SUDO, f"{self.line.endpoint.name}: {why}")


def look_words(command: Command) -> tuple[tuple[str, ...], bytes]:
    """The command line and the standard input of a look.

    The host ends it too when its time is over: a look must leave no process behind.
    """
    limit = ("timeout", "-k", "5", str(math.ceil(command.timeout_s) + 1))
    if command.script:
        return (*limit, "sh", "-s", "--", *command.argv[1:]), script_stdin(command.script)
    return (*limit, *command.argv), b""


def script_stdin(text: str) -> bytes:
    """A script for ``sh -s``. As one compound command it runs whole or not at all, and cannot read itself."""
    return f"{{\n:\n{text}\n}} </dev/null\n".encode()


def call(function: str, *values: object) -> str:
    """A line that calls a function of host.sh."""
    return shlex.join((function, *(str(value) for value in values)))


def run_text(command: Command) -> str:
    """What act.sh runs: the script with its arguments set, or the program in the shell's place."""
    if command.script:
        return f"set -- {shlex.join(command.argv[1:])}\n{command.script}"
    return f"exec {shlex.join(command.argv)}"


def send(process: Process, data: bytes) -> None:
    """All of a command's input. One that has ended meanwhile says why by its exit status."""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(data)
        process.stdin.write_eof()


@contextlib.contextmanager
def _broken_is_no_answer(line: Line) -> Iterator[None]:
    """Turns what asyncssh raises for a broken connection into NoAnswerError."""
    try:
        yield
    except TimeoutError:
        raise
    except (asyncssh.Error, OSError) as error:
        why = str(error) or type(error).__name__
        raise NoAnswerError(Failure.UNREACHABLE, f"{line.endpoint.name}: {why}") from error
