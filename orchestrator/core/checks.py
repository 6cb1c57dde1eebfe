"""Checks before anything changes: pure functions from what was declared and observed to findings.

A blocker means that there is no plan. What an operator may override has `can_override`; the name is what is typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.core.inventory import Distribution, Host, Inventory
from orchestrator.core.masters import MasterView
from orchestrator.core.model import Finding, Severity
from orchestrator.core.network import name_of, peer_address
from orchestrator.etcd.snapshot import SnapshotFacts

WAL_BYTES = (
    2 * 64_000_000
)  # etcd preallocates one segment at restore and the next at start (etcd 3.5, server/storage/wal)
NEEDED_TOOLS = frozenset(
    (
        "base64",
        "cat",
        "cp",
        "date",
        "df",
        "find",
        "flock",
        "getent",
        "grep",
        "head",
        "mv",
        "setsid",
        "sha256sum",
    )
) | frozenset(("sleep", "stat", "sync", "systemctl", "tail", "timeout", "touch", "truncate"))
OTHER_RUNTIMES = frozenset(("containerd", "crio", "cri-o"))
"""Units that leave their containers running when they are stopped; Docker's own containerd is one of them."""
CLOCK_WARN_S, CLOCK_BLOCK_S = 1.0, 30.0


def check_all(
    inventory: Inventory,
    snapshot: SnapshotFacts | None,
    views: Mapping[str, MasterView],
    overrides: frozenset[str],
) -> tuple[Finding, ...]:
    """All findings, blockers first. ``views`` has every reachable host by name; overridden blockers become warnings."""
    masters = [(host, views[host.name]) for host in inventory.masters if host.name in views]
    found: list[Finding] = list(policy(inventory))
    for host, view in masters:
        found += view.faults
        found += host_is_usable(host, view)
        found += data_volume(host, view)
        if snapshot:
            found += room(host, view, snapshot)
    for host in inventory.workers:
        if host.name in views:
            found += tools(host, views[host.name], NEEDED_TOOLS)
    found += left_out(inventory, views)
    found += members_fit(inventory, {host.name: view for host, view in masters})
    found += quorum(masters)
    found += clients_answered(masters)
    found += addresses_fit(inventory, views)
    if snapshot:
        found += snapshot_fits(snapshot, masters)
    return _sorted(_overridden(finding, overrides) for finding in found)


def blockers(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.BLOCK)


def _overridden(finding: Finding, overrides: frozenset[str]) -> Finding:
    if finding.severity is Severity.BLOCK and finding.can_override and finding.name in overrides:
        return finding.model_copy(update={"severity": Severity.WARN, "what": f"overridden: {finding.what}"})
    return finding


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    rank = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.INFO: 2}
    return tuple(sorted(findings, key=lambda finding: (rank[finding.severity], finding.name, finding.host)))


def _block(name: str, host: str, what: str, remedy: str, *, can_override: bool = False) -> Finding:
    return Finding(name=name, severity=Severity.BLOCK, host=host, what=what, remedy=remedy, can_override=can_override)


def policy(inventory: Inventory) -> Iterator[Finding]:
    """What the operator must have decided beforehand."""
    if inventory.distribution is not Distribution.KUBLR:
        yield _block("distribution", "", f"{inventory.distribution} cannot be restored yet", "only kublr can")
    if inventory.policies.volumes is None:
        yield _block(
            "volumes-policy",
            "",
            "nothing says what happens to the persistent volumes, which an etcd snapshot does not hold",
            "set `policies.volumes` in the inventory: pause (put them back while the run waits) or none",
        )


def host_is_usable(host: Host, view: MasterView) -> Iterator[Finding]:
    """The programs and services a restore needs on a master."""
    yield from tools(host, view, NEEDED_TOOLS)
    if {"curl", "openssl"} <= view.missing_tools:
        yield _block("tools", host.name, "neither curl nor openssl is there", "install one of the two")
    if not view.systemd and view.kills_user_processes:
        yield _block(
            "logind",
            host.name,
            "logind ends a user's processes with the session (KillUserProcesses=yes): an act would die with it",
            "set KillUserProcesses=no in logind.conf and restart systemd-logind",
        )
    runtime = host.units.runtime
    state = view.units.get(f"{runtime}.service", "not-found")
    if runtime in OTHER_RUNTIMES or state in ("not-found", "masked") or "docker" in view.missing_tools:
        yield _block(
            "runtime",
            host.name,
            f"the container runtime is not Docker: the unit {runtime}.service is {state}",
            "only Docker stops its containers when it is stopped; name its unit in `units.runtime` if it differs",
        )
    for unit in (host.units.kublr, host.units.kubelet):
        if view.units.get(f"{unit}.service", "not-found") in ("not-found", "masked"):
            yield _block("units", host.name, f"there is no unit {unit}.service", "set `units` in the inventory")
    if abs(view.clock_offset_s) > CLOCK_WARN_S:
        apart = abs(view.clock_offset_s)
        severity = Severity.BLOCK if apart > CLOCK_BLOCK_S else Severity.WARN
        yield Finding(
            name="clock",
            severity=severity,
            host=host.name,
            what=f"its clock is {apart:.0f} s away from the laptop's",
            remedy="set the clock: certificates, leases and tokens depend on it",
            can_override=True,
        )


def tools(host: Host, view: MasterView, needed: frozenset[str]) -> Iterator[Finding]:
    """Programs that must be on a host's PATH."""
    if missing := sorted(needed & view.missing_tools):
        yield _block("tools", host.name, f"these programs are missing: {', '.join(missing)}", "install them")


def data_volume(host: Host, view: MasterView) -> Iterator[Finding]:
    """Where the data lies must be beyond doubt (vendor's page, "Addendum: locating etcd data volume")."""
    etcd = view.etcd
    if etcd is None:
        return
    remedy = "find out which is right, and set `paths.data` for this host in the inventory"
    if view.other_data != etcd.data and not host.paths.data:
        yield _block(
            "data-volume",
            host.name,
            f"the manifest says that etcd's data volume is {etcd.data}, `kublr validate` says "
            f"{view.other_data or 'nothing'}",
            remedy,
        )
    if view.data_disk is None:
        yield _block("data-volume", host.name, f"the data volume {etcd.data} is not there", "mount it")
    strangers = [path for path in view.members_on_disk if path != etcd.member_path]
    if strangers and etcd.member_path not in view.members_on_disk:
        yield _block("data-volume", host.name, f"etcd's data lies in {strangers[0]}, not in {etcd.member_path}", remedy)
    if view.member_links:
        what = f"{view.member_links[0]} is a symbolic link: what it leads to could not be kept"
        yield _block("data-volume", host.name, what, "stop etcd, and put the files themselves there")
    for name in ("restore.db", "command"):
        if name in view.data_entries:
            yield _block(
                "armed",
                host.name,
                f"{etcd.data}/{name} is there: somebody has scheduled something for the next start of etcd",
                f"find out who, then move it away: mv {etcd.data}/{name} /root/",
            )
    if view.missing_certificates:
        yield _block(
            "certificates",
            host.name,
            f"etcd's certificates are not readable: {', '.join(view.missing_certificates)}",
            "set `paths.certificates` for this host in the inventory",
        )


def room(host: Host, view: MasterView, snapshot: SnapshotFacts) -> Iterator[Finding]:
    """Free space for the pushed file, the scheduled file, the restored database, its log, and the kept copy."""
    if view.state_disk is None or view.data_disk is None:
        return
    state_bytes = snapshot.size_bytes + (16 << 20)
    data_bytes = 2 * snapshot.size_bytes + WAL_BYTES + view.data_bytes
    needs = {view.state_disk.device: (host.paths.state, view.state_disk.free_bytes, state_bytes)}
    if view.data_disk.device == view.state_disk.device:
        needs = {view.data_disk.device: (host.paths.state, view.data_disk.free_bytes, state_bytes + data_bytes)}
    elif view.etcd:
        needs[view.data_disk.device] = (view.etcd.data, view.data_disk.free_bytes, data_bytes)
    for path, free, needed in needs.values():
        if free < needed * 11 // 10:
            yield _block(
                "disk",
                host.name,
                f"the disk under {path} has {free >> 20} MiB free; {needed * 11 // 10 >> 20} MiB are needed",
                "make room, or set `paths.state` to a larger disk",
            )
    if view.free_inodes is not None and view.free_inodes < 1000:
        yield _block("disk", host.name, f"only {view.free_inodes} inodes are free", "make room")


def members_fit(inventory: Inventory, views: Mapping[str, MasterView]) -> Iterator[Finding]:
    """All means all: the masters of the inventory and the members of the cluster are the same set."""
    known = {name: view.etcd for name, view in views.items() if view.etcd}
    if len(known) != len(inventory.masters):
        return  # what could not be read has its own finding
    names = [etcd.member for etcd in known.values()]
    gone = len(inventory.left_out)
    remedy = "an inventory must name every master, each once, and the manifests must agree"
    for host, etcd in known.items():
        others = set(etcd.initial_cluster) - set(names)
        if set(names) - set(etcd.initial_cluster) or len(others) != gone:
            listed = ", ".join(sorted(etcd.initial_cluster))
            yield _block(
                "members",
                host,
                f"its manifest lists the members {listed}; the masters are {', '.join(sorted(names))}"
                + (f", and {gone} left out" if gone else ""),
                remedy,
            )
        elif etcd.initial_cluster[etcd.member] != etcd.peer_url:
            yield _block(
                "members",
                host,
                f"its own peer URL is {etcd.peer_url}, its manifest's list says otherwise",
                remedy,
            )
    clusters = {tuple(sorted(etcd.initial_cluster.items())) for etcd in known.values()}
    if len(clusters) > 1:
        yield _block("members", "", "the masters' manifests list different peer URLs", remedy)
    if len({etcd.token for etcd in known.values()}) > 1:
        yield _block("members", "", "the masters' manifests name different cluster tokens", remedy)
    for host, view in views.items():
        expected = {"", *names}.union(*(etcd.initial_cluster for etcd in known.values()) if gone else ())
        if view.live and set(view.live.members) - expected:
            extra = ", ".join(sorted(set(view.live.members) - expected))
            yield _block("members", host, f"the running cluster has members that are no master: {extra}", remedy)


def left_out(inventory: Inventory, views: Mapping[str, MasterView]) -> Iterator[Finding]:
    """A master may be left out only where it is lost, and where those that are left are a quorum."""
    left, gone = len(inventory.masters), len(inventory.left_out)
    if gone and left <= gone:
        yield _block(
            "left-out",
            "",
            f"{left} of {left + gone} masters are left: no quorum of a cluster with {left + gone} members",
            "set the lost masters up anew, with empty disks, and restore on all of them",
        )
    for host in inventory.left_out:
        view = views.get(host.name)
        if view and (view.live or view.members_on_disk):
            what = "its member answers" if view.live else f"it still has etcd's data, in {view.members_on_disk[0]}"
            remedy = "restore on all masters, or take that disk away for good"
            yield _block("left-out", host.name, f"{what}: a master may be left out only where it is lost", remedy)


def addresses_fit(inventory: Inventory, views: Mapping[str, MasterView]) -> Iterator[Finding]:
    """A peer URL that resolves must lead to the host that claims it."""
    masters = {host.name: host for host in inventory.masters}
    claims = {name_of(view.etcd.peer_url): name for name, view in views.items() if name in masters and view.etcd}
    for asking, view in views.items():
        for peer, addresses in view.resolves.items():
            owner = claims.get(peer)
            if owner is None or not addresses:
                continue
            right = {peer_address(masters[owner], views[owner]), *views[owner].own_addresses}
            for other in claims.values():
                if other != owner and peer_address(masters[other], views[other]) in addresses:
                    right = set()  # it leads to another master
            if not right & set(addresses):
                yield _block(
                    "peers",
                    asking,
                    f"{peer} leads to {', '.join(addresses)}, which is not {owner}, the host that claims it",
                    "correct DNS or the hosts file there",
                )


def quorum(masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """A healthy cluster loses all that was written since the snapshot."""
    healthy = [view for _, view in masters if view.live and view.live.has_quorum]
    if healthy:
        newest = max(view.live.revision for view in healthy if view.live)
        yield _block(
            "quorum-healthy",
            "",
            f"the cluster has a healthy quorum, at revision {newest}: a restore throws away what is newer",
            "for one bad member use `reinit HOST`; to restore all the same: --override quorum-healthy",
            can_override=True,
        )


def clients_answered(masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """A member that answers its peers alone: whether a quorum stands behind it cannot be seen."""
    for host, view in masters:
        if view.live and not view.live.answers_clients:
            yield Finding(
                name="client-port",
                severity=Severity.WARN,
                host=host.name,
                what="its member answers its peers but not its clients: it has no quorum, or refuses our certificates",
                remedy="make sure that the cluster is really down before you go on",
            )


def snapshot_fits(snapshot: SnapshotFacts, masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """A snapshot of another cluster has other members."""
    names = {view.etcd.member for _, view in masters if view.etcd}
    came_from = {member.name for member in snapshot.members}
    if names and came_from and not came_from & names:
        yield _block(
            "other-cluster",
            "",
            f"it came from members {', '.join(sorted(came_from))}; the masters are {', '.join(sorted(names))}",
            "take a snapshot of this cluster; if the members were renamed: --override other-cluster",
            can_override=True,
        )
    for alarm in snapshot.alarms:
        yield Finding(
            name="alarm",
            severity=Severity.WARN,
            what=f"the snapshot holds the alarm {alarm}: the restored cluster may be read-only",
            remedy="after the restore: etcdctl alarm disarm",
        )
