"""Backups in their place: their names, the facts beside each, who is asked for one, and which old ones may go. Pure."""

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
"""What is larger is none of ours, and is not read whole."""
_SECONDS_OF_A_DAY = 24 * 60 * 60


class FileFacts(Frozen):
    """What a script on a master can tell of a snapshot, whose pages it cannot read. ``sha256`` is of the whole file."""

    size_bytes: int
    sha256: str


class _Taken(Frozen):
    """What was true when a backup was taken, for checks before it is restored one day. ``shared_files`` is the sha256
    by path of what all masters must share: certificate authorities, service-account keys, the encryption configuration.
    What could not be had is empty, or missing in ``shared_files``."""

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
    """What lies beside a backup that `backup` has taken, and read."""

    snapshot: SnapshotFacts


class ScheduledFacts(_Taken):
    """What lies beside a backup that a master has taken by itself (``templates/units/facts.sh``)."""

    snapshot: FileFacts


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup of this cluster in its place. ``good``: its facts lie beside it, and it has the size that they say."""

    name: str
    taken_at_s: float
    good: bool


def facts_text(facts: BackupFacts | ScheduledFacts) -> str:
    """What is written beside a backup."""
    return canonical_json(facts) + "\n"


def read_facts(text: bytes) -> BackupFacts | ScheduledFacts | None:
    """What lies beside a backup, whoever has taken it; None where that is something else."""
    for kind in (BackupFacts, ScheduledFacts):
        with suppress(ValidationError):
            return kind.model_validate_json(text)
    return None


def beside(path: str) -> str:
    """Where the facts of the backup at that path lie; empty where its name is none of a backup's."""
    stem = path.removesuffix(ENDING)
    return f"{stem}{FACTS_ENDING}" if stem != path else ""


def is_good(facts: bytes, size_bytes: int) -> bool:
    """Whether that is the text beside a backup of this size."""
    found = read_facts(facts)
    return found is not None and found.snapshot.size_bytes == size_bytes


def name_of(cluster: str, at_utc: str) -> str:
    """`prod-1-20261123t030000z`; sorted by name they are sorted by time."""
    return f"{cluster}-{at_utc.replace('-', '').replace(':', '').lower()}"


def taken_at_s(cluster: str, name: str) -> float | None:
    """When the backup of that name was taken; None where it is none of that cluster."""
    try:
        moment = datetime.strptime(f"{name.removeprefix(f'{cluster}-')}+0000", "%Y%m%dt%H%M%Sz%z")
    except ValueError:
        return None
    return moment.timestamp() if name.startswith(f"{cluster}-") else None


def to_remove(found: Iterable[Kept], *, most: int | None, days: float | None, now_s: float) -> tuple[str, ...]:
    """The names of those that are too many or too old. The newest good one stays whatever its age; what is not good
    counts for nothing, and stays as well: somebody should look at it."""
    good = sorted((it for it in found if it.good), key=lambda it: it.taken_at_s, reverse=True)
    too_many = good[most:] if most is not None else []
    too_old = [it for it in good if days is not None and now_s - it.taken_at_s > days * _SECONDS_OF_A_DAY]
    gone = {it.name for it in (*too_many, *too_old)} - {it.name for it in good[:1]}
    return tuple(sorted(gone))


def members_to_ask(views: Mapping[str, MasterView]) -> tuple[MasterView, ...]:
    """The masters whose members have a quorum, the one that knows most first."""
    well = [view for view in views.values() if view.member.config and view.member.has_quorum]
    return tuple(sorted(well, key=lambda view: view.member.revision, reverse=True))


def describe_backup(cluster: str, at_utc: str, view: MasterView, snapshot: SnapshotFacts) -> BackupFacts:
    """Of a backup that this master's member has made."""
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
    """What was saved, from where, and what went: labels and values."""
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
