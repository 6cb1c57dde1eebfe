"""Kubernetes objects as the API server stores them in etcd: ``k8s\\0`` and Protocol Buffers.

This file uses only the standard library and imports nothing of this project, so that it can be copied to other
machines. Field numbers: the ``generated.proto`` files of apimachinery (runtime, meta/v1), coordination/v1 and
core/v1.
"""

from datetime import UTC, datetime

PREFIX = b"k8s\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def lease_bytes(
    name: str, holder: str, renew_time: datetime, namespace: str = "kube-node-lease", uid: str = ""
) -> bytes:
    """Return a Lease of coordination.k8s.io/v1 of 40 s, acquired and renewed at that (aware) time."""
    time = _micro_time(renew_time)
    spec = _text(1, holder) + _number(2, 40) + _message(3, time) + _message(4, time)
    return _stored("coordination.k8s.io/v1", "Lease", _metadata(name, namespace, uid) + _message(2, spec))


def node_bytes(name: str, ready: bool, heartbeat: datetime, uid: str = "") -> bytes:
    """Return a v1 Node with two conditions, one of which is Ready."""
    pressure = _condition("MemoryPressure", "False", heartbeat)
    readiness = _condition("Ready", "True" if ready else "False", heartbeat)
    status = _message(4, pressure) + _message(4, readiness)
    return _stored("v1", "Node", _metadata(name, "", uid) + _message(2, b"") + _message(3, status))


def object_bytes(api_version: str, kind: str, namespace: str, name: str, uid: str) -> bytes:
    """Return an object of any kind, with only its metadata."""
    return _stored(api_version, kind, _metadata(name, namespace, uid))


def volume_bytes(name: str, driver: str, handle: str, claim: tuple[str, str], storage_class: str = "fast") -> bytes:
    """Return a v1 PersistentVolume of a CSI driver, bound to the claim (namespace, name)."""
    source = _message(22, _text(1, driver) + _text(2, handle))
    reference = _text(1, "PersistentVolumeClaim") + _text(2, claim[0]) + _text(3, claim[1])
    capacity = _message(1, _text(1, "storage") + _message(2, _text(1, "10Gi")))
    spec = capacity + _message(2, source) + _text(3, "ReadWriteOnce") + _message(4, reference) + _text(6, storage_class)
    return _stored("v1", "PersistentVolume", _metadata(name, "", "") + _message(2, spec))


def disk_bytes(name: str, disk: str) -> bytes:
    """Return a v1 PersistentVolume on a GCE disk, from before CSI; no claim, no class."""
    source = _message(1, _text(1, disk) + _text(2, "ext4"))
    return _stored("v1", "PersistentVolume", _metadata(name, "", "") + _message(2, _message(2, source)))


def claim_bytes(namespace: str, name: str, volume: str, storage_class: str = "fast") -> bytes:
    """Return a v1 PersistentVolumeClaim, bound to the volume."""
    spec = _text(1, "ReadWriteOnce") + _text(3, volume) + _text(5, storage_class)
    return _stored("v1", "PersistentVolumeClaim", _metadata(name, namespace, "") + _message(2, spec))


def definition_bytes(name: str, *stored_versions: str) -> bytes:
    """Return a CustomResourceDefinition."""
    status = _message(2, _text(1, name)) + b"".join(_text(3, version) for version in stored_versions)
    raw = _metadata(name, "", "") + _message(2, _text(1, "example.com")) + _message(3, status)
    return _stored("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", raw)


def webhooks_bytes(kind: str, name: str, policies: dict[str, str]) -> bytes:
    """Return a Mutating- or ValidatingWebhookConfiguration; ``policies`` maps each webhook to its failure policy."""
    hooks = (_message(2, _text(1, hook) + _message(2, b"") + _text(4, policy)) for hook, policy in policies.items())
    return _stored("admissionregistration.k8s.io/v1", kind, _metadata(name, "", "") + b"".join(hooks))


def pair_of(key: bytes, value: bytes, revision: int) -> memoryview:
    """Return an mvccpb.KeyValue as etcd writes it, without its lease."""
    numbers = b"".join(_number(number, revision) for number in (2, 3, 4))
    return memoryview(_message(1, key) + numbers + (_message(5, value) if value else b""))


def _stored(api_version: str, kind: str, raw: bytes) -> bytes:
    """runtime.Unknown: typeMeta = 1, raw = 2, contentEncoding = 3, contentType = 4."""
    type_meta = _text(1, api_version) + _text(2, kind)
    return PREFIX + _message(1, type_meta) + _message(2, raw) + _message(3, b"") + _message(4, b"")


def _metadata(name: str, namespace: str, uid: str) -> bytes:
    """Field 1 of every object. ObjectMeta: name = 1, namespace = 3, uid = 5."""
    return _message(1, _text(1, name) + _text(3, namespace) + _text(5, uid))


def _condition(kind: str, status: str, heartbeat: datetime) -> bytes:
    """NodeCondition: type = 1, status = 2, lastHeartbeatTime = 3, lastTransitionTime = 4."""
    time = _number(1, int(heartbeat.timestamp()))
    return _text(1, kind) + _text(2, status) + _message(3, time) + _message(4, time)


def _micro_time(moment: datetime) -> bytes:
    """MicroTime: seconds = 1, nanos = 2."""
    since = moment - _EPOCH
    return _number(1, since.days * 86400 + since.seconds) + _number(2, since.microseconds * 1000)


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value % (1 << 64))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
