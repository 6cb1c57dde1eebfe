"""Checks of the whole cluster: do the hosts match the inventory, and does the cluster need a restore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestrator.core.hosts.network import name_of, peer_address
from orchestrator.core.hosts.view import EtcdConfig, MasterView
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.finding import Finding, block, warn

_ALL_MEMBERS = "name every master once in the inventory, and make the manifests agree"


def policy(inventory: Inventory) -> Iterator[Finding]:
    """Blocks if the inventory leaves a decision open that only the operator can make."""
    if inventory.policies.volumes is None:
        yield block(
            "volumes-policy",
            "",
            "`policies.volumes` is not set: an etcd snapshot does not hold persistent volumes",
            "set `policies.volumes` in the inventory: pause (restore them while the run waits), none, or a hook",
        )


def hook_missing(host: str, program: str) -> Finding:
    """The finding for a hook of the volumes policy that cannot run. ``host`` is empty for the laptop."""
    where = "on this host" if host else "on this laptop"
    return block(
        "volumes-hook",
        host,
        f"{program} of `policies.volumes` is not an executable program {where}",
        "copy the program there and make it executable, or correct `policies.volumes`",
        can_override=True,
    )


def members_fit(inventory: Inventory, views: Mapping[str, MasterView]) -> Iterator[Finding]:
    """Blocks unless the masters of the inventory and the members of the cluster are the same set."""
    known = {name: view.member.config for name, view in views.items() if view.member.config}
    if len(known) != len(inventory.masters):
        return  # what could not be read has its own finding
    names = [etcd.member for etcd in known.values()]
    gone = len(inventory.left_out)
    yield from (finding for host, etcd in known.items() for finding in _own_list(host, etcd, names, gone))
    urls: dict[str, set[str]] = {}
    for name, url in (pair for etcd in known.values() for pair in etcd.initial_cluster.items()):
        urls.setdefault(name, set()).add(url)
    whole = {tuple(sorted(etcd.initial_cluster.items())) for etcd in known.values() if etcd.lists_all}
    if len(whole) > 1 or any(len(found) > 1 for found in urls.values()):
        yield block("members", "", "the manifests of the masters list different peer URLs", _ALL_MEMBERS)
    if len({etcd.token for etcd in known.values()}) > 1:
        yield block("members", "", "the manifests of the masters have different cluster tokens", _ALL_MEMBERS)
    for host, view in views.items():
        expected = {"", *names}.union(*(etcd.initial_cluster for etcd in known.values()) if gone else ())
        if view.member.live and set(view.member.live.members) - expected:
            extra = ", ".join(sorted(set(view.member.live.members) - expected))
            what = f"the running cluster has members that are not masters: {extra}"
            yield block("members", host, what, _ALL_MEMBERS)


def _own_list(host: str, etcd: EtcdConfig, names: Sequence[str], gone: int) -> Iterator[Finding]:
    """Compares the members that one master's manifest lists with the members of all masters."""
    others, absent = set(etcd.initial_cluster) - set(names), set(names) - set(etcd.initial_cluster)
    if not etcd.lists_all:
        absent = {etcd.member} & absent
    if absent or len(others) > gone or (etcd.lists_all and len(others) != gone):
        listed = ", ".join(sorted(etcd.initial_cluster))
        what = f"its manifest lists the members {listed}; the masters are {', '.join(sorted(names))}"
        yield block("members", host, what + (f", and {gone} left out" if gone else ""), _ALL_MEMBERS)
    elif etcd.initial_cluster[etcd.member] != etcd.peer_url:
        what = f"its peer URL is {etcd.peer_url}, but its manifest lists another one"
        yield block("members", host, what, _ALL_MEMBERS)


def left_out(inventory: Inventory, views: Mapping[str, MasterView]) -> Iterator[Finding]:
    """Blocks if a master that is left out is not lost, or if the remaining masters are not a quorum."""
    left, gone = len(inventory.masters), len(inventory.left_out)
    if gone and left <= gone:
        yield block(
            "left-out",
            "",
            f"{left} of {left + gone} masters remain, which is not a quorum",
            "set up the lost masters again with empty disks, and restore on all masters",
        )
    for host in inventory.left_out:
        view = views.get(host.name)
        if view and (view.member.live or view.volume.members_on_disk):
            what = (
                "its member answers"
                if view.member.live
                else f"it still has etcd data in {view.volume.members_on_disk[0]}"
            )
            remedy = "restore on all masters, or remove that disk for good"
            yield block("left-out", host.name, f"{what}: only a lost master can be left out", remedy)


def addresses_fit(inventory: Inventory, views: Mapping[str, MasterView]) -> Iterator[Finding]:
    """Blocks if a peer URL resolves to another host than the one that declares it."""
    masters = {host.name: host for host in inventory.masters}
    claims = {
        name_of(view.member.config.peer_url): name
        for name, view in views.items()
        if name in masters and view.member.config
    }
    for asking, view in views.items():
        for peer, addresses in view.machine.resolves.items():
            owner = claims.get(peer)
            if owner is None or not addresses:
                continue
            right = {peer_address(masters[owner], views[owner]), *views[owner].machine.own_addresses}
            for other in claims.values():
                if other != owner and peer_address(masters[other], views[other]) in addresses:
                    right = set()  # it resolves to another master
            if not right & set(addresses):
                yield block(
                    "peers",
                    asking,
                    f"{peer} resolves to {', '.join(addresses)}, which is not {owner}",
                    "correct DNS or the hosts file on this host",
                )


def quorum(masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """Blocks if the cluster is healthy: a restore would lose everything written since the snapshot."""
    healthy = [view for _, view in masters if view.member.has_quorum]
    if healthy:
        newest = max(view.member.revision for view in healthy)
        yield block(
            "quorum-healthy",
            "",
            f"the cluster has a healthy quorum, at revision {newest}: a restore deletes all newer writes",
            "for one bad member use `reinit HOST`; to restore anyway: --override quorum-healthy",
            can_override=True,
        )


def clients_answered(masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """Findings for members that answer on the peer port only: they do not show whether there is a quorum."""
    for host, view in masters:
        if view.member.live and not view.member.live.answers_clients:
            yield warn(
                "client-port",
                host.name,
                "its member answers peers but not clients: it has no quorum, or refuses our certificates",
                "make sure that the cluster is really down before you continue",
            )
