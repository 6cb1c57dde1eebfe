"""Scheduled backups: when each master takes one, the files that make it do so, and how its backups stand. Pure."""

from __future__ import annotations

import difflib
import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jinja2 import DictLoader, Environment, StrictUndefined

from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.text import duration, size
from orchestrator.errors import UsageError
from orchestrator.etcd.frozen import Frozen

_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_DAY_S = 86400
UNITS = "units/"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator asks for: every so many seconds, on so many masters, keeping so many, into that folder."""

    period_s: int
    on: int
    folder: str
    keep: int | None = None
    keep_days: int | None = None


def parse_period(text: str) -> int:
    """`15m`, `6h`, `1d` -> seconds. Raises UsageError where that divides neither an hour nor a day."""
    found = re.fullmatch(r"([1-9][0-9]*)([mhd])", text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    whole = 3600 if seconds < 3600 else _DAY_S
    if not seconds or whole % seconds or (seconds > 3600 and seconds % 3600):
        raise UsageError(f"{text!r} is no period that divides an hour or a day", "name one such as 15m, 6h or 1d")
    return seconds


def calendar(period_s: int, offset_s: int) -> str:
    """systemd's OnCalendar for every period, shifted by the offset, which is shorter (systemd.time(7))."""
    hours, minutes, seconds = offset_s // 3600, offset_s // 60 % 60, offset_s % 60
    if period_s < 3600:
        return f"*-*-* *:{minutes:02}/{period_s // 60}:{seconds:02}"
    repeated = f"/{period_s // 3600}" if period_s < _DAY_S else ""
    return f"*-*-* {hours:02}{repeated}:{minutes:02}:{seconds:02}"


def folder_of(cluster: str, folder: str) -> str:
    """Where the backups of that cluster lie on its masters."""
    return folder or f"/var/backups/etcd-{cluster}"


def timer_of(cluster: str) -> str:
    return f"orchestrator-backup-{cluster}.timer"


def paths_of(host: Host, cluster: str) -> tuple[str, ...]:
    """The files of a schedule on that host: the timer, its service, and the script that it runs."""
    timer = posixpath.join(host.paths.units, timer_of(cluster))
    return (timer, timer.replace(".timer", ".service"), f"{host.paths.state}/backup-{cluster}.sh")


def wanted(
    inventory: Inventory,
    views: Mapping[str, MasterView],
    distro: Distro,
    scripts: Mapping[str, str],
    templates: Mapping[str, str],
    terms: Terms,
) -> dict[str, dict[str, str]]:
    """By host, the texts of its files by path; nothing for the masters that are to take no backups."""
    chosen = inventory.masters[: terms.on]
    found: dict[str, dict[str, str]] = {host.name: {} for host in inventory.masters}
    for number, host in enumerate(chosen):
        offset_s = number * terms.period_s // len(chosen)
        take = distro.take_snapshot(host, views[host.name])
        timer, service, script = paths_of(host, inventory.cluster)
        values = {
            "cluster": inventory.cluster,
            "calendar": calendar(terms.period_s, offset_s),
            "script": script,
            "state": host.paths.state,
            "folder": terms.folder,
            "keep": "" if terms.keep is None else str(terms.keep),
            "days": "" if terms.keep_days is None else str(terms.keep_days),
            "arguments": shlex.join(take.args),
            "take": scripts[take.file],
            "facts": shlex.join(_told(inventory.cluster, views[host.name])),
        }
        texts = {timer: "backup.timer", service: "backup.service", script: "backup.sh"}
        found[host.name] = {path: _render(templates, name, values) for path, name in texts.items()}
    return found


def _told(cluster: str, view: MasterView) -> tuple[str, ...]:
    """What ``templates/units/facts.sh`` is told of the master: where to ask the rest, and what is known already."""
    assert view.etcd is not None
    etcd, tls = view.etcd, view.etcd.peer_tls
    known = json.dumps({"format": 1, "cluster": cluster, "host": view.host, "member": etcd.member})[1:-1]
    shared = (word for path in view.api.shared_files for word in (path, json.dumps(path)))
    return (known, etcd.peer_url, etcd.address, tls.ca, tls.cert, tls.key, view.api.encryption, *shared)


def _render(templates: Mapping[str, str], name: str, values: Mapping[str, object]) -> str:
    # No autoescape: these are units and shell texts. What is put in is of the inventory, whose patterns allow no quote,
    # or quoted words.
    environment = Environment(loader=DictLoader(dict(templates)), undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    return environment.get_template(f"{UNITS}{name}").render(values)


@dataclass(frozen=True, slots=True)
class Standing:
    """How scheduled backups stand on one master. Times are seconds since 1970 by its own clock, ``now_s`` too."""

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


def read_standing(host: str, printed: str) -> Standing:
    """What ``templates/host/timed.sh`` printed."""
    facts = parse_facts(printed)
    files = {name.removeprefix("file:"): text for name, text in facts.items() if name.startswith("file:")}
    good, last = facts.get("good", "").split(), facts.get("last", "").strip().split(" ", 1)
    whole = len(good) == 4 and all(word.isdigit() for word in good[:3])
    how = last[1] if len(last) > 1 else ""
    if "failed" in facts and not how.startswith("failed"):  # killed, or without room to say so
        how = "failed its service: journalctl -u " + timer_service(host, files)
    return Standing(
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
    """The name of the service of a schedule, for people."""
    paths = [posixpath.basename(path) for path in files if path.endswith(".service")]
    return f"{paths[0] if paths else 'orchestrator-backup-*'} on {host}"


def diff(now: Mapping[str, str], then: Mapping[str, str], host: str) -> tuple[str, ...]:
    """What changes in a host's files, as a unified diff; nothing where nothing does."""
    lines: list[str] = []
    for path in sorted(now.keys() | then.keys()):
        before, after = now.get(path, ""), then.get(path, "")
        if before != after:
            names = (
                f"{host}:{path}" if path in now else "/dev/null",
                f"{host}:{path}" if path in then else "/dev/null",
            )
            lines += difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=2)
    return tuple(lines)


# --- How they stand, for people, Nagios and Prometheus ------------------------------------------------------


class BackupStatus(Frozen):
    """Of one master, as `--json` prints it; None where there is no good backup."""

    host: str
    timer_active: bool
    good_at_s: int | None
    age_s: int | None
    size_bytes: int
    took_s: int
    name: str
    last: str


def statuses(standings: Iterable[Standing]) -> tuple[BackupStatus, ...]:
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
    """A line for each master with a schedule, and for each that does not answer."""
    lines = []
    for it in found:
        good = "no good backup yet"
        if it.age_s is not None:
            good = f"{it.name}, {duration(it.age_s)} old, {size(it.size_bytes)}, took {duration(it.took_s)}"
        timer = "" if it.timer_active else "; its timer does not run"
        failed = f"; the last attempt: {it.last}" if it.last not in ("", "good") else ""
        lines.append((it.host, f"{good}{timer}{failed}"))
    lines += [(host, f"does not answer: {why}") for host, why in silent.items()]
    return tuple(lines) or (("schedule", "none on any master: orchestrator backup schedule -i INVENTORY"),)


@dataclass(frozen=True, slots=True)
class Nagios:
    """One line, and the exit status of a Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""

    line: str
    code: int


def nagios(
    found: Sequence[BackupStatus], silent: Mapping[str, str], *, warn_after_s: int, critical_after_s: int
) -> Nagios:
    """By the age of the newest good backup; one master that fails while another has a fresh one is a warning."""
    ages = [it.age_s for it in found if it.age_s is not None]
    if not found:
        return Nagios("ETCD BACKUP UNKNOWN - no master has a schedule", 3)
    if not ages:
        return Nagios("ETCD BACKUP CRITICAL - no master has a good backup", 2)
    newest = min(ages)
    worse = [it.host for it in found if it.last not in ("", "good") or not it.timer_active] + list(silent)
    code = 2 if newest > critical_after_s else 1 if newest > warn_after_s or worse else 0
    trouble = f"; trouble on {', '.join(worse)}" if worse else ""
    words = ("OK", "WARNING", "CRITICAL")[code]
    text = f"ETCD BACKUP {words} - the newest good one is {duration(newest)} old{trouble}"
    return Nagios(f"{text} | age={newest}s;{warn_after_s};{critical_after_s}", code)


def prometheus(cluster: str, found: Sequence[BackupStatus]) -> str:
    """A text file for node_exporter's textfile collector (Prometheus, "Exposition formats")."""
    metrics: tuple[tuple[str, str, Mapping[str, int]], ...] = (
        ("last_success_timestamp_seconds", "When the last good backup was taken.", _of(found, "good_at_s")),
        ("size_bytes", "Size of the last good backup.", _of(found, "size_bytes")),
        ("duration_seconds", "How long the last good backup took.", _of(found, "took_s")),
        ("timer_active", "Whether the timer runs.", {it.host: int(it.timer_active) for it in found}),
        (
            "last_failed",
            "Whether the newest attempt failed.",
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
