"""The options of a restore that change its checks."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.hosts.etcd_tools import Tool
from orchestrator.core.model.plan import StrategyName


@dataclass(frozen=True, slots=True)
class Way:
    """The strategy of a restore. ``brings_tool``: etcd's tools on the masters do not matter, because the operator
    brings ``tool`` or nothing is restored."""

    strategy: StrategyName = "aided"
    brings_tool: bool = False
    tool: Tool | None = None


AIDED = Way()
