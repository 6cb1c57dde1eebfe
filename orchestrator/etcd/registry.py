"""Where Kubernetes stores its objects in etcd: ``PREFIX/RESOURCE[/NAMESPACE]/NAME``.

The prefix is the API server's ``--etcd-prefix``, by default `/registry`. A resource whose first part has a dot is
stored below its group; services and endpoints share a folder.

Source: kubernetes/kubernetes staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go
(NamespaceKeyFunc), pkg/registry/core/rest/storage_core.go, pkg/controlplane/reconcilers/lease.go (masterleases).
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

DEFAULT_PREFIX = b"/registry/"

_KUBECTL_NAMES = {"minions": "nodes", "services/specs": "services", "services/endpoints": "endpoints"}
_SHARED_FOLDER = "services"
_LANDMARK = re.compile(
    rb"(.*?/)(namespaces|masterleases|minions|leases/kube-node-lease|persistentvolumes"
    rb"|persistentvolumeclaims/[^/]+|apiextensions\.k8s\.io/customresourcedefinitions"
    rb"|(?:mutating|validating)webhookconfigurations)",
    re.DOTALL,
)
_NAMESPACES, _KUBE_SYSTEM = b"namespaces", b"kube-system"

OTHER = "other keys"
"""The resource of a key that is not an object of Kubernetes, such as ``compact_rev_key``."""


class ObjectKey(NamedTuple):
    """The parts of a key. ``resource`` is named as in kubectl, with any group: `nodes`, `widgets.example.com`."""

    resource: str
    namespace: str  # "" for cluster-wide objects
    name: str

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def read_key(prefix: bytes, key: bytes) -> ObjectKey:
    """Split a key into its parts. ``prefix`` ends with a slash. Bytes that are not UTF-8 become U+FFFD."""
    if not key.startswith(prefix):
        return ObjectKey(OTHER, "", key.decode("utf-8", "replace"))
    first, *rest = key[len(prefix) :].decode("utf-8", "replace").split("/")
    grouped = len(rest) > 1 and ("." in first or first == _SHARED_FOLDER)
    if grouped:
        kind, *rest = rest
        stored = f"{first}/{kind}"
        resource = _KUBECTL_NAMES.get(stored, f"{kind}.{first}")
    else:
        resource = _KUBECTL_NAMES.get(first, first)
    if not rest:
        return ObjectKey(OTHER, "", first)
    return ObjectKey(resource, rest[0] if len(rest) > 1 else "", "/".join(rest[1:] or rest))


class Landmark(NamedTuple):
    """A folder of keys that only Kubernetes writes: the part before it may be the prefix."""

    prefix: bytes
    kind: bytes  # such as b"persistentvolumes"

    def has(self, name: bytes) -> bool:
        """Return whether the key of that name counts: kube-system is the only namespace that every cluster has."""
        return bool(name) and (self.kind != _NAMESPACES or name == _KUBE_SYSTEM)


def landmark(folder: bytes) -> Landmark | None:
    """Recognise a folder, which is a key up to its last slash; None for all that are not landmarks."""
    match = _LANDMARK.fullmatch(folder)
    return Landmark(match[1], match[2]) if match else None


@dataclass(slots=True)
class PrefixVotes:
    """Finds the prefix among landmarks: a custom resource may look like a landmark, but only of one kind."""

    _kinds: dict[bytes, dict[bytes, int]] = field(default_factory=dict)

    def add(self, found: Landmark) -> None:
        kinds = self._kinds.setdefault(found.prefix, {})
        kind = found.kind.partition(b"/")[0]
        kinds[kind] = kinds.get(kind, 0) + 1

    def result(self) -> bytes:
        """Return the prefix that has the namespace kube-system, else the one with most kinds, then most keys.

        Returns `/registry/` if there is no landmark.
        """
        if not self._kinds:
            return DEFAULT_PREFIX

        def weight(prefix: bytes) -> tuple[bool, int, int, int]:
            kinds = self._kinds[prefix]
            return b"namespaces" in kinds, len(kinds), sum(kinds.values()), -len(prefix)

        return max(self._kinds, key=weight)
