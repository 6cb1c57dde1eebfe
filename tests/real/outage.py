"""What a probe's log says: how long each API server was away, and which process outlived its etcd. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

CONTROL_PLANE = ("kube-apiserver", "kube-controller", "kube-scheduler", "etcd")
"""Programs that serve or change the cluster's state, as /proc/PID/comm has them: 15 characters."""


@dataclass(frozen=True, slots=True)
class Life:
    """A process as it was seen, in seconds since the log's first line; ``ended`` is None while it lives."""

    host: str
    program: str
    pid: int
    started: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the API servers and the processes.

    ``away``: for each master the seconds from its first failed answer until it answered for good; ``away_at``: when;
    ``failed``: how many of these seconds it really failed; ``none``: seconds in which no master answered;
    ``zero``: the wall clock at second 0.
    """

    away: Mapping[str, float]
    failed: Mapping[str, float]
    none: float
    lives: tuple[Life, ...]
    away_at: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    zero: float = 0.0

    def lingering(self) -> tuple[Life, ...]:
        """API servers that lived through a change of their host's etcd: they served the old one and met the new one."""
        etcds = [life for life in self.lives if life.program == "etcd"]
        return tuple(
            api
            for api in self.lives
            if api.program == "kube-apiserver"
            and any(_lived_through(api, old, new) for old in etcds for new in etcds if old.host == new.host == api.host)
        )

    def outlived(self, start: float) -> tuple[Life, ...]:
        """Processes of the old control plane that were alive when the new one was to start; kubelet is none."""
        return tuple(
            life
            for life in self.lives
            if life.program in CONTROL_PLANE and life.started < start and (life.ended is None or life.ended > start)
        )

    def old_control_plane(self) -> tuple[Life, ...]:
        """The processes that the first look found."""
        return tuple(life for life in self.lives if life.program in CONTROL_PLANE and life.started == 0.0)

    @property
    def every_server_s(self) -> float:
        """Seconds from the first failed answer of any API server until all of them answer for good."""
        spans = [span for span in self.away_at.values() if span[1]]
        return max(end for _, end in spans) - min(begin for begin, _ in spans) if spans else 0.0

    def text(self) -> str:
        lines = [
            f"{host}: away {seconds:.1f} s (from {self.away_at[host][0]:.1f} to {self.away_at[host][1]:.1f}), "
            f"of these {self.failed[host]:.1f} s without an answer"
            if seconds
            else f"{host}: never away"
            for host, seconds in sorted(self.away.items())
        ]
        lines.append(f"no API server ready: {self.none:.1f} s")
        for life in self.lives:
            end = "" if life.ended is None else f"{life.ended:.1f}"
            lines.append(f"{life.host} {life.program} pid {life.pid}: {life.started:.1f} to {end}")
        lines += [f"LINGERS: {it.host} {it.program} pid {it.pid}, beside a younger etcd" for it in self.lingering()]
        return "\n".join(lines) + "\n"


def _lived_through(api: Life, old: Life, new: Life) -> bool:
    met_old = old.ended is not None and api.started < old.ended <= new.started
    return met_old and (api.ended is None or api.ended > new.started)


def read(lines: Iterable[str]) -> Summary:
    """A summary of a probe's log. A sample counts until the next one of its master."""
    records = [json.loads(line) for line in lines if line.endswith("\n")]
    zero = min(record.get("asked", record["at"]) for record in records)
    answers: dict[str, list[tuple[float, bool]]] = {}
    for record in records:
        if "readyz" in record:
            answers.setdefault(record["host"], []).append((record["asked"] - zero, record["readyz"] == "ok"))
    away, failed, at = {}, {}, {}
    for host, samples in answers.items():
        bad = [when for when, ok in samples if not ok]
        after = [when for when, ok in samples if ok and bad and when > bad[-1]]
        end = after[0] if after else samples[-1][0]
        at[host] = (bad[0], end) if bad else (0.0, 0.0)
        away[host] = end - bad[0] if bad else 0.0
        failed[host] = _failed(samples)
    return Summary(away, failed, _none(answers), tuple(_lives(records, zero)), at, zero)


def _failed(samples: list[tuple[float, bool]]) -> float:
    return sum(later - when for (when, ok), (later, _) in pairwise(samples) if not ok)


def _none(answers: Mapping[str, list[tuple[float, bool]]]) -> float:
    """Seconds in which the newest sample of every master was a failure."""
    events = sorted((when, host, ok) for host, samples in answers.items() for when, ok in samples)
    newest: dict[str, bool] = {}
    total, since = 0.0, None
    for when, host, ok in events:
        newest[host] = ok
        if since is not None:
            total += when - since
        since = None if len(newest) < len(answers) or any(newest.values()) else when
    return total


def _lives(records: Iterable[Mapping[str, object]], zero: float) -> Iterable[Life]:
    alive: dict[tuple[str, str, int], float] = {}
    for record in records:
        if "process" not in record:
            continue
        at = float(str(record["at"])) - zero
        key = (str(record["host"]), str(record["process"]), int(str(record["pid"])))
        if record["change"] == "started":
            # Those that the first look finds were there before.
            alive[key] = 0.0 if at < 1.0 else at
        elif key in alive:
            yield Life(*key, alive.pop(key), at)
    for key, started in alive.items():
        yield Life(*key, started, None)
