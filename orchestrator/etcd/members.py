"""What a running member answers over HTTP, read from its JSON.

The peer port answers without a quorum: ``GET /members`` (the cluster id is the header ``X-Etcd-Cluster-Id``),
``GET /members/hashkv`` with the body ``{"revision": R}``, ``GET /version``. The client port answers
``GET /health``, and through its gateway ``POST /v3/kv/range`` and ``POST /v3/maintenance/status``; the
gateway writes numbers as strings and bytes as base64, and leaves out zeros.

Source: etcd v3.6.14 server/etcdserver/api/etcdhttp/{peer,health,version}.go, server/etcdserver/corrupt.go
(hashKVHandler), api/etcdserverpb/rpc.proto.
"""

from base64 import b64decode
from typing import Annotated, TypeVar

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


class AnswerError(ValueError):
    """A member's answer is not what was asked for; the message says why and shows how the answer begins."""


def _as_hex(number: object) -> str:
    """etcd's JSON writes ids as decimal numbers, or as strings of them."""
    if isinstance(number, int | str):
        return hex_id(int(number))
    raise ValueError("an id is a number")


def _from_base64(text: object) -> bytes:
    if isinstance(text, str):
        return b64decode(text, validate=True)
    raise ValueError("bytes are written as base64")


HexId = Annotated[str, BeforeValidator(_as_hex)]
Bytes = Annotated[bytes, BeforeValidator(_from_base64)]


class _Answer(BaseModel):
    """Unknown fields are ignored: later versions of etcd say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class Member(_Answer):
    """A member of the cluster as its peers know it. ``name`` is empty until it has started once."""

    id: HexId
    name: str = ""
    peer_urls: tuple[str, ...] = Field(validation_alias="peerURLs")
    client_urls: tuple[str, ...] = Field((), validation_alias="clientURLs")
    is_learner: bool = Field(False, validation_alias="isLearner")


class HashKv(_Answer):
    """The hash of a member's keyspace at ``revision``; -1 as compacted revision means never."""

    revision: int = Field(validation_alias=AliasPath("header", "revision"), ge=1)
    compacted_revision: int = Field(validation_alias="compact_revision")
    hash_kv: int = Field(0, validation_alias="hash", ge=0, lt=1 << 32)


class Versions(_Answer):
    """``cluster`` is "not_decided" until the cluster has a leader."""

    server: str = Field(validation_alias="etcdserver")
    cluster: str = Field("", validation_alias="etcdcluster")


class Health(_Answer):
    healthy: bool = Field(validation_alias="health")
    reason: str = ""


class Status(_Answer):
    """``leader`` is None while there is none. ``errors`` are alarms, as protobuf texts, and `etcdserver: no leader`."""

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
    """``count`` is how many keys the range has, of which a limit may have kept some out of ``kvs``."""

    revision: int = Field(validation_alias=AliasPath("header", "revision"))
    count: int = 0
    kvs: tuple[KeyValue, ...] = ()


def parse_members(body: str) -> tuple[Member, ...]:
    """The peer port's ``/members``. Raises ``AnswerError``, as all parsers here."""
    return _parse(TypeAdapter(tuple[Member, ...]), "/members", body)


def parse_hash_kv(body: str) -> HashKv:
    """The peer port's ``/members/hashkv``; a revision in the future or compacted is an ``AnswerError``."""
    return _parse(TypeAdapter(HashKv), "/members/hashkv", body)


def parse_versions(body: str) -> Versions:
    """``/version``, which both ports have."""
    return _parse(TypeAdapter(Versions), "/version", body)


def parse_health(body: str) -> Health:
    """``/health``, whose JSON is the same with status 200 and 503."""
    return _parse(TypeAdapter(Health), "/health", body)


def parse_status(body: str) -> Status:
    """The gateway's ``/v3/maintenance/status``."""
    return _parse(TypeAdapter(Status), "/v3/maintenance/status", body)


def parse_range(body: str) -> Range:
    """The gateway's ``/v3/kv/range``."""
    return _parse(TypeAdapter(Range), "/v3/kv/range", body)


def _parse(adapter: TypeAdapter[T], path: str, body: str) -> T:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise AnswerError(f"etcd's answer on {path}: {said}; it begins {body[:_SHOWN_CHARACTERS]!r}") from error
