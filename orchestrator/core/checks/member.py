"""May one member be thrown away, to join the others anew?"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.checks.findings import block
from orchestrator.core.inventory import Inventory
from orchestrator.core.masters import MasterView
from orchestrator.core.model import Finding


def check_reinit(inventory: Inventory, views: Mapping[str, MasterView], host: str) -> tuple[Finding, ...]:
    """What must keep a member from being thrown away: the others are no quorum, or it is well itself."""
    others = [view.live for name, view in views.items() if name != host and view.live and view.live.has_quorum]
    members = len(inventory.masters) + len(inventory.left_out)
    if len({live.cluster_id for live in others}) > 1:
        what = "the other masters belong to different clusters"
        return (block("quorum-missing", "", what, "restore a snapshot on all masters"),)
    if len(others) <= members // 2:
        what = f"{len(others)} of {members} members are well without it: nobody has what it would copy"
        return (
            block("quorum-missing", "", what, "restore a snapshot: orchestrator restore -i INVENTORY --snapshot FILE"),
        )
    own = views[host].live
    if own and own.has_quorum and own.cluster_id == others[0].cluster_id:
        what = f"its member answers, has a quorum, and is at revision {own.revision}: is it the one that has failed?"
        return (block("member-healthy", host, what, "name the member that has failed", can_override=True),)
    return ()
