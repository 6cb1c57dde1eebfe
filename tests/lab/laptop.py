"""An operator's laptop: the installed `orchestrator` as a separate process, with its own home folder."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("orchestrator")
WITHIN_S = 400.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed."""

    command: str
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"$ orchestrator {self.command}\nexit {self.code}\n{self.out}\n{self.err}"

    @property
    def error(self) -> str:
        return self._only("error: ")

    @property
    def next_step(self) -> str:
        return self._only("next: ")

    def _only(self, label: str) -> str:
        found = re.findall(rf"^{label}(.*(?:\n  .*)*)$", self.err, re.MULTILINE)
        assert len(found) == 1, f"{len(found)} lines begin with {label!r}:\n{self}"
        return str(found[0])


@dataclass(slots=True)
class Process:
    """A running command. It writes its output to files, so that it cannot wait for a reader."""

    command: str
    popen: subprocess.Popen[bytes]
    folder: Path
    most_anonymous_kib: int = field(default=0)

    @property
    def said(self) -> str:
        """The progress that it has reported so far."""
        return (self.folder / "err").read_text(errors="replace")

    def end(self) -> Ended:
        """Wait for its end, and measure its memory meanwhile."""
        self._watch(lambda: False, "end")
        return Ended(self.command, self.popen.wait(), (self.folder / "out").read_text(errors="replace"), self.said)

    def until(self, words: str) -> None:
        """Wait until it has printed these words. Fails if it ends before."""
        self._watch(lambda: words in self.said, words)
        assert words in self.said, f"it never said {words!r}:\n{self.end()}"

    def kill(self) -> None:
        """Send SIGKILL, as when the laptop's battery dies."""
        self.popen.kill()
        self.popen.wait()

    def _watch(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while self.popen.poll() is None and not done():
            self._measure()
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"orchestrator {self.command}: no {what!r} within {WITHIN_S:.0f} s:\n{self.said}")
            time.sleep(0.05)

    def _measure(self) -> None:
        with contextlib.suppress(OSError):  # the process has just ended
            status = Path(f"/proc/{self.popen.pid}/status").read_text()
            found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
            self.most_anonymous_kib = max(self.most_anonymous_kib, int(found[1]) if found else 0)


@dataclass(slots=True)
class Laptop:
    """One laptop; its own files are in ``home``. ``sudo_password`` is a file, or None if the laptop has none;
    ``variables`` are added to its operator's environment."""

    home: Path
    sudo_password: Path | None
    variables: dict[str, str] = field(default_factory=dict)
    _commands: int = 0

    def run(self, *arguments: str | Path) -> Ended:
        """Run a command to its end, without a terminal."""
        with self.start(*arguments) as process:
            return process.end()

    @contextlib.contextmanager
    def start(self, *arguments: str | Path) -> Iterator[Process]:
        """Start a command; kill it if it still runs at the end of the block."""
        self._commands += 1
        folder = self.home / "commands" / str(self._commands)
        folder.mkdir(parents=True)
        words = [str(argument) for argument in arguments]
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            popen = subprocess.Popen(
                [str(PROGRAM), *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.home,
                env=self.environment(),
                start_new_session=True,
            )
        process = Process(" ".join(words), popen, folder)
        try:
            yield process
        finally:
            if popen.poll() is None:
                process.kill()

    def environment(self) -> dict[str, str]:
        state = {"HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state")}
        if self.sudo_password:
            state["ORCHESTRATOR_SUDO_PASSWORD_FILE"] = str(self.sudo_password)
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **state, **self.variables}
