"""The Kubernetes objects of a snapshot: counts by resource and namespace, and the objects that matter for a restore.

Source of the field numbers, each a ``generated.proto`` below staging/src/k8s.io in kubernetes/kubernetes:
apimachinery/pkg/apis/meta/v1, api/core/v1 (PersistentVolume, PersistentVolumeClaim, Namespace), api/coordination/v1
(Lease), api/admissionregistration/v1, apiextensions-apiserver/pkg/apis/apiextensions/v1. Field numbers never change
there.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.kubernetes import ObjectError, read_lease
from orchestrator.etcd.live import HEAD_BYTES, SHORT_KEY_BYTES, value_of
from orchestrator.etcd.objects import (
    ENCRYPTED,
    METADATA,
    NAME,
    SPEC,
    UID,
    Field,
    Part,
    encryption_of,
    open_object,
    part,
    parts,
    text,
    texts,
)
from orchestrator.etcd.registry import Landmark, ObjectKey, PrefixVotes, landmark, read_key
from orchestrator.etcd.volumes import Volume, VolumeClaim, read_claim, read_volume

T = TypeVar("T")

_STATUS, _STORED_VERSIONS = Field(3, "status"), Field(3, "storedVersions")
_WEBHOOKS, _FAILURE_POLICY = Field(2, "webhooks"), Field(4, "failurePolicy")
_RENEW_TIME = Field(4, "renewTime")


class ObjectCount(Frozen):
    """The number of objects of a resource in a namespace. ``namespace`` is empty for cluster-wide objects."""

    resource: str
    namespace: str
    objects: int


class Definition(Frozen):
    """A CustomResourceDefinition; etcd may hold its objects in any of the stored versions."""

    name: str
    stored_versions: tuple[str, ...]


class Webhook(Frozen):
    """One webhook of a configuration. With policy `Fail` it blocks what it watches while its server is down."""

    configuration: str
    kind: str  # "mutating" or "validating"
    name: str
    failure_policy: str


class Encryption(Frozen):
    """The number of objects of one resource that are encrypted at rest with one key."""

    resource: str
    provider: str
    key: str
    objects: int


class Contents(Frozen):
    """What a snapshot contains of Kubernetes.

    ``unreadable`` counts objects that should have been read but could not be, without encrypted ones.
    ``newest_renewal_utc`` is the newest renewal of a kubelet's lease (ISO 8601, UTC): the snapshot's own clock.
    """

    prefix: str
    objects: tuple[ObjectCount, ...]
    nodes: tuple[str, ...]
    master_leases: tuple[str, ...]  # addresses of API servers
    volumes: tuple[Volume, ...]
    claims: tuple[VolumeClaim, ...]
    definitions: tuple[Definition, ...]
    webhooks: tuple[Webhook, ...]
    encryption: tuple[Encryption, ...]
    plain_secrets: int
    kube_system_uid: str | None
    newest_renewal_utc: str | None
    unreadable: int

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """`PROVIDER NAME` of each key that encrypts Secrets."""
        return tuple(f"{it.provider} {it.key}".strip() for it in self.encryption if it.resource == "secrets")


class ContentsReader:
    """Consumer of live keys: call ``add`` for each key, then ``result``.

    ``add`` raises ``CorruptError`` if a pair that it must read is malformed; it never raises because of a value.
    """

    def __init__(self) -> None:
        self._folders: Counter[bytes] = Counter()
        self._landmarks: dict[bytes, Landmark | None] = {}
        self._encrypted: Counter[tuple[bytes, str, str]] = Counter()
        self._votes = PrefixVotes()
        self._found: dict[Landmark, list[tuple[bytes, object]]] = {}

    def add(self, user_key: bytes, pair: memoryview, _mod_revision: int) -> None:
        folder, _, name = user_key.rpartition(b"/")
        if folder not in self._landmarks:
            self._landmarks[folder] = landmark(folder)
        self._folders[folder] += 1
        may_be_encrypted = ENCRYPTED in bytes(pair[:HEAD_BYTES]) or len(user_key) >= SHORT_KEY_BYTES
        encryption = encryption_of(value_of(pair)) if may_be_encrypted else None
        if encryption:
            self._encrypted[folder, *encryption] += 1
        found = self._landmarks[folder]
        if found is None or not found.has(name):
            return
        self._votes.add(found)
        read = None if encryption else _READERS.get(found.kind.partition(b"/")[0])
        self._found.setdefault(found, []).append((user_key, _read(read, value_of(pair)) if read else None))

    def result(self) -> Contents:
        prefix = self._votes.result()
        counts = _by_resource(prefix, self._folders)
        encrypted: Counter[tuple[str, str, str]] = Counter()
        for (folder, provider, key), number in self._encrypted.items():
            encrypted[read_key(prefix, folder + b"/").resource, provider, key] += number
        secrets = sum(number for (resource, _), number in counts.items() if resource == "secrets")
        hidden = sum(number for (resource, *_), number in encrypted.items() if resource == "secrets")
        renewals = self._values_of(prefix, b"leases/kube-node-lease", datetime)
        return Contents(
            prefix=prefix.decode("utf-8", "replace"),
            objects=tuple(
                ObjectCount(resource=resource, namespace=namespace, objects=number)
                for (resource, namespace), number in sorted(counts.items())
            ),
            nodes=self._names(prefix, b"minions"),
            master_leases=self._names(prefix, b"masterleases"),
            volumes=tuple(self._values_of(prefix, b"persistentvolumes", Volume)),
            claims=tuple(self._values_of(prefix, b"persistentvolumeclaims/", VolumeClaim)),
            definitions=tuple(self._values_of(prefix, b"apiextensions.k8s.io/customresourcedefinitions", Definition)),
            webhooks=tuple(hook for hooks in self._values_of(prefix, b"", tuple) for hook in hooks),
            encryption=tuple(
                Encryption(resource=resource, provider=provider, key=key, objects=number)
                for (resource, provider, key), number in sorted(encrypted.items())
            ),
            plain_secrets=secrets - hidden,
            kube_system_uid=next(iter(self._values_of(prefix, b"namespaces", str)), None) or None,
            newest_renewal_utc=max(renewals).isoformat() if renewals else None,
            unreadable=len(self._values_of(prefix, b"", ObjectError)),
        )

    def _values_of(self, prefix: bytes, kind: bytes, wanted: type[T]) -> list[T]:
        """Return the values of that type under the prefix, sorted by key, from all landmarks whose kind starts with
        ``kind``."""
        found = sorted(
            (key, value)
            for mark, values in self._found.items()
            if mark.prefix == prefix and mark.kind.startswith(kind)
            for key, value in values
            if isinstance(value, wanted)
        )
        return [value for _, value in found if isinstance(value, wanted)]

    def _names(self, prefix: bytes, kind: bytes) -> tuple[str, ...]:
        return tuple(sorted(read_key(prefix, key).name for key, _ in self._found.get(Landmark(prefix, kind), ())))


def _by_resource(prefix: bytes, folders: Counter[bytes]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for folder, number in folders.items():
        key: ObjectKey = read_key(prefix, folder + b"/")
        counts[key.resource, key.namespace] += number
    return counts


def _read(reader: Callable[[bytes], object], value: bytes) -> object:
    try:
        return reader(value)
    except ObjectError as error:
        return error


def _definition(value: bytes) -> Definition:
    found = open_object(value)
    name = text(found, METADATA, NAME)
    return Definition(name=name, stored_versions=texts(part(found, _STATUS), _STORED_VERSIONS))


def _webhooks(kind: str) -> Callable[[bytes], tuple[Webhook, ...]]:
    def read(value: bytes) -> tuple[Webhook, ...]:
        found = open_object(value)
        return tuple(_hooks(kind, text(found, METADATA, NAME), parts(found, _WEBHOOKS)))

    return read


def _hooks(kind: str, configuration: str, hooks: Iterable[Part]) -> Iterable[Webhook]:
    for hook in hooks:
        policy = text(hook, _FAILURE_POLICY)
        yield Webhook(configuration=configuration, kind=kind, name=text(hook, NAME), failure_policy=policy)


def _renewal(value: bytes) -> datetime | None:
    if not value.startswith(b"{"):
        return read_lease(value).renewed_at_utc
    written = text(open_object(value), SPEC, _RENEW_TIME)
    if not written:
        return None
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            raise ObjectError(f"lease renewTime {written!r} has no time zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ObjectError(f"lease renewTime {written!r} is not a timestamp") from error


def read_uid(value: bytes) -> str:
    """Return the UID of an object of any kind. Raises ``ObjectError``."""
    return text(open_object(value), METADATA, UID)


_READERS: dict[bytes, Callable[[bytes], object]] = {
    b"leases": _renewal,
    b"persistentvolumes": read_volume,
    b"persistentvolumeclaims": read_claim,
    b"apiextensions.k8s.io": _definition,
    b"mutatingwebhookconfigurations": _webhooks("mutating"),
    b"validatingwebhookconfigurations": _webhooks("validating"),
    b"namespaces": read_uid,
}
"""Readers by the first part of a landmark's kind. Nodes and masters' leases need none: the key says everything."""
