"""The live keys of a cluster, read page by page from one member: what is asked, and what the answer says. Pure."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.hosts.http import parse_http
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.plan import Script
from orchestrator.etcd.members import AnswerError, parse_range

PAGE_KEYS = 10_000
"""A page is 2 MB on its host and some 300 kB on the way, and keeps the member busy for a tenth of a second."""

FIRST_KEY = b"\0"
"""What etcd takes for the beginning of all keys."""

_GZIP, _GZIP_WINDOW = b"\x1f\x8b", 31
_PAGE_BYTES_MAX = 256 << 20


@dataclass(frozen=True, slots=True)
class Page:
    """``revision`` is that at which the keys were read, or the newest; ``further`` the first key of the next page,
    None behind the last; ``of_keys`` is how many keys there are from this page's first on."""

    keys: tuple[tuple[bytes, int], ...]
    revision: int
    further: bytes | None
    of_keys: int


def member_to_ask(views: Mapping[str, MasterView]) -> MasterView | None:
    """The master whose member knows most, of those that answer clients."""
    answering = [view for view in views.values() if view.etcd and view.live and view.live.answers_clients]
    return max(answering, key=lambda view: view.live.revision if view.live else 0, default=None)


def page_look(view: MasterView, first: bytes, revision: int, most: int = PAGE_KEYS) -> Script:
    """The look for the page of ``most`` keys that begins at a key, at a revision or (0) the newest."""
    assert view.etcd is not None
    tls, peer = view.etcd.client_tls, view.etcd.peer_tls
    return Script(
        file="keys.sh",
        args=(
            view.etcd.client_url,
            view.etcd.address,
            *(tls.ca, tls.cert, tls.key, peer.cert, peer.key),
            b64encode(first).decode(),
            str(most),
            str(revision),
        ),
        timeout_s=timeouts.KEYS_S,
    )


def read_page(stdout: bytes) -> Page:
    """Raises ``AnswerError`` where the member refused: its words say why."""
    answer = parse_http(_unpacked(stdout).decode("utf-8", "replace"))
    if not answer.status:
        raise AnswerError("it gave no answer on its client port")
    if answer.status != 200:
        raise AnswerError(f"it answers {answer.status}: {' '.join(answer.body.split())[:200]}")
    found = parse_range(answer.body)
    keys = tuple((pair.key, pair.mod_revision) for pair in found.kvs)
    further = keys[-1][0] + b"\0" if keys and found.count > len(keys) else None
    return Page(keys, found.revision, further, found.count)


def _unpacked(stdout: bytes) -> bytes:
    """The answer itself; a host without gzip sends it as it is."""
    if not stdout.startswith(_GZIP):
        return stdout
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(stdout, _PAGE_BYTES_MAX)
    except zlib.error as error:
        raise AnswerError(f"its answer came damaged: {error}") from error
