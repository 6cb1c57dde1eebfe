"""The lab's hosts with etcd as a systemd unit.

The second master has a configuration file and a separate mount for the log; the others have etcd as in Debian's
package. The API servers are stand-ins: units on the masters or on separate hosts, each with a scheduler's unit.
"""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from tests.lab.commands import LabError, each, run, wait
from tests.lab.hosts import HOSTS, MASTERS, WORKERS, Host, standin_conf
from tests.lab.lab import SEED, Lab
from tests.snapshots import ETCDCTL, Tools, make_snapshot

HERE = Path(__file__).parent
DATA = "/mnt/master-pd/etcd"
MEMBER = f"{DATA}/default/member"
WAL = f"{DATA}/wal"  # only on BY_FILE
_DISK = f"{SEED}/wal-disk"  # not on the data's volume
UNITS = ("kube-scheduler", "kube-apiserver", "etcd")
BY_FILE = MASTERS[1]
OURS = Tools()
_USER = "id etcd >/dev/null 2>&1 || useradd --system --home-dir /var/lib/etcd --shell /usr/sbin/nologin etcd"
_STOP = f"""set -eu
systemctl stop {" ".join(UNITS)} 2>/dev/null || true
! mountpoint -q {WAL} || umount {WAL}
sed -i '\\|{WAL}|d' /etc/fstab
rm -rf /var/lib/orchestrator {DATA} {_DISK} /etc/default/etcd /etc/etcd/etcd.conf.yml
rm -rf /etc/systemd/system/*.d /etc/systemd/system/etcd.service /etc/systemd/system/kube-*.service
systemctl daemon-reload
systemctl reset-failed
mkdir -p -m 0700 {DATA} /etc/etcd
chmod 0755 /etc/etcd
"""
_END = """set -eu
systemctl disable --quiet --now kublr kublr-kubelet 2>/dev/null || true
docker ps -aq | xargs -r docker rm -f >/dev/null
systemctl disable --quiet --now docker docker.socket 2>/dev/null || true
"""
_PKI = """set -eu
[ -d /etc/etcd/pki ] || { mkdir -p /etc/etcd && cp -a /etc/kubernetes/pki/etcd /etc/etcd/pki; }
chown -R etcd: /etc/etcd/pki
"""


@dataclass(frozen=True, slots=True)
class Systemd:
    """A lab, turned into such a cluster, and the inventory for it."""

    lab: Lab
    inventory: Path

    def url(self, host: Host, port: int = 2380) -> str:
        return f"https://{self.lab.addresses[host.name]}:{port}"

    @property
    def initial_cluster(self) -> str:
        return ",".join(f"{master.name}={self.url(master)}" for master in MASTERS)

    def furnish(self) -> None:
        """Add what the lab's hosts lack: the user, the certificates, and the API server's Python."""
        made = run(["docker", "create", "kube-apiserver:standin"]).strip()
        tree = _below(
            "opt/apiserver", subprocess.run(["docker", "export", made], check=True, capture_output=True).stdout
        )
        run(["docker", "rm", made])
        pki = self._archive(MASTERS[0], "/etc/kubernetes/pki")
        for host in HOSTS:
            run(["docker", "cp", "-", f"{self.lab.container(host.name)}:/"], tree)
            if host in WORKERS:
                run(["docker", "cp", "-", f"{self.lab.container(host.name)}:/etc/kubernetes"], pki)
            self.lab.exec(host.name, ["sh", "-c", f"{_END}{_USER}\n{_PKI}"])

    def _archive(self, host: Host, path: str) -> bytes:
        argv = ["docker", "cp", f"{self.lab.container(host.name)}:{path}", "-"]
        return subprocess.run(argv, check=True, capture_output=True).stdout

    def reset(self, snapshot: Path, tools: Tools = OURS, *, apart: bool = False) -> None:
        """Reset every host, give it that etcd and the data of the snapshot, and start it. With ``apart``, the API
        servers are on separate hosts."""
        each(HOSTS, lambda host: self.lab.exec(host.name, ["sh", "-c", _STOP]))
        conf = standin_conf(self.lab.addresses).encode()
        each(HOSTS, lambda host: self.lab.exec(host.name, ["sh", "-c", "cat >/etc/kublr/standin.conf"], conf))
        each(MASTERS, lambda host: self._install(host, tools))
        each(MASTERS, lambda host: self._restore(host, snapshot, tools))
        each(MASTERS, self._configure)
        self._declare(apart)
        each(MASTERS, lambda host: self._start(host, "etcd"))
        each(self.api_hosts(apart), self._serve)
        wait(lambda: self.is_healthy(apart), "a healthy cluster")

    def api_hosts(self, apart: bool) -> tuple[Host, ...]:
        return WORKERS if apart else MASTERS

    def is_healthy(self, apart: bool) -> bool:
        """Whether every member answers with a leader, and every API server is ready."""
        try:
            for master in MASTERS:
                self.lab.etcdctl("endpoint", "health", host=master.name)
            return all(self.is_ready(host) for host in self.api_hosts(apart))
        except LabError:
            return False

    def is_ready(self, host: Host) -> bool:
        ask = ["curl", "-sk", "--max-time", "5", f"{self.url(host, 6443)}/readyz"]
        return subprocess.run(ask, capture_output=True, check=False).stdout == b"ok"

    def active(self, host: Host, *units: str) -> list[str]:
        """Return the state of each of these units."""
        return self.lab.exec(host.name, ["sh", "-c", f"systemctl is-active {' '.join(units)} || true"]).split()

    def _put(self, host: Host, path: str, text: str) -> None:
        values = {
            "HOST": host.name,
            "ADDRESS": self.lab.addresses[host.name],
            "INITIAL_CLUSTER": self.initial_cluster,
            "ENDPOINT": self.url(host if host in MASTERS else MASTERS[0], 2379),
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        self.lab.exec(host.name, ["sh", "-c", f"mkdir -p {path.rpartition('/')[0]} && cat >{path}"], text.encode())

    def _install(self, host: Host, tools: Tools) -> None:
        self.lab.exec(host.name, ["sh", "-c", "rm -f /usr/bin/etcd /usr/bin/etcdctl /usr/bin/etcdutl"])
        for path in {tools.etcd, tools.status}:
            run(["docker", "cp", str(path), f"{self.lab.container(host.name)}:/usr/bin/{path.name}"])

    def _restore(self, host: Host, snapshot: Path, tools: Tools) -> None:
        run(["docker", "cp", str(snapshot), f"{self.lab.container(host.name)}:{SEED}/snapshot.db"])
        wal = f" --wal-dir={_DISK}" if host is BY_FILE else ""
        restore = (
            f"{tools.status.name} snapshot restore {SEED}/snapshot.db --data-dir={DATA}/default{wal} --name={host.name}"
            f" --initial-cluster={self.initial_cluster} --initial-cluster-token=systemd-lab"
            f" --initial-advertise-peer-urls={self.url(host)} && chown -R etcd: {DATA} && rm {SEED}/snapshot.db"
        )
        self.lab.exec(host.name, ["sh", "-c", f"export ETCDCTL_API=3; {restore}"])
        if host is BY_FILE:
            entry = f"echo '{_DISK} {WAL} none bind 0 0' >>/etc/fstab && mount {WAL} && mkdir {WAL}/lost+found"
            self.lab.exec(host.name, ["sh", "-c", f"chown -R etcd: {_DISK} && mkdir -m 0700 {WAL} && {entry}"])

    def _configure(self, host: Host) -> None:
        units = "/etc/systemd/system"
        self._put(host, f"{units}/etcd.service", (HERE / "etcd.service").read_text())
        if host is BY_FILE:
            self._put(host, "/etc/etcd/etcd.conf.yml", (HERE / "etcd.conf.yml").read_text())
            self._put(host, f"{units}/etcd.service.d/10-config.conf", (HERE / "config.conf").read_text())
        else:
            self._put(host, "/etc/default/etcd", (HERE / "etcd.default").read_text())

    def _serve(self, host: Host) -> None:
        for unit in ("kube-apiserver", "kube-scheduler"):
            self._put(host, f"/etc/systemd/system/{unit}.service", (HERE / f"{unit}.service").read_text())
            self._start(host, unit)

    def _start(self, host: Host, unit: str) -> None:
        enable = f"systemctl daemon-reload && systemctl enable --quiet {unit} && systemctl start --no-block {unit}"
        self.lab.exec(host.name, ["sh", "-c", enable])

    def _declare(self, apart: bool) -> None:
        document: dict[str, Any] = yaml.safe_load(self.lab.inventory.read_text()) | {"distribution": "systemd"}
        document["defaults"] |= {
            "key": str(self.lab.folder / "id_ed25519"),
            "known_hosts": [str(self.lab.folder / "known_hosts")],
        }
        document["policies"] = {"volumes": "none", "workers": {"restart": "none"}}
        others = document.pop("workers")
        if apart:
            document["api_servers"] = others
        self.inventory.write_text(yaml.safe_dump(document, sort_keys=False))

    def back_up(self, path: Path) -> Path:
        """Take a backup with etcd's own program, from this machine."""
        environment = {
            "ETCDCTL_ENDPOINTS": self.url(MASTERS[0], 2379),
            "ETCDCTL_CACERT": str(self.lab.folder / "ca.crt"),
            "ETCDCTL_CERT": str(self.lab.folder / "client.crt"),
            "ETCDCTL_KEY": str(self.lab.folder / "client.key"),
        }
        run([str(ETCDCTL), "snapshot", "save", str(path)], environment=environment)
        return path


def _below(folder: str, archive: bytes) -> bytes:
    """Make the same tar, to unpack in that folder of the root."""
    moved = BytesIO()
    with tarfile.open(fileobj=BytesIO(archive)) as old, tarfile.open(fileobj=moved, mode="w") as new:
        for entry in old:
            entry.name = f"{folder}/{entry.name}"
            if entry.islnk():
                entry.linkname = f"{folder}/{entry.linkname}"
            new.addfile(entry, old.extractfile(entry) if entry.isreg() else None)
    return moved.getvalue()


def snapshot_of(lab: Lab) -> Path:
    """Return the snapshot that the cluster begins with."""
    return make_snapshot(lab.folder / "snapshots", keys=2000, value_bytes=1024)
