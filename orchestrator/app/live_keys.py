"""Reads all live keys from one member, page by page. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.app.cluster import Cluster
from orchestrator.core.cost.live_keys import FIRST_KEY, Page, page_look, read_page
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.text import count
from orchestrator.etcd.members import AnswerError

_TOLD_EVERY_KEYS = 50_000


async def read_live_keys(
    cluster: Cluster, member: MasterView, why: str, add: Callable[[bytes, int], None]
) -> tuple[int, int]:
    """Pass every key and its last revision to ``add``, all as of one revision.

    Returns that revision and the number of keys. ``why`` begins the line of progress; `the N live keys of HOST` follows
    it. Raises AnswerError if the member or its host does not answer.
    """
    page = await _read_page(cluster, member, FIRST_KEY, 0)
    revision, total, done = page.revision, page.of_keys, 0
    cluster.reporter.note(f"{why} the {count(total, 'live key')} of {member.host}")
    while True:
        for key, mod_revision in page.keys:
            add(key, mod_revision)
        before, done = done, done + len(page.keys)
        if page.further is None:
            return revision, done
        if before // _TOLD_EVERY_KEYS != done // _TOLD_EVERY_KEYS:
            cluster.reporter.note(f"read {done:,} of {count(total, 'key')}")
        if cluster.stop.requested:
            raise AnswerError("interrupted")
        page = await _read_page(cluster, member, page.further, revision)


async def _read_page(cluster: Cluster, member: MasterView, first: bytes, revision: int) -> Page:
    output = await cluster.look(member.host, page_look(member, first, revision))
    if output.failure:
        raise AnswerError(output.detail or str(output.failure))
    return read_page(output.stdout)
