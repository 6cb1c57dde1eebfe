"""Which host keys are trusted, and what to tell the operator about one that is not.

The check is never left to asyncssh's defaults: an empty list of known hosts would switch it off there.
"""

from __future__ import annotations

import contextlib
import shlex
from functools import lru_cache
from pathlib import Path

import asyncssh
from asyncssh.public_key import get_default_certificate_algs

from orchestrator.adapters.ssh.route import DEFAULT_PORT, Endpoint

_PLAIN_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""In the order of ssh_config(5), HostKeyAlgorithms: hosts have several keys, and operators note the first."""


def fingerprint(key: asyncssh.SSHKey) -> str:
    """As ``ssh-keygen -l`` prints it: ``SHA256:`` and base64 without padding."""
    return key.get_fingerprint("sha256")


class HostKeyCheck(asyncssh.SSHClient):
    """Decides on one connection's host key and remembers what the host has shown.

    Where the inventory pins keys of a host, only these count; else the known_hosts files decide.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._pins = frozenset(_pinned(pin) for pin in endpoint.pins)
        self._address = ""
        self.shown: asyncssh.SSHKey | None = None
        self.known = _read(() if self._pins else endpoint.known_hosts)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What to ask the host for: keys of a known kind first, but any other too.

        asyncssh by itself asks for known kinds alone; a rebuilt host may have none of them, and would hang up
        before it could show its new key.
        """
        if self._endpoint.host_key_algorithms:
            return ()
        keys, authorities, *_ = self.known.match(self._endpoint.known_as, "", self._port)
        certificates = get_default_certificate_algs() if authorities else []
        known = [algorithm for key in keys for algorithm in key.sig_algorithms]
        return tuple(dict.fromkeys([*(name.decode() for name in (*certificates, *known)), *_PLAIN_ALGORITHMS]))

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that no known_hosts file vouches for."""
        self.shown, self._address = key, addr
        return fingerprint(key) in self._pins

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a host certificate whose authority no known_hosts file names."""
        self.shown, self._address = key, addr
        return False

    def complaint(self) -> str:
        """Why the shown key is refused, and what the operator can do about it."""
        if self.shown is None:
            return "it has no host key of a kind that we ask for"
        shown = f"{self.shown.get_algorithm()} {fingerprint(self.shown)}"
        if self._pins:
            return f"its host key is {shown}, but the inventory pins {', '.join(sorted(self._pins))}"
        files = self._files_that_know()
        if not files:
            return f"its host key {shown} is not known; {self._how_to_add()}"
        known = "; ".join(f"{path} has {', '.join(keys)}" for path, keys in files.items())
        name = shlex.quote(self._filed_as())
        forget = " && ".join(f"ssh-keygen -R {name} -f {shlex.quote(str(path))}" for path in files)
        return (
            f"its host key has changed: it shows {shown}, {known}; if the host was rebuilt, forget the old key"
            f" ({forget}) and then {self._how_to_add()}"
        )

    @property
    def _port(self) -> int | None:
        """As asyncssh wants it: None for the default."""
        return self._endpoint.port if self._endpoint.port != DEFAULT_PORT else None

    def _files_that_know(self) -> dict[Path, list[str]]:
        """The fingerprints that each file holds for this host."""
        found: dict[Path, list[str]] = {}
        for path in self._endpoint.known_hosts:
            keys = _read((path,)).match(self._endpoint.known_as, self._address, self._port)[0]
            if keys:
                found[path] = [f"{key.get_algorithm()} {fingerprint(key)}" for key in keys]
        return found

    def _filed_as(self) -> str:
        """The name of this host in a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        endpoint = self._endpoint
        return endpoint.known_as if endpoint.port == DEFAULT_PORT else f"[{endpoint.known_as}]:{endpoint.port}"

    def _how_to_add(self) -> str:
        endpoint = self._endpoint
        scan = f"ssh-keyscan -p {endpoint.port} {endpoint.known_as}"
        if endpoint.via:
            scan = f"ssh {endpoint.via.address} {scan}"
        file = endpoint.known_hosts[0] if endpoint.known_hosts else Path("~/.ssh/known_hosts")
        return (
            f"compare it with `ssh-keygen -lf` of /etc/ssh/ssh_host_*_key.pub on the host's console, then add it:"
            f" {scan} >> {shlex.quote(str(file))}"
        )


def _pinned(pin: str) -> str:
    """A pin's fingerprint; it may be written as one, or as a public key line."""
    return pin if pin.startswith("SHA256:") else fingerprint(asyncssh.import_public_key(pin))


def _read(paths: tuple[Path, ...]) -> asyncssh.SSHKnownHosts:
    """The entries of these files together; read once for all hosts, and anew where a file has changed."""
    return _parse(paths, tuple(_version(path) for path in paths))


def _version(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _parse(paths: tuple[Path, ...], versions: tuple[tuple[int, ...], ...]) -> asyncssh.SSHKnownHosts:
    """Hundreds of hosts mostly share one long file: parsed for each of them, it would cost more than their logins."""
    known = asyncssh.import_known_hosts("")
    for path in paths:
        _load(known, path)
    return known


def _load(known: asyncssh.SSHKnownHosts, path: Path) -> None:
    """Add a file's entries. A line that cannot be read trusts nobody, so it is passed over, as OpenSSH does."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(ValueError):
            known.load(line)
