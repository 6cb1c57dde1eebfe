"""Contenders for a restore of real Kubernetes: the product, the best known order by hand, and a peer's order.

Each begins with the snapshot known on the laptop. What can be done while the cluster still serves is done before.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cluster import Login
from tests.bench.contenders import warm_shells
from tests.lab.commands import LabError, each, run
from tests.lab.laptop import Laptop
from tests.real.hosts import MASTERS, WORKERS
from tests.real.scene import Scene

DATA = "/var/lib/etcd"
BUMP = 1_000_000_000
_API = "kube-apiserver|kube-controller|kube-scheduler"
"""As /proc/PID/comm has them: 15 characters."""
_SNAPSHOT, _TOOL, _NEW = "/root/snapshot.db", "/root/etcdutl", f"{DATA}/new"


@dataclass(frozen=True, slots=True)
class Bench:
    """What all contenders start from: a scene that has moved on since its backup."""

    scene: Scene

    @property
    def logins(self) -> dict[str, Login]:
        addresses = self.scene.real.machines.addresses
        return {master.name: Login("root", addresses[master.name], "", "") for master in MASTERS}

    @property
    def ssh_options(self) -> tuple[str, ...]:
        folder = self.scene.real.folder
        return (
            "-F", "none", "-i", str(folder / "id_ed25519"), "-o", "IdentitiesOnly=yes",
            "-o", f"UserKnownHostsFile={folder / 'known_hosts'}",
        )  # fmt: skip

    def restored(self, host: str, snapshot: str, folder: str, *options: str) -> list[str]:
        """The arguments of etcdutl for one member; the token is new each time, as a new cluster's should be."""
        addresses = self.scene.real.machines.addresses
        peers = ",".join(f"{master.name}=https://{addresses[master.name]}:2380" for master in MASTERS)
        return [
            *("snapshot", "restore", snapshot, "--data-dir", folder, "--name", host, "--initial-cluster", peers),
            *("--initial-advertise-peer-urls", f"https://{addresses[host]}:2380"),
            *("--initial-cluster-token", f"bench-{Path(self.scene.backup).name}", *options),
        ]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a contender tells of itself: its outage, where it measures one."""

    outage_s: float | None = None


Contender = Callable[[Bench], Claimed]


def product(bench: Bench) -> Claimed:
    """Run `orchestrator restore` as an operator types it."""
    with tempfile.TemporaryDirectory() as home:
        ended = Laptop(Path(home), None).run(*bench.scene.restore, "--json", "--quiet")
    if ended.code != 0:
        raise LabError(str(ended))
    return Claimed(float(json.loads(ended.out)["outage_s"]))


# A process that hangs after its first SIGTERM ends at the second: k8s.io/apiserver/pkg/server/signal.go.
_END_CLIENTS = f"""for i in $(seq 20); do
    pgrep -x '{_API}' >/dev/null || exit 0
    sleep 0.1
done
pkill -TERM -x '{_API}' || exit 0
for i in $(seq 300); do
    pgrep -x '{_API}' >/dev/null || exit 0
    sleep 0.1
done
exit 1"""

# A leader that ends with its followers waits for a successor, up to its election time-out; after them it does not.
_STOP_ETCD = """mv /etc/kubernetes/manifests/etcd.yaml /root/manifests/
for i in $(seq 300); do
    pgrep -x etcd >/dev/null || { systemctl stop kubelet; exit 0; }
    sleep 0.1
done
exit 1"""

_SWAP = f"""rm -rf {DATA}/old && mkdir {DATA}/old && mv {DATA}/member {DATA}/old/member
mv {_NEW}/member {DATA}/member && rmdir {_NEW}"""

_START_ETCD = "mv /root/manifests/etcd.yaml /etc/kubernetes/manifests/ && systemctl start kubelet"

# A member listens early, but answers only when it is ready to tell its hash to the next one's corruption check.
_PEER_ANSWERS = """pki=/etc/kubernetes/pki/etcd
for i in $(seq 600); do
    curl -s --http1.1 -m 2 --cacert $pki/ca.crt --cert $pki/peer.crt --key $pki/peer.key https://ADDRESS:2380/version &&
        exit 0
    sleep 0.1
done
exit 1"""

_CLIENTS_BACK = "mv /root/manifests/kube-*.yaml /etc/kubernetes/manifests/"


def by_hand(bench: Bench) -> Claimed:
    """Run every step on all masters at once, and the next when all have done it; stop etcd's leader last, and start
    etcd one by one.

    It is the best that a person with a root shell open on each master can do, who needs no time to read or type.
    """
    real = bench.scene.real
    leader = real.leader()
    _bring(bench)
    with warm_shells(bench.logins, bench.ssh_options) as shells:
        for master in MASTERS:
            words = bench.restored(master.name, _SNAPSHOT, _NEW, "--bump-revision", str(BUMP), "--mark-compacted")
            shells(f"rm -rf {_NEW} && {_TOOL} {' '.join(words)}", master.name)
        shells("mkdir -p /root/manifests && cd /etc/kubernetes/manifests && mv kube-*.yaml /root/manifests/")
        shells(_END_CLIENTS)
        followers = [master.name for master in MASTERS if master.name != leader]
        shells(_STOP_ETCD, *followers)
        shells(_STOP_ETCD, leader)
        shells(_SWAP)
        for master in MASTERS:
            shells(_START_ETCD, master.name)
            shells(_PEER_ANSWERS.replace("ADDRESS", real.machines.addresses[master.name]), master.name)
        shells(_CLIENTS_BACK)
        real.wait(lambda: all(real.ready(master.name) for master in MASTERS), "every API server")
    restart_workers(bench)
    return Claimed()


def _bring(bench: Bench) -> None:
    """Put the snapshot and etcdutl on every master."""
    machines, tool = bench.scene.real.machines, bench.scene.real.folder / "bin" / "etcdutl"

    def copy(host: str) -> None:
        run(["docker", "cp", str(bench.scene.backup), f"{machines.container(host)}:{_SNAPSHOT}"])
        run(["docker", "cp", "--follow-link", str(tool), f"{machines.container(host)}:{_TOOL}"])

    each([master.name for master in MASTERS], copy)


def restart_workers(bench: Bench) -> None:
    """Restart the workers' kubelets, as every contender does after the masters."""
    each(WORKERS, lambda host: bench.scene.real.machines.exec(host.name, ["systemctl", "restart", "kubelet"]))


_KILL = f"systemctl stop kubelet; pkill -9 -x '{_API}|etcd'; true"


def force_and_one_host_after_the_other(bench: Bench) -> Claimed:
    """Play the order of Oracle MAA's maak8-etcd-restore.sh (oracle-samples/maa, 2935c69e), with its transfers.

    Every host in turn: kubelet stopped, the control plane killed by SIGKILL. Then every host in turn: the old data
    packed and fetched, the member restored on the laptop, packed, sent, unpacked and copied, kubelet started. Each
    command is a connection of its own. Its etcdctl is etcdutl here, because etcdctl 3.6 restores no snapshot; left out
    are its copies of /etc/kubernetes, its waits of 20 s between looks at the end, and its restarts of pods.
    """
    real, addresses = bench.scene.real, bench.scene.real.machines.addresses

    def ssh(host: str, script: str) -> None:
        run(["ssh", *bench.ssh_options, f"root@{addresses[host]}", script])

    with tempfile.TemporaryDirectory() as folder:
        for master in MASTERS:
            ssh(master.name, _KILL)
        for master in MASTERS:
            _one_host(bench, ssh, master.name, Path(folder))
    real.wait(lambda: all(real.ready(master.name) for master in MASTERS), "every API server")
    restart_workers(bench)
    return Claimed()


def _one_host(bench: Bench, ssh: Callable[[str, str], None], host: str, folder: Path) -> None:
    address, tool = bench.scene.real.machines.addresses[host], bench.scene.real.folder / "bin" / "etcdutl"
    old, new, packed = f"/tmp/old-{host}.gz", folder / f"{host}.etcd", folder / f"new-{host}.gz"
    ssh(host, "systemctl stop kubelet")
    ssh(host, f"tar -czf {old} {DATA}/member 2>/dev/null && chmod +r {old}")
    run(["scp", "-q", *bench.ssh_options, f"root@{address}:{old}", str(folder)])
    ssh(host, f"rm -rf {DATA}/old && mkdir {DATA}/old && mv {DATA}/member {DATA}/old/")
    run([str(tool), *bench.restored(host, str(bench.scene.backup), str(new))])
    run(["tar", "-czf", str(packed), "-C", str(new), "."])
    run(["scp", "-q", *bench.ssh_options, str(packed), f"root@{address}:/tmp"])
    ssh(host, f"cd /tmp && tar -xzf {packed.name} && cp -R member {DATA}")
    ssh(host, "systemctl restart kubelet")
    ssh(host, f"rm -rf /tmp/member /tmp/{packed.name} {old}")
