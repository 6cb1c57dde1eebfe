"""A laptop's terminal: the program runs as if a person watches it, and the window can be closed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import subprocess
import termios
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.laptop import PROGRAM, WITHIN_S, Laptop


@dataclass
class Terminal:
    """Run a command of that laptop on its own terminal, until the block ends."""

    laptop: Laptop
    words: tuple[str, ...]
    seen: bytearray = field(default_factory=bytearray)

    def __init__(self, laptop: Laptop, *words: str | Path) -> None:
        self.laptop, self.words, self.seen = laptop, tuple(str(word) for word in words), bytearray()

    def __enter__(self) -> Self:
        self._window, program = pty.openpty()
        self.laptop.home.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [str(PROGRAM), *self.words],
            stdin=program,
            stdout=program,
            stderr=program,
            cwd=self.laptop.home,
            env={**self.laptop.environment(), "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(program)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()
        with contextlib.suppress(OSError):
            os.close(self._window)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._window, 4096):
                self.seen += data

    def until(self, words: str) -> None:
        """Wait until the screen has shown these words."""
        deadline = time.monotonic() + WITHIN_S
        while words.encode() not in self.seen:
            assert self._process.poll() is None, self.seen.decode(errors="replace")
            assert time.monotonic() < deadline, f"no {words!r}: {self.seen.decode(errors='replace')}"
            time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> int:
        """Close the window; return the program's exit code."""
        os.close(self._window)
        return self._process.wait(timeout=60)
