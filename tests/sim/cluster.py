"""The simulated cluster: its first state, and the plan to restore it."""

from __future__ import annotations

import hashlib
from functools import cache

from orchestrator.core.checks.bump import AUTO_REVISIONS
from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.plan import Estimate, Plan, StrategyName
from orchestrator.core.plans.manual import token_of
from orchestrator.core.plans.master import masters_of
from orchestrator.core.plans.restore import Restore, strategy_of
from orchestrator.core.plans.summary import facts_of
from orchestrator.core.scripts import used_by
from orchestrator.distros import KUBLR
from orchestrator.distros.pair import Pair
from orchestrator.etcd.details import Bump
from orchestrator.etcd.snapshot import SnapshotFacts
from tests.sim.history import OLD, History, to_file
from tests.sim.host import DB, WAL, SimHost, Vendor
from tests.sim.invariants import Witness
from tests.sim.world import World
from tests.unit import builders

RUN, OTHER_RUN = "20261122t031007z-5f1c", "20261122t031008z-77aa"
LAPTOP = "ana@laptop"
CLUSTER_ID = "cdf818194e3a8c32"
HOSTS = "127.0.0.1\tlocalhost\n"
SNAPSHOT = History(CLUSTER_ID, OLD, ("namespaces/default x", "events/1 x", "pods/a x", "pods/b x"), compacted=2)
LIVE = SNAPSHOT.write("pods/c x").write("events/2 x")
SNAPSHOT_FILE = to_file(SNAPSHOT)
INVENTORY = builders.inventory(3, 1)


def make_world(vendor: Vendor | None = None, inventory: Inventory = INVENTORY) -> World:
    """Create a cluster of workers and healthy masters with writes that are newer than the snapshot."""
    witness = Witness(SNAPSHOT, SNAPSHOT_FILE, LIVE)
    witness.hooks.policy = inventory.policies.volumes
    hosts = [
        SimHost(host.name, is_master=host in inventory.masters, vendor=vendor or Vendor(), witness=witness)
        for host in inventory.hosts
    ]
    world = World(inventory, {host.name: host for host in hosts}, witness)
    witness.watch(world.masters)
    for host in hosts:
        host.disk.write("/etc/hosts", HOSTS)
        if host.is_master:
            host.disk.write(DB, to_file(LIVE))
            host.disk.write(WAL, OLD)
            host.first_inode = host.disk.inode(DB)
        host.units.boot(0)
    for second in range(1, 4):
        world.tick(second - 10)
    return world


class Observed(Pair):
    """Kublr for the simulation: a host reports only its claim, hold and attempts. The rest is as the plan found it."""

    def read_host(self, host: Host, facts: dict[str, str], clock_offset_s: float) -> MasterView:
        known = builders.masters(resolving=False, quorum=True)
        told = super().read_host(host, facts, clock_offset_s)
        view = known.get(host.name, MasterView(host.name))
        return builders.altered(view, claim=told.markers.claim, hold=told.markers.hold, attempts=told.markers.attempts)

    def look_at_volume(self, host: Host, view: MasterView) -> None:
        return None


OBSERVED = Observed(KUBLR.etcd, KUBLR.control, KUBLR.rejoin, KUBLR.default_units)


@cache
def make_plan(inventory: Inventory, run: str, laptop: str = LAPTOP, *, manual: bool = False) -> Plan:
    """Return the plan to restore this cluster. The product's planner makes it."""
    views = {
        name: builders.altered(
            view, tools=(Tool(ToolPlace.HOST, "/usr/local/bin/etcdutl", "3.5.21"),), owner="0:0 700 ?"
        )
        for name, view in builders.masters(len(inventory.masters), resolving=False, quorum=True).items()
    }
    strategy: StrategyName = "manual" if manual else "aided"
    bump = bumped(SNAPSHOT) if manual else None
    way = strategy_of(strategy, snapshot_facts(), masters_of(inventory, views, run), KUBLR, run, bump=bump)
    phases = Restore(inventory, views, KUBLR, way, run, laptop).phases()
    return Plan(
        kind="restore",
        strategy=strategy,
        token=token_of(run) if manual else "",
        bump=bump,
        run=run,
        made_at_utc=builders.MADE_AT_UTC,
        tool_version="0.1.0",
        inventory=inventory,
        snapshot=snapshot_facts(),
        snapshot_path="/backups/etcd.db",
        facts=facts_of(inventory, views),
        estimate=Estimate(upload_bytes=0, kept_bytes=0, outage_s=0, total_s=0),
        files=used_by(phases, builders.scripts()),
        phases=phases,
    )


def bumped(history: History) -> Bump:
    """Return the bump that the product computes from the snapshot file."""
    after = history.bump(AUTO_REVISIONS)
    return Bump(amount=AUTO_REVISIONS, revision=after.revision, hash_kv=after.hash_kv(after.revision))


def snapshot_facts() -> SnapshotFacts:
    """Return the facts that the product reads from the snapshot file."""
    told = {
        "size_bytes": len(SNAPSHOT_FILE),
        "sha256": hashlib.sha256(SNAPSHOT_FILE).hexdigest(),
        "revision": SNAPSHOT.revision,
        "last_entry_revision": SNAPSHOT.revision,
        "compacted_revision": SNAPSHOT.compacted,
        "hash_kv": SNAPSHOT.hash_kv(SNAPSHOT.revision),
    }
    return builders.snapshot_facts().model_copy(update=told)
