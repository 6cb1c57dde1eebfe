"""Behaviour that etcd parts without a vendor's agent share."""

from __future__ import annotations

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.plan import Script
from orchestrator.distros import common


class WithoutAgent:
    """Part of ``distros.pair.EtcdPart``."""

    aided = False
    staggers = True

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        return common.save(view)

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        raise NotImplementedError("no agent that restores")

    def replace_member(self, view: MasterView) -> tuple[str, Script]:
        raise NotImplementedError("no agent that rejoins a member")
