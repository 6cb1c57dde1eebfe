"""The lines of the hosts file that a master needs while cluster DNS is down. Pure.

Vendor's page, "Manually restoring a snapshot": the peers' names are not part of cluster DNS.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.hosts.network import is_address, name_of, peer_address
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host


def peer_names(masters: Mapping[str, Host], views: Mapping[str, MasterView]) -> dict[str, str]:
    """Every peer's name and the address that it must resolve to. Peer URLs with an address need no name."""
    names: dict[str, str] = {}
    for name, host in masters.items():
        etcd = views[name].member.config
        if etcd and not is_address(peer := name_of(etcd.peer_url)):
            names[peer] = peer_address(host, views[name])
    return names


def missing_names(view: MasterView, names: Mapping[str, str]) -> dict[str, str]:
    """The names that do not resolve to their address on this master."""
    return {name: address for name, address in names.items() if address not in view.machine.resolves.get(name, ())}


def block_for(missing: Mapping[str, str]) -> str:
    """The lines to put between our two markers in the hosts file."""
    return "\n".join(f"{address}\t{name}" for name, address in sorted(missing.items()))


def removable(view: MasterView, missing: Mapping[str, str]) -> bool:
    """Whether the member reaches its peers without the block: its pod resolves the names itself, or it had a quorum."""
    if view.member.config and set(missing) <= view.member.config.aliases:
        return True
    return view.member.has_quorum
