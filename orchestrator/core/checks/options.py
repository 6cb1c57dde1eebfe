"""The options of a restore that change its checks."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.model.plan import StrategyName


@dataclass(frozen=True, slots=True)
class Way:
    """The strategy of a restore. ``brings_tool``: the operator names an etcdutl, which is copied to the masters."""

    strategy: StrategyName = "aided"
    brings_tool: bool = False


AIDED = Way()
