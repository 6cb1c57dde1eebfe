"""`backup`: a snapshot from the member that knows most, proven whole on its host and again here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.adapters.backup_folder import BackupFolder
from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.app import planning
from orchestrator.app.wiring import Cluster, new_attempt, new_run
from orchestrator.core.backups import BackupFacts, facts_of, members_to_ask, name_of, to_remove
from orchestrator.core.masters import MasterView
from orchestrator.core.model import Command, Ended, Outcome
from orchestrator.core.timeouts import HASH_S
from orchestrator.errors import OrchestratorError, RefusedError
from orchestrator.etcd.contents import ContentsReader
from orchestrator.etcd.snapshot import SnapshotError, SnapshotFacts
from orchestrator.observe import observe
from orchestrator.ports import HostError, Remote

_SETTLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Backup:
    """``failed`` are the masters that were asked before, with the reason; ``removed`` the old backups that went."""

    path: Path
    facts: BackupFacts
    failed: dict[str, str]
    removed: tuple[str, ...]


class _NoBackupError(Exception):
    """This master gave none: the next one is asked."""


async def back_up(cluster: Cluster, folder: BackupFolder, *, most: int | None, days: float | None) -> Backup:
    """Raises RefusedError where no member has a quorum, OrchestratorError where none gives a whole snapshot."""
    views, at_utc = await _look(cluster), cluster.clock.now_utc()
    name = name_of(cluster.inventory.cluster, at_utc)
    try:
        view, snapshot, failed = await _ask_in_turn(cluster, views, folder, name)
        facts = facts_of(cluster.inventory.cluster, at_utc, view, snapshot)
        path = folder.keep(name, facts)
    finally:
        folder.discard(name)
    return Backup(path, facts, failed, _retire(cluster, folder, most, days))


async def _ask_in_turn(
    cluster: Cluster, views: Mapping[str, MasterView], folder: BackupFolder, name: str
) -> tuple[MasterView, SnapshotFacts, dict[str, str]]:
    """Who gave a whole snapshot, into the folder's part; its facts; who failed before. Raises OrchestratorError."""
    run, failed = new_run(cluster.clock), dict[str, str]()
    for view in members_to_ask(views):
        cluster.reporter.note(f"taking a snapshot on {view.host}")
        try:
            snapshot = await _take(cluster, view, folder, name, run)
        except _NoBackupError as error:
            failed[view.host] = str(error)
            cluster.reporter.note(f"{view.host}: {error}")
        else:
            return view, snapshot, failed
    why = "; ".join(f"{host}: {reason}" for host, reason in failed.items()) or "no member answers with a quorum"
    kind = OrchestratorError if failed else RefusedError
    raise kind(f"no backup: {why}", "orchestrator check -i INVENTORY")


async def _look(cluster: Cluster) -> Mapping[str, MasterView]:
    """The masters that answer: one that does not is no reason to have no backup. Raises LockedError during a run."""
    masters = {host.name for host in cluster.inventory.masters}
    answering = {name: remote for name, remote in cluster.remotes.items() if name in masters}
    cluster.reporter.note(f"looking at {len(answering)} of {len(masters)} masters")
    seen = await observe(cluster.inventory, answering, cluster.distro, cluster.scripts, cluster.clock)
    planning.refuse_claimed(seen)
    return seen.views


async def _take(cluster: Cluster, view: MasterView, folder: BackupFolder, name: str, run: str) -> SnapshotFacts:
    """The facts of a whole file in the folder's part. Raises _NoBackupError."""
    host, remote, attempt = cluster.inventory.host(view.host), cluster.remotes[view.host], new_attempt(1)
    if view.state_disk and view.state_disk.free_bytes < view.data_bytes:
        raise _NoBackupError(f"too little room in {host.paths.state} for a snapshot")
    settled = await remote.settle(run, attempt, _SETTLE_S)
    if not settled.ok:
        raise _NoBackupError(settled.detail or "another run is at work there")
    try:
        take = cluster.distro.take_snapshot(host, view)
        command = Command((take.file, *take.args), cluster.scripts[take.file], timeout_s=take.timeout_s)
        await remote.act("backup.sweep", attempt, Command(("sweep.sh",), cluster.scripts["sweep.sh"]))
        outcome = await remote.act("backup.take", attempt, command)
        await _fetch(cluster, view, folder, name, f"{host.paths.state}/{run}/safety.db", outcome)
    finally:
        await _remove(cluster, remote, host.paths.state, run, attempt)
    return _verified(folder.part(name))


async def _fetch(
    cluster: Cluster, view: MasterView, folder: BackupFolder, name: str, path: str, outcome: Outcome
) -> None:
    """Raises _NoBackupError where there is no snapshot, or it does not arrive as it was."""
    remote = cluster.remotes[view.host]
    if outcome.ended is not Ended.DONE:
        said = outcome.log.strip().splitlines()[-1:] or [outcome.detail]
        raise _NoBackupError(f"the snapshot failed: {said[0]}")
    size_bytes, sha256 = await _measure(remote, path)
    try:
        received = await folder.receive(
            name, remote.read(path), lambda done: cluster.reporter.moved(view.host, done, size_bytes)
        )
    except HostError as error:
        raise _NoBackupError(str(error)) from error
    if received != sha256:
        raise _NoBackupError("what arrived is not what was sent: its sha256 differs")


def _verified(part: Path) -> SnapshotFacts:
    reader = ContentsReader()
    try:
        facts = open_snapshot(part, reader).facts
    except SnapshotError as error:
        raise _NoBackupError(error.message) from error
    contents = reader.result()
    origin = {"kube_system_uid": contents.kube_system_uid, "secret_keys": contents.secret_keys}
    return facts.model_copy(update=origin)


async def _measure(remote: Remote, path: str) -> tuple[int, str]:
    """Bytes and sha256 of a file, by its host. Raises _NoBackupError."""
    script = 'stat -c %s "$1" && sha256sum <"$1"'
    output = await remote.look(Command(("measure", path), script, timeout_s=HASH_S))
    words = output.text.split()
    if output.exit_code != 0 or len(words) < 2:
        raise _NoBackupError(output.detail or "the snapshot cannot be read there")
    return int(words[0]), words[1]


async def _remove(cluster: Cluster, remote: Remote, state: str, run: str, attempt: str) -> None:
    """The run's own copy: a snapshot holds every Secret of the cluster. One that stays is told."""
    command = Command(("rm", "-f", f"{state}/{run}/safety.db", f"{state}/{run}/safety.db.part", f"{state}/alive"))
    outcome = await remote.act("backup.remove", attempt, command)
    if outcome.ended is not Ended.DONE:
        cluster.reporter.note(f"{remote.name}: {state}/{run}/safety.db may still lie there: {outcome.detail}")


def _retire(cluster: Cluster, folder: BackupFolder, most: int | None, days: float | None) -> tuple[str, ...]:
    found = folder.backups(cluster.inventory.cluster)
    gone = to_remove(found, most=most, days=days, now_s=cluster.clock.time())
    for name in gone:
        folder.remove(name)
    return gone
