"""The live keys of a cluster, read page by page from one member: the question and the parser of the answer. Pure."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.hosts.http import parse_http
from orchestrator.core.hosts.questions import client_values
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.plan import Script
from orchestrator.etcd.members import AnswerError, parse_range

PAGE_KEYS = 10_000
"""Keys per page. A page takes 2 MB on its host, about 300 kB on the wire, and a tenth of a second of the member."""

FIRST_KEY = b"\0"
"""The start of all keys, for etcd."""

_GZIP, _GZIP_WINDOW = b"\x1f\x8b", 31
_PAGE_BYTES_MAX = 256 << 20


@dataclass(frozen=True, slots=True)
class Page:
    """One page of keys.

    ``revision`` is the revision at which the keys were read, or the newest one; ``further`` is the first key of the
    next page, None after the last page; ``of_keys`` counts the keys from this page's first one on.
    """

    keys: tuple[tuple[bytes, int], ...]
    revision: int
    further: bytes | None
    of_keys: int


def member_to_ask(views: Mapping[str, MasterView]) -> MasterView | None:
    """Return the master whose member has the highest revision among those that answer clients."""
    answering = [
        view for view in views.values() if view.member.config and view.member.live and view.member.live.answers_clients
    ]
    return max(answering, key=lambda view: view.member.revision, default=None)


def page_look(view: MasterView, first: bytes, revision: int, most: int = PAGE_KEYS) -> Script:
    """Return the look for a page of ``most`` keys from ``first`` on, at a revision or (0) the newest."""
    assert view.member.config is not None
    values = client_values(view.member.config) | {
        "first": b64encode(first).decode(),
        "limit": str(most),
        "revision": str(revision),
    }
    return Script(file="observe/live_keys.sh", values=values, timeout_s=timeouts.KEYS_S)


def read_page(stdout: bytes) -> Page:
    """Parse a page. Raises ``AnswerError`` with the member's own words if it refused."""
    answer = parse_http(_unpacked(stdout).decode("utf-8", "replace"))
    if not answer.status:
        raise AnswerError("no answer on its client port")
    if answer.status != 200:
        raise AnswerError(f"its answer is HTTP {answer.status}: {' '.join(answer.body.split())[:200]}")
    found = parse_range(answer.body)
    keys = tuple((pair.key, pair.mod_revision) for pair in found.kvs)
    further = keys[-1][0] + b"\0" if keys and found.count > len(keys) else None
    return Page(keys, found.revision, further, found.count)


def _unpacked(stdout: bytes) -> bytes:
    """Return the decompressed answer; a host without gzip sends it uncompressed."""
    if not stdout.startswith(_GZIP):
        return stdout
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(stdout, _PAGE_BYTES_MAX)
    except zlib.error as error:
        raise AnswerError(f"its answer is damaged: {error}") from error
