"""LAYOUT=kubeadm: three control planes with stacked etcd and a worker, by `kubeadm init` and `kubeadm join`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import yaml

from tests.lab.commands import each, wait
from tests.lab.hosts import Host
from tests.real.build import Versions
from tests.real.hosts import ENDPOINT, HOSTS, MASTERS, PATIENCE_S, WORKERS, Machines, say

DISTRIBUTION = "kubeadm"
ETCD_PKI = "/etc/kubernetes/pki/etcd"
ETCD_CLIENT = "healthcheck-client"
ADMIN = "/etc/kubernetes/admin.conf"
_SOCKET = "unix:///run/containerd/containerd.sock"
_CONFIG = "/root/kubeadm.yaml"
_API = "kubeadm.k8s.io/v1beta4"
_ETCD_ARGUMENTS = [{"name": "heartbeat-interval", "value": "250"}, {"name": "election-timeout", "value": "2500"}]
"""More than etcd's defaults: three members share two processors here with all the rest."""
_TIMEOUTS = dict.fromkeys(
    ("controlPlaneComponentHealthCheck", "kubeletHealthCheck", "etcdAPICall", "tlsBootstrap", "discovery"), "8m0s"
)


def bring_up(machines: Machines, versions: Versions, images: Path) -> None:
    """From booted hosts to a cluster whose nodes have joined."""
    say("importing the pods' images on every host")
    each(HOSTS, lambda host: import_images(machines, host, images))
    join = _Join(machines, versions)
    first, *others = MASTERS
    say(f"kubeadm init on {first.name}")
    join.run(first, "init", "--upload-certs", "--skip-phases=addon")
    # One after the other: etcd takes one learner at a time.
    for master in others:
        say(f"kubeadm join on {master.name}")
        join.run(master, "join")
    say("kubeadm join on the workers")
    each(WORKERS, lambda host: join.run(host, "join"))
    each(others, lambda host: _use_own_api(machines, host))


def import_images(machines: Machines, host: Host, images: Path) -> None:
    ready = ["ctr", "version"]
    wait(lambda: machines.succeeds(host.name, ready), f"containerd on {host.name}", PATIENCE_S)
    load = ["ctr", "-n", "k8s.io", "images", "import", "-"]
    machines.exec(host.name, load, images.read_bytes())


def _use_own_api(machines: Machines, host: Host) -> None:
    """A master reaches the API at its own API server, as behind a balancer: no host depends on the first."""
    own = machines.addresses[host.name]
    line = f"s/^.*[[:space:]]{ENDPOINT}$/{own} {ENDPOINT}/"
    machines.shell(host.name, f"sed '{line}' /etc/hosts >/tmp/hosts && cat /tmp/hosts >/etc/hosts && rm /tmp/hosts")


def kubelet_configuration(versions: Versions) -> dict[str, Any]:
    """What kubelet needs to run in a container without CAP_SYS_RESOURCE, on a disk that others fill."""
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "featureGates": {"KubeletInUserNamespace": True},
        "localStorageCapacityIsolation": False,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
    }
    if int(versions.minor) >= 35:
        configuration["failCgroupV1"] = False
    return configuration


class _Join:
    """The documents of kubeadm, with one token and one certificate key for all hosts."""

    def __init__(self, machines: Machines, versions: Versions) -> None:
        self._machines, self._versions = machines, versions
        self._token = f"{secrets.token_hex(3)}.{secrets.token_hex(8)}"
        self._key = secrets.token_hex(32)

    def run(self, host: Host, command: str, *options: str) -> None:
        documents = self._init(host) if command == "init" else [self._join(host)]
        self._machines.write(host.name, _CONFIG, yaml.safe_dump_all(documents, sort_keys=False))
        kubeadm = ["kubeadm", command, "--config", _CONFIG, "--ignore-preflight-errors=all", *options]
        self._machines.exec(host.name, kubeadm)
        self._machines.exec(host.name, ["rm", _CONFIG])

    def _init(self, host: Host) -> list[dict[str, Any]]:
        addresses = list(self._machines.addresses.values())
        return [
            {
                "apiVersion": _API,
                "kind": "InitConfiguration",
                "bootstrapTokens": [{"token": self._token, "ttl": "24h0m0s"}],
                "certificateKey": self._key,
                "localAPIEndpoint": {"advertiseAddress": self._machines.addresses[host.name]},
                "nodeRegistration": self._registration(host),
                "timeouts": _TIMEOUTS,
            },
            {
                "apiVersion": _API,
                "kind": "ClusterConfiguration",
                "kubernetesVersion": f"v{self._versions.kubernetes}",
                "controlPlaneEndpoint": f"{ENDPOINT}:6443",
                "apiServer": {"certSANs": [ENDPOINT, *addresses]},
                "etcd": {"local": {"extraArgs": _ETCD_ARGUMENTS}},
                "networking": {"podSubnet": "10.88.0.0/16"},
            },
            kubelet_configuration(self._versions),
        ]

    def _join(self, host: Host) -> dict[str, Any]:
        discovery = {
            "apiServerEndpoint": f"{ENDPOINT}:6443",
            "token": self._token,
            "unsafeSkipCAVerification": True,
        }
        document: dict[str, Any] = {
            "apiVersion": _API,
            "kind": "JoinConfiguration",
            "discovery": {"bootstrapToken": discovery},
            "nodeRegistration": self._registration(host),
            "timeouts": _TIMEOUTS,
        }
        if host in MASTERS:
            address = self._machines.addresses[host.name]
            document["controlPlane"] = {
                "localAPIEndpoint": {"advertiseAddress": address},
                "certificateKey": self._key,
            }
        return document

    def _registration(self, host: Host) -> dict[str, Any]:
        return {"name": host.name, "criSocket": _SOCKET, "imagePullPolicy": "Never"}
