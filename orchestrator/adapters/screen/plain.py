"""Progress as plain lines, for logs, pipes and dumb terminals: nothing is ever redrawn."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from orchestrator.adapters.screen.board import ACTING, ALREADY, WAITING, Board, Line, Move
from orchestrator.core.model.plan import PhaseName
from orchestrator.core.text import duration, few, printable
from orchestrator.ports import Clock

HEARTBEAT_S, BEAT_S = 30.0, 1.0
REASON_EVERY_S = 10.0
MOVE_EVERY_S, MOVE_EVERY_PERCENT, MOVE_AT_MOST_EVERY_S = 10.0, 10, 2.0


class PlainReporter:
    """Prints lines `HH:MM:SSZ host step state (12s)`. Implements ``ports.Reporter``.

    It is a context manager for its heartbeat.

    The reason why a host waits is printed when it changes, at most every 10 s per host; with ``verbose`` always.
    """

    def __init__(
        self, stream: TextIO, clock: Clock, *, phases: Sequence[str] = tuple(PhaseName), verbose: int = 0
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._verbose = verbose
        self._board = Board(clock, phases)
        self._reasons: dict[str, tuple[str, float]] = {}
        self._moves: dict[str, tuple[int, float]] = {}
        self._spoke_at_s = clock.monotonic()
        self._over = threading.Event()
        self._asking = False

    def __enter__(self) -> PlainReporter:
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Pause the heartbeat while the operator answers a question."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    def begin(self, phases: tuple[str, ...]) -> None:
        """Set all phases of the plan, for `phase 5/12`."""
        self._board.phases = phases

    def phase(self, name: str, title: str, hosts: tuple[str, ...]) -> None:
        self._board.begin(name, title, hosts)
        self._reasons, self._moves = {}, {}
        self._print(f"{self._board.heading}: {self._board.title}")

    def step(self, host: str, step: str, state: str, detail: str = "") -> None:
        line = self._board.step(host, step, state, detail)
        if state == WAITING:
            self._print_reason(host, line.step, line.detail)
        elif state == ACTING:
            self._moves.pop(host, None)
            self._print(_with_detail(f"{host} {line.step} {state}", line.detail))
        elif state == ALREADY:
            self._print(f"{host} {line.step} already done")
        else:
            self._print(_with_detail(f"{host} {line.step} {state} ({duration(line.took_s or 0)})", line.detail))

    def moved(self, host: str, done_bytes: int, total_bytes: int) -> None:
        move = self._board.moved(host, done_bytes, total_bytes)
        now_s = self._clock.monotonic()
        if self._is_news(host, move, now_s):
            self._moves[host] = (move.percent, now_s)
            self._print(_with_names(self._board.lines[host], move.words(now_s)))

    def waiting(self, phase: str, reasons: dict[str, str]) -> None:
        self._board.waiting(reasons)
        for host, reason in self._board.barrier.items():
            self._print_reason(host, f"{phase}.barrier", reason)

    def note(self, text: str) -> None:
        self._print(printable(text))

    def tick(self) -> None:
        """Print what is in progress, if nothing was printed for 30 s."""
        now_s = self._clock.monotonic()
        if self._asking or now_s - self._spoke_at_s < HEARTBEAT_S:
            return
        lines = [line for line in tuple(self._board.lines.values()) if line.under_way]
        lines.sort(key=lambda line: line.since_s)
        for words in few([_still_words(line, now_s) for line in lines]):
            self._print(words)
        if self._board.name and not lines:
            reasons = "; ".join(f"{host}: {reason}" for host, reason in self._board.barrier.items())
            what = f"waiting: {reasons}" if reasons else "checking the hosts"
            self._print(f"{self._board.heading} still {what} ({duration(self._board.elapsed_s)})")

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            self.tick()

    def _is_news(self, host: str, move: Move, now_s: float) -> bool:
        """Return whether to print: after 10 s, or after another 10 % and at least 2 s, since a fast link needs
        fewer lines."""
        percent, at_s = self._moves.setdefault(host, (move.percent, now_s))
        further, later_s = move.percent - percent, now_s - at_s
        return later_s >= MOVE_EVERY_S or (further >= MOVE_EVERY_PERCENT and later_s >= MOVE_AT_MOST_EVERY_S)

    def _print_reason(self, host: str, what: str, reason: str) -> None:
        now_s = self._clock.monotonic()
        last, at_s = self._reasons.get(host, ("", -REASON_EVERY_S))
        if reason != last and (self._verbose or now_s - at_s >= REASON_EVERY_S):
            self._reasons[host] = (reason, now_s)
            self._print(f"{host} {what} waiting: {reason}")

    def _print(self, text: str) -> None:
        self._spoke_at_s = self._clock.monotonic()
        # A broken screen must not end a run: the hosts and the journal have its state.
        with suppress(OSError, ValueError):
            self._stream.write(f"{self._clock.now_utc()[11:19]}Z {text}\n")
            self._stream.flush()


def _still_words(line: Line, now_s: float) -> str:
    standing = line.move.words(now_s) if line.move else _with_detail(line.state, line.detail)
    return _with_names(line, f"still {standing} ({duration(line.elapsed_s(now_s))})")


def _with_names(line: Line, text: str) -> str:
    return " ".join(word for word in (line.host, line.step, text) if word)


def _with_detail(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text
