"""The few fields of Kubernetes objects that a restore needs, from the bytes under ``/registry/``.

The API server stores a built-in kind as ``k8s\\0`` and a runtime.Unknown, which names the kind and contains the
object. Custom resources are JSON. Values that are encrypted at rest start with ``k8s:enc:``.

Source, each a ``generated.proto`` below staging/src/k8s.io in kubernetes/kubernetes: apimachinery/pkg/runtime
(Unknown, TypeMeta), apimachinery/pkg/apis/meta/v1 (ObjectMeta, MicroTime), api/coordination/v1 (Lease, LeaseSpec),
api/core/v1 (Node, NodeStatus, NodeCondition). A field's number never changes there.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.etcd import wire

NODES = "/registry/minions/"  # + node name
NODE_LEASES = "/registry/leases/kube-node-lease/"  # + node name

PREFIX = b"k8s\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ObjectError(ValueError):
    """The value is not an object of the wanted kind, is encrypted, or is damaged."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A coordination.k8s.io/v1 Lease; a kubelet renews the one named after its node."""

    name: str
    holder: str
    renewed_at_utc: datetime | None  # None: never renewed


@dataclass(frozen=True, slots=True)
class Node:
    """A v1 Node; ``ready`` is its Ready condition: "True", "False", "Unknown", or "" if it has none."""

    name: str
    ready: str


def read_lease(value: bytes) -> Lease:
    """Read a Lease. Raises ``ObjectError``."""
    try:
        lease = _object(value, "coordination.k8s.io/v1", "Lease")
        spec = wire.nested(lease, 2)
        return Lease(_name(lease), wire.text(spec, 1), _micro_time(wire.nested(spec, 4)))
    except wire.WireError as error:
        raise ObjectError(f"the lease is damaged: {error}") from error


def read_node(value: bytes) -> Node:
    """Read a Node. Raises ``ObjectError``."""
    try:
        node = _object(value, "v1", "Node")
        return Node(_name(node), _condition(wire.nested(node, 3), "Ready"))
    except wire.WireError as error:
        raise ObjectError(f"the node is damaged: {error}") from error


def _object(value: bytes, api_version: str, kind: str) -> memoryview:
    """Return the object's own bytes: raw = 2 of a runtime.Unknown whose typeMeta = 1 names the wanted kind."""
    if not value.startswith(PREFIX):
        raise ObjectError(f"the value starts with {value[:12]!r}, not {PREFIX!r}")
    unknown = memoryview(value)[len(PREFIX) :]
    type_meta = wire.nested(unknown, 1)
    found = wire.text(type_meta, 1), wire.text(type_meta, 2)
    if found != (api_version, kind):
        raise ObjectError(f"expected {api_version} {kind}, got {' '.join(found)}")
    return wire.nested(unknown, 2)


def _name(an_object: memoryview) -> str:
    return wire.text(wire.nested(an_object, 1), 1)  # ObjectMeta.name


def _condition(status: memoryview, wanted: str) -> str:
    """Return the status of a condition: NodeStatus.conditions = 4, each with type = 1 and status = 2."""
    for number, condition in wire.fields(status):
        if number == 4 and isinstance(condition, memoryview) and wire.text(condition, 1) == wanted:
            return wire.text(condition, 2)
    return ""


def _micro_time(message: memoryview) -> datetime | None:
    """Read a MicroTime: seconds = 1 since 1970, nanos = 2; it keeps microseconds only. Raises ``ObjectError``."""
    if not message:
        return None
    seconds, nanos = wire.integer(message, 1), wire.integer(message, 2)
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError as error:
        raise ObjectError(f"the time {seconds} s after 1970 is out of range") from error
