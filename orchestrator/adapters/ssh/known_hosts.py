"""Host key verification: which keys are trusted, and what to tell the operator about one that is not.

The check never uses asyncssh's defaults: there an empty list of known hosts would disable it.
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
"""In the order of ssh_config(5), HostKeyAlgorithms: hosts have several keys, and operators record the first."""


def fingerprint(key: asyncssh.SSHKey) -> str:
    """Return the fingerprint as ``ssh-keygen -l`` prints it: ``SHA256:`` and base64 without padding."""
    return key.get_fingerprint("sha256")


class HostKeyCheck(asyncssh.SSHClient):
    """Decides on one connection's host key and remembers the key that the host has shown.

    If the inventory pins keys of a host, only these count; otherwise the known_hosts files decide.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._pins = frozenset(_pin_fingerprint(pin) for pin in endpoint.pins)
        self._address = ""
        self.shown: asyncssh.SSHKey | None = None
        self.known = _read(() if self._pins else endpoint.known_hosts)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms to request: those of known keys first, then all others.

        asyncssh alone requests only known kinds. A rebuilt host may have none of them, and would then disconnect
        before it could show its new key.
        """
        if self._endpoint.host_key_algorithms:
            return ()
        keys, authorities, *_ = self.known.match(self._endpoint.known_as, "", self._port)
        certificates = get_default_certificate_algs() if authorities else []
        known = [algorithm for key in keys for algorithm in key.sig_algorithms]
        return tuple(dict.fromkeys([*(name.decode() for name in (*certificates, *known)), *_PLAIN_ALGORITHMS]))

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that is in no known_hosts file."""
        self.shown, self._address = key, addr
        return fingerprint(key) in self._pins

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a host certificate whose authority is in no known_hosts file."""
        self.shown, self._address = key, addr
        return False

    def refusal(self) -> str:
        """Return why the shown key is refused, and what the operator can do about it."""
        if self.shown is None:
            return "it has no host key of an accepted type"
        shown = f"{self.shown.get_algorithm()} {fingerprint(self.shown)}"
        if self._pins:
            return f"its host key is {shown}, but the inventory has {', '.join(sorted(self._pins))}"
        files = self._files_that_know()
        if not files:
            return f"unknown host key {shown}; {self._advice_to_add()}"
        known = "; ".join(f"{path} has {', '.join(keys)}" for path, keys in files.items())
        name = shlex.quote(self._known_hosts_name())
        forget = " && ".join(f"ssh-keygen -R {name} -f {shlex.quote(str(path))}" for path in files)
        return (
            f"host key changed: it shows {shown}, but {known}; if the host was rebuilt, delete the old key"
            f" ({forget}) and then {self._advice_to_add()}"
        )

    @property
    def _port(self) -> int | None:
        """The port as asyncssh wants it: None for the default."""
        return self._endpoint.port if self._endpoint.port != DEFAULT_PORT else None

    def _files_that_know(self) -> dict[Path, list[str]]:
        """Return the fingerprints that each file has for this host."""
        found: dict[Path, list[str]] = {}
        for path in self._endpoint.known_hosts:
            keys = _read((path,)).match(self._endpoint.known_as, self._address, self._port)[0]
            if keys:
                found[path] = [f"{key.get_algorithm()} {fingerprint(key)}" for key in keys]
        return found

    def _known_hosts_name(self) -> str:
        """Return the name of this host in a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        endpoint = self._endpoint
        return endpoint.known_as if endpoint.port == DEFAULT_PORT else f"[{endpoint.known_as}]:{endpoint.port}"

    def _advice_to_add(self) -> str:
        endpoint = self._endpoint
        scan = f"ssh-keyscan -p {endpoint.port} {endpoint.known_as}"
        if endpoint.via:
            scan = f"ssh {endpoint.via.address} {scan}"
        file = endpoint.known_hosts[0] if endpoint.known_hosts else Path("~/.ssh/known_hosts")
        return (
            f"compare it with `ssh-keygen -lf` of /etc/ssh/ssh_host_*_key.pub on the host's console, then add it:"
            f" {scan} >> {shlex.quote(str(file))}"
        )


def _pin_fingerprint(pin: str) -> str:
    """Return a pin's fingerprint; the pin is a fingerprint or a public key line."""
    return pin if pin.startswith("SHA256:") else fingerprint(asyncssh.import_public_key(pin))


def _read(paths: tuple[Path, ...]) -> asyncssh.SSHKnownHosts:
    """Return the entries of these files together; they are read once for all hosts, and again if a file changes."""
    return _parse(paths, tuple(_version(path) for path in paths))


def _version(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _parse(paths: tuple[Path, ...], versions: tuple[tuple[int, ...], ...]) -> asyncssh.SSHKnownHosts:
    """Parse known_hosts files, cached: hundreds of hosts share one long file, and parsing it per host costs more
    than a login."""
    known = asyncssh.import_known_hosts("")
    for path in paths:
        _load(known, path)
    return known


def _load(known: asyncssh.SSHKnownHosts, path: Path) -> None:
    """Add a file's entries. An unreadable line trusts nobody, so it is skipped, as in OpenSSH."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(ValueError):
            known.load(line)
