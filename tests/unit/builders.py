"""Values that tests of the core build upon: a cluster as declared, as observed, and the plan made from both.

The plan comes from the product's own planner and templates. Every builder gives an ordinary case; a test changes
what it is about with keyword arguments, ``dataclasses.replace`` or ``model_copy``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache

from orchestrator.adapters.templates import read_templates
from orchestrator.core.checks import Way, check_all
from orchestrator.core.hosts.view import (
    Disk,
    EtcdConfig,
    LiveMember,
    MachineView,
    MasterView,
    MemberView,
    Tls,
    VolumeView,
)
from orchestrator.core.inventory.declared import Policies, Restart, Units, Volumes, VolumesHook, WorkerPolicy
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.model.plan import Plan, StrategyName
from orchestrator.core.plans.manual import token_of
from orchestrator.core.plans.master import masters_of
from orchestrator.core.plans.restore import Restore, strategy_of
from orchestrator.core.plans.summary import estimate, facts_of, lost, never_start
from orchestrator.core.scripts import Scripts, used_by
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.distros import KUBLR
from orchestrator.etcd.details import Bump
from orchestrator.etcd.snapshot import SnapshotFacts, SnapshotMember

RUN = "20261122t031007z-5f1c"
MADE_AT_UTC = "2026-11-22T03:10:07Z"
LAPTOP = "ana@laptop"
DATA = "/mnt/master-pd/etcd"
HASH_KV = 2893040912
REVISION = 48213
PKI = "/etc/kubernetes/pki/etcd"
KUBLR_UNITS = Units(kubelet="kublr-kubelet", runtime="docker")
PARTS = ("machine", "volume", "member", "api", "markers")
UNITS = ("kublr.service", "kublr-kubelet.service", "docker.service", "docker.socket")


def inventory(
    masters: int = 3,
    workers: int = 2,
    *,
    volumes: Volumes | VolumesHook | None = Volumes.NONE,
    restart: Restart = Restart.REBOOT,
    batch: int | str = 1,
) -> Inventory:
    """A Kublr cluster `prod-1` of masters master-1... and workers worker-1..."""
    return Inventory(
        format=1,
        cluster="prod-1",
        distribution="kublr",
        policies=Policies(volumes=volumes, workers=WorkerPolicy(restart=restart, batch=batch)),
        hosts=(
            *(_host(Role.MASTER, f"master-{number}", 10 + number) for number in range(1, masters + 1)),
            *(_host(Role.WORKER, f"worker-{number}", 20 + number) for number in range(1, workers + 1)),
        ),
    )


def _host(role: Role, name: str, last_byte: int) -> Host:
    return Host(name=name, role=role, address=f"10.20.0.{last_byte}", node=name, units=KUBLR_UNITS)


def masters(count: int = 3, *, resolving: bool = True, quorum: bool = False) -> dict[str, MasterView]:
    """What as many masters show: all well, etcd down unless ``quorum``.

    Not ``resolving``, the peers' names lead nowhere, so that the plan has to add them to the hosts files.
    """
    addresses = {f"etcd{index}.kublr.local": f"10.20.0.{11 + index}" for index in range(count)}
    cluster = {f"etcd{index}": f"https://etcd{index}.kublr.local:2380" for index in range(count)}
    live = None
    if quorum:
        urls: dict[str, tuple[str, ...]] = {name: (url,) for name, url in cluster.items()}
        live = LiveMember("3.5.21", "cdf818194e3a8c32", urls, revision=51022, hash_kv=77, has_quorum=True)
    return {
        f"master-{index + 1}": MasterView(
            host=f"master-{index + 1}",
            machine=MachineView(
                hostname=f"master-{index + 1}",
                systemd=True,
                own_addresses=frozenset(("127.0.0.1", f"10.20.0.{11 + index}")),
                units=dict.fromkeys(UNITS, "active"),
                units_sha256="ab" * 32,
                resolves={name: (address,) for name, address in addresses.items()} if resolving else {},
                state_disk=Disk("/dev/sda1 /", 40 << 30),
            ),
            volume=VolumeView(
                data_disk=Disk("/dev/sdb1 /mnt/master-pd", 40 << 30),
                free_inodes=1_000_000,
                data_bytes=520 << 20,
                members_on_disk=(f"{DATA}/member",),
                data_entries=("member",),
            ),
            member=MemberView(
                config=_etcd(f"etcd{index}", cluster),
                manifest_sha256=f"{index:064x}",
                other_data=DATA,
                other_source="`kublr validate`",
                live=live,
            ),
        )
        for index in range(count)
    }


def altered(view: MasterView, **changes: object) -> MasterView:
    """The view with other values; a keyword is a field of the view, or of the one part that has it."""
    by_part: dict[str, dict[str, object]] = {}
    for name, value in changes.items():
        by_part.setdefault(_part_of(view, name), {})[name] = value
    own = by_part.pop("", {})
    parts = {part: replace(getattr(view, part), **values) for part, values in by_part.items()}
    return replace(view, **parts, **own)  # type: ignore[arg-type]


def _part_of(view: MasterView, name: str) -> str:
    """Which part of a view has this field; empty for the view itself."""
    if name in {field.name for field in fields(view)}:
        return ""
    parts = [part for part in PARTS if name in {field.name for field in fields(getattr(view, part))}]
    assert len(parts) == 1, f"{name} is a field of {parts or 'no part'}"
    return parts[0]


def _etcd(member: str, cluster: dict[str, str]) -> EtcdConfig:
    return EtcdConfig(
        member=member,
        peer_url=cluster[member],
        client_url="https://127.0.0.1:2379",
        initial_cluster=cluster,
        token="etcd-cluster-token",
        data=DATA,
        member_path=f"{DATA}/member",
        peer_tls=Tls(f"{PKI}/peer-ca.crt", f"{PKI}/peer.crt", f"{PKI}/peer.key"),
        client_tls=Tls(f"{PKI}/ca.crt", f"{PKI}/client.crt", f"{PKI}/client.key"),
        address="127.0.0.1",
    )


def snapshot_facts(members: int = 3, *, size_bytes: int = 432_013_344) -> SnapshotFacts:
    """A whole snapshot of `prod-1`, of some 400 MB."""
    return SnapshotFacts(
        size_bytes=size_bytes,
        sha256="9d1f6c0e" + "5a" * 28,
        hashed=True,
        page_size_bytes=4096,
        revision=REVISION,
        compacted_revision=41000,
        last_entry_revision=REVISION,
        hash_kv=HASH_KV,
        key_entries=118_240,
        live_keys=100_321,
        total_entries=118_260,
        members=tuple(
            SnapshotMember(
                id=f"{index + 1:016x}", name=f"etcd{index}", peer_urls=(f"https://etcd{index}.kublr.local:2380",)
            )
            for index in range(members)
        ),
        cluster_version="3.5.0",
        term=7,
        consistent_index=52_001,
        alarms=(),
    )


@cache
def scripts() -> Scripts:
    """The product's own scripts for hosts, by file name."""
    return Scripts(read_templates())


def plan(
    cluster: Inventory | None = None,
    views: Mapping[str, MasterView] | None = None,
    snapshot: SnapshotFacts | None = None,
    *,
    overrides: frozenset[str] = frozenset(),
    strategy: StrategyName = "aided",
    origin: OnHost | None = None,
    bump: Bump | None = None,
) -> Plan:
    """The restore of that cluster, planned by the product. Findings are the product's own, too."""
    cluster = cluster or inventory()
    views = views or masters(len(cluster.masters))
    snapshot = snapshot or snapshot_facts(len(cluster.masters))
    distro = KUBLR
    way = strategy_of(strategy, snapshot, masters_of(cluster, views, RUN), distro, RUN, origin=origin, bump=bump)
    phases = Restore(cluster, views, distro, way, RUN, LAPTOP).phases()
    return Plan(
        kind="restore",
        strategy=strategy,
        token=token_of(RUN) if strategy == "manual" else "",
        bump=bump,
        run=RUN,
        rejoin=distro.rejoin,
        made_at_utc=MADE_AT_UTC,
        tool_version="0.1.0",
        inventory=cluster,
        snapshot=snapshot,
        snapshot_path=str(origin or "/backups/prod-1/etcd-20261121t2300z.db"),
        facts=facts_of(cluster, views),
        overrides=tuple(sorted(overrides)),
        host_keys={host.name: f"SHA256:{host.name}" for host in cluster.hosts},
        findings=check_all(cluster, snapshot, views, overrides, Way(strategy)),
        lost=(*lost(snapshot, views), *never_start(cluster)),
        estimate=estimate(cluster, snapshot, views, strategy, origin=origin),
        files=used_by(phases, scripts()),
        phases=phases,
    )
