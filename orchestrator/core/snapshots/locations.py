"""The location of a snapshot, as the operator writes it: on this laptop, on a master, on SFTP or in an object store."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from orchestrator.errors import UsageError

SCHEMES = ("s3", "gs", "az")
_LOGIN = re.compile(r"([^@:/\s]+@)?(\[[0-9A-Fa-f:.]+\]|[^@:/\s\[\]-][^@:/\s\[\]]*)(:[0-9]{1,5})?")
_ON_HOST = re.compile(r"(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*):(?P<path>/.*)")


@dataclass(frozen=True, slots=True)
class Local:
    """A path on this laptop."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class OnHost:
    """A file on a host of the inventory. A plan that uses it copies it from that host."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}:{self.path}"


@dataclass(frozen=True, slots=True)
class Sftp:
    """A path on an SFTP server. ``login`` is `[USER@]HOST[:PORT]`; a path `~/…` is in the user's home folder."""

    login: str
    path: str

    def __str__(self) -> str:
        return f"sftp://{self.login}/{self.path.removeprefix('/')}"

    def child(self, name: str) -> Sftp:
        return Sftp(self.login, posixpath.join(self.path, name))


@dataclass(frozen=True, slots=True)
class Objects:
    """An object in a bucket (Azure: a container), or the prefix of several. ``key`` does not begin with `/`."""

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"

    def child(self, name: str) -> Objects:
        return Objects(self.scheme, self.bucket, posixpath.join(self.key, name))


Destination = Local | Sftp | Objects
Location = Destination | OnHost


def parse_location(text: str) -> Location:
    """Parse a location. Raises UsageError. A local file whose name looks like another location is written `./NAME`."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        on_host = _ON_HOST.fullmatch(text)
        return OnHost(on_host["host"], on_host["path"]) if on_host else Local(text)
    where, _, path = rest.partition("/")
    if scheme not in ("sftp", *SCHEMES):
        raise UsageError(f"unsupported scheme {scheme}:// (expected sftp://, {listed_schemes()}, or a path)")
    user, at, _ = where.rpartition("@")
    if ":" in user or (at and scheme != "sftp"):  # not repeated: it may hold a secret
        raise UsageError(
            f"the {scheme}:// address must not contain a password: use a key, or the environment (docs/backup.md)"
        )
    if scheme == "sftp" and not _LOGIN.fullmatch(where):
        raise UsageError(f"invalid SFTP address {text} (expected sftp://USER@HOST:PORT/FOLDER)")
    if not where:
        raise UsageError(f"{text} has no bucket")
    if scheme == "sftp":
        return Sftp(where, path if path.startswith("~/") else f"/{path}")
    return Objects(scheme, where, path.strip("/"))


def parse_destination(text: str) -> Destination:
    """Parse a destination for backups. Raises UsageError."""
    location = parse_location(text)
    if isinstance(location, OnHost):
        raise UsageError(f"{text}: a backup cannot be stored on a master; name a folder, sftp:// or s3://")
    return location


def listed_schemes() -> str:
    return ", ".join(f"{scheme}://" for scheme in SCHEMES)
