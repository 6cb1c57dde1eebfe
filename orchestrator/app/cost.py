"""Finds the cost of a restore: compares the snapshot's keys with those of a live member. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.app.cluster import Cluster
from orchestrator.app.live_keys import read_live_keys
from orchestrator.core.cost.comparison import (
    Comparison,
    count_objects,
    last_write,
    lost_s,
    per_resource,
    returning_volumes,
    unseen,
)
from orchestrator.core.cost.live_keys import member_to_ask
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.cost import Cost, ResourceCost
from orchestrator.etcd.contents import Contents
from orchestrator.etcd.keyindex import KeyIndex
from orchestrator.etcd.keyspace import Keyspace
from orchestrator.etcd.members import AnswerError
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Costing:
    """The cost of a restore. ``cost`` is saved with the plan; ``rows`` has it per namespace, with all wanted names."""

    cost: Cost
    rows: tuple[ResourceCost, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """All that one pass over a snapshot file has read."""

    facts: SnapshotFacts
    contents: Contents
    index: KeyIndex
    keys: Keyspace


async def find_cost(
    cluster: Cluster, read: ReadSnapshot, views: Mapping[str, MasterView], *, every_name: bool = False
) -> Costing:
    """Find the cost. Does not fail: if nothing can be compared, the cost has the reason."""
    contents, member = read.contents, member_to_ask(views)
    now_s = cluster.clock.time()
    end_s = now_s if member else last_write(views)[0] or now_s  # a cluster that is down has lost nothing since
    cost = Cost(
        snapshot_clock_utc=contents.newest_renewal_utc,
        lost_s=lost_s(contents, end_s),
        prefix=contents.prefix,
        counts=count_objects(contents, None),
    )
    if member is None:
        return Costing(cost.model_copy(update={"reason": unseen(views)}))
    comparison = Comparison(read.index, contents.prefix, read.facts.revision, every_name=every_name)
    try:
        revision, keys = await read_live_keys(cluster, member, "comparing the snapshot with", comparison.add)
    except AnswerError as error:
        reason = f"cannot read the live keys of {member.host}: {error}"
        return Costing(cost.model_copy(update={"reason": reason}))
    one_history, rows = comparison.result(revision)
    found = {
        "compared_with": member.host,
        "live_revision": revision,
        "live_keys": keys,
        "one_history": one_history,
        "resources": per_resource(rows),
        "counts": count_objects(contents, rows),
        "returning_volumes": returning_volumes(rows, contents),
    }
    return Costing(cost.model_copy(update=found), rows)
