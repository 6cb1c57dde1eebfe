"""The summary of a plan: the facts it depends on, what is lost, bytes and seconds. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.checks import WAL_BYTES
from orchestrator.core.checks.bump import AUTO_REVISIONS
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.declared import Restart
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.plan import Estimate, MasterFacts, StrategyName
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.core.transfer.chains import LAPTOP
from orchestrator.core.transfer.relay import Relay, copies_sent
from orchestrator.etcd.snapshot import SnapshotFacts

# Measured with three masters on shared disks; chosen rather too slow than too fast.
COPY_BYTES_PER_S = 100 << 20
UPLINK_BYTES_PER_S = 50_000_000 // 8
RESTART_S = 30
REBOOT_S = 120


def facts_of(inventory: Inventory, views: Mapping[str, MasterView]) -> tuple[MasterFacts, ...]:
    """The binding facts: if one of them changes, a saved plan is stale."""
    found = []
    for host in inventory.masters:
        view = views[host.name]
        if etcd := view.member.config:
            found.append(
                MasterFacts(
                    host=host.name,
                    member=etcd.member,
                    peer_url=etcd.peer_url,
                    initial_cluster=etcd.initial_cluster,
                    token=etcd.token,
                    data=etcd.data,
                    manifest_sha256=view.member.manifest_sha256,
                    units_sha256=view.machine.units_sha256,
                    etcd_version=view.member.version,
                    cluster_id=view.member.cluster_id,
                )
            )
    return tuple(found)


def never_start(inventory: Inventory) -> tuple[str, ...]:
    """Warnings about masters that are left out: they must never start on their old disks."""
    return tuple(
        f"{host.name} is left out: never start it on its old disk. The restored cluster may have the old one's "
        "id, and an old member that joins it would corrupt the others"
        for host in inventory.left_out
    )


def lost(snapshot: SnapshotFacts, views: Mapping[str, MasterView]) -> tuple[str, ...]:
    """What the cluster loses: everything since the snapshot was taken."""
    live = {name: view.member.live for name, view in views.items() if view.member.live}
    if not live:
        return (f"everything written after revision {snapshot.revision}; no member answers, so the amount is unknown",)
    newest = max(member.revision for member in live.values())
    count = max(0, newest - snapshot.revision)
    if count >= AUTO_REVISIONS // 2:  # no cluster writes so much between a backup and its restore
        text = f"everything written after revision {snapshot.revision}; the live cluster is at {newest}"
        return (f"{text}: a revision bump lies between, so the amount is unknown",)
    return (
        f"everything written after revision {snapshot.revision}: {count} revisions; the live cluster is at {newest}",
    )


def estimate(
    inventory: Inventory,
    snapshot: SnapshotFacts,
    views: Mapping[str, MasterView],
    strategy: StrategyName = "aided",
    *,
    origin: OnHost | None = None,
    relay: Relay | None = None,
) -> Estimate:
    """Bytes and seconds, rather too many than too few: how well the file compresses on the way is unknown. ``origin``
    has the snapshot already.

    The manual strategy copies nothing while the masters are down.
    """
    masters = [views[host.name] for host in inventory.masters]
    names = [host.name for host in inventory.masters]
    upload = snapshot.size_bytes * copies_sent(relay, names, origin.host if origin else LAPTOP)
    kept = sum(view.volume.data_bytes for view in masters)
    largest = max((view.volume.data_bytes for view in masters), default=0)
    restoring = (largest + 3 * snapshot.size_bytes + WAL_BYTES) // COPY_BYTES_PER_S
    outage = RESTART_S + (restoring if strategy == "aided" else 0)
    policy = inventory.policies.workers
    workers = 0
    if policy.restart is not Restart.NONE and inventory.workers:
        each = REBOOT_S if policy.restart is Restart.REBOOT else RESTART_S
        workers = -(-len(inventory.workers) // policy.batch_size(len(inventory.workers))) * each
    return Estimate(
        upload_bytes=upload,
        kept_bytes=kept,
        outage_s=outage,
        total_s=upload // UPLINK_BYTES_PER_S + RESTART_S + restoring + workers + RESTART_S,
    )
