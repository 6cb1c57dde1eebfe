"""Fields of a stored Kubernetes object, in Protocol Buffers or JSON.

A field has two names: its number in the ``generated.proto`` and its name in JSON. A missing field is empty, as in
both formats; malformed bytes raise ``ObjectError``.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from orchestrator.etcd import wire
from orchestrator.etcd.kubernetes import PREFIX, ObjectError

Part = memoryview | dict[str, Any]
"""An object or a message within it."""

_RAW = 2  # of runtime.Unknown
ENCRYPTED = b"k8s:enc:"
_HEADER_BYTES = 512


class Field(NamedTuple):
    """A field in both formats. ``name`` is empty if JSON merges this message's fields into the enclosing one."""

    number: int
    name: str


METADATA, SPEC = Field(1, "metadata"), Field(2, "spec")
NAME, UID = Field(1, "name"), Field(5, "uid")  # of ObjectMeta


def open_object(value: bytes) -> Part:
    """Return the object itself. Raises ``ObjectError`` if it is encrypted or has neither of the two formats."""
    if value.startswith(PREFIX):
        return _nested(memoryview(value)[len(PREFIX) :], _RAW)
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ObjectError(f"the value starts with {value[:12]!r}: neither {PREFIX!r} nor JSON") from error
    if not isinstance(found, dict):
        raise ObjectError("the value is JSON, but not an object")
    return found


def part(whole: Part, *path: Field) -> Part:
    """Return the message at the end of the path; empty if it is missing. Raises ``ObjectError``."""
    for step in path:
        if isinstance(whole, memoryview):
            whole = _nested(whole, step.number)
        elif step.name:
            below = whole.get(step.name) or {}
            if not isinstance(below, dict):
                raise ObjectError(f"{step.name} is not an object")
            whole = below
    return whole


def parts(whole: Part, step: Field) -> Iterator[Part]:
    """Yield every message of a repeated field. Raises ``ObjectError``."""
    for value in _repeated(whole, step):
        if not isinstance(value, memoryview | dict):
            raise ObjectError(f"{step.name} contains something other than objects")
        yield value


def text(whole: Part, *path: Field) -> str:
    """Return the text at the end of the path; "" if it is missing. Raises ``ObjectError``."""
    *above, last = path
    whole = part(whole, *above)
    if isinstance(whole, memoryview):
        return str(_nested(whole, last.number), "utf-8", "replace")
    return _as_text(whole.get(last.name) or "", last)


def texts(whole: Part, step: Field) -> tuple[str, ...]:
    """Return every text of a repeated field. Raises ``ObjectError``."""
    return tuple(_as_text(value, step) for value in _repeated(whole, step))


def encryption_of(value: bytes) -> tuple[str, str] | None:
    """Return provider and key name of a value encrypted at rest, ``k8s:enc:PROVIDER:VERSION:KEY:...``; else None.

    Source: kubernetes/kubernetes staging/src/k8s.io/apiserver/pkg/server/options/encryptionconfig/config.go.
    """
    if not value.startswith(ENCRYPTED):
        return None
    provider, _, rest = value[len(ENCRYPTED) : _HEADER_BYTES].partition(b":")
    key = rest.partition(b":")[2].partition(b":")[0]
    return provider.decode("utf-8", "replace"), key.decode("utf-8", "replace")


def _repeated(whole: Part, step: Field) -> Iterator[object]:
    if isinstance(whole, memoryview):
        try:
            yield from (value for number, value in wire.fields(whole) if number == step.number)
        except wire.WireError as error:
            raise ObjectError(f"{step.name} is damaged: {error}") from error
        return
    values = whole.get(step.name) or []
    if not isinstance(values, list):
        raise ObjectError(f"{step.name} is not a list")
    yield from values


def _as_text(value: object, step: Field) -> str:
    if isinstance(value, memoryview):
        return str(value, "utf-8", "replace")
    if not isinstance(value, str):
        raise ObjectError(f"{step.name} is not text")
    return value.encode("utf-8", "replace").decode()  # JSON can contain half a surrogate pair, which is not valid text


def _nested(message: memoryview, number: int) -> memoryview:
    try:
        return wire.nested(message, number)
    except wire.WireError as error:
        raise ObjectError(f"the object is damaged: {error}") from error
