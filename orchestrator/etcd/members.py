"""Parsers for the JSON answers of a running member.

The peer port answers without a quorum: ``GET /members`` (the cluster id is the header ``X-Etcd-Cluster-Id``), ``GET
/members/hashkv`` with the body ``{"revision": R}``, ``GET /version``. The client port answers ``GET /health``, and
through its gateway ``POST /v3/kv/range`` and ``POST /v3/maintenance/status``; the gateway writes numbers as strings
and bytes as base64, and omits zeros.

Source: etcd v3.6.14 server/etcdserver/api/etcdhttp/{peer,health,version}.go, server/etcdserver/corrupt.go
(hashKVHandler), api/etcdserverpb/rpc.proto.
"""

from base64 import b64decode
from typing import Annotated, Any, TypeVar

from pydantic import (
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from orchestrator.etcd.ids import hex_id

T = TypeVar("T")
_SHOWN_CHARACTERS = 200
_adapters: dict[object, TypeAdapter[Any]] = {}


class AnswerError(ValueError):
    """A member's answer does not have the expected form; the message says why and quotes its start."""


def _as_hex(number: object) -> str:
    """Convert an id to hexadecimal: etcd's JSON writes ids as decimal numbers, or as strings of them."""
    if isinstance(number, int | str):
        return hex_id(int(number))
    raise ValueError("an id must be a number")


def _from_base64(text: object) -> bytes:
    if isinstance(text, str):
        return b64decode(text, validate=True)
    raise ValueError("bytes must be base64")


HexId = Annotated[str, BeforeValidator(_as_hex)]
Bytes = Annotated[bytes, BeforeValidator(_from_base64)]


class _Answer(BaseModel):
    """The base of all answers. Unknown fields are ignored, because later versions of etcd add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class Member(_Answer):
    """A member of the cluster as its peers know it. ``name`` is empty until it has started once."""

    id: HexId
    name: str = ""
    peer_urls: tuple[str, ...] = Field(validation_alias="peerURLs")
    client_urls: tuple[str, ...] = Field((), validation_alias="clientURLs")
    is_learner: bool = Field(False, validation_alias="isLearner")


class HashKv(_Answer):
    """The hash of a member's keyspace at ``revision``; a compacted revision of -1 means never."""

    revision: int = Field(validation_alias=AliasPath("header", "revision"), ge=1)
    compacted_revision: int = Field(validation_alias="compact_revision")
    hash_kv: int = Field(0, validation_alias="hash", ge=0, lt=1 << 32)


class Versions(_Answer):
    """The versions of a member and its cluster. ``cluster`` is "not_decided" until the cluster has a leader."""

    server: str = Field(validation_alias="etcdserver")
    cluster: str = Field("", validation_alias="etcdcluster")


class Health(_Answer):
    healthy: bool = Field(validation_alias="health")
    reason: str = ""


class Status(_Answer):
    """The status of a member. ``leader`` is None without one.

    ``errors`` are alarms, as protobuf texts, and `etcdserver: no leader`.
    """

    cluster_id: HexId = Field(validation_alias=AliasPath("header", "cluster_id"))
    member_id: HexId = Field(validation_alias=AliasPath("header", "member_id"))
    revision: int = Field(0, validation_alias=AliasPath("header", "revision"))
    version: str
    size_bytes: int = Field(0, validation_alias="dbSize")
    leader: HexId | None = None
    errors: tuple[str, ...] = ()


class KeyValue(_Answer):
    key: Bytes
    value: Bytes = b""
    create_revision: int = 0
    mod_revision: int = 0


class Range(_Answer):
    """The keys of a range. ``count`` is the number of keys in the range; ``kvs`` may hold fewer because of a limit."""

    revision: int = Field(validation_alias=AliasPath("header", "revision"))
    count: int = 0
    kvs: tuple[KeyValue, ...] = ()


def parse_members(body: str) -> tuple[Member, ...]:
    """Parse the peer port's ``/members``. Raises ``AnswerError``, like all parsers here."""
    return _parse(tuple[Member, ...], "/members", body)


def parse_hash_kv(body: str) -> HashKv:
    """Parse the peer port's ``/members/hashkv``; a future or compacted revision is an ``AnswerError``."""
    return _parse(HashKv, "/members/hashkv", body)


def parse_versions(body: str) -> Versions:
    """Parse ``/version``, which both ports serve."""
    return _parse(Versions, "/version", body)


def parse_health(body: str) -> Health:
    """Parse ``/health``, whose JSON is the same with status 200 and 503."""
    return _parse(Health, "/health", body)


def parse_status(body: str) -> Status:
    """Parse the gateway's ``/v3/maintenance/status``."""
    return _parse(Status, "/v3/maintenance/status", body)


def parse_range(body: str) -> Range:
    """Parse the gateway's ``/v3/kv/range``."""
    return _parse(Range, "/v3/kv/range", body)


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    """Build each parser once: that takes longer than a hundred answers."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def _parse(kind: type[T], path: str, body: str) -> T:
    try:
        return _adapter(kind).validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise AnswerError(
            f"etcd's answer on {path}: {said}; the answer begins with {body[:_SHOWN_CHARACTERS]!r}"
        ) from error
