"""A check's verdict, and small constructors for it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from orchestrator.etcd.frozen import Frozen


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class Finding(Frozen):
    """A check's verdict. A blocker means no plan, unless the operator overrides it by ``name``."""

    name: str
    severity: Severity
    host: str = ""
    what: str
    remedy: str = ""
    can_override: bool = False
    exit_code: int = 3


def block(name: str, host: str, what: str, remedy: str, *, can_override: bool = False) -> Finding:
    """A finding that prevents a plan. With ``can_override``, `--override NAME` makes the plan anyway."""
    return Finding(name=name, severity=Severity.BLOCK, host=host, what=what, remedy=remedy, can_override=can_override)


def warn(name: str, host: str, what: str, remedy: str) -> Finding:
    """A finding that the plan shows. It does not prevent the plan."""
    return Finding(name=name, severity=Severity.WARN, host=host, what=what, remedy=remedy)


def overridden(finding: Finding, overrides: frozenset[str]) -> Finding:
    """The finding, as a warning if the operator overrides it."""
    if finding.severity is Severity.BLOCK and finding.can_override and finding.name in overrides:
        return finding.model_copy(update={"severity": Severity.WARN, "what": f"overridden: {finding.what}"})
    return finding


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by severity (blockers first), name and host. Equal findings of several hosts are not merged."""
    rank = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.INFO: 2}
    return tuple(sorted(findings, key=lambda finding: (rank[finding.severity], finding.name, finding.host)))
