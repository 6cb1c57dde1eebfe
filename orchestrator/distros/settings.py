"""Settings of etcd and the API server that a restore needs, from a manifest, a unit or a file. Pure.

Source: etcd 3.5, server/etcdmain/config.go and pkg/flags/flag.go: every flag `--peer-cert-file` has an environment
variable `ETCD_PEER_CERT_FILE`; a flag on the command line wins.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from urllib.parse import urlsplit

from orchestrator.core.hosts.view import ApiServer, EtcdConfig, Tls

_SHARED = (
    *("listen-peer-urls", "advertise-client-urls", "peer-client-cert-auth", "peer-cert-allowed-cn"),
    *("peer-cert-allowed-hostname", "peer-auto-tls", "cipher-suites", "heartbeat-interval", "election-timeout"),
    *("quota-backend-bytes", "max-request-bytes", "snapshot-count"),
)
"""Settings that a member keeps, whoever starts it: its addresses, whom it trusts, how long it waits, and its limits."""

Words = tuple[tuple[str, str], ...]


class SettingsError(ValueError):
    """The configuration lacks a setting that a restore needs; the message says what is missing and in which file."""


def flags(words: Sequence[str]) -> Words:
    """Read a command line's flags and values, in their order. A flag may occur more than once; without a value it
    means true."""
    found = []
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            found.append((name, value if equals else following if following[:1] not in ("", "-") else "true"))
    return tuple(found)


def environment_settings(variables: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Turn etcd's environment variables into the names of its flags."""
    return {
        name.removeprefix("ETCD_").lower().replace("_", "-"): value
        for name, value in variables
        if name.startswith("ETCD_")
    }


def etcd_config(
    settings: Mapping[str, str],
    path: str,
    *,
    data: str,
    member_path: str,
    certificate: Callable[[str], str] = str,
    on_host: Callable[[str], str] = str,
    aliases: frozenset[str] = frozenset(),
    image: str = "",
    owner: str = "0:0",
) -> EtcdConfig:
    """Make a member's configuration; ``certificate`` and ``on_host`` map its paths to paths on the host.

    ``path`` is the file that has the settings, for messages; ``data`` is the data volume. Raises SettingsError.
    """
    peer_url = required(settings, "initial-advertise-peer-urls", path)
    if "," in peer_url:
        raise SettingsError(f"{path}: a member with several peer URLs is not supported: {peer_url}")
    return EtcdConfig(
        member=required(settings, "name", path),
        peer_url=peer_url,
        client_url=required(settings, "advertise-client-urls", path).split(",")[0],
        initial_cluster=_initial_cluster(required(settings, "initial-cluster", path), path),
        token=settings.get("initial-cluster-token") or "etcd-cluster",
        data=data,
        member_path=member_path,
        peer_tls=_tls(settings, "peer-", certificate),
        client_tls=_tls(settings, "", certificate),
        address=_listen_address(settings.get("listen-peer-urls", "")),
        aliases=aliases,
        image=image,
        wal_dir=_wal_dir(on_host(settings.get("wal-dir", "")), member_path),
        owner=owner,
        join_flags=tuple(f"--{name}={settings[name]}" for name in _SHARED if settings.get(name)),
    )


def api_server(words: Words, on_host: Callable[[str], str] = str) -> ApiServer:
    """Read from an API server's command line the settings that all masters must share.

    Source: Kubernetes, command line reference of kube-apiserver.
    """

    def paths(flag: str) -> tuple[str, ...]:
        return tuple(on_host(value) for name, value in words if name == flag and value)

    return ApiServer(
        client_ca="".join(paths("client-ca-file")[-1:]),
        service_account_keys=tuple(
            dict.fromkeys((*paths("service-account-key-file"), *paths("service-account-signing-key-file")))
        ),
        encryption="".join(paths("encryption-provider-config")[-1:]),
        etcd_prefix="/" + dict(words).get("etcd-prefix", "/registry").strip("/"),
    )


def required(settings: Mapping[str, str], name: str, path: str) -> str:
    """Return the setting with that name. Raises SettingsError if it is missing."""
    if not settings.get(name):
        raise SettingsError(f"{path}: etcd's --{name} is neither an argument nor, as ETCD_..., in the environment")
    return settings[name]


def certificates_in(folder: str | None, on_host: Callable[[str], str] = str) -> Callable[[str], str]:
    """Make a function that maps a certificate's path: into the inventory's folder if given, else by ``on_host``."""

    def certificate(path: str) -> str:
        return posixpath.join(folder, posixpath.basename(path)) if folder and path else on_host(path)

    return certificate


def _tls(settings: Mapping[str, str], prefix: str, certificate: Callable[[str], str]) -> Tls:
    names = ("trusted-ca", "cert", "key")
    return Tls(*(certificate(settings.get(f"{prefix}{name}-file", "")) for name in names))


def _wal_dir(path: str, member_path: str) -> str:
    """Return the log's own folder; empty if the setting only repeats the default folder."""
    path = path.rstrip("/")
    return "" if path == f"{member_path}/wal" else path


def _initial_cluster(text: str, path: str) -> dict[str, str]:
    members: dict[str, str] = {}
    for entry in text.split(","):
        name, equals, url = entry.strip().partition("=")
        if not equals or name in members:
            raise SettingsError(f"{path}: the initial cluster is not NAME=URL,...: {text}")
        members[name] = url
    return members


def _listen_address(urls: str) -> str:
    host = urlsplit(urls.split(",")[0]).hostname or ""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::", "localhost") else host  # noqa: S104 - only compared with
