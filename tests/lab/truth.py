"""The state of the cluster and its hosts, as a test reads it. Nothing here asks the product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.lab.commands import each
from tests.lab.hosts import DATA, HOSTS, MASTERS
from tests.lab.lab import HashKV, Lab
from tests.snapshots import status

STATE = "/var/lib/orchestrator"
_RUNS = f"cd {STATE} && find . -name plan.json"
SERVICES = ("kublr", "kublr-kubelet", "docker")
_REMAINS = f"""
find {STATE} -mindepth 1 '(' -name '*.db' -o -name '*.db.part*' ')' ! -name safety.db
find /mnt/master-pd -mindepth 1 -maxdepth 2 ! -path {DATA} ! -path {DATA}/member |
    grep -v -e '/member[.]old-[0-9]*$' -e '/restore[.]db[.]kr-.*-.*-'
"""
"""Find snapshots, parts, and files next to the data. Ignore what the agent's stand-in has moved aside, and a foreign
restore.db that an attempt has renamed."""
_LEFTOVERS = f"""
find /etc/systemd/system -name '*orchestrator*'
for name in hold claim alive; do [ ! -e {STATE}/$name ] || echo {STATE}/$name; done
for name in restore.db command; do [ ! -e {DATA}/$name ] || echo {DATA}/$name; done
for file in /proc/[0-9]*/cmdline; do tr '\\0\\n' '  ' <"$file" | grep '{STATE[:-1]}[{STATE[-1]}]/'; done 2>/dev/null
find {STATE} /run -maxdepth 2 '(' -name 'relay*' -o -name 'orchestrator-*' ')' 2>/dev/null
grep -l orchestrator /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
find /root/.ssh /home -name '*.kr-*'
systemctl list-units --no-legend --plain 'orchestrator*' 'kr-*' 'run-*.service'
"""


@dataclass(frozen=True, slots=True)
class Backup:
    """A snapshot of the lab, and the HashKV of its cluster at that revision."""

    path: Path
    revision: int
    hash: int


def back_up(lab: Lab, path: Path) -> Backup:
    """Take a backup with the agent's own command, and read it with etcd's own tool."""
    lab.backup(MASTERS[0].name, path)
    revision = int(status(path)["revision"])
    return Backup(path, revision, lab.hashkv(MASTERS[0].name, revision).hash)


def digest(value: bytes) -> str:
    return sha256(value).hexdigest()


def holds(lab: Lab, prefix: str) -> dict[str, str]:
    """Return the sha256 of every value below the prefix, by key."""
    return {key: digest(value) for key, value in lab.walk(prefix)}


def hashes(lab: Lab, revision: int = 0) -> set[HashKV]:
    """Return the members' HashKV at one revision; 0 means the first member's newest revision."""
    revision = revision or lab.hashkv(MASTERS[0].name).revision
    answers = [lab.hashkv(master.name, revision) for master in MASTERS]
    return {HashKV(revision, answer.compact_revision, answer.hash, answer.cluster_id) for answer in answers}


def boots(lab: Lab) -> dict[str, str]:
    """Return the boot identity of each host: when its first process started, in ticks of this machine."""
    return {host.name: lab.exec(host.name, ["cut", "-d ", "-f22", "/proc/1/stat"]).strip() for host in HOSTS}


def kubelets(lab: Lab) -> dict[str, str]:
    """Return when each host's kubelet last started."""
    show = ["systemctl", "show", "--property=ActiveEnterTimestampMonotonic", "kublr-kubelet"]
    return {host.name: lab.exec(host.name, show).strip() for host in HOSTS}


def hosts_files(lab: Lab) -> dict[str, str]:
    return {host.name: lab.exec(host.name, ["cat", "/etc/hosts"]) for host in HOSTS}


def pod_hosts(lab: Lab, host: str) -> str:
    """Return the hosts file inside the etcd container of a master."""
    return lab.exec(host, ["sh", "-c", "docker exec $(docker ps -qf name=k8s_etcd_) cat /etc/hosts"])


def leftovers(lab: Lab, without: Iterable[str] = ()) -> list[str]:
    """Return `host: what` for everything that a finished run must not leave."""
    return [
        f"{host.name}: {line}"
        for host in HOSTS
        if host.name not in without
        for line in lab.exec(host.name, ["sh"], f"{_LEFTOVERS}true".encode()).splitlines()
    ]


def remains(lab: Lab) -> list[str]:
    """Return `master: path` for all that uses space or could start, except the data and the safety snapshot."""
    found = {
        master.name: lab.exec(master.name, ["sh", "-c", f"{{{_REMAINS}}} 2>/dev/null; true"]) for master in MASTERS
    }
    return [f"{name}: {path}" for name, text in found.items() for path in text.splitlines()]


def ends(lab: Lab, host: str, run: str, step: str) -> dict[str, str]:
    """Return the exit status of each attempt at a step on that host; empty while the attempt runs."""
    show = f'cd {STATE}/{run}/steps/{step} && for it in *; do [ ! -e $it/started ] || echo "$it $(cat $it/exit)"; done'
    lines = lab.exec(host, ["sh", "-c", f"{show} 2>/dev/null; true"]).splitlines()
    return dict(line.partition(" ")[::2] for line in lines)


def runs(lab: Lab, host: str = MASTERS[0].name) -> list[str]:
    """Return the runs with files on a master, oldest first."""
    return sorted(line.split("/")[1] for line in lab.exec(host, ["sh", "-c", _RUNS]).splitlines())


def old_data(lab: Lab, host: str, run: str) -> set[str]:
    """Return the databases in the kept copy of a master's old data; empty if there is no copy."""
    found = lab.exec(host, ["sh", "-c", f"find {DATA}.kr-{run} {DATA}/.kr-{run} -name db 2>/dev/null || true"])
    return set(found.split())


def fall_silent(lab: Lab) -> None:
    """Make the holder's last heartbeat two minutes old on every master that is up, instead of a wait of two minutes."""
    up = [master for master in MASTERS if lab.succeeds(master.name, ["true"])]
    touch = f"touch -d @$(($(date +%s) - 120)) {STATE}/alive"
    each(up, lambda master: lab.exec(master.name, ["sh", "-c", f"[ ! -e {STATE}/alive ] || {touch}"]))


def active(lab: Lab, host: str, units: Iterable[str] = SERVICES) -> list[str]:
    """Return the state of a host's services, in the order of the units."""
    return lab.exec(host, ["sh", "-c", f"systemctl is-active {' '.join(units)} || true"]).split()


def secrets_seen(lab: Lab, homes: Iterable[Path], *more: str) -> list[str]:
    """Find the places that show a secret: the password for sudo, a private key, or one of ``more``.

    The search covers what the product writes on laptops and hosts, the hosts' logs, and a process list with its
    environments. Copies of the data may contain secrets.
    """
    secrets = [(lab.folder / "sudo-password").read_text().strip(), "PRIVATE KEY", *more]
    found = [
        f"{path} has {secret!r}"
        for home in homes
        for path in home.rglob("*")
        if path.is_file()
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]
    texts = f"find {STATE} -type f ! -name '*.db' -exec cat {{}} +; journalctl --no-pager -q"
    texts += "; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    for host in HOSTS:
        seen = lab.exec(host.name, ["sh", "-c", f"{{ {texts}; }} 2>/dev/null | tr '\\0' ' '; true"])
        found += [f"{host.name} shows {secret!r}" for secret in secrets if secret in seen]
    return found
