"""Scheduled backups: when each master takes one, and the systemd files that do it. Pure."""

from __future__ import annotations

import difflib
import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import DictLoader, Environment, StrictUndefined

from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.questions import peer_values
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.header import assignments
from orchestrator.errors import UsageError

_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_DAY_S = 86400
UNITS = "units/"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a schedule: interval, number of masters, folder, and how many backups to keep for how long."""

    period_s: int
    on: int
    folder: str
    keep: int | None = None
    keep_days: int | None = None


def parse_period(text: str) -> int:
    """`15m`, `6h`, `1d` -> seconds. Raises UsageError if it divides neither an hour nor a day."""
    found = re.fullmatch(r"([1-9][0-9]*)([mhd])", text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    whole = 3600 if seconds < 3600 else _DAY_S
    if not seconds or whole % seconds or (seconds > 3600 and seconds % 3600):
        raise UsageError(f"invalid period {text!r}: it must divide an hour or a day (expected for example 15m, 6h, 1d)")
    return seconds


def calendar(period_s: int, offset_s: int) -> str:
    """systemd's OnCalendar for a period, shifted by an offset that is shorter than it (systemd.time(7))."""
    hours, minutes, seconds = offset_s // 3600, offset_s // 60 % 60, offset_s % 60
    if period_s < 3600:
        return f"*-*-* *:{minutes:02}/{period_s // 60}:{seconds:02}"
    repeated = f"/{period_s // 3600}" if period_s < _DAY_S else ""
    return f"*-*-* {hours:02}{repeated}:{minutes:02}:{seconds:02}"


def folder_of(cluster: str, folder: str) -> str:
    """The folder of that cluster's backups on its masters: the given one, or else the default."""
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
    """The texts of the files by path, for each host; empty for masters that take no backups."""
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
            "values": assignments(take.command(scripts[take.file]).values),
            "take": scripts[take.file],
            "facts": assignments(_facts_values(inventory.cluster, views[host.name])),
            "shared": shlex.join(_shared(views[host.name])),
        }
        texts = {timer: "backup.timer", service: "backup.service", script: "backup.sh"}
        found[host.name] = {path: _render(templates, name, values) for path, name in texts.items()}
    return found


def _facts_values(cluster: str, view: MasterView) -> dict[str, str]:
    """The values of ``templates/units/facts.sh``: how to ask the member, and the facts that are known already."""
    assert view.member.config is not None
    known = json.dumps({"format": 1, "cluster": cluster, "host": view.host, "member": view.member.config.member})[1:-1]
    return {**peer_values(view.member.config), "known": known, "encryption": view.api.encryption}


def _shared(view: MasterView) -> tuple[str, ...]:
    """The list of ``templates/units/facts.sh``: each file that all masters must share, and its path as JSON."""
    return tuple(word for path in view.api.shared_files for word in (path, json.dumps(path)))


def _render(templates: Mapping[str, str], name: str, values: Mapping[str, object]) -> str:
    # No autoescape: these are units and shell texts. Values are either quoted words or from the inventory, whose
    # patterns allow no quotes.
    environment = Environment(loader=DictLoader(dict(templates)), undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    return environment.get_template(f"{UNITS}{name}").render(values)


def diff(now: Mapping[str, str], then: Mapping[str, str], host: str) -> tuple[str, ...]:
    """The changes of a host's files as a unified diff; empty if there are none."""
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
