"""Stored backups: their names, their facts files, which members to ask for one, and which old ones to remove. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.plan import canonical_json
from orchestrator.core.snapshots.consistency import SameContent
from orchestrator.core.text import count, size
from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.snapshot import SnapshotFacts

ENDING, FACTS_ENDING = ".db", ".json"
MOST_FACTS_BYTES = 1 << 20
"""A larger facts file is not ours and is not read completely."""
_SECONDS_OF_A_DAY = 24 * 60 * 60


class FileFacts(Frozen):
    """The facts of a snapshot that a script can find without reading pages. ``sha256`` is the whole file's."""

    size_bytes: int
    sha256: str


class _Taken(Frozen):
    """What was true when a backup was taken, for the checks before a restore.

    ``shared_files`` has the sha256 by path of each file that all masters must share: certificate authorities,
    service-account keys, the encryption configuration. What could not be read is empty, or missing in
    ``shared_files``.
    """

    format: int = 1
    cluster: str
    taken_at_utc: str
    host: str
    member: str
    etcd_version: str
    cluster_id: str
    shared_files: dict[str, str]
    encryption_keys: tuple[str, ...]


class BackupFacts(_Taken):
    """The facts file of a backup that the command `backup` has taken and read."""

    snapshot: SnapshotFacts


class ScheduledFacts(_Taken):
    """The facts file of a scheduled backup, written by a master (``templates/units/facts.sh``)."""

    snapshot: FileFacts


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored backup of this cluster. ``good``: it has a facts file and the size that the facts say."""

    name: str
    taken_at_s: float
    good: bool


def facts_text(facts: BackupFacts | ScheduledFacts) -> str:
    """The content of a backup's facts file."""
    return canonical_json(facts) + "\n"


def read_facts(text: bytes) -> BackupFacts | ScheduledFacts | None:
    """Parse a facts file of either kind; None if it is something else."""
    for kind in (BackupFacts, ScheduledFacts):
        with suppress(ValidationError):
            return kind.model_validate_json(text)
    return None


def beside(path: str) -> str:
    """The path of the facts file of the backup at that path; empty if the name is not a backup's."""
    stem = path.removesuffix(ENDING)
    return f"{stem}{FACTS_ENDING}" if stem != path else ""


def is_good(facts: bytes, size_bytes: int) -> bool:
    """Whether these are the facts of a backup of this size."""
    found = read_facts(facts)
    return found is not None and found.snapshot.size_bytes == size_bytes


def name_of(cluster: str, at_utc: str) -> str:
    """The name of a backup, for example `prod-1-20261123t030000z`. Names sort by time."""
    return f"{cluster}-{at_utc.replace('-', '').replace(':', '').lower()}"


def taken_at_s(cluster: str, name: str) -> float | None:
    """The time of the backup of that name, in seconds since 1970; None if it is not a backup of that cluster."""
    try:
        moment = datetime.strptime(f"{name.removeprefix(f'{cluster}-')}+0000", "%Y%m%dt%H%M%Sz%z")
    except ValueError:
        return None
    return moment.timestamp() if name.startswith(f"{cluster}-") else None


def to_remove(found: Iterable[Kept], *, most: int | None, days: float | None, now_s: float) -> tuple[str, ...]:
    """The names of the backups to remove: beyond ``most``, or older than ``days``.

    The newest good backup always stays. Backups that are not good are not counted and stay, too: an operator should
    look at them.
    """
    good = sorted((it for it in found if it.good), key=lambda it: it.taken_at_s, reverse=True)
    too_many = good[most:] if most is not None else []
    too_old = [it for it in good if days is not None and now_s - it.taken_at_s > days * _SECONDS_OF_A_DAY]
    gone = {it.name for it in (*too_many, *too_old)} - {it.name for it in good[:1]}
    return tuple(sorted(gone))


def members_to_ask(views: Mapping[str, MasterView]) -> tuple[MasterView, ...]:
    """The masters whose members have a quorum, the highest revision first."""
    well = [view for view in views.values() if view.member.config and view.member.has_quorum]
    return tuple(sorted(well, key=lambda view: view.member.revision, reverse=True))


def describe_backup(cluster: str, at_utc: str, view: MasterView, snapshot: SnapshotFacts) -> BackupFacts:
    """The facts of a backup that this master's member has made."""
    assert view.member.config is not None and view.member.live is not None
    return BackupFacts(
        cluster=cluster,
        taken_at_utc=at_utc,
        host=view.host,
        member=view.member.config.member,
        etcd_version=view.member.live.version,
        cluster_id=view.member.live.cluster_id,
        snapshot=snapshot,
        shared_files=dict(view.member.trust.files),
        encryption_keys=view.member.trust.encryption_keys or (),
    )


def backup_lines(
    path: str,
    facts: BackupFacts,
    removed: Sequence[str],
    failed: Mapping[str, str],
    compared: SameContent | None = None,
) -> tuple[tuple[str, str], ...]:
    """Labels and values: what was saved, from which master, and which old backups were removed."""
    snapshot = facts.snapshot
    again = "; size and sha256 checked at the destination" if "://" in path else ""
    lines = [
        ("saved", f"{path} ({size(snapshot.size_bytes)}), every page and its sha256 checked{again}"),
        ("content", f"revision {snapshot.revision}, {count(snapshot.live_keys, 'key')}, HashKV {snapshot.hash_kv}"),
        ("from", f"{facts.host} ({facts.member}), etcd {facts.etcd_version}"),
    ]
    lines += [("not from", f"{host}: {why}") for host, why in failed.items()]
    lines += [("compared", compared.words)] if compared else []
    lines += [("removed", name) for name in removed]
    return tuple(lines)
