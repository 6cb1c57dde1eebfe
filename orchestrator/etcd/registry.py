"""Where Kubernetes keeps its objects in etcd: ``PREFIX/RESOURCE[/NAMESPACE]/NAME``.

The prefix is what the API server's ``--etcd-prefix`` says, `/registry` where it says nothing. A resource with a dot
in its first part stands below its group; services and endpoints share a folder.

Source: kubernetes/kubernetes staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go (NamespaceKeyFunc),
pkg/registry/core/rest/storage_core.go, pkg/controlplane/reconcilers/lease.go (masterleases).
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
"""What stands for a resource where a key is none of Kubernetes' objects, such as ``compact_rev_key``."""


class ObjectKey(NamedTuple):
    """``resource`` as kubectl names it, with its group where it has one: `nodes`, `widgets.example.com`."""

    resource: str
    namespace: str  # "" for what belongs to the whole cluster
    name: str

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def read_key(prefix: bytes, key: bytes) -> ObjectKey:
    """``prefix`` ends with a slash. Bytes that are not UTF-8 become U+FFFD."""
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
    """A folder of keys that only Kubernetes writes: what stands before it may be the prefix."""

    prefix: bytes
    kind: bytes  # such as b"persistentvolumes"

    def has(self, name: bytes) -> bool:
        """Whether the key of that name counts: of all namespaces, every cluster has only one for certain."""
        return bool(name) and (self.kind != _NAMESPACES or name == _KUBE_SYSTEM)


def landmark(folder: bytes) -> Landmark | None:
    """None for every other folder, which is a key up to its last slash."""
    match = _LANDMARK.fullmatch(folder)
    return Landmark(match[1], match[2]) if match else None


@dataclass(slots=True)
class PrefixVotes:
    """Finds the prefix among landmarks: a custom resource may look like one, but only in one kind."""

    _kinds: dict[bytes, dict[bytes, int]] = field(default_factory=dict)

    def add(self, found: Landmark) -> None:
        kinds = self._kinds.setdefault(found.prefix, {})
        kind = found.kind.partition(b"/")[0]
        kinds[kind] = kinds.get(kind, 0) + 1

    def result(self) -> bytes:
        """The prefix with the namespace kube-system, else the one with most kinds, then keys; `/registry/` without
        any landmark."""
        if not self._kinds:
            return DEFAULT_PREFIX

        def weight(prefix: bytes) -> tuple[bool, int, int, int]:
            kinds = self._kinds[prefix]
            return b"namespaces" in kinds, len(kinds), sum(kinds.values()), -len(prefix)

        return max(self._kinds, key=weight)
