"""Checks of the manual strategy alone: etcd's restore tool, and the owner of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core.checks.options import Way
from orchestrator.core.hosts.etcd_tools import best_tool, minor
from orchestrator.core.hosts.view import MasterView, owner_of
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.finding import Finding, block, warn


def manual(inventory: Inventory, views: Mapping[str, MasterView], way: Way) -> Iterator[Finding]:
    """Findings of all masters that only this strategy has."""
    known = {host.name: views[host.name] for host in inventory.masters if host.name in views}
    for name, view in known.items():
        if view.member.config and not way.brings_tool:
            yield from _tool(name, view)
        if view.member.config and not owner_of(view, known.values()):
            owners = ", ".join(sorted({other.volume.owner for other in known.values() if other.volume.owner}))
            yield block(
                "owner",
                name,
                f"owner of the restored data unknown: it has no data, and the other masters differ: {owners}",
                f"make an empty {view.member.config.member_path} on it, with the right owner and mode",
            )


def _tool(name: str, view: MasterView) -> Iterator[Finding]:
    version = view.member.version
    tool = best_tool(view.member.tools, version)
    if tool is None:
        yield block(
            "tool",
            name,
            "no etcdutl (or etcdctl before 3.6) on the host, in etcd's container or in its image",
            "name one to send: --etcdutl FILE",
        )
    elif version and tool.version and minor(tool.version) != minor(version):
        what = f"etcd has version {version}, but its restore tool {tool.version} ({tool.path})"
        yield warn("tool-version", name, what, "name one of etcd's version to send: --etcdutl FILE")
