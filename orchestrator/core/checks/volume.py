"""Checks of the disks: is it certain where the data is, and is there enough free space."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator

from orchestrator.core.checks.options import Way
from orchestrator.core.hosts.view import Disk, EtcdConfig, MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.finding import Finding, block
from orchestrator.etcd.snapshot import SnapshotFacts

# etcd preallocates one segment at restore and the next at start (etcd 3.5, server/storage/wal).
WAL_BYTES = 2 * 64_000_000


def data_volume(host: Host, view: MasterView, way: Way) -> Iterator[Finding]:
    """Blocks if the data's path is uncertain (vendor's page, "Addendum: locating etcd data volume")."""
    etcd = view.member.config
    if etcd is None:
        return
    remedy = "find out which is right, and set `paths.data` for this host in the inventory"
    if (
        (view.member.other_data or way.strategy == "aided")
        and view.member.other_data != etcd.data
        and not host.paths.data
    ):
        yield block(
            "data-volume",
            host.name,
            f"etcd's data volume is {etcd.data} in the manifest, but "
            f"{view.member.other_source} says {view.member.other_data or 'nothing'}",
            remedy,
        )
    if view.volume.data_disk is None:
        yield block("data-volume", host.name, f"the data volume {etcd.data} does not exist", "mount the volume")
    strangers = [path for path in view.volume.members_on_disk if path != etcd.member_path]
    if strangers and etcd.member_path not in view.volume.members_on_disk:
        yield block("data-volume", host.name, f"etcd's data is in {strangers[0]}, not in {etcd.member_path}", remedy)
    if view.volume.member_links:
        what = f"{view.volume.member_links[0]} is a symbolic link: its target cannot be kept"
        yield block("data-volume", host.name, what, "stop etcd, and replace the link by the files")
    if view.volume.mounts_within:
        what = f"{view.volume.mounts_within[0]} is a mount point of its own: it cannot be set aside by a rename"
        yield block("mount-point", host.name, what, "stop etcd, unmount it, and move its files to the volume")
    yield from _log_apart(host, etcd, way)
    yield from _armed(host, etcd, view)


def _armed(host: Host, etcd: EtcdConfig, view: MasterView) -> Iterator[Finding]:
    """Blocks if a file would make etcd's next start do something, or if etcd's certificates cannot be read."""
    for name in ("restore.db", "command"):
        if name in view.volume.data_entries:
            yield block(
                "armed",
                host.name,
                f"{etcd.data}/{name} exists: somebody has scheduled an action for the next start of etcd",
                f"find out who did, then move the file: mv {etcd.data}/{name} /root/",
            )
    if view.member.missing_certificates:
        yield block(
            "certificates",
            host.name,
            f"cannot read etcd's certificates: {', '.join(view.member.missing_certificates)}",
            "set `paths.certificates` for this host in the inventory",
        )


def _log_apart(host: Host, etcd: EtcdConfig, way: Way) -> Iterator[Finding]:
    """Blocks if a log outside the member's folder cannot be moved separately. The vendor's agent may not move it."""
    if etcd.wal_dir and way.strategy == "aided":
        what = f"etcd's log is outside its data, in {etcd.wal_dir}: an old log with restored data destroys the data"
        remedy = "remove --wal-dir from the manifest and move the log to the volume, or restore with --strategy manual"
        yield block("wal-dir", host.name, what, remedy)
    elif etcd.wal_dir == posixpath.dirname(etcd.member_path) or etcd.wal_dir.startswith(f"{etcd.member_path}/"):
        what = f"etcd's log is among its data, in {etcd.wal_dir}: the two cannot be told apart"
        yield block("wal-dir", host.name, what, "stop etcd, move the log to another folder, and set --wal-dir to it")


def by_disk(wanted: Iterable[tuple[Disk, str, int]]) -> Iterator[tuple[Disk, str, int]]:
    """The bytes needed on each filesystem, plus a tenth, with the first path that is on it."""
    first: dict[str, tuple[Disk, str]] = {}
    sums: Counter[str] = Counter()
    for disk, path, needed in wanted:
        first.setdefault(disk.device, (disk, path))
        sums[disk.device] += needed
    for device, (disk, path) in first.items():
        yield disk, path, with_a_tenth(sums[device])


def with_a_tenth(size_bytes: int) -> int:
    return size_bytes * 11 // 10


def room(host: Host, view: MasterView, snapshot: SnapshotFacts, way: Way) -> Iterator[Finding]:
    """Blocks if a disk lacks free space or inodes.

    Needed are the pushed file, the parts of it that a transfer buffers meanwhile (deleted before the rest is
    written), the restored database, and its log, which may be on its own disk. If the vendor's agent restores, add
    the scheduled file and a copy of the old data; the manual strategy only renames the old data.
    """
    if view.machine.state_disk is None or view.volume.data_disk is None or view.member.config is None:
        return
    data_bytes, state_bytes = snapshot.size_bytes, snapshot.size_bytes + (16 << 20)
    data_bytes += snapshot.size_bytes + view.volume.data_bytes if way.strategy == "aided" else 0
    wanted = (
        (view.machine.state_disk, host.paths.state, state_bytes),
        (view.volume.data_disk, view.member.config.data, data_bytes),
        (
            view.volume.wal_disk or view.volume.data_disk,
            view.member.config.wal_dir or view.member.config.data,
            WAL_BYTES,
        ),
    )
    for disk, path, needed in by_disk(wanted):
        if disk is view.machine.state_disk:
            needed = max(needed, with_a_tenth(state_bytes + snapshot.size_bytes))
        if disk.free_bytes < needed:
            yield block(
                "disk",
                host.name,
                f"the disk under {path} has {disk.free_bytes >> 20} MiB free; {needed >> 20} MiB are needed",
                "free some space, or set `paths.state` to a larger disk",
            )
    if view.volume.free_inodes is not None and view.volume.free_inodes < 1000:
        yield block("disk", host.name, f"only {view.volume.free_inodes} inodes are free", "delete unneeded files there")
