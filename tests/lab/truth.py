"""What a test sees of the cluster and its hosts. Nothing here asks the product."""

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
"""Snapshots, parts, and what lies beside the data; but not what the agent's stand-in has moved aside itself, nor
somebody else's restore.db, which an attempt has renamed."""
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
    """A snapshot of the lab, and what the cluster that it was taken from said of itself at that revision."""

    path: Path
    revision: int
    hash: int


def back_up(lab: Lab, path: Path) -> Backup:
    """A backup by the agent's own command, read by etcd's own tool."""
    lab.backup(MASTERS[0].name, path)
    revision = int(status(path)["revision"])
    return Backup(path, revision, lab.hashkv(MASTERS[0].name, revision).hash)


def digest(value: bytes) -> str:
    return sha256(value).hexdigest()


def holds(lab: Lab, prefix: str) -> dict[str, str]:
    """The sha256 of every value below the prefix, by key."""
    return {key: digest(value) for key, value in lab.walk(prefix)}


def hashes(lab: Lab, revision: int = 0) -> set[HashKV]:
    """What the members answer for HashKV at one revision, the newest of the first where none is named."""
    revision = revision or lab.hashkv(MASTERS[0].name).revision
    answers = [lab.hashkv(master.name, revision) for master in MASTERS]
    return {HashKV(revision, answer.compact_revision, answer.hash, answer.cluster_id) for answer in answers}


def boots(lab: Lab) -> dict[str, str]:
    """The boot identity of each host: when its first process started, in ticks of this machine."""
    return {host.name: lab.exec(host.name, ["cut", "-d ", "-f22", "/proc/1/stat"]).strip() for host in HOSTS}


def kubelets(lab: Lab) -> dict[str, str]:
    """When each host's kubelet last started."""
    show = ["systemctl", "show", "--property=ActiveEnterTimestampMonotonic", "kublr-kubelet"]
    return {host.name: lab.exec(host.name, show).strip() for host in HOSTS}


def hosts_files(lab: Lab) -> dict[str, str]:
    return {host.name: lab.exec(host.name, ["cat", "/etc/hosts"]) for host in HOSTS}


def pod_hosts(lab: Lab, host: str) -> str:
    """The hosts file that the etcd container on a master sees."""
    return lab.exec(host, ["sh", "-c", "docker exec $(docker ps -qf name=k8s_etcd_) cat /etc/hosts"])


def leftovers(lab: Lab, without: Iterable[str] = ()) -> list[str]:
    """`host: what` for everything that a finished run may not leave behind."""
    return [
        f"{host.name}: {line}"
        for host in HOSTS
        if host.name not in without
        for line in lab.exec(host.name, ["sh"], f"{_LEFTOVERS}true".encode()).splitlines()
    ]


def remains(lab: Lab) -> list[str]:
    """`master: path` for everything that takes room, or could be started, beside the data and the safety snapshot."""
    found = {
        master.name: lab.exec(master.name, ["sh", "-c", f"{{{_REMAINS}}} 2>/dev/null; true"]) for master in MASTERS
    }
    return [f"{name}: {path}" for name, text in found.items() for path in text.splitlines()]


def ends(lab: Lab, host: str, run: str, step: str) -> dict[str, str]:
    """How each attempt at a step ended on that host: its exit status, or nothing while it has none."""
    show = f'cd {STATE}/{run}/steps/{step} && for it in *; do [ ! -e $it/started ] || echo "$it $(cat $it/exit)"; done'
    lines = lab.exec(host, ["sh", "-c", f"{show} 2>/dev/null; true"]).splitlines()
    return dict(line.partition(" ")[::2] for line in lines)


def runs(lab: Lab, host: str = MASTERS[0].name) -> list[str]:
    """The runs that a master knows, oldest first."""
    return sorted(line.split("/")[1] for line in lab.exec(host, ["sh", "-c", _RUNS]).splitlines())


def old_data(lab: Lab, host: str, run: str) -> set[str]:
    """What lies in the kept copy of a master's old data; nothing where there is none."""
    found = lab.exec(host, ["sh", "-c", f"find {DATA}.kr-{run} {DATA}/.kr-{run} -name db 2>/dev/null || true"])
    return set(found.split())


def fall_silent(lab: Lab) -> None:
    """Makes the holder's last heartbeat two minutes old on every master that is up, instead of waiting so long."""
    up = [master for master in MASTERS if lab.succeeds(master.name, ["true"])]
    touch = f"touch -d @$(($(date +%s) - 120)) {STATE}/alive"
    each(up, lambda master: lab.exec(master.name, ["sh", "-c", f"[ ! -e {STATE}/alive ] || {touch}"]))


def active(lab: Lab, host: str, units: Iterable[str] = SERVICES) -> list[str]:
    """The state of a host's services, in the order of the units."""
    return lab.exec(host, ["sh", "-c", f"systemctl is-active {' '.join(units)} || true"]).split()


def secrets_seen(lab: Lab, homes: Iterable[Path], *more: str) -> list[str]:
    """Where a secret lies that nobody may find: the password for sudo, a private key, or one of ``more``, in what the
    product writes on laptops and hosts, in the hosts' logs, or in a process list with its environments. Copies of the
    data may have them."""
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
