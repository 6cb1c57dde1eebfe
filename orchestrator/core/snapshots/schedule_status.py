"""The status of scheduled backups, for people, Nagios and Prometheus. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.text import duration, size
from orchestrator.etcd.frozen import Frozen


@dataclass(frozen=True, slots=True)
class MasterSchedule:
    """The schedule and the backups of one master. Times are seconds since 1970 by its own clock, ``now_s`` too."""

    host: str
    files: Mapping[str, str]
    active: bool = False
    systemd: bool = True
    now_s: int = 0
    good_s: int | None = None
    size_bytes: int = 0
    took_s: int = 0
    name: str = ""
    last_s: int | None = None
    last: str = ""

    @property
    def age_s(self) -> int | None:
        return None if self.good_s is None else max(0, self.now_s - self.good_s)


FACTS = {"observe/timer.sh": "active clock failed file:* good last systemd"}


def read_standing(host: str, printed: str) -> MasterSchedule:
    """Parse the output of ``templates/host/observe/timer.sh``."""
    facts = parse_facts(printed)
    files = {name.removeprefix("file:"): text for name, text in facts.items() if name.startswith("file:")}
    good, last = facts.get("good", "").split(), facts.get("last", "").strip().split(" ", 1)
    whole = len(good) == 4 and all(word.isdigit() for word in good[:3])
    how = last[1] if len(last) > 1 else ""
    if "failed" in facts and not how.startswith("failed"):  # killed, or the disk was too full to write it
        how = "failed; see journalctl -u " + timer_service(host, files)
    return MasterSchedule(
        host=host,
        files=files,
        active="active" in facts,
        systemd="systemd" in facts,
        now_s=int(facts.get("clock", "0").strip() or 0),
        good_s=int(good[0]) if whole else None,
        size_bytes=int(good[1]) if whole else 0,
        took_s=int(good[2]) if whole else 0,
        name=good[3] if whole else "",
        last_s=int(last[0]) if last[0].isdigit() else None,
        last=how,
    )


def timer_service(host: str, files: Mapping[str, str]) -> str:
    """The name of a schedule's service, for people."""
    paths = [posixpath.basename(path) for path in files if path.endswith(".service")]
    return f"{paths[0] if paths else 'orchestrator-backup-*'} on {host}"


class BackupStatus(Frozen):
    """The status of one master, as `--json` prints it. Times are None if there is no good backup."""

    host: str
    timer_active: bool
    good_at_s: int | None
    age_s: int | None
    size_bytes: int
    took_s: int
    name: str
    last: str


def statuses(standings: Iterable[MasterSchedule]) -> tuple[BackupStatus, ...]:
    return tuple(
        BackupStatus(
            host=it.host,
            timer_active=it.active,
            good_at_s=it.good_s,
            age_s=it.age_s,
            size_bytes=it.size_bytes,
            took_s=it.took_s,
            name=it.name,
            last=it.last,
        )
        for it in standings
        if it.files or it.last_s is not None
    )


def status_lines(found: Sequence[BackupStatus], silent: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """A line for each master with a schedule, and for each master that does not answer."""
    lines = []
    for it in found:
        good = "no good backup yet"
        if it.age_s is not None:
            good = f"{it.name}, {duration(it.age_s)} old, {size(it.size_bytes)}, took {duration(it.took_s)}"
        timer = "" if it.timer_active else "; its timer is not running"
        failed = f"; last attempt: {it.last}" if it.last not in ("", "good") else ""
        lines.append((it.host, f"{good}{timer}{failed}"))
    lines += [(host, f"no answer: {why}") for host, why in silent.items()]
    return tuple(lines) or (("schedule", "none on any master; create one with `orchestrator backup schedule`"),)


@dataclass(frozen=True, slots=True)
class Nagios:
    """One line, and the exit status of a Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""

    line: str
    code: int


def nagios(
    found: Sequence[BackupStatus], silent: Mapping[str, str], *, warn_after_s: int, critical_after_s: int
) -> Nagios:
    """Judge by the age of the newest good backup. A master that fails while another has a fresh one is a warning."""
    ages = [it.age_s for it in found if it.age_s is not None]
    if not found:
        return Nagios("ETCD BACKUP UNKNOWN - no master has a schedule", 3)
    if not ages:
        return Nagios("ETCD BACKUP CRITICAL - no master has a good backup", 2)
    newest = min(ages)
    worse = [it.host for it in found if it.last not in ("", "good") or not it.timer_active] + list(silent)
    code = 2 if newest > critical_after_s else 1 if newest > warn_after_s or worse else 0
    trouble = f"; problems on {', '.join(worse)}" if worse else ""
    words = ("OK", "WARNING", "CRITICAL")[code]
    text = f"ETCD BACKUP {words} - newest good backup is {duration(newest)} old{trouble}"
    return Nagios(f"{text} | age={newest}s;{warn_after_s};{critical_after_s}", code)


def prometheus(cluster: str, found: Sequence[BackupStatus]) -> str:
    """A text file for node_exporter's textfile collector (Prometheus, "Exposition formats")."""
    metrics: tuple[tuple[str, str, Mapping[str, int]], ...] = (
        ("last_success_timestamp_seconds", "Time of the last good backup.", _of(found, "good_at_s")),
        ("size_bytes", "Size of the last good backup.", _of(found, "size_bytes")),
        ("duration_seconds", "How long the last good backup took.", _of(found, "took_s")),
        ("timer_active", "Whether the timer is running.", {it.host: int(it.timer_active) for it in found}),
        (
            "last_failed",
            "Whether the last attempt failed.",
            {it.host: int(it.last.startswith("failed")) for it in found},
        ),
    )
    lines = []
    for name, text, values in metrics:
        whole = f"etcd_backup_{name}"
        lines += [f"# HELP {whole} {text}", f"# TYPE {whole} gauge"]
        lines += [f'{whole}{{cluster="{cluster}",host="{host}"}} {value}' for host, value in values.items()]
    return "".join(f"{line}\n" for line in lines)


def _of(found: Sequence[BackupStatus], name: str) -> dict[str, int]:
    return {it.host: getattr(it, name) for it in found if it.good_at_s is not None}
