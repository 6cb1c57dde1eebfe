"""Every object that an API server shows, to compare with what it showed when the backup was taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tests.real.cluster import Real
from tests.real.hosts import MASTERS

Contents = Mapping[str, str]
"""`UID` and a hash of its content by `Kind/namespace/name`."""
_NOT_STORED = {"componentstatuses"}
_NEVER_STILL = {"events", "events.events.k8s.io"}
_MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a pod that kubelet shows for a manifest on its host; kubelet makes it anew."""
_ONLY_IDENTITY = {"Node", "Lease", "Endpoints", "EndpointSlice"}
"""Components rewrite them all the time: only that they are the same objects is asked."""


def contents(real: Real, host: str = MASTERS[0].name) -> Contents:
    """Every object of every resource, as this master's API server shows it, but for events and mirror pods."""
    kinds = set(real.kubectl("api-resources", "--verbs=list", "--output=name", host=host).split())
    chosen = ",".join(sorted(kinds - _NOT_STORED - _NEVER_STILL))
    listed = json.loads(real.kubectl("get", chosen, "--all-namespaces", "--output=json", host=host))["items"]
    return {_key(it): identity(it) for it in listed if _MIRROR not in it["metadata"].get("annotations", {})}


def changes(before: Contents, after: Contents) -> list[str]:
    """What is there too much, missing, or another, one line each."""
    return [
        *(f"made since: {key}" for key in sorted(after.keys() - before.keys())),
        *(f"missing: {key}" for key in sorted(before.keys() - after.keys())),
        *(f"changed: {key}" for key in sorted(before.keys() & after.keys()) if before[key] != after[key]),
    ]


def _key(item: Mapping[str, Any]) -> str:
    metadata = item["metadata"]
    return f"{item['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"


def identity(item: Mapping[str, Any]) -> str:
    """The object's own content: without its status and what the API server notes about it."""
    uid = str(item["metadata"]["uid"])
    if item["kind"] in _ONLY_IDENTITY:
        return uid
    content = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    content["labels"] = item["metadata"].get("labels", {})
    return f"{uid} {sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]}"
