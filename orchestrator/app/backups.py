"""`backup`: takes a snapshot of the member with the highest revision; verifies it on its host and on this laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.adapters.stores.master import MasterSnapshot
from orchestrator.adapters.stores.spool import Spool
from orchestrator.app import refusals
from orchestrator.app.cluster import Cluster
from orchestrator.app.identity import new_attempt, new_run
from orchestrator.app.snapshot_locations import LAPTOP
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.outcome import Command, Ended, Outcome
from orchestrator.core.model.plan import Script
from orchestrator.core.plans.steps import script_of
from orchestrator.core.snapshots.backups import BackupFacts, describe_backup, members_to_ask, name_of, to_remove
from orchestrator.core.snapshots.consistency import Content, SameContent, common_of, compare
from orchestrator.errors import OrchestratorError, RefusedError, ours
from orchestrator.etcd import keyspace
from orchestrator.etcd.contents import ContentsReader
from orchestrator.etcd.snapshot import SnapshotError, SnapshotFacts
from orchestrator.ports import BackupStore, HostError, Remote

_SETTLE_S = 10.0
SWEEP, TAKE = "backup.sweep", "backup.take"
"""The steps of a backup on a host; each runs the script of its name."""


@dataclass(frozen=True, slots=True)
class Backup:
    """The result of a backup. ``failed`` has the masters without a snapshot, with the reason. ``removed`` are the old
    backups that were deleted. ``compared`` is the comparison of all masters' snapshots, if all were asked."""

    path: str
    facts: BackupFacts
    failed: dict[str, str]
    removed: tuple[str, ...]
    compared: SameContent | None = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """An intact snapshot in the spool, under the name ``part``."""

    view: MasterView
    part: str
    snapshot: SnapshotFacts


class _NoBackupError(Exception):
    """This master gave no snapshot; the next one is asked."""


async def back_up(
    cluster: Cluster, store: BackupStore, spool: Spool, *, every: bool, most: int | None, days: float | None
) -> Backup:
    """Take a backup of the member with the highest revision. With ``every``, take one of each master, compare them, and
    keep one of those that agree.

    Raises RefusedError if no member has a quorum, OrchestratorError if no member gives an intact snapshot.
    """
    views, at_utc = await _look(cluster), cluster.clock.now_utc()
    name = name_of(cluster.inventory.cluster, at_utc)
    parts = {host.name: f"{name}-{host.name}" for host in cluster.inventory.masters}
    try:
        taken, failed = await _ask_in_turn(cluster, views, spool, parts, every=every)
        compared = _compare(cluster, spool, taken) if every else None
        best = next(it for it in taken if not compared or it.view.host in compared.equal)
        facts = describe_backup(cluster.inventory.cluster, at_utc, best.view, best.snapshot)
        path = await _keep(cluster, store, name, spool, best.part, facts)
    finally:
        for part in parts.values():
            spool.discard(part)
    return Backup(path, facts, failed, await _retire(cluster, store, most, days), compared)


async def _keep(cluster: Cluster, store: BackupStore, name: str, spool: Spool, part: str, facts: BackupFacts) -> str:
    if store.link:
        cluster.reporter.note(f"copying it to {store.link}, and verifying the copy")
    total = facts.snapshot.size_bytes
    return await store.keep(name, spool.part(part), facts, lambda done: cluster.reporter.moved(LAPTOP, done, total))


async def _ask_in_turn(
    cluster: Cluster, views: Mapping[str, MasterView], spool: Spool, parts: Mapping[str, str], *, every: bool
) -> tuple[list[_Taken], dict[str, str]]:
    """The intact snapshots (the first one, or all), and the masters that failed, with the reason. Raises
    OrchestratorError."""
    run, taken, failed = new_run(cluster.clock), list[_Taken](), dict[str, str]()
    for view in members_to_ask(views):
        cluster.reporter.note(f"taking a snapshot on {view.host}")
        part = parts[view.host]
        try:
            taken.append(_Taken(view, part, await _take(cluster, view, spool, part, run)))
        except _NoBackupError as error:
            failed[view.host] = str(error)
            cluster.reporter.note(f"{view.host}: {error}")
        else:
            if not every:
                break
    if every:
        asked = {view.host for view in members_to_ask(views)}
        failed |= {host: "no answer, or no quorum" for host in parts if host not in asked}
    if taken:
        return taken, failed
    why = "; ".join(f"{host}: {reason}" for host, reason in failed.items()) or "no member with a quorum answers"
    kind = OrchestratorError if members_to_ask(views) else RefusedError
    raise kind(f"backup failed: {why}", ours("check"))


def _compare(cluster: Cluster, spool: Spool, taken: list[_Taken]) -> SameContent:
    """Compare the files: reads each once more, at the revision that all have."""
    common = common_of([it.snapshot for it in taken])
    contents = []
    for it in taken:
        found = None
        if common:
            cluster.reporter.note(
                f"computing the HashKV of the snapshot of {it.view.host} at revision {common.revision}"
            )
            database = open_snapshot(spool.part(it.part)).database
            found = keyspace.hash_kv_at(database, common.revision, common.compacted_revision)
        contents.append(Content(it.view.host, it.view.member.cluster_id, found))
    return compare(contents, common, [host.name for host in cluster.inventory.masters])


async def _look(cluster: Cluster) -> Mapping[str, MasterView]:
    """The masters that answer; a silent one does not prevent a backup. Raises LockedError during a run."""
    masters = {host.name for host in cluster.inventory.masters}
    answering = masters & cluster.remotes.keys()
    cluster.reporter.note(f"checking {len(answering)} of {len(masters)} masters")
    seen = await cluster.observe(answering)
    refusals.refuse_claimed(seen)
    return seen.views


async def _take(cluster: Cluster, view: MasterView, spool: Spool, name: str, run: str) -> SnapshotFacts:
    """Take one snapshot into the spool's part, and return its facts. Raises _NoBackupError."""
    host, remote, attempt = cluster.inventory.host(view.host), cluster.remotes[view.host], new_attempt(1)
    if view.machine.state_disk and view.machine.state_disk.free_bytes < view.volume.data_bytes:
        raise _NoBackupError(f"not enough free space in {host.paths.state} for a snapshot")
    settled = await remote.settle(run, attempt, _SETTLE_S)
    if not settled.ok:
        raise _NoBackupError(settled.detail or "another run is in progress there")
    try:
        take = cluster.distro.take_snapshot(host, view)
        take = take.model_copy(update={"file": script_of(TAKE)})
        sweep = Script(file=script_of(SWEEP), values={"taking": TAKE})
        await remote.act(SWEEP, attempt, cluster.command(sweep))
        outcome = await remote.act(TAKE, attempt, cluster.command(take))
        await _fetch(cluster, view, spool, name, f"{host.paths.state}/{run}/safety.db", outcome)
    finally:
        await _remove(cluster, remote, host.paths.state, run, attempt)
    return _verified(spool.part(name))


async def _fetch(cluster: Cluster, view: MasterView, spool: Spool, name: str, path: str, outcome: Outcome) -> None:
    """Copy the snapshot into the spool. Raises _NoBackupError if there is none, or if the copy differs."""
    remote = cluster.remotes[view.host]
    if outcome.ended is not Ended.DONE:
        said = outcome.log.strip().splitlines()[-1:] or [outcome.detail]
        raise _NoBackupError(f"the snapshot failed: {said[0]}")
    try:
        size_bytes, sha256 = await MasterSnapshot(remote, path, cluster.scripts).measure()
        received = await spool.receive(
            name, remote.read(path), lambda done: cluster.reporter.moved(view.host, done, size_bytes)
        )
    except HostError as error:
        raise _NoBackupError(str(error)) from error
    if received != sha256:
        raise _NoBackupError("the received file differs from the sent one: wrong sha256")


def _verified(part: Path) -> SnapshotFacts:
    reader = ContentsReader()
    try:
        facts = open_snapshot(part, reader).facts
    except SnapshotError as error:
        raise _NoBackupError(error.message) from error
    contents = reader.result()
    origin = {"kube_system_uid": contents.kube_system_uid, "secret_keys": contents.secret_keys}
    return facts.model_copy(update=origin)


async def _remove(cluster: Cluster, remote: Remote, state: str, run: str, attempt: str) -> None:
    """Delete the run's copy on the host, because a snapshot contains every Secret. Reports a copy that remains."""
    command = Command(("rm", "-f", f"{state}/{run}/safety.db", f"{state}/{run}/safety.db.part", f"{state}/alive"))
    outcome = await remote.act("backup.remove", attempt, command)
    if outcome.ended is not Ended.DONE:
        cluster.reporter.note(f"{remote.name}: {state}/{run}/safety.db may be left there: {outcome.detail}")


async def _retire(cluster: Cluster, store: BackupStore, most: int | None, days: float | None) -> tuple[str, ...]:
    if most is None and days is None:
        return ()
    found = await store.backups(cluster.inventory.cluster)
    gone = to_remove(found, most=most, days=days, now_s=cluster.clock.time())
    for name in gone:
        await store.remove(name)
    return gone
