"""The lab's hosts as after kubeadm: static pods of a kubelet unit, members with addresses in their peer URLs.

On the first master the data directory is a mount point. Its manifest lists only its own member; each later manifest
lists the members that existed when its master joined. The last master's pods run on containerd, the others' on
Docker. kubelet, API server, controller-manager and scheduler are stand-ins.
"""

from __future__ import annotations

import http.client
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.lab.commands import LabError, each, run, wait
from tests.lab.hosts import HOSTS, MASTERS, Host, standin_conf
from tests.lab.lab import SEED, Lab
from tests.snapshots import make_snapshot

HERE = Path(__file__).parent
MANIFESTS = "/etc/kubernetes/manifests"
IMAGE = "etcd-distroless:3.5.1"
SEEDER = "seeder:latest"  # the same image; only containerd has it, under this name
PODS = ("etcd.yaml", "kube-apiserver.yaml", "kube-controller-manager.yaml", "kube-scheduler.yaml")
SHIM = "/opt/docker-by-ctr"
ON_CONTAINERD = MASTERS[-1]
_SHIM = f"""set -eu
mkdir -p {SHIM}
cat >{SHIM}/docker
chmod 755 {SHIM}/docker
sed -i '1i root = "/var/lib/docker/containerd-of-k8s"' /etc/containerd/config.toml
systemctl restart containerd docker
sed -i '/^ExecStart=/i Environment=PATH={SHIM}:/usr/sbin:/usr/bin:/sbin:/bin' /etc/systemd/system/kubelet.service
for image in $(docker image ls --format '{{{{.Repository}}}}:{{{{.Tag}}}}'); do
    docker save "$image" | ctr -n k8s.io images import --no-unpack=false - >/dev/null
    ctr -n k8s.io images tag --force "docker.io/library/$image" "$image" >/dev/null
done
docker image tag {IMAGE} {SEEDER}
docker image rm {IMAGE} >/dev/null
"""
_STOP = f"""set -eu
systemctl disable --quiet --now kublr kublr-kubelet 2>/dev/null || true
systemctl stop kubelet 2>/dev/null || true
rm -rf /var/lib/orchestrator /etc/systemd/system/*.d /etc/kubernetes/manifests.kr-* {MANIFESTS}/*
systemctl daemon-reload
systemctl reset-failed
systemctl start docker
docker ps -aq | xargs -r docker rm -f >/dev/null
if [ -e {SHIM}/docker ]; then
    for name in $(ctr -n k8s.io containers ls -q); do
        ctr -n k8s.io tasks delete -f "$name" >/dev/null 2>&1 || true
        ctr -n k8s.io containers delete "$name"
    done
    rm -rf /run/docker-by-ctr
fi
[ ! -d {SEED}/etc ] || cat {SEED}/etc/hosts >/etc/hosts
"""
_RESEED = """set -eu
find "$1" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
rm -rf "$1".kr-*
mkdir -p -m 0700 "$1"
mv "$2" "$1/member"
"""


@dataclass(frozen=True, slots=True)
class Kubeadm:
    """A lab, turned into such a cluster, and the inventory for it."""

    lab: Lab
    inventory: Path

    def data(self, host: Host) -> str:
        return "/mnt/master-pd" if host is MASTERS[0] else "/mnt/master-pd/etcd"

    def url(self, host: Host) -> str:
        return f"https://{self.lab.addresses[host.name]}:2380"

    def furnish(self) -> None:
        """Add what the lab's hosts lack: the image, and a separate unit for kubelet."""
        unit = (HERE / "kubelet.service").read_bytes()
        for host in HOSTS:
            self.lab.exec(host.name, ["sh", "-c", "cat >/etc/systemd/system/kubelet.service"], unit)
        for host in MASTERS:
            with subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE) as image:
                load = ["docker", "exec", "-i", self.lab.container(host.name), "docker", "load", "-q"]
                subprocess.run(load, stdin=image.stdout, check=True, capture_output=True)
        self.lab.exec(ON_CONTAINERD.name, ["sh", "-c", _SHIM], (HERE / "docker-by-ctr").read_bytes())
        document = yaml.safe_load(self.lab.inventory.read_text()) | {"distribution": "kubeadm"}
        document["defaults"] |= {
            "key": str(self.lab.folder / "id_ed25519"),
            "known_hosts": [str(self.lab.folder / "known_hosts")],
        }
        document["policies"] = {"volumes": "none", "workers": {"restart": "services", "batch": 2}}
        self.inventory.write_text(yaml.safe_dump(document, sort_keys=False))

    def reset(self, snapshot: Path) -> None:
        """Reset every host, give it the data of the snapshot, and start it."""
        each(HOSTS, lambda host: self.lab.exec(host.name, ["sh", "-c", _STOP]))
        conf = standin_conf(self.lab.addresses).encode()
        each(HOSTS, lambda host: self.lab.exec(host.name, ["sh", "-c", "cat >/etc/kublr/standin.conf"], conf))
        each(MASTERS, lambda host: self._restore(host, snapshot))
        each(MASTERS, self._write_manifests)
        each(HOSTS, lambda host: self.lab.exec(host.name, ["systemctl", "enable", "--quiet", "--now", "kubelet"]))
        self.wait_healthy()

    def wait_healthy(self) -> None:
        wait(self.is_healthy, "a healthy cluster")

    def is_healthy(self) -> bool:
        try:
            return self.lab.is_healthy()
        except (LabError, OSError, http.client.HTTPException):
            return False

    def pods(self, host: Host) -> set[str]:
        """Return the names of the running containers."""
        if host is ON_CONTAINERD:
            told = self.lab.exec(host.name, [f"{SHIM}/docker", "ps"]).splitlines()
            return {line.split("_")[1] for line in told if line.endswith(" running")}
        names = self.lab.exec(host.name, ["docker", "ps", "--format", "{{.Names}}"]).split()
        return {name.split("_")[1] for name in names}

    def manifests(self, host: Host) -> set[str]:
        return set(self.lab.exec(host.name, ["ls", MANIFESTS]).split())

    def _restore(self, host: Host, snapshot: Path) -> None:
        run(["docker", "cp", str(snapshot), f"{self.lab.container(host.name)}:{SEED}/snapshot.db"])
        cluster = ",".join(f"{master.name}={self.url(master)}" for master in MASTERS)
        self.lab.exec(host.name, ["rm", "-rf", f"{SEED}/restored"])
        image = SEEDER if host is ON_CONTAINERD else IMAGE
        self.lab.exec(host.name, [
            "docker", "run", "--rm", "--network=none", f"--volume={SEED}:/seed", image, "etcdutl", "snapshot",
            "restore", "/seed/snapshot.db", "--data-dir=/seed/restored", f"--name={host.name}",
            f"--initial-cluster={cluster}", f"--initial-advertise-peer-urls={self.url(host)}",
        ])  # fmt: skip
        reseed = ["sh", "-c", _RESEED, "reseed", self.data(host), f"{SEED}/restored/member"]
        self.lab.exec(host.name, reseed)

    def _write_manifests(self, host: Host) -> None:
        before = MASTERS[: MASTERS.index(host) + 1]
        values = {
            "HOST": host.name,
            "ADDRESS": self.lab.addresses[host.name],
            "INITIAL_CLUSTER": ",".join(f"{master.name}={self.url(master)}" for master in before),
            "STATE": "existing" if len(before) > 1 else "new",
            "DATA": self.data(host),
        }
        node = HERE.parent / "node"
        texts = {
            "etcd.yaml": (HERE / "etcd.yaml").read_text(),
            "kube-apiserver.yaml": (node / "kube-apiserver.manifest").read_text(),
        }
        controller = (HERE / "controller.yaml").read_text()
        for file, port in zip(PODS[2:], ("10257", "10259"), strict=True):
            texts[file] = controller.replace("@NAME@", file.removesuffix(".yaml")).replace("@PORT@", port)
        for file, text in texts.items():
            for name, value in values.items():
                text = text.replace(f"@{name}@", value)
            part = f"/etc/kubernetes/.{file}"
            self.lab.exec(host.name, ["sh", "-c", f"cat >{part} && mv {part} {MANIFESTS}/{file}"], text.encode())


def snapshot_of(lab: Lab) -> Path:
    """Return the snapshot that the cluster begins with."""
    return make_snapshot(lab.folder / "snapshots", keys=2000, value_bytes=1024)
