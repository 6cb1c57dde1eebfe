"""Files and processes that a command has left on a host: a comparison of before and after.

Equal means: every path has the same type, mode, owner, size and sha256. The paths that change without a command are
listed here, and a test prints them.
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
    "/run",  # also has sudo's timestamps
    "/dev",
    "/var/log",
    "/var/lib/sudo/lectured",  # sudo's own note that it has warned this user once
    "/home/*/.sudo_as_admin_successful",  # and that this one has used it once
    "/var/lib/docker/containers/*/*.log",
    f"{DATA}/member",  # etcd's own files; its members and its revision are compared instead
    SEED,  # the lab's own files
)
EVERYTHING = ("/", "/mnt/master-pd", "/var/lib/docker")
"""All persistent filesystems of a host."""
WHERE_IT_COUNTS = ("/etc", "/mnt/master-pd", "/root", "/home", "/opt", "/tmp", "/var/lib/orchestrator")
"""Folders in which a command could leave something important, for a quick look."""

NAMES = tuple(host.name for host in HOSTS)

# find and stat use only formats that busybox also supports.
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
    """A process, by pid and start time (in ticks), so that a reused pid counts as another process."""

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
        """Return `host: path` for each path that appeared, disappeared or changed."""
        return sorted(
            {
                f"{host}: {line.rpartition('|')[2].rpartition('  ')[2]}"
                for host in later.files
                for line in self.files[host] ^ later.files[host]
            }
        )

    def new_processes(self, later: Traces) -> list[str]:
        """Return `host: command` for each new process that no older service started."""
        return [
            f"{host}: {process.command}"
            for host in later.processes
            for process in strangers(self.processes[host], later.processes[host])
        ]


def strangers(before: Iterable[Process], after: Iterable[Process]) -> list[Process]:
    """Return new processes whose nearest older ancestor is the first process or sshd; older services own the others."""
    older = {(process.pid, process.started) for process in before}
    now = {process.pid: process for process in after}

    def is_strange(process: Process) -> bool:
        parent = now.get(process.parent)
        if parent is None:  # the lab started it with `docker exec`
            return False
        if (parent.pid, parent.started) in older:
            return parent.pid == 1 or parent.command.startswith("sshd")
        return is_strange(parent)

    return [process for process in now.values() if (process.pid, process.started) not in older and is_strange(process)]


def look(lab: Lab, roots: Iterable[str] = EVERYTHING, names: Sequence[str] = NAMES) -> Traces:
    """Look at hosts of the lab, at all of them at the same time."""
    files = look_at_files(lab, roots, names).files
    with ThreadPoolExecutor() as pool:
        processes = list(pool.map(lambda name: _processes(lab, name), names))
    return Traces(files, dict(zip(names, processes, strict=True)))


def look_at_files(lab: Lab, roots: Iterable[str] = WHERE_IT_COUNTS, names: Sequence[str] = NAMES) -> Traces:
    """Take the quick look, without processes."""
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
