"""What every host is doing now, according to the coordinator: the state that both reporters draw from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.core.text import duration, printable, size
from orchestrator.ports import Clock

ACTING, WAITING, ALREADY, FAILED = "acting", "waiting", "already", "failed"
"""The coordinator's words for a step; the fourth end is `done`."""


@dataclass(slots=True)
class Move:
    """Bytes in transfer. If a push resumes, the rate counts only the bytes that moved since."""

    first_bytes: int
    first_at_s: float
    done_bytes: int
    total_bytes: int

    @property
    def percent(self) -> int:
        return 100 * self.done_bytes // self.total_bytes if self.total_bytes else 100

    def words(self, now_s: float) -> str:
        """Format the progress: `45% of 412.0 MiB, 98.1 MiB/s, 2s left`; rate and time only if they are known."""
        words = f"{self.percent}% of {size(self.total_bytes)}"
        moved_bytes, seconds = self.done_bytes - self.first_bytes, now_s - self.first_at_s
        if moved_bytes <= 0 or seconds <= 0:
            return words
        rate = moved_bytes / seconds
        return f"{words}, {size(rate)}/s, {duration((self.total_bytes - self.done_bytes) / rate)} left"


@dataclass(slots=True)
class Line:
    """One host: its newest step, the state of that step, and since when."""

    host: str
    since_s: float
    step: str = ""
    state: str = ""
    detail: str = ""
    took_s: float | None = None
    move: Move | None = None

    @property
    def under_way(self) -> bool:
        return self.state in (ACTING, WAITING)

    def elapsed_s(self, now_s: float) -> float:
        """Return the seconds since the step began; if it has ended, how long it took."""
        return now_s - self.since_s if self.took_s is None else self.took_s


@dataclass(slots=True)
class Board:
    """The phase, its hosts' lines, and what its barrier waits for. ``phases`` are all phases of the plan."""

    clock: Clock
    phases: Sequence[str]
    name: str = ""
    title: str = ""
    since_s: float = 0.0
    lines: dict[str, Line] = field(default_factory=dict)
    barrier: dict[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The heading, such as `phase 5/12 stop`."""
        if self.name not in self.phases:
            return f"phase {self.name}"
        return f"phase {list(self.phases).index(self.name) + 1}/{len(self.phases)} {self.name}"

    @property
    def elapsed_s(self) -> float:
        return self.clock.monotonic() - self.since_s

    @property
    def doing(self) -> str:
        """The phase in words; after its last step, that only its barrier is still shut."""
        lines = tuple(self.lines.values())
        over = lines and all(line.took_s is not None for line in lines)
        return "all steps have ended; checking every host" if over else self.title

    def begin(self, name: str, title: str, hosts: Sequence[str]) -> None:
        now_s = self.clock.monotonic()
        self.name, self.title, self.since_s, self.barrier = name, printable(title), now_s, {}
        self.lines = {host: Line(host, now_s) for host in hosts}

    def step(self, host: str, step: str, state: str, detail: str) -> Line:
        """Update the host's line and return it. A step keeps its start time while it waits, and its last detail
        when it ends."""
        name, now_s = step.partition("/")[0], self.clock.monotonic()
        line = self.lines.get(host)
        if line is None or line.step != name:
            line = self.lines[host] = Line(host, now_s, name)
        line.state, line.detail = state, printable(detail)
        if not line.under_way:
            line.took_s, line.move = now_s - line.since_s, None
        return line

    def moved(self, host: str, done_bytes: int, total_bytes: int) -> Move:
        now_s = self.clock.monotonic()
        line = self.lines.setdefault(host, Line(host, now_s, state=ACTING))
        if line.move is None or line.move.total_bytes != total_bytes:
            line.move = Move(done_bytes, now_s, done_bytes, total_bytes)
        line.move.done_bytes = done_bytes
        return line.move

    def waiting(self, reasons: dict[str, str]) -> None:
        self.barrier = {host: printable(reason) for host, reason in reasons.items()}
