"""The real lab: the cluster on its hosts, and its judges: kubectl and etcdctl, never the product."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from tests.lab.commands import LabError, run, wait
from tests.real import kubeadm, kublr
from tests.real.build import Versions, build, programs
from tests.real.hosts import ENDPOINT, HOSTS, MASTERS, PATIENCE_S, WORKERS, Machines, say
from tests.real.images import build_host_image, pod_images

HERE = Path(__file__).parent
LAYOUTS = {"kubeadm": kubeadm, "kublr": kublr}
API_PORT = 6443
_TOOLS = {"kubectl": "kubernetes", "kubeadm": "kubernetes"} | {
    name: name for name in ("etcdctl", "etcdutl", "informer")
}


@dataclass(frozen=True, slots=True)
class Real:
    """One real cluster. ``layout`` is a name of LAYOUTS."""

    machines: Machines = field(default_factory=Machines)
    versions: Versions = field(default_factory=Versions)
    layout: str = "kubeadm"

    @classmethod
    def from_environment(cls) -> Real:
        """What LAYOUT, KUBERNETES, ETCD, REAL and REAL_SUBNET name."""
        layout = os.environ.get("LAYOUT") or "kubeadm"
        if layout not in LAYOUTS:
            raise LabError(f"unknown layout: {layout} (known: {', '.join(LAYOUTS)})")
        return cls(Machines.from_environment(), Versions.from_environment(), layout)

    @property
    def folder(self) -> Path:
        return self.machines.folder

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.yml"

    @property
    def _layout(self) -> ModuleType:
        return LAYOUTS[self.layout]

    # -- coming and going

    def up(self) -> None:
        """Brings the cluster up. One that is current and healthy is left alone."""
        run(["sh", str(HERE.parent / "lab" / "engine.sh")])
        if self.is_up():
            return
        built = build(self.versions)
        build_host_image()
        images = pod_images(self.versions, built)
        self.down()
        say(f"starting {len(HOSTS)} hosts")
        self.machines.up(built["kubernetes"])
        self._layout.bring_up(self.machines, self.versions, images)
        self._take_credentials()
        self._write_inventory()
        say("waiting for every API server and every node")
        self.wait_healthy()
        (self.folder / "recipe").write_text(self._recipe())

    def down(self) -> None:
        """Removes everything but what runs have left in the folder, and the caches."""
        self.machines.down()

    def is_up(self) -> bool:
        """Whether it is up, made from the present sources, and healthy."""
        mark = self.folder / "recipe"
        is_current = mark.exists() and mark.read_text() == self._recipe()
        return is_current and self.machines.running() and self.is_healthy()

    def _recipe(self) -> str:
        """A hash of everything that the cluster is made of."""
        sources = [*(HERE / "host").iterdir(), *(HERE / "images").iterdir()]
        sources += [HERE / name for name in ("hosts.py", "cluster.py", "kubeadm.py")]
        if self.layout == "kublr":
            sources += [*(HERE / "kublr").glob("*[a-z]"), kublr.STANDINS / "kublr", kublr.STANDINS / "etcd-pod"]
        parts = [str(program.path).encode() for program in programs(self.versions).values()]
        parts += [path.read_bytes() for path in sorted(sources)]
        return sha256(b"\0".join(parts)).hexdigest()

    def _take_credentials(self) -> None:
        """The administrator's kubeconfig and a client certificate for etcd, and the tools that use them."""
        first, pki, client = MASTERS[0].name, self._layout.ETCD_PKI, self._layout.ETCD_CLIENT
        for name, path in (
            ("admin.conf", self._layout.ADMIN),
            ("etcd-ca.crt", f"{pki}/ca.crt"),
            ("etcd-client.crt", f"{pki}/{client}.crt"),
            ("etcd-client.key", f"{pki}/{client}.key"),
        ):
            copy = self.folder / name
            copy.touch(mode=0o600)
            content = self.machines.read(first, path)
            if name == "admin.conf":  # the endpoint's name means nothing on this machine
                content = content.replace(ENDPOINT.encode(), self.machines.addresses[first].encode())
            copy.write_bytes(content)
        (self.folder / "bin").mkdir(exist_ok=True)
        built = programs(self.versions)
        for name, program in _TOOLS.items():
            (self.folder / "bin" / name).symlink_to(built[program].path)

    def _write_inventory(self) -> None:
        addresses = self.machines.addresses
        document = {
            "format": 1,
            "cluster": self.machines.name,
            "distribution": self._layout.DISTRIBUTION,
            "policies": {"volumes": "none", "workers": {"restart": "services"}},
            "defaults": {"key": "id_ed25519", "known_hosts": ["known_hosts"], "config": "none", "user": "ops"},
            "masters": {"hosts": {host.name: {"address": addresses[host.name]} for host in MASTERS}},
            "workers": {"hosts": {host.name: {"address": addresses[host.name]} for host in WORKERS}},
        }
        self.inventory.write_text(yaml.safe_dump(document, sort_keys=False))

    # -- the judges

    def kubectl(self, *arguments: str, host: str = MASTERS[0].name, stdin: bytes = b"") -> str:
        """What kubectl prints, asked of one master's API server."""
        server = f"https://{self.machines.addresses[host]}:{API_PORT}"
        command = [str(self.folder / "bin" / "kubectl"), "--kubeconfig", str(self.folder / "admin.conf")]
        return run([*command, "--server", server, "--request-timeout=30s", *arguments], stdin, within_s=PATIENCE_S)

    def objects(self, kind: str, host: str = MASTERS[0].name) -> dict[str, dict[str, Any]]:
        """Every object of a kind by `namespace/name`, as one API server shows it."""
        listed = json.loads(self.kubectl("get", kind, "--all-namespaces", "--output=json", host=host))["items"]
        return {f"{it['metadata'].get('namespace', '')}/{it['metadata']['name']}": it for it in listed}

    def etcdctl(self, *arguments: str, host: str = MASTERS[0].name) -> Any:
        """The JSON that etcdctl prints, asked of one member."""
        environment = {
            "ETCDCTL_ENDPOINTS": f"https://{self.machines.addresses[host]}:2379",
            "ETCDCTL_CACERT": str(self.folder / "etcd-ca.crt"),
            "ETCDCTL_CERT": str(self.folder / "etcd-client.crt"),
            "ETCDCTL_KEY": str(self.folder / "etcd-client.key"),
        }
        command = [str(self.folder / "bin" / "etcdctl"), "--write-out=json", *arguments]
        return json.loads(run(command, environment=environment, within_s=PATIENCE_S))

    def keys(self, prefix: str, host: str = MASTERS[0].name) -> dict[str, str]:
        """Every key below a prefix with its value, both base64, by a serializable read of one member's own store."""
        answer = self.etcdctl("get", "--prefix", "--consistency=s", prefix, host=host)
        return {pair["key"]: pair.get("value", "") for pair in answer.get("kvs", ())}

    def leader(self) -> str:
        """The master whose member leads. Raises LabError when none says so."""
        for master in MASTERS:
            (answer,) = self.etcdctl("endpoint", "status", host=master.name)
            if answer["Status"]["leader"] == answer["Status"]["header"]["member_id"]:
                return master.name
        raise LabError("no member leads")

    def ready(self, host: str) -> bool:
        """Whether that master's API server answers /readyz with ok."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the address says who answers
        try:
            with closing(
                http.client.HTTPSConnection(self.machines.addresses[host], API_PORT, timeout=5, context=context)
            ) as connection:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def is_healthy(self) -> bool:
        """Every API server and every member answers, and every node is Ready."""
        try:
            if not all(self.ready(master.name) for master in MASTERS):
                return False
            for master in MASTERS:
                self.etcdctl("endpoint", "health", host=master.name)
            return set(self._ready_nodes()) == {host.name for host in HOSTS}
        except (LabError, OSError, json.JSONDecodeError):
            return False

    def wait_healthy(self) -> None:
        wait(self.is_healthy, "healthy cluster", PATIENCE_S)

    def wait(self, holds: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        """Waits until it holds. A judge that gets no answer has not seen it hold."""

        def answered() -> bool:
            try:
                return holds()
            except LabError as error:
                say(f"no answer yet: {str(error).splitlines()[-1]}")
                return False

        wait(answered, what, within_s)

    def _ready_nodes(self) -> Iterable[str]:
        for node in self.objects("nodes").values():
            conditions = {it["type"]: it["status"] for it in node["status"]["conditions"]}
            if conditions.get("Ready") == "True":
                yield node["metadata"]["name"]
