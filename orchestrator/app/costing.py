"""What a restore would cost: the snapshot's keys against those of a member that answers. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.adapters.snapshot_file import read_live_keys
from orchestrator.app.wiring import Cluster
from orchestrator.core.comparison import Comparison, lost_s, per_resource, returning_volumes, unseen
from orchestrator.core.cost import Cost, ResourceCost
from orchestrator.core.live_keys import FIRST_KEY, Page, member_to_ask, page_look, read_page
from orchestrator.core.masters import MasterView
from orchestrator.core.model import Command
from orchestrator.core.words import count
from orchestrator.etcd.contents import ContentsReader
from orchestrator.etcd.keyindex import KeyIndex
from orchestrator.etcd.members import AnswerError
from orchestrator.etcd.snapshot import SnapshotFacts

_TOLD_EVERY_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Costing:
    """``cost`` is what the plan says; ``rows`` has the same per namespace, with every name where that was asked for."""

    cost: Cost
    rows: tuple[ResourceCost, ...] = ()


async def find_cost(
    cluster: Cluster, path: Path, snapshot: SnapshotFacts, views: Mapping[str, MasterView], *, every_name: bool = False
) -> Costing:
    """Never keeps a plan from being made: where nothing can be compared, the cost says why."""
    reader, index = ContentsReader(), KeyIndex()
    member = member_to_ask(views)
    read_live_keys(path, reader, *((index,) if member else ()))
    contents = reader.result()
    cost = Cost(snapshot_clock_utc=contents.newest_renewal_utc, lost_s=lost_s(contents, cluster.clock.time()))
    if member is None:
        return Costing(cost.model_copy(update={"reason": unseen(views)}))
    comparison = Comparison(index, contents.prefix, snapshot.revision, every_name=every_name)
    try:
        revision, keys = await _read_all(cluster, member, comparison)
    except AnswerError as error:
        reason = f"the live keys of {member.host} could not be read: {error}"
        return Costing(cost.model_copy(update={"reason": reason}))
    one_history, rows = comparison.result(revision)
    found = {
        "compared_with": member.host,
        "live_revision": revision,
        "live_keys": keys,
        "one_history": one_history,
        "resources": per_resource(rows),
        "returning_volumes": returning_volumes(rows, contents),
    }
    return Costing(cost.model_copy(update=found), rows)


async def _read_all(cluster: Cluster, member: MasterView, comparison: Comparison) -> tuple[int, int]:
    """All live keys, at the one revision of the first page: that revision, and how many keys there were.

    Raises AnswerError where the member or its host gives no answer.
    """
    page = await _read_page(cluster, member, FIRST_KEY, 0)
    revision, total, done = page.revision, page.of_keys, 0
    cluster.reporter.note(f"comparing the snapshot with the {count(total, 'live key')} of {member.host}")
    while True:
        for key, mod_revision in page.keys:
            comparison.add(key, mod_revision)
        before, done = done, done + len(page.keys)
        if page.further is None:
            return revision, done
        if before // _TOLD_EVERY_KEYS != done // _TOLD_EVERY_KEYS:
            cluster.reporter.note(f"compared {done:,} of {count(total, 'key')}")
        page = await _read_page(cluster, member, page.further, revision)


async def _read_page(cluster: Cluster, member: MasterView, first: bytes, revision: int) -> Page:
    script = page_look(member, first, revision)
    command = Command((script.file, *script.args), cluster.scripts[script.file], timeout_s=script.timeout_s)
    output = await cluster.remotes[member.host].look(command)
    if output.failure:
        raise AnswerError(output.detail or str(output.failure))
    return read_page(output.stdout)
