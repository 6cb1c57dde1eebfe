"""Progress on a terminal: one line per host, redrawn during the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.adapters.screen.board import ACTING, ALREADY, FAILED, WAITING, Board, Line
from orchestrator.core.model.plan import PhaseName
from orchestrator.core.text import duration, printable
from orchestrator.ports import Clock

REFRESHES_PER_S = 8
ALL_LINES_UP_TO = 20
LINES_OF_MANY = 10
"""With more hosts than ``ALL_LINES_UP_TO``: those that failed, then those that take longest."""

_STYLES = {ACTING: "cyan", WAITING: "yellow", FAILED: "bold red", ALREADY: "dim", "done": "green"}


class LiveReporter:
    """Implements ``ports.Reporter``; a context manager for its screen.

    Finished phases, failures and notes scroll past as plain lines; at the end only those remain.
    """

    def __init__(
        self, console: Console, clock: Clock, *, phases: Sequence[str] = tuple(PhaseName), verbose: int = 0
    ) -> None:
        self._console = console
        self._clock = clock
        self._verbose = verbose
        self._board = Board(clock, phases)
        self._began_at_s = clock.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> LiveReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_phase("done" if kind is None else "halted")
        self._hide()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hide the display while the operator answers a question."""
        self._hide()
        try:
            yield
        finally:
            if self._board.name:
                self._show()

    def begin(self, phases: tuple[str, ...]) -> None:
        """Set all phases of the plan, for `phase 5/12`."""
        self._board.phases = phases

    def phase(self, name: str, title: str, hosts: tuple[str, ...]) -> None:
        self._close_phase("done")
        self._board.begin(name, title, hosts)
        self._show()

    def step(self, host: str, step: str, state: str, detail: str = "") -> None:
        line = self._board.step(host, step, state, detail)
        if state == FAILED:
            took = duration(line.took_s or 0)
            self._print(Text(f"{host} {line.step} failed ({took}): {line.detail}", style=_STYLES[FAILED]))
        elif self._verbose and not line.under_way:
            self._print(Text(f"{host} {line.step} {state} ({duration(line.took_s or 0)})", style="dim"))

    def moved(self, host: str, done_bytes: int, total_bytes: int) -> None:
        self._board.moved(host, done_bytes, total_bytes)
        if self._board.name or done_bytes < total_bytes:
            self._show()
        else:
            self._hide()  # before the first phase the operator may be asked a question

    def waiting(self, phase: str, reasons: dict[str, str]) -> None:
        self._board.waiting(reasons)

    def note(self, text: str) -> None:
        within = f"{self._board.heading}: " if self._board.name else ""
        self._print(Text(within + printable(text)))

    def render(self) -> RenderableType:
        """Return the current screen: the phase, then one line per host. Called by rich's own thread."""
        board, now_s = self._board, self._clock.monotonic()
        lines = tuple(board.lines.values())
        shown = lines if len(lines) <= ALL_LINES_UP_TO else _most_relevant(lines)[:LINES_OF_MANY]
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True, max_width=24, overflow="ellipsis")
        table.add_column(no_wrap=True, max_width=24, overflow="ellipsis")
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        table.add_column(no_wrap=True, justify="right")
        barrier = dict(board.barrier)
        for line in shown:
            reason = "" if line.under_way else barrier.pop(line.host, "")
            elapsed = duration(line.elapsed_s(now_s)) if line.state else ""
            table.add_row(line.host, line.step, _words(line, reason, now_s), elapsed)
        for host, reason in list(barrier.items())[:LINES_OF_MANY]:
            table.add_row(host, "", Text(f"waiting: {reason}", style=_STYLES[WAITING]), "")
        return Group(self._heading(now_s), table, *_hidden_hosts(lines, shown))

    def _heading(self, now_s: float) -> Text:
        total = duration(now_s - self._began_at_s)
        if not self._board.name:
            return Text(f"{total} since the start", style="dim")
        top = Text(no_wrap=True, overflow="ellipsis")
        top.append(self._board.heading, style="bold")
        top.append(f"  {duration(self._board.elapsed_s)} of {total}  ", style="dim")
        return top.append(self._board.doing)

    def _close_phase(self, end: str) -> None:
        if self._board.name:
            took = duration(self._board.elapsed_s)
            self._print(Text(f"{self._board.heading} {end} ({took})", style="red" if end == "halted" else "green"))

    def _show(self) -> None:
        if self._live is None:
            self._live = Live(
                console=self._console,
                get_renderable=self.render,
                refresh_per_second=REFRESHES_PER_S,
                transient=True,
                redirect_stdout=False,  # stdout is for results
            )
            with suppress(OSError):
                self._live.start(refresh=True)

    def _hide(self) -> None:
        live, self._live = self._live, None
        if live:
            with suppress(OSError):
                live.stop()

    def _print(self, text: Text) -> None:
        # A broken screen must not end a run: the hosts and the journal have its state.
        with suppress(OSError):
            self._console.print(text, soft_wrap=True)


def _words(line: Line, barrier: str, now_s: float) -> Text:
    if barrier:
        return Text(f"waiting: {barrier}", style=_STYLES[WAITING])
    if line.move:
        return Text(line.move.words(now_s), style=_STYLES[ACTING])
    words = line.detail if line.state == ACTING and line.detail else line.state
    if line.state in (WAITING, FAILED) and line.detail:
        words = f"{line.state}: {line.detail}"
    return Text(words, style=_STYLES.get(line.state, ""))


def _most_relevant(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the hosts that failed or are at work, the latter sorted by how long they take."""
    telling = (line for line in lines if line.under_way or line.state == FAILED)
    return tuple(sorted(telling, key=lambda line: (line.state != FAILED, line.since_s)))


def _hidden_hosts(lines: Sequence[Line], shown: Sequence[Line]) -> tuple[Text, ...]:
    if len(shown) == len(lines):
        return ()
    over = sum(1 for line in lines if line.took_s is not None)
    failed = sum(1 for line in lines if line.state == FAILED)
    busy = sum(1 for line in lines if line.under_way)
    words = f"{over} of {len(lines)} hosts done, {failed} of them failed; {busy} running"
    return (Text(f"{words}; {len(lines) - len(shown)} not shown", style="dim"),)
