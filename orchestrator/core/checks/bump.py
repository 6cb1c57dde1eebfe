"""Whether a restore can raise the revision, and by how much. Pure.

Without a bump the restored cluster repeats revisions that its clients have seen: an informer that did not notice the
outage keeps objects that are gone, and misses new ones (etcd documentation, "Disaster recovery", "Restoring with
revision bump"; kubernetes/kubernetes issue 107457).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core.checks.options import Way
from orchestrator.core.hosts.etcd_tools import best_tool, can_bump
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.finding import Finding, block, warn
from orchestrator.etcd.details import Bump
from orchestrator.etcd.snapshot import SnapshotFacts

AUTO_REVISIONS = 1_000_000_000
"""What etcd's documentation recommends: more than any cluster writes between a backup and its restore."""

_BRING = "bring an etcdutl of 3.5.10, 3.6.0 or newer: --etcdutl FILE"


def bump_amount(inventory: Inventory, views: Mapping[str, MasterView], way: Way, snapshot: SnapshotFacts) -> int:
    """The revisions to add on every master; 0 if one of them cannot, for all must be equal.

    The same snapshot may have been restored with a bump before. So the automatic amount grows until it is at least
    half of AUTO_REVISIONS past the live cluster, which still writes until the stop.
    """
    policy = inventory.policies.bump_revision
    if way.strategy != "manual" or policy == "off" or _unable(inventory, views, way):
        return 0
    if policy != "auto":
        return int(policy)
    ahead = max(0, live_revision(views) - snapshot.revision)
    return AUTO_REVISIONS * (1 + (ahead + AUTO_REVISIONS // 2) // AUTO_REVISIONS)


def why_stale(planned: Bump | None, inventory: Inventory, views: Mapping[str, MasterView], way: Way) -> str:
    """Why a saved plan's bump is no longer right; empty if it is."""
    if planned is None:
        return ""
    if unable := _unable(inventory, views, way):
        return "; ".join(f"{host}: {tool} can no longer bump the revision" for host, tool in unable.items())
    live = live_revision(views)
    return f"the live cluster is at revision {live}, past the bump" if live >= planned.revision else ""


def live_revision(views: Mapping[str, MasterView]) -> int:
    """The newest revision that a member has; 0 if none answers."""
    return max((view.member.revision for view in views.values()), default=0)


def bump(
    inventory: Inventory, views: Mapping[str, MasterView], way: Way, snapshot: SnapshotFacts | None
) -> Iterator[Finding]:
    """What keeps a restore from raising the revision past the live one, unless the operator does not want that."""
    policy = inventory.policies.bump_revision
    if policy == "off":
        return
    if way.strategy == "aided":
        if policy != "auto" and not way.brings_tool:
            text = "the vendor's agent cannot bump the revision, and the policy bump_revision asks for it"
            yield block("no-bump", "", text, "restore with --strategy manual, or set bump_revision to auto")
        return
    for name, tool in _unable(inventory, views, way).items():
        what = f"{tool} cannot bump the revision"
        if policy == "auto":
            text = f"{what}, so no master does: clients that keep running may miss changes until they restart"
            yield warn("no-bump", name, text, _BRING)
        else:
            yield block("no-bump", name, f"{what}, and the policy bump_revision asks for it", _BRING)
    live = live_revision(views)
    if policy != "auto" and snapshot and snapshot.revision + int(policy) <= live:
        text = f"bump_revision raises revision {snapshot.revision} to {snapshot.revision + int(policy)}, but the live "
        remedy = f"set bump_revision to auto, or to more than {live - snapshot.revision}"
        yield block("low-bump", "", f"{text}cluster is at {live}: revisions would go back", remedy)


def _unable(inventory: Inventory, views: Mapping[str, MasterView], way: Way) -> dict[str, str]:
    """The tools without a bump, by master."""
    found = {}
    for host in inventory.masters:
        view = views.get(host.name)
        if view is None or view.member.config is None:
            continue
        etcd_version = view.member.version
        tool = way.tool if way.brings_tool else best_tool(view.member.tools, etcd_version)
        if tool and not can_bump(tool, etcd_version):
            found[host.name] = tool.words
    return found
