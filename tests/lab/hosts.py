"""The lab's hosts, and the files that each of them gets before its first start."""

from __future__ import annotations

import io
import secrets
import tarfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import asyncssh

from tests.lab.pki import Authority

HERE = Path(__file__).parent
DATA = "/mnt/master-pd/etcd"
SWITCHES = "/etc/kublr/standin.conf"
_LOGINS = {"root": ("root", 0), "ops": ("home/ops", 1000), "admin": ("home/admin", 1001)}


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the lab. A master has an etcd member; its number differs from the host's number on purpose."""

    name: str
    number: int
    member: str = ""

    @property
    def peer_url(self) -> str:
        return f"https://{self.member}.kublr.local:2380"


MASTERS = (Host("master-1", 11, "etcd1"), Host("master-2", 12, "etcd2"), Host("master-3", 13, "etcd0"))
WORKERS = (Host("worker-1", 21), Host("worker-2", 22))
HOSTS = MASTERS + WORKERS
INITIAL_CLUSTER = ",".join(sorted(f"{host.member}={host.peer_url}" for host in MASTERS))


@dataclass(slots=True)
class Keys:
    """All secrets of one lab. Each start of the lab makes new ones."""

    authority: Authority = field(default_factory=lambda: Authority("lab"))
    login: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    host_keys: dict[str, asyncssh.SSHKey] = field(
        default_factory=lambda: {host.name: asyncssh.generate_private_key("ssh-ed25519") for host in HOSTS}
    )
    sudo_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def write(self, folder: Path, addresses: dict[str, str]) -> None:
        """Write the files that the laptop needs: login key, known hosts, sudo password, and certificates for etcd."""
        client = self.authority.issue("laptop")
        known_hosts = "".join(
            f"{addresses[name]} {key.export_public_key().decode()}" for name, key in self.host_keys.items()
        )
        for name, content in (
            ("id_ed25519", self.login.export_private_key()),
            ("known_hosts", known_hosts.encode()),
            ("sudo-password", self.sudo_password.encode() + b"\n"),
            ("ca.crt", self.authority.certificate),
            ("client.crt", client.certificate),
            ("client.key", client.key),
        ):
            path = folder / name
            path.touch(mode=0o600)
            path.write_bytes(content)


class Archive:
    """A tar in memory; its entries have an owner and a mode."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w")

    def folder(self, path: str, mode: int, owner: int = 0) -> None:
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
        self._tar.addfile(entry)

    def file(self, path: str | PurePosixPath, content: bytes, mode: int = 0o644, owner: int = 0) -> None:
        entry = tarfile.TarInfo(str(path))
        entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
        self._tar.addfile(entry, io.BytesIO(content))

    def finish(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()


def archive(host: Host, keys: Keys, addresses: dict[str, str]) -> bytes:
    """Make a tar of the host's files, to unpack in the host's root."""
    tar = Archive()
    login_files(tar, host.name, keys)
    tar.folder("etc/kublr", 0o755)
    tar.file("etc/kublr/standin.conf", standin_conf(addresses).encode())
    tar.folder("etc/kubernetes", 0o755)
    tar.folder("etc/kubernetes/manifests", 0o700)
    tar.folder("etc/kubernetes/pki", 0o755)
    tar.file("etc/kubernetes/pki/ca.crt", keys.authority.certificate)
    if host.member:
        _master_files(tar, host, keys.authority, addresses)
    return tar.finish()


def login_files(tar: Archive, host: str, keys: Keys) -> None:
    """Add the host's own key, and the laptop's key for each login."""
    key = keys.host_keys[host]
    tar.file("etc/ssh/ssh_host_ed25519_key", key.export_private_key(), 0o600)
    tar.file("etc/ssh/ssh_host_ed25519_key.pub", key.export_public_key())
    for home, owner in _LOGINS.values():
        tar.folder(f"{home}/.ssh", 0o700, owner)
        tar.file(f"{home}/.ssh/authorized_keys", keys.login.export_public_key(), 0o600, owner)


def standin_conf(addresses: dict[str, str]) -> str:
    """Make the configuration of the stand-ins: their switches, each at its first value, and the API servers."""
    servers = " ".join(f"{addresses[master.name]}:6443" for master in MASTERS)
    return f'apiservers="{servers}"\n'


def _master_files(tar: Archive, host: Host, authority: Authority, addresses: dict[str, str]) -> None:
    member = f"{host.member}.kublr.local"
    names = (member, host.name, "localhost", "127.0.0.1", addresses[host.name])
    pki = "etc/kubernetes/pki"
    tar.file(f"{pki}/etcd/ca.crt", authority.certificate)
    for path, pair in (
        (f"{pki}/apiserver", authority.issue("kubernetes", *names)),
        (f"{pki}/etcd/server", authority.issue(member, *names)),
        (f"{pki}/etcd/peer", authority.issue(member, *names)),
        (f"{pki}/etcd/client", authority.issue("kube-apiserver")),
    ):
        tar.file(f"{path}.crt", pair.certificate)
        tar.file(f"{path}.key", pair.key, 0o600)
    tar.file("etc/kublr/daemon.yaml", f"etcd_storage:\n  path: {DATA}\n".encode())
    tar.folder(DATA.lstrip("/"), 0o700)
    aliases = "\n".join(
        f"  - ip: {addresses[master.name]}\n    hostnames:\n    - {master.member}.kublr.local" for master in MASTERS
    )
    values = {
        "HOST": host.name,
        "MEMBER": host.member,
        "ADDRESS": addresses[host.name],
        "INITIAL_CLUSTER": INITIAL_CLUSTER,
        "HOST_ALIASES": aliases,
    }
    for manifest in ("etcd.manifest", "kube-apiserver.manifest"):
        text = (HERE / "node" / manifest).read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        tar.file(f"etc/kubernetes/manifests/{manifest}", text.encode(), 0o600)
