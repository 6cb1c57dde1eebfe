"""The lab as the tests use it: start and stop it, look into it, break it, reset it.

Nothing here uses the product. Commands run on the hosts through `docker exec`, and etcd is read with its own etcdctl,
so a test sees the truth, not only the product's own report.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.lab.commands import LabError, each, run, wait
from tests.lab.hosts import DATA, HOSTS, INITIAL_CLUSTER, MASTERS, SWITCHES, Host, Keys, archive, standin_conf
from tests.snapshots import ETCDCTL, make_snapshot

REPOSITORY = Path(__file__).parents[2]
COMPOSE_FILE = REPOSITORY / "docker-compose.test.yml"
INVENTORY = REPOSITORY / "inventories" / "lab.yml"
LAB_FILES = REPOSITORY / "tests" / "lab"
SEED = "/var/lib/lab-seed"
POD_IMAGES = ("etcd:3.5.1", "kube-apiserver:standin")

# Stops and removes what a case may have left on a host; reads the switches from standard input.
_CLEAR = f"""set -eu
rm -rf /var/lib/orchestrator /etc/systemd/system/*.d
systemctl daemon-reload
systemctl stop kublr kublr-kubelet
systemctl reset-failed
systemctl start docker
docker ps -aq | xargs -r docker rm -f >/dev/null
if [ -d {SEED}/etc ]; then
    rm -rf /etc/kubernetes
    cp -a {SEED}/etc/kubernetes {SEED}/etc/kublr /etc
    cat {SEED}/etc/hosts >/etc/hosts
fi
cat >{SWITCHES}
"""
_REMEMBER = f"mkdir -p {SEED}/etc && cp -a /etc/hosts /etc/kubernetes /etc/kublr {SEED}/etc"
_RESEED = f"""set -eu
find /mnt/master-pd -mindepth 1 -maxdepth 1 -exec rm -rf {{}} +
mkdir -m 0700 {DATA}
cp -a {SEED}/member {DATA}/member
"""
_DESTROY = f"rm -rf {DATA}/member; docker ps -q --filter name=k8s_etcd_ | xargs -r docker kill"


@dataclass(frozen=True, slots=True)
class HashKV:
    """A member's answer to HashKV on its peer port."""

    revision: int
    compact_revision: int
    hash: int
    cluster_id: str


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab. `name` is the compose project, `subnet` the first three numbers of its addresses."""

    name: str = "lab"
    subnet: str = "172.30.77"

    @classmethod
    def from_environment(cls) -> Lab:
        """Return the lab that LAB and LAB_SUBNET name, as compose uses them."""
        return cls(os.environ.get("LAB", DEFAULT.name), os.environ.get("LAB_SUBNET", DEFAULT.subnet))

    @property
    def folder(self) -> Path:
        """The folder of keys, known hosts, certificates and snapshots; only its owner can read it."""
        base = REPOSITORY / ".lab"
        return base if self == DEFAULT else base / self.name

    @property
    def inventory(self) -> Path:
        """The repository's inventory; for another lab a copy with that lab's addresses and keys."""
        return INVENTORY if self == DEFAULT else self.folder / "inventory.yml"

    @property
    def addresses(self) -> dict[str, str]:
        return {host.name: f"{self.subnet}.{host.number}" for host in HOSTS}

    def container(self, host: str) -> str:
        return f"{self.name}-{host}"

    # -- start and stop

    def up(self) -> None:
        """Start the lab, seeded with a few thousand keys. A lab that is up and healthy stays unchanged."""
        run(["sh", str(LAB_FILES / "engine.sh")])
        if self._is_current() and self.is_healthy():
            return
        self.down()
        run(["sh", str(LAB_FILES / "image.sh")])
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = Keys()
        keys.write(self.folder, self.addresses)
        if self.inventory != INVENTORY:
            text = INVENTORY.read_text().replace(DEFAULT.subnet, self.subnet)
            self.inventory.write_text(text.replace("../.lab/", f"{self.folder}/"))
        self._compose("up", "--no-start")
        for host in HOSTS:
            run(["docker", "cp", "-", f"{self.container(host.name)}:/"], archive(host, keys, self.addresses))
        self._compose("up", "--detach")
        each(HOSTS, lambda host: self._furnish(host, keys.sudo_password))
        self.seed(self.first_snapshot())
        (self.folder / "recipe").write_text(_recipe())

    def first_snapshot(self) -> Path:
        """Return the snapshot that a newly started lab contains."""
        return make_snapshot(self.folder / "snapshots", keys=2000, value_bytes=1024)

    def down(self) -> None:
        """Remove containers, volumes, network and keys. Snapshots stay: the large ones take long to make."""
        self._compose("down", "--volumes", "--remove-orphans", "--timeout", "1")
        for path in self.folder.glob("*"):
            if path.is_file():
                path.unlink()

    def _is_current(self) -> bool:
        mark = self.folder / "recipe"
        return mark.exists() and mark.read_text() == _recipe()

    def _furnish(self, host: Host, sudo_password: str) -> None:
        """Do what needs a running host: load the images of its pods, and set a password."""
        wait(lambda: self.succeeds(host.name, ["docker", "info"]), f"Docker on {host.name}")
        self.exec(host.name, ["chpasswd"], stdin=f"admin:{sudo_password}\n".encode())
        if host in MASTERS:
            self.exec(host.name, ["sh", "-c", _REMEMBER])
            with subprocess.Popen(["docker", "save", *POD_IMAGES], stdout=subprocess.PIPE) as images:
                load = ["docker", "exec", "-i", self.container(host.name), "docker", "load", "-q"]
                subprocess.run(load, stdin=images.stdout, check=True, capture_output=True)

    def _compose(self, *arguments: str) -> None:
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        compose = ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]
        environment = {"LAB": self.name, "LAB_SUBNET": self.subnet}
        run([*compose, "-f", str(COMPOSE_FILE), "-p", self.name, *arguments], environment=environment)

    # -- read and write

    def exec(self, host: str, argv: Iterable[str], stdin: bytes = b"") -> str:
        """Run a command as root and return its standard output. Raises LabError if it fails."""
        return run(["docker", "exec", "-i", self.container(host), *argv], stdin)

    def succeeds(self, host: str, argv: Iterable[str]) -> bool:
        done = subprocess.run(["docker", "exec", self.container(host), *argv], capture_output=True, check=False)
        return done.returncode == 0

    def switch(self, host: str, key: str, value: str) -> None:
        """Set a switch of the stand-ins (tests/standins/README.md); the last line for a key counts."""
        self.exec(host, ["sh", "-c", f"cat >>{SWITCHES}"], f"{key}={value}\n".encode())

    def etcdctl(self, *arguments: str, host: str = MASTERS[0].name, stdin: bytes = b"") -> Any:
        """Run etcdctl on this machine against one master's client port; return the JSON that it prints."""
        environment = {
            "ETCDCTL_ENDPOINTS": f"https://{self.addresses[host]}:2379",
            "ETCDCTL_CACERT": str(self.folder / "ca.crt"),
            "ETCDCTL_CERT": str(self.folder / "client.crt"),
            "ETCDCTL_KEY": str(self.folder / "client.key"),
        }
        out = run([str(ETCDCTL), "--write-out=json", *arguments], stdin, environment)
        return json.loads(out) if out.lstrip().startswith("{") else None  # `compact` prints text

    def put(self, key: str, value: str, host: str = MASTERS[0].name) -> int:
        """Write a key; return its revision."""
        return int(self.etcdctl("put", key, host=host, stdin=value.encode())["header"]["revision"])

    def range(self, prefix: str, host: str = MASTERS[0].name) -> dict[str, bytes]:
        """Return all keys that begin with the prefix, with their values, by a linearizable read."""
        answer = self.etcdctl("get", "--prefix", prefix, host=host)
        return {
            base64.b64decode(pair["key"]).decode(): base64.b64decode(pair.get("value", ""))
            for pair in answer.get("kvs", ())
        }

    def walk(self, prefix: str, host: str = MASTERS[0].name) -> Iterator[tuple[str, bytes]]:
        """Like `range`, but page by page, for data that does not fit in memory."""
        newest, end = "", prefix[:-1] + chr(ord(prefix[-1]) + 1)
        while True:
            page = self.etcdctl("get", newest or prefix, end, "--limit=4000", host=host).get("kvs", ())
            pairs = [(base64.b64decode(it["key"]).decode(), base64.b64decode(it.get("value", ""))) for it in page]
            further = [pair for pair in pairs if pair[0] != newest]  # a page begins with the last key of the one before
            if not further:
                return
            yield from further
            newest = further[-1][0]

    def hashkv(self, host: str, revision: int = 0) -> HashKV:
        """Return the member's HashKV at a revision (0: its newest), from its peer port, which needs no quorum."""
        request = json.dumps({"revision": revision})
        status, headers, body = self._https(self.addresses[host], 2380, "/members/hashkv", request)
        if status != 200:
            raise LabError(f"{host}: HashKV at {revision}: {body}")
        answer = json.loads(body)
        return HashKV(
            revision=int(answer["header"]["revision"]),
            compact_revision=int(answer["compact_revision"]),
            hash=int(answer["hash"]),
            cluster_id=headers["X-Etcd-Cluster-Id"],
        )

    def _https(self, address: str, port: int, path: str, body: str | None = None) -> tuple[int, Message, str]:
        """Send a GET with the lab's client certificate; return status, headers, body. Raises OSError."""
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        context.load_cert_chain(self.folder / "client.crt", self.folder / "client.key")
        with closing(http.client.HTTPSConnection(address, port, timeout=5, context=context)) as connection:
            connection.request("GET", path, body)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode(errors="replace")

    def backup(self, host: str, path: Path) -> Path:
        """Take a snapshot by `kublr etcd backup` on a master, and copy it here."""
        there = "/root/backup.db"
        self.exec(host, ["/opt/kublr/bin/kublr", "etcd", "backup", "--file", there])
        run(["docker", "cp", f"{self.container(host)}:{there}", str(path)])
        self.exec(host, ["rm", there])
        path.chmod(0o600)
        return path

    def is_healthy(self) -> bool:
        """Whether every member answers with a leader, every API server is ready, and every host has its Node."""
        try:
            for master in MASTERS:
                self.etcdctl("endpoint", "health", host=master.name)
                if self._https(self.addresses[master.name], 6443, "/readyz")[0] != 200:
                    return False
            return len(self.range("/registry/minions/")) == len(HOSTS)
        except (LabError, OSError, http.client.HTTPException):
            return False

    # -- break and repair

    def damage(self, host: str) -> None:
        """Destroy the data of a master's etcd while it runs, and stop that etcd."""
        self.exec(host, ["sh", "-c", _DESTROY])

    def kill(self, host: str) -> None:
        """Cut a host's power."""
        run(["docker", "kill", self.container(host)])

    def wake(self, host: str) -> None:
        """Restore a host's power."""
        self._wake(next(it for it in HOSTS if it.name == host))

    @contextmanager
    def paused(self, host: str, seconds: float) -> Iterator[None]:
        """Pause the whole host for that time; it then continues, whatever the result of the test."""
        run(["docker", "pause", self.container(host)])
        timer = threading.Timer(seconds, run, ([["docker", "unpause", self.container(host)]]))
        timer.start()
        yield
        timer.join()

    def wait_healthy(self) -> None:
        wait(self.is_healthy, "a healthy cluster")

    def reboot(self, host: str) -> None:
        self.kill(host)
        self.wake(host)

    def seed(self, snapshot: Path) -> None:
        """Choose the snapshot that `reset` puts into the cluster, and reset it."""
        each(MASTERS, lambda host: self._restore(host, snapshot))
        self.reset()

    def _restore(self, host: Host, snapshot: Path) -> None:
        run(["docker", "cp", str(snapshot), f"{self.container(host.name)}:{SEED}/snapshot.db"])
        names = [f"--add-host={master.member}.kublr.local:{self.addresses[master.name]}" for master in MASTERS]
        self.exec(host.name, ["rm", "-rf", f"{SEED}/restored", f"{SEED}/member"])
        self.exec(host.name, [
            "docker", "run", "--rm", "--network=none", *names, f"--volume={SEED}:/seed",
            "--entrypoint=etcdutl", POD_IMAGES[0], "snapshot", "restore", "/seed/snapshot.db",
            "--data-dir=/seed/restored", f"--name={host.member}", f"--initial-cluster={INITIAL_CLUSTER}",
            "--initial-cluster-token=kublr-lab", f"--initial-advertise-peer-urls={host.peer_url}",
        ])  # fmt: skip
        self.exec(host.name, ["mv", f"{SEED}/restored/member", f"{SEED}/member"])
        self.exec(host.name, ["rm", f"{SEED}/snapshot.db"])

    def reset(self) -> None:
        """Reset every host: services, switches, files, and the data of the last seed; then wait."""
        conf = standin_conf(self.addresses).encode()
        each(HOSTS, self._wake)
        each(HOSTS, lambda host: self.exec(host.name, ["sh", "-c", _CLEAR], conf))
        each(MASTERS, lambda host: self.exec(host.name, ["sh", "-c", _RESEED]))
        each(HOSTS, lambda host: self.exec(host.name, ["systemctl", "start", "kublr"]))
        wait(self.is_healthy, "a healthy cluster")

    def _wake(self, host: Host) -> None:
        """Start a host that was killed or paused, and wait until its systemd accepts commands."""
        subprocess.run(["docker", "unpause", self.container(host.name)], capture_output=True, check=False)
        run(["docker", "start", self.container(host.name)])
        booted = ["systemctl", "is-active", "--quiet", "sysinit.target"]
        wait(lambda: self.succeeds(host.name, booted), f"systemd on {host.name}")


DEFAULT = Lab()


def _recipe() -> str:
    """Hash all files that the hosts are built from."""
    tests = REPOSITORY / "tests"
    parts = [COMPOSE_FILE, tests / "kubernetes_objects.py"]
    parts += [LAB_FILES / name for name in ("image.sh", "hosts.py", "pki.py")]
    parts += [tests / "standins" / name for name in ("kublr", "kubelet", "etcd-pod", "apiserver.py")]
    parts += sorted((LAB_FILES / "node").iterdir()) + sorted((LAB_FILES / "images").iterdir())
    return sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()
