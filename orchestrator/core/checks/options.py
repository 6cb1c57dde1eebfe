"""By which way a restore is checked for."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.model.plan import StrategyName


@dataclass(frozen=True, slots=True)
class Way:
    """``brings_tool``: the operator names an etcdutl to be brought to the masters."""

    strategy: StrategyName = "aided"
    brings_tool: bool = False


AIDED = Way()
