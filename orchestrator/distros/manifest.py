"""etcd's configuration from a static pod's manifest: environment, arguments, volumes. Pure.

Source: etcd 3.5, server/etcdmain/config.go and pkg/flags/flag.go: every flag `--peer-cert-file` has an environment
variable `ETCD_PEER_CERT_FILE`; a flag on the command line wins.
"""

from __future__ import annotations

import posixpath
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

import yaml

from orchestrator.core.masters import ApiConfig, EtcdConfig, Tls


class ManifestError(ValueError):
    """The manifest does not say what a restore must know; the message says what is missing and where."""


def parse_manifest(
    text: str,
    *,
    path: str,
    certificates: str | None = None,
    data: str | None = None,
    volume: str | None = "data",
) -> EtcdConfig:
    """The etcd pod's manifest -> its configuration, with paths of the host.

    ``path`` is the manifest's, for messages. ``certificates`` and ``data`` are the inventory's own values, which
    win over what the manifest maps to. ``volume`` names the data volume; without a name it is the folder that
    --data-dir leads to. Raises ManifestError.
    """
    pod = _load(text, path)
    container = _container(pod, "etcd", path)
    settings = _settings(container, path)
    volumes = _volumes(pod, container)
    data_dir = _required(settings, "data-dir", path)
    data_root = data or (_data_volume(pod, path, volume) if volume else _on_host(data_dir, volumes))

    def on_host(inside: str) -> str:
        if certificates and inside:
            return posixpath.join(certificates, posixpath.basename(inside))
        return _on_host(inside, volumes)

    peer_url = _required(settings, "initial-advertise-peer-urls", path)
    if "," in peer_url:
        raise ManifestError(f"{path}: a member with several peer URLs is not supported: {peer_url}")
    return EtcdConfig(
        member=_required(settings, "name", path),
        peer_url=peer_url,
        client_url=_required(settings, "advertise-client-urls", path).split(",")[0],
        initial_cluster=_initial_cluster(_required(settings, "initial-cluster", path), path),
        token=settings.get("initial-cluster-token", "etcd-cluster"),
        data=data_root,
        member_path=posixpath.join(data_root if data else _on_host(data_dir, volumes), "member"),
        peer_tls=Tls(*(on_host(settings.get(f"peer-{name}-file", "")) for name in ("trusted-ca", "cert", "key"))),
        client_tls=Tls(*(on_host(settings.get(f"{name}-file", "")) for name in ("trusted-ca", "cert", "key"))),
        address=_listen_address(settings.get("listen-peer-urls", "")),
        aliases=frozenset(
            str(name) for entry in pod["spec"].get("hostAliases") or [] for name in entry.get("hostnames") or []
        ),
        image=str(container.get("image", "")),
        wal_dir=_on_host(settings.get("wal-dir", ""), volumes),
        owner=_owner(pod, container),
    )


def parse_api_manifest(text: str) -> ApiConfig:
    """The API server's manifest -> what its masters must share, with paths of the host; empty where it says nothing.

    Source: Kubernetes, command line reference of kube-apiserver.
    """
    try:
        pod = _load(text, "")
        container = _container(pod, "kube-apiserver", "")
    except ManifestError:
        return ApiConfig()
    volumes = _volumes(pod, container)
    words = _words(container)

    def paths(flag: str) -> tuple[str, ...]:
        return tuple(_on_host(value, volumes) for name, value in words if name == flag and value)

    settings = dict(words)
    return ApiConfig(
        client_ca="".join(paths("client-ca-file")[-1:]),
        service_account_keys=tuple(
            dict.fromkeys((*paths("service-account-key-file"), *paths("service-account-signing-key-file")))
        ),
        encryption="".join(paths("encryption-provider-config")[-1:]),
        etcd_prefix="/" + settings.get("etcd-prefix", "/registry").strip("/"),
    )


def _load(text: str, path: str) -> dict[str, Any]:
    try:
        pod = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ManifestError(f"{path} is no YAML: {error}") from error
    if not isinstance(pod, dict) or not isinstance(pod.get("spec"), dict):
        raise ManifestError(f"{path} is no pod: it has no `spec`")
    return pod


def _container(pod: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    containers = [entry for entry in pod["spec"].get("containers") or [] if isinstance(entry, dict)]
    named = [entry for entry in containers if entry.get("name") == name] or containers
    if len(named) != 1:
        raise ManifestError(f"{path}: exactly one container named `{name}` is expected in `spec.containers`")
    return named[0]


def _settings(container: dict[str, Any], path: str) -> dict[str, str]:
    settings: dict[str, str] = {}
    for entry in container.get("env") or []:
        name = str(entry.get("name", ""))
        if name.startswith("ETCD_"):
            if "value" not in entry and "valueFrom" in entry:
                raise ManifestError(f"{path}: {name} comes from elsewhere (`valueFrom`), which cannot be read here")
            settings[name.removeprefix("ETCD_").lower().replace("_", "-")] = str(entry.get("value", ""))
    return settings | dict(_words(container))


def _words(container: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The command line's flags with their values, in their order; a flag may be given more than once."""
    words = [str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])]]
    found = []
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            found.append((name, value if equals else following))
    return tuple(found)


def _volumes(pod: dict[str, Any], container: dict[str, Any]) -> dict[str, str]:
    """Mount path in the container -> path on the host."""
    sources = {
        volume.get("name"): volume["hostPath"]["path"]
        for volume in pod["spec"].get("volumes") or []
        if isinstance(volume.get("hostPath"), dict)
    }
    return {
        mount["mountPath"]: posixpath.join(sources[mount["name"]], mount.get("subPath", "")).rstrip("/")
        for mount in container.get("volumeMounts") or []
        if mount.get("name") in sources
    }


def _data_volume(pod: dict[str, Any], path: str, name: str) -> str:
    # Vendor's page, "Addendum: locating etcd data volume".
    for volume in pod["spec"].get("volumes") or []:
        if volume.get("name") == name and isinstance(volume.get("hostPath"), dict):
            return posixpath.normpath(str(volume["hostPath"].get("path", "")))
    raise ManifestError(f"{path}: no volume named `{name}` with a `hostPath.path` in `spec.volumes`")


def _on_host(inside: str, volumes: dict[str, str]) -> str:
    for mount in sorted(volumes, key=len, reverse=True):
        if inside == mount or inside.startswith(mount.rstrip("/") + "/"):
            return posixpath.normpath(volumes[mount] + "/" + inside[len(mount) :])
    return inside


def _initial_cluster(text: str, path: str) -> dict[str, str]:
    members: dict[str, str] = {}
    for entry in text.split(","):
        name, equals, url = entry.strip().partition("=")
        if not equals or name in members:
            raise ManifestError(f"{path}: the initial cluster is not NAME=URL,...: {text}")
        members[name] = url
    return members


def _owner(pod: dict[str, Any], container: dict[str, Any]) -> str:
    """As whom the container runs: its own security context wins over the pod's (Kubernetes, "Configure a Security
    Context")."""
    context: dict[str, Any] = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    return f"{context.get('runAsUser', 0)}:{context.get('runAsGroup', 0)}"


def _listen_address(urls: str) -> str:
    host = urlsplit(urls.split(",")[0]).hostname or ""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::", "localhost") else host  # noqa: S104 - only compared with


def _required(settings: dict[str, str], name: str, path: str) -> str:
    if not settings.get(name):
        raise ManifestError(
            f"{path}: etcd's --{name} is neither among its arguments nor, as ETCD_..., in its environment"
        )
    return settings[name]
