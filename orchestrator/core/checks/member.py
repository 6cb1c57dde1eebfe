"""Checks before a reinit: may one member be removed, wiped and rejoined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core.checks.volume import WAL_BYTES, by_disk
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.finding import Finding, block
from orchestrator.core.text import size

PROGRAM_BYTES = 64 << 20
"""Space for etcd's own program; that of 3.5.1 has 24 MB."""


def check_reinit(inventory: Inventory, views: Mapping[str, MasterView], host: str) -> tuple[Finding, ...]:
    """Findings for one member. Blocks if the other members are not a quorum, or if this member is healthy."""
    others = [view.member.cluster_id for name, view in views.items() if name != host and view.member.has_quorum]
    members = len(inventory.masters) + len(inventory.left_out)
    if len(set(others)) > 1:
        what = "the other masters belong to different clusters"
        return (block("quorum-missing", "", what, "restore a snapshot on all masters"),)
    if len(others) <= members // 2:
        what = f"{len(others)} of {members} members are healthy without it, which is not a quorum"
        return (block("quorum-missing", "", what, "restore a snapshot on all masters"),)
    own = views[host].member.live
    if own and own.has_quorum and own.cluster_id == others[0]:
        what = f"its member is healthy: it answers at revision {own.revision} and has a quorum"
        return (block("member-healthy", host, what, "name the failed member", can_override=True),)
    return ()


def room_to_join(host: Host, views: Mapping[str, MasterView], *, aided: bool) -> Iterator[Finding]:
    """Blocks if the failed member's disks lack space for the copy of any member's data and for etcd's log.

    The largest member counts, because any of them may be the leader then. Without the space the join fails after the
    member is stopped and removed from the others' list. Old data that is set aside stays and needs its space; data
    that a vendor's agent deletes frees it. A program that is copied out of an image needs space in the run's folder.
    """
    view = views[host.name]
    etcd, data_disk = view.member.config, view.volume.data_disk
    if etcd is None or data_disk is None:
        return
    others = (it for name, it in views.items() if name != host.name and it.member.has_quorum)
    copied = max((it.volume.database_bytes or it.volume.data_bytes for it in others), default=0)
    wanted = [
        (data_disk, etcd.data, copied, "a copy of the others' database"),
        (view.volume.wal_disk or data_disk, etcd.wal_dir or etcd.data, WAL_BYTES, "its log"),
    ]
    if view.machine.state_disk and not aided and not etcd.program:
        wanted.append((view.machine.state_disk, host.paths.state, PROGRAM_BYTES, "etcd's program from its image"))
    gone = view.volume.database_bytes if aided else 0
    for disk, path, needed in by_disk(one[:3] for one in wanted):
        free = disk.free_bytes + (gone if disk.device == data_disk.device else 0)
        if free < needed:
            parts = [f"{words} ({size(part)})" for other, _, part, words in wanted if other.device == disk.device]
            beside = "" if aided else "; its old data is set aside, not deleted"
            yield block(
                "disk",
                host.name,
                f"the disk under {path} has {size(free)} free; "
                f"{size(needed)} are needed for {', '.join(parts)}{beside}",
                "free some space there",
            )
