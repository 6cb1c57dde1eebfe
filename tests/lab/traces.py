"""What a command has left behind on a host: files and processes, compared before and after.

Equal means: every path has the same type, mode, owner, size and sha256. The paths that change by themselves are
named here, and a test prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.lab.hosts import DATA, HOSTS
from tests.lab.lab import SEED, Lab

EXCEPTIONS = (
    "/proc",
    "/sys",
    "/run",  # sudo's timestamps lie there, too
    "/dev",
    "/var/log",
    "/var/lib/sudo/lectured",  # sudo's own note that it has warned this user once
    "/home/*/.sudo_as_admin_successful",  # and that this one has used it once
    "/var/lib/docker/containers/*/*.log",
    f"{DATA}/member",  # etcd's own; its members and its revision are compared instead
    SEED,  # the lab's own
)
EVERYTHING = ("/", "/mnt/master-pd", "/var/lib/docker")
"""Every filesystem of a host that keeps anything."""
WHERE_IT_COUNTS = ("/etc", "/mnt/master-pd", "/root", "/home", "/opt", "/tmp", "/var/lib/orchestrator")
"""Where a command could leave what matters, for a quick look."""

NAMES = tuple(host.name for host in HOSTS)

# find and stat print only what busybox knows as well.
_LIST = """
exceptions=$1
shift
for root; do
    [ -e "$root" ] || continue
    set -f
    set -- "$root" -xdev
    for path in $exceptions; do set -- "$@" ! -path "$path" ! -path "$path/*"; done
    find "$@" -exec stat -c '%F|%a|%u:%g|%n' {} +
    find "$@" ! -type d -exec stat -c 'size|%s|%n' {} +
    find "$@" -type f -exec sha256sum {} +
done
"""
_PROCESSES = """
for stat in /proc/[0-9]*/stat; do
    read -r line <"$stat" || continue
    set -- ${line##*) }
    pid=${stat#/proc/}
    printf '%s %s %s %s\\n' "${pid%/stat}" "$2" "${20}" "$(tr '\\0\\n' '  ' <"${stat%stat}cmdline")"
done 2>/dev/null
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A process, by pid and start time (in ticks), so that a number used again is told apart."""

    pid: int
    parent: int
    started: int
    command: str


@dataclass(frozen=True, slots=True)
class Traces:
    """Hosts at one moment: for each the lines about its files, and its processes. ``later`` may have fewer hosts."""

    files: Mapping[str, frozenset[str]]
    processes: Mapping[str, frozenset[Process]] = field(default_factory=dict)

    def changed_files(self, later: Traces) -> list[str]:
        """`host: path` for each path that appeared, vanished or differs."""
        return sorted(
            {
                f"{host}: {line.rpartition('|')[2].rpartition('  ')[2]}"
                for host in later.files
                for line in self.files[host] ^ later.files[host]
            }
        )

    def new_processes(self, later: Traces) -> list[str]:
        """`host: command` for each process that was not there, and that no service started that was there."""
        return [
            f"{host}: {process.command}"
            for host in later.processes
            for process in strangers(self.processes[host], later.processes[host])
        ]


def strangers(before: Iterable[Process], after: Iterable[Process]) -> list[Process]:
    """New processes whose nearest older ancestor is the first process or sshd; others are work of older services."""
    older = {(process.pid, process.started) for process in before}
    now = {process.pid: process for process in after}

    def is_strange(process: Process) -> bool:
        parent = now.get(process.parent)
        if parent is None:  # came in by the lab's own door
            return False
        if (parent.pid, parent.started) in older:
            return parent.pid == 1 or parent.command.startswith("sshd")
        return is_strange(parent)

    return [process for process in now.values() if (process.pid, process.started) not in older and is_strange(process)]


def look(lab: Lab, roots: Iterable[str] = EVERYTHING, names: Sequence[str] = NAMES) -> Traces:
    """Looks at hosts of the lab, at all of them at the same time."""
    files = look_at_files(lab, roots, names).files
    with ThreadPoolExecutor() as pool:
        processes = list(pool.map(lambda name: _processes(lab, name), names))
    return Traces(files, dict(zip(names, processes, strict=True)))


def look_at_files(lab: Lab, roots: Iterable[str] = WHERE_IT_COUNTS, names: Sequence[str] = NAMES) -> Traces:
    """The quick look, without processes."""
    with ThreadPoolExecutor() as pool:
        files = list(pool.map(lambda name: _files(lab, name, roots), names))
    return Traces(dict(zip(names, files, strict=True)))


def _files(lab: Lab, host: str, roots: Iterable[str]) -> frozenset[str]:
    return frozenset(lab.exec(host, ["sh", "-c", _LIST, "list", " ".join(EXCEPTIONS), *roots]).splitlines())


def _processes(lab: Lab, host: str) -> frozenset[Process]:
    found = set()
    for line in lab.exec(host, ["sh", "-c", _PROCESSES]).splitlines():
        pid, parent, started, command = line.split(" ", 3)
        found.add(Process(int(pid), int(parent), int(started), command.strip()))
    return frozenset(found)
