"""The hosts of the real lab as containers: brought up, looked into, taken away. Which cluster runs on them is a
layout's business."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from tests.lab.commands import each, run, wait
from tests.lab.hosts import Archive, Host, Keys, login_files
from tests.real.images import HOST_IMAGE

REPOSITORY = Path(__file__).parents[2]
MASTERS = (Host("master-1", 11), Host("master-2", 12), Host("master-3", 13))
WORKERS = (Host("worker-1", 21),)
HOSTS = MASTERS + WORKERS
ENDPOINT = "cp.lab"
"""The name under which kubeadm knows the API."""
_LABEL = "orchestrator.real"
PATIENCE_S = 600.0
"""For one step of bringing hosts up, on two cores that others use too."""
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_BEFORE = Path("/run/orchestrator-real.inotify")
_INOTIFY_WANTED = 1024  # the default, 128 for all of root's processes, is used up by two labs
_CGROUPS = Path("/sys/fs/cgroup")
_CPU_WEIGHT = 8
"""All hosts together against one other process of this machine. By Docker's default it is 1, and the members of a lab
on a busy machine lose their leader again and again."""
_VOLUMES = ("/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet", "/var/lib/etcd", "/mnt/master-pd")
_began_s = time.monotonic()


def say(text: str) -> None:
    """A line of progress, with the seconds since the start."""
    print(f"real: {time.monotonic() - _began_s:4.0f} s  {text}", file=sys.stderr, flush=True)


def _raise_inotify() -> None:
    """Remembers the machine's own limit, for whoever takes the last lab away."""
    now = int(_INOTIFY.read_text())
    if now < _INOTIFY_WANTED:
        _INOTIFY_BEFORE.write_text(f"{now}\n")
        _INOTIFY.write_text(f"{_INOTIFY_WANTED}\n")


def _lower_inotify() -> None:
    others = run(["docker", "ps", "--all", "--quiet", "--filter", f"label={_LABEL}"])
    if not others and _INOTIFY_BEFORE.exists():
        _INOTIFY.write_text(_INOTIFY_BEFORE.read_text())
        _INOTIFY_BEFORE.unlink()


@dataclass(frozen=True, slots=True)
class Machines:
    """``name`` begins the containers' names, ``subnet`` is the first three numbers of their addresses."""

    name: str = "real"
    subnet: str = "172.30.87"

    @classmethod
    def from_environment(cls) -> Machines:
        """Those that REAL and REAL_SUBNET name."""
        return cls(os.environ.get("REAL", "real"), os.environ.get("REAL_SUBNET", "172.30.87"))

    @property
    def folder(self) -> Path:
        """Keys, certificates, the inventory and what runs have left, for the owner alone."""
        base = REPOSITORY / ".real"
        return base if self == Machines() else base / self.name

    @property
    def addresses(self) -> dict[str, str]:
        return {host.name: f"{self.subnet}.{host.number}" for host in HOSTS}

    def container(self, host: str) -> str:
        return f"{self.name}-{host}"

    # -- coming and going

    def up(self, kubernetes: Path, more: Iterable[str] = ()) -> None:
        """Starts every host with its keys and the program of Kubernetes; ``more`` are options for `docker create`."""
        _raise_inotify()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = Keys(host_keys={host.name: asyncssh.generate_private_key("ssh-ed25519") for host in HOSTS})
        keys.write(self.folder, self.addresses)
        self._weigh()
        bridge = f"com.docker.network.bridge.name=br-{self.name}"
        run(["docker", "network", "create", "--subnet", f"{self.subnet}.0/24", "--opt", bridge, self.name])
        each(HOSTS, lambda host: self._create(host, keys, kubernetes, more))
        each(HOSTS, lambda host: self._wait_booted(host.name))

    def down(self) -> None:
        """Removes containers with their volumes, the network and the keys. What runs have left stays."""
        label = f"label={_LABEL}={self.name}"
        containers = run(["docker", "ps", "--all", "--quiet", "--filter", label]).split()
        if containers:
            run(["docker", "rm", "--force", "--volumes", *containers])
        if self.name in run(["docker", "network", "ls", "--format", "{{.Name}}"]).split():
            run(["docker", "network", "rm", self.name])
        _lower_inotify()
        for group in _CGROUPS.glob(f"*/{self.cgroup}"):
            group.rmdir()
        shutil.rmtree(self.folder / "bin", ignore_errors=True)
        for path in self.folder.glob("*"):
            if path.is_file():
                path.unlink()

    def _create(self, host: Host, keys: Keys, kubernetes: Path, more: Iterable[str]) -> None:
        tar = Archive()
        login_files(tar, host.name, keys)
        run([
            *("docker", "create", "--name", self.container(host.name), "--hostname", host.name, "--tty"),
            *("--label", f"{_LABEL}={self.name}", "--restart", "always", "--stop-signal", "SIGRTMIN+3"),
            *("--network", self.name, "--ip", self.addresses[host.name], "--sysctl", "net.ipv4.ip_forward=1"),
            *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE"),
            *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
            *("--cgroup-parent", f"/{self.cgroup}"),
            *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"),
            *(f"--volume={path}" for path in _VOLUMES),
            *(f"--volume={kubernetes}:/usr/bin/{name}:ro" for name in ("kubelet", "kubeadm", "kubectl")),
            *(f"--add-host={name}:{address}" for name, address in self.addresses.items() if name != host.name),
            f"--add-host={ENDPOINT}:{self.addresses[MASTERS[0].name]}",
            *more,
            HOST_IMAGE,
        ])  # fmt: skip
        run(["docker", "cp", "-", f"{self.container(host.name)}:/"], tar.finish())
        run(["docker", "start", self.container(host.name)])

    def _wait_booted(self, host: str) -> None:
        ready = ["systemctl", "is-active", "--quiet", "real-host.service", "ssh.service"]
        wait(lambda: self.succeeds(host, ready), f"systemd on {host}", PATIENCE_S)

    @property
    def cgroup(self) -> str:
        """The group that the containers' groups lie in, in each of the machine's controllers (cgroup v1)."""
        return f"orchestrator-{self.name}"

    def _weigh(self) -> None:
        shares = _CGROUPS / "cpu" / self.cgroup / "cpu.shares"
        if shares.parent.parent.is_dir():
            shares.parent.mkdir(exist_ok=True)
            shares.write_text(f"{1024 * _CPU_WEIGHT}\n")

    # -- looking and touching

    def exec(self, host: str, argv: Iterable[str], stdin: bytes = b"", within_s: float = PATIENCE_S) -> str:
        """Runs a command as root; its standard output. Raises LabError when it fails."""
        return run(["docker", "exec", "-i", self.container(host), *argv], stdin, within_s=within_s)

    def shell(self, host: str, script: str, stdin: bytes = b"") -> str:
        return self.exec(host, ["sh", "-c", script], stdin)

    def write(self, host: str, path: str, content: str | bytes, mode: str = "600") -> None:
        data = content.encode() if isinstance(content, str) else content
        self.shell(host, f"mkdir -p $(dirname {path}) && cat >{path} && chmod {mode} {path}", data)

    def read(self, host: str, path: str) -> bytes:
        return self.exec(host, ["cat", path]).encode()

    def succeeds(self, host: str, argv: Iterable[str]) -> bool:
        done = subprocess.run(["docker", "exec", self.container(host), *argv], capture_output=True, check=False)
        return done.returncode == 0

    def running(self) -> bool:
        """Whether the container of every host runs."""
        names = run(["docker", "ps", "--format", "{{.Names}}"]).split()
        return all(self.container(host.name) in names for host in HOSTS)

    def kill(self, host: str) -> None:
        """Takes the power away."""
        run(["docker", "kill", self.container(host)])

    def wake(self, host: str) -> None:
        """Gives it back, or ends a pause."""
        subprocess.run(["docker", "unpause", self.container(host)], capture_output=True, check=False)
        run(["docker", "start", self.container(host)])
        self._wait_booted(host)
