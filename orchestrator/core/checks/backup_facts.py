"""Checks of a backup's facts file against the masters: has the cluster changed since the backup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.finding import Finding, block, warn
from orchestrator.core.snapshots.backups import BackupFacts, ScheduledFacts
from orchestrator.etcd.snapshot import SnapshotFacts


def changed_since(
    facts: BackupFacts | ScheduledFacts, snapshot: SnapshotFacts, inventory: Inventory, views: Mapping[str, MasterView]
) -> Iterator[Finding]:
    """Findings for what differs from the facts in the file next to the snapshot.

    Facts that describe another file are ignored: a copy may have been renamed. Sums are compared, not paths, because a
    file that was moved has not changed. A master whose API server's files could not be read has no finding.
    """
    if (facts.snapshot.size_bytes, facts.snapshot.sha256) != (snapshot.size_bytes, snapshot.sha256):
        what = "facts file beside the snapshot ignored: it describes another file"
        yield warn("other-facts", "", what, "make sure that this is the snapshot you want")
        return
    if facts.cluster != inventory.cluster:
        yield block(
            "other-cluster",
            "",
            f"the facts file beside the snapshot names the cluster {facts.cluster}; this cluster is "
            f"{inventory.cluster}",
            "take a snapshot of this cluster; if it was renamed, or you want to replace it: --override other-cluster",
            can_override=True,
        )
    for host in inventory.masters:
        known = views[host.name].member.trust.files if host.name in views else {}
        gone = [path for path, sha256 in facts.shared_files.items() if sha256 not in known.values()]
        if known and gone:
            yield warn(
                "changed-since",
                host.name,
                f"files differ from when the backup was taken ({facts.taken_at_utc}, on {facts.host}): "
                f"{', '.join(sorted(gone))}",
                "after the restore, tokens or data made with the old files may be refused: make sure that "
                "its API server still has the old keys",
            )
