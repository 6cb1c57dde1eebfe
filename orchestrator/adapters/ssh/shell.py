"""A shell on one host: the only place where values become command lines, and where a login becomes root."""

from __future__ import annotations

import asyncio
import contextlib
import math
import shlex
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from enum import Enum

import asyncssh

from orchestrator.adapters.ssh.connection import Line, NoAnswerError, Patience, is_worth_retrying
from orchestrator.core.inventory.declared import Sudo
from orchestrator.core.model.header import assignments
from orchestrator.core.model.outcome import Command, Failure, Output
from orchestrator.core.timeouts import LOGIN_S

MOST_CHANNELS = 8
"""Concurrent sessions on one connection. sshd refuses the eleventh by default (sshd_config(5), MaxSessions)."""

_WHO = """
who=$(id -u)
echo "$who"
if [ "$who" = 0 ]; then echo root # and no line of sudo's in every host's log
elif ! command -v sudo >/dev/null; then echo missing
elif sudo -n true 2>/dev/null; then echo free
else echo password
fi
"""

_MOST_BREAKS = 5

Process = asyncssh.SSHClientProcess[bytes]
AskPassword = Callable[[], Awaitable[str]]


class Become(Enum):
    """How this login becomes root."""

    NOTHING = ""  # it is root already, or needs no root
    FREE = "sudo -n "
    PASSWORD = "sudo -k -S -p '' "  # noqa: S105 - the password is sent on standard input, before everything else


class Shell:
    """Runs command lines on one host, over a line that is reopened when it breaks."""

    def __init__(self, line: Line, patience: Patience, ask_password: AskPassword | None) -> None:
        self.line = line
        self.patience = patience
        self._ask_password = ask_password
        self._become = Become.NOTHING
        self._password = b""
        self._channels = asyncio.Semaphore(MOST_CHANNELS)

    async def find_root(self, sudo: Sudo) -> None:
        """Find out, once, how this login becomes root. Raises NoAnswerError if it cannot.

        A login named root is trusted: if it lacks a right, the first look at the host will show that.
        """
        if sudo is Sudo.NEVER or self.line.login == "root":
            return
        output = await self.ask_again(("sh", "-c", _WHO), as_root=False, timeout_s=LOGIN_S)
        match output.text.split()[-2:]:  # a login shell may print a greeting first
            case ["0", _]:
                return
            case [_, "free"]:
                self._become = Become.FREE
            case [_, "password"]:
                await self._find_password()
            case [_, "missing"]:
                raise self._refused("this login is not root, and sudo is not installed")
            case _:
                said = (output.stdout + output.stderr).decode("utf-8", "replace").strip()
                raise NoAnswerError(Failure.LOGIN, f"{self.line.endpoint.name}: no shell for this login: {said}")

    async def _find_password(self) -> None:
        """Ask for the password and try it without other input, which sudo would read as further passwords."""
        if self._ask_password is None:
            raise self._refused("sudo needs a password, but none was given")
        self._password = (await self._ask_password()).encode() + b"\n"
        self._become = Become.PASSWORD
        output = await self.ask_again(("true",), timeout_s=LOGIN_S)
        if output.exit_code != 0:
            raise self._refused(f"sudo refuses: {output.stderr.decode('utf-8', 'replace').strip()}")

    @contextlib.asynccontextmanager
    async def channel(self, words: Sequence[str], *, as_root: bool = True) -> AsyncIterator[Process]:
        """Run a command with open pipes. Raises NoAnswerError if the connection cannot carry it."""
        become = self._become if as_root else Become.NOTHING
        async with self._channels:
            with _errors_as_no_answer(self.line):
                process = await self._start(become.value + shlex.join(words))
            try:
                if become is Become.PASSWORD:
                    with _errors_as_no_answer(self.line):
                        process.stdin.write(self._password)
                yield process
            finally:
                process.close()

    async def _start(self, command_line: str) -> Process:
        """Start a command. If sshd refuses another session, retry: one may have ended by then."""
        give_up = time.monotonic() + self.patience.unanswered_s
        while True:
            connection = await self.line.connection()
            try:
                async with asyncio.timeout(self.patience.connect_timeout_s):
                    return await connection.create_process(command_line, encoding=None)
            except asyncssh.ChannelOpenError:
                if connection.is_closed() or time.monotonic() > give_up:
                    raise
            except TimeoutError as error:
                self.line.abort()
                raise self.broken("the connection no longer answers") from error
            await asyncio.sleep(0.05)

    async def ask(self, words: Sequence[str], text: bytes = b"", *, as_root: bool = True, timeout_s: float) -> Output:
        """Run a command to its end, once. Raises NoAnswerError (unreachable, sudo, or timeout)."""
        async with self.channel(words, as_root=as_root) as process:
            try:
                with _errors_as_no_answer(self.line):
                    async with asyncio.timeout(timeout_s):
                        send(process, text)
                        stdout, stderr = await process.communicate()
            except TimeoutError as error:
                what = f"{shlex.join(words[:6])} took longer than {timeout_s:g} s"
                raise NoAnswerError(Failure.TIMEOUT, f"{self.line.endpoint.name}: {what}") from error
            output = Output(self.exit_code(process), stdout, stderr)
        if as_root and self._become is not Become.NOTHING and not stdout:
            for line in reversed(stderr.splitlines()):  # the last line sums up the others
                if line.startswith(b"sudo: "):
                    raise self._refused(line.decode("utf-8", "replace"))
        return output

    async def ask_again(
        self, words: Sequence[str], text: bytes = b"", *, as_root: bool = True, timeout_s: float
    ) -> Output:
        """Run a command like ``ask``, and repeat it over a new connection if one breaks."""
        for _ in range(_MOST_BREAKS):
            try:
                return await self.ask(words, text, as_root=as_root, timeout_s=timeout_s)
            except NoAnswerError as error:
                if not is_worth_retrying(error):
                    raise
            await self.line.reopen()
        raise self.broken(f"the connection broke {_MOST_BREAKS} times")

    async def call(self, functions: str, name: str, *values: object, timeout_s: float) -> Output:
        """Call one of host.sh's functions as root; repeat it if the connection breaks or falls silent.

        ``timeout_s`` is well above the time limit of the function itself.
        """
        text = script_stdin(f"{functions}\n{call_line(name, *values)}")
        for _ in range(_MOST_BREAKS):
            try:
                return await self.ask_again(("sh", "-s"), text, timeout_s=timeout_s)
            except NoAnswerError as error:
                if error.failure is not Failure.TIMEOUT:
                    raise
            self.line.abort()
        raise self.broken(f"no answer to {name}")

    def exit_code(self, process: Process) -> int:
        """Return a process's exit status; 128 + the signal's number as in a shell. Raises NoAnswerError without one."""
        if process.returncode is None:
            raise self.broken("the connection broke before the command ended")
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def broken(self, why: str) -> NoAnswerError:
        return NoAnswerError(Failure.UNREACHABLE, f"{self.line.endpoint.name}: {why}")

    def _refused(self, why: str) -> NoAnswerError:
        return NoAnswerError(Failure.SUDO, f"{self.line.endpoint.name}: {why}")


def look_words(command: Command) -> tuple[tuple[str, ...], bytes]:
    """Return the command line and the standard input of a look.

    The host also enforces the timeout, because a look must leave no process behind; and it answers in English,
    whatever the login's language.
    """
    limit = ("timeout", "-k", "5", str(math.ceil(command.timeout_s) + 1))
    if command.script:
        text = f"export LC_ALL=C\n{assignments(command.values)}{command.script}"
        return (*limit, "sh", "-s", "--", *command.argv[1:]), script_stdin(text)
    return (*limit, "env", "LC_ALL=C", *command.argv), b""


def script_stdin(text: str) -> bytes:
    """Wrap a script for ``sh -s``. As one compound command it runs whole or not at all, and cannot read itself."""
    return f"{{\n:\n{text}\n}} </dev/null\n".encode()


def call_line(function: str, *values: object) -> str:
    """Return a line that calls a function of host.sh."""
    return shlex.join((function, *(str(value) for value in values)))


def run_text(command: Command) -> str:
    """Return the text that act.sh runs: the script with its values set, or the program in place of the shell."""
    if command.script:
        return f"{assignments(command.values)}set -- {shlex.join(command.argv[1:])}\n{command.script}"
    return f"exec {shlex.join(command.argv)}"


def send(process: Process, data: bytes) -> None:
    """Write all of a command's input. If the command has ended meanwhile, its exit status says why."""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(data)
        process.stdin.write_eof()


@contextlib.contextmanager
def _errors_as_no_answer(line: Line) -> Iterator[None]:
    """Turn asyncssh's errors for a broken connection into NoAnswerError."""
    try:
        yield
    except TimeoutError:
        raise
    except (asyncssh.Error, OSError) as error:
        why = str(error) or type(error).__name__
        raise NoAnswerError(Failure.UNREACHABLE, f"{line.endpoint.name}: {why}") from error
