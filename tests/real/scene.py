"""A cluster with objects that are known, and what becomes of them: made, changed, and compared with a backup."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.lab.commands import LabError, each
from tests.lab.laptop import Laptop
from tests.real.cluster import Real
from tests.real.contents import Contents, changes, contents
from tests.real.hosts import HOSTS, MASTERS
from tests.real.onlookers import older_than_etcd

NAMESPACE = "round"
PREFIX = f"/registry/configmaps/{NAMESPACE}/"
ALIVE = "/var/lib/orchestrator/alive"
SETTLES_S = 60.0
"""Pods end and start within seconds of the controllers' first look."""
_PAUSE = "registry.k8s.io/pause:3.10"


def configmap(number: int, text: str) -> dict[str, Any]:
    metadata = {"name": f"known-{number}", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "pause", "image": _PAUSE, "imagePullPolicy": "Never"}
    pod = {"containers": [container], "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


@dataclass(slots=True)
class Scene:
    """``known`` are the ConfigMaps' texts when the backup was taken, ``keys`` their keys and values in etcd;
    ``later`` are the texts after the changes. ``objects`` are all of the cluster's when the backup was taken."""

    real: Real
    backup: Path = Path()
    known: dict[str, str] = field(default_factory=dict)
    later: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    objects: Contents = field(default_factory=dict)

    def prepare(self, laptop: Laptop, folder: Path) -> None:
        """A cluster that has moved on since its backup. What an earlier test left of that is used."""
        if not self.known:
            self.begin()
            self.back_up(laptop, folder)
        if self.texts() != self.later:
            self.move_on()

    def begin(self) -> None:
        """Forty ConfigMaps and a Deployment of two pods that run."""
        self.real.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=true")
        self.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
        self.apply([configmap(number, "as in the backup") for number in range(40)])
        self.apply([deployment("kept", 2)])
        self.wait_pods("kept", 2)
        # A node's kubelet makes its lease some seconds after it has joined.
        leases = {f"kube-node-lease/{host.name}" for host in HOSTS}
        self.real.wait(lambda: leases <= set(self.real.objects("leases")), "node leases")

    def back_up(self, laptop: Laptop, folder: Path) -> None:
        """A backup by the product, and what the cluster shows at that time."""
        self.known, self.keys, self.objects = self.texts(), self.real.keys(PREFIX), contents(self.real)
        ended = laptop.run("backup", "-i", self.real.inventory, "--to", folder, "--json")
        assert ended.code == 0, ended
        (self.backup,) = folder.glob("*.db")

    def move_on(self) -> None:
        """Deletes ten ConfigMaps, changes ten, makes three; ends the Deployment and makes another."""
        names = [f"known-{number}" for number in range(10)]
        self.real.kubectl("delete", "configmap", "--namespace", NAMESPACE, *names)
        self.apply([configmap(number, "changed after the backup") for number in range(10, 20)])
        self.apply([configmap(number, "made after the backup") for number in range(100, 103)])
        self.real.kubectl("delete", "deployment", "--namespace", NAMESPACE, "kept")
        self.apply([deployment("later", 2)])
        self.wait_pods("later", 2)
        self.later = self.texts()

    def fall_silent(self) -> None:
        """Makes the holder's last heartbeat two minutes old on every master, instead of waiting that long."""
        touch = f"touch -d @$(($(date +%s) - 120)) {ALIVE}"
        each(MASTERS, lambda host: self.real.machines.shell(host.name, f"[ ! -e {ALIVE} ] || {touch}"))

    def dies_at(self, phase: str, laptop: Laptop, *arguments: str | Path) -> None:
        """Starts a command and kills it in a phase, as if the laptop's battery died."""
        with laptop.start(*arguments) as process:
            process.until(f" {phase}: ")
            process.kill()
        self.fall_silent()

    @property
    def restore(self) -> tuple[str | Path, ...]:
        arguments = ("--snapshot", self.backup, "--override", "quorum-healthy")
        return ("restore", "-i", self.real.inventory, *arguments, "--confirm", self.real.machines.name)

    def ends_restored(self) -> None:
        """Every API server and every member has what the backup has; the pods are those of the backup."""
        for master in MASTERS:
            self._shows_what_the_backup_has(master.name)
        self.wait_pods("kept", 2)
        self.real.wait(lambda: not self._pods("later"), "end of the pods made after the backup")
        self.real.wait_healthy()
        assert older_than_etcd(self.real) == []

    def differs(self, host: str) -> list[str]:
        """What this master's API server shows otherwise than when the backup was taken, once pods have settled."""
        found = ["never compared"]

        def agrees() -> bool:
            found[:] = changes(self.objects, contents(self.real, host))
            return not found

        try:
            self.real.wait(agrees, f"objects of the backup on {host}", SETTLES_S)
        except LabError:
            return found
        return []

    def ends_as_before(self) -> None:
        """Every API server shows what was there before the restore began."""
        for master in MASTERS:
            shown = self._shown(master.name)
            assert shown == self.later, f"as {master.name} shows them"
        self.wait_pods("later", 2)
        self.real.wait_healthy()

    def _shows_what_the_backup_has(self, host: str) -> None:
        shown = self._shown(host)
        assert shown == self.known, f"as {host} shows them"
        held: dict[str, str] = {}
        self.real.wait(lambda: bool(held.update(self.real.keys(PREFIX, host)) or held), f"keys of {host}")
        assert held == self.keys, f"as etcd on {host} holds them"

    def _shown(self, host: str) -> dict[str, str]:
        """The ConfigMaps as one API server shows them, once it is ready. On a busy machine a question may time out."""
        shown: dict[str, str] = {}
        self.real.wait(lambda: self.real.ready(host), f"ready API server on {host}")
        self.real.wait(lambda: bool(shown.update(self.texts(host)) or shown), f"ConfigMaps from {host}")
        return shown

    def texts(self, host: str = MASTERS[0].name) -> dict[str, str]:
        """The ConfigMaps of the namespace as one API server shows them."""
        listed = json.loads(
            self.real.kubectl("get", "configmaps", "--namespace", NAMESPACE, "--output=json", host=host)
        )
        return {it["metadata"]["name"]: it["data"].get("text", "") for it in listed["items"]}

    def apply(self, documents: Iterable[dict[str, Any]]) -> None:
        self.real.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(documents).encode())

    def wait_pods(self, app: str, count: int) -> None:
        self.real.wait(lambda: len(self._running(app)) == count, f"{count} running pods of {app}")

    def _running(self, app: str) -> list[str]:
        return [name for name, pod in self._pods(app).items() if pod["status"]["phase"] == "Running"]

    def _pods(self, app: str) -> dict[str, dict[str, Any]]:
        listed = self.real.kubectl("get", "pods", "--namespace", NAMESPACE, f"--selector=app={app}", "--output=json")
        return {it["metadata"]["name"]: it for it in json.loads(listed)["items"]}
