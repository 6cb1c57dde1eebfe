"""Parser of static pods' manifests for etcd and the API server: environment, arguments, volumes. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from orchestrator.core.hosts.view import ApiServer, EtcdConfig, MasterView, MemberView
from orchestrator.core.inventory.inventory import Host
from orchestrator.distros.common import fault
from orchestrator.distros.settings import (
    SettingsError,
    Words,
    api_server,
    certificates_in,
    environment_settings,
    etcd_config,
    flags,
    required,
)

ManifestError = SettingsError


FACTS = {"lib/pod_facts.sh": "manifest manifest_sha256"}


def read_member(
    host: Host, view: MasterView, facts: Mapping[str, str], file: str, *, volume: str | None = "data"
) -> MasterView:
    """The view with the member that this manifest configures. What cannot be read is among the view's faults.
    ``volume`` is as for ``parse_manifest``."""
    path = posixpath.join(host.paths.manifests, file)
    if "manifest" not in facts:
        return replace(view, faults=(*view.faults, fault(host, f"{path} is missing or cannot be read")))
    paths = host.paths
    try:
        config = parse_manifest(
            facts["manifest"], path=path, certificates=paths.certificates, data=paths.data, volume=volume
        )
    except ManifestError as error:
        return replace(view, faults=(*view.faults, fault(host, str(error))))
    sha256 = facts.get("manifest_sha256", "").split(" ")[0]
    return replace(view, member=MemberView(config=config, manifest_sha256=sha256))


def parse_manifest(
    text: str,
    *,
    path: str,
    certificates: str | None = None,
    data: str | None = None,
    volume: str | None = "data",
) -> EtcdConfig:
    """Parse the etcd pod's manifest -> its configuration, with paths of the host.

    ``path`` is the manifest's, for messages. ``certificates`` and ``data`` are the inventory's own values; they
    override the paths of the manifest. ``volume`` is the name of the data volume; without a name the data volume is
    the folder that --data-dir maps to. Raises ManifestError.
    """
    pod = _load(text, path)
    container = _container(pod, "etcd", path)
    settings = _settings(container, path)
    volumes = _volumes(pod, container)
    data_dir = required(settings, "data-dir", path)
    data_root = data or (_data_volume(pod, path, volume) if volume else _on_host(data_dir, volumes))

    def on_host(inside: str) -> str:
        return _on_host(inside, volumes)

    return etcd_config(
        settings,
        path,
        data=data_root,
        member_path=posixpath.join(data_root if data else on_host(data_dir), "member"),
        certificate=certificates_in(certificates, on_host),
        on_host=on_host,
        aliases=frozenset(
            str(name) for entry in pod["spec"].get("hostAliases") or [] for name in entry.get("hostnames") or []
        ),
        image=str(container.get("image", "")),
        owner=_owner(pod, container),
    )


def parse_api_manifest(text: str) -> ApiServer:
    """Parse the API server's manifest -> the settings that all masters must share, with paths of the host; empty if the
    manifest does not set them."""
    try:
        pod = _load(text, "")
        container = _container(pod, "kube-apiserver", "")
    except ManifestError:
        return ApiServer()
    volumes = _volumes(pod, container)
    return api_server(_words(container), lambda inside: _on_host(inside, volumes))


def _load(text: str, path: str) -> dict[str, Any]:
    try:
        pod = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ManifestError(f"{path} is not YAML: {error}") from error
    if not isinstance(pod, dict) or not isinstance(pod.get("spec"), dict):
        raise ManifestError(f"{path} is not a pod: it has no `spec`")
    return pod


def _container(pod: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    containers = [entry for entry in pod["spec"].get("containers") or [] if isinstance(entry, dict)]
    named = [entry for entry in containers if entry.get("name") == name] or containers
    if len(named) != 1:
        raise ManifestError(f"{path}: expected exactly one container named `{name}` in `spec.containers`")
    return named[0]


def _settings(container: dict[str, Any], path: str) -> dict[str, str]:
    variables = []
    for entry in container.get("env") or []:
        name = str(entry.get("name", ""))
        if name.startswith("ETCD_") and "value" not in entry and "valueFrom" in entry:
            raise ManifestError(f"{path}: {name} is set by `valueFrom`, which cannot be read")
        variables.append((name, str(entry.get("value", ""))))
    return environment_settings(variables) | dict(_words(container))


def _words(container: dict[str, Any]) -> Words:
    return flags([str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])]])


def _volumes(pod: dict[str, Any], container: dict[str, Any]) -> dict[str, str]:
    """Map each mount path in the container to its path on the host."""
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


def _owner(pod: dict[str, Any], container: dict[str, Any]) -> str:
    """Return the user that the container runs as: its own security context wins over the pod's (Kubernetes, "Configure
    a Security Context")."""
    context: dict[str, Any] = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    return f"{context.get('runAsUser', 0)}:{context.get('runAsGroup', 0)}"
