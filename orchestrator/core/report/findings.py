"""Groups equal messages of many hosts and truncates long lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.text import MOST, count, listed, printable


def by_words(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The hosts by message, from pairs of host and message; messages keep the order in which they first appear."""
    hosts: dict[str, list[str]] = {}
    for host, words in said:
        hosts.setdefault(words, []).append(host)
    return hosts


def gathered(findings: Iterable[Finding]) -> Iterator[tuple[str, Finding]]:
    """Pairs of hosts and finding: equal findings are one pair; of many warnings with one name, the first remain.

    All blockers remain, because each must be fixed.
    """
    same: dict[Finding, list[Finding]] = {}
    for finding in findings:
        same.setdefault(finding.model_copy(update={"host": ""}), []).append(finding)
    kinds: dict[tuple[str, str], list[list[Finding]]] = {}
    for group in same.values():
        kinds.setdefault((group[0].severity, group[0].name), []).append(group)
    for (severity, _), groups in kinds.items():
        shown = groups if severity == Severity.BLOCK else groups[:MOST]
        for group in shown:
            yield listed([it.host for it in group if it.host]) or "cluster", group[0]
        if rest := [it for group in groups[len(shown) :] for it in group]:
            what = f"the same on {listed([it.host for it in rest])}; --json shows all"
            yield f"{len(rest):,} more", rest[0].model_copy(update={"what": what})


def remedy_words(finding: Finding) -> str:
    """What to do about a finding, with the flag that overrides it, if there is one."""
    flag = f"--override {finding.name}"
    open_to_override = finding.severity is Severity.BLOCK and finding.can_override
    if not open_to_override or flag in finding.remedy:
        return printable(finding.remedy)
    return printable("; ".join(part for part in (finding.remedy, f"to proceed anyway: {flag}") if part))


def findings_footer(findings: Sequence[Finding], hosts: Sequence[str] = ()) -> str:
    """`1 blocker, 2 warnings; 4 of 5 hosts are fine.`"""
    found = {severity: sum(1 for finding in findings if finding.severity is severity) for severity in Severity}
    words = f"{count(found[Severity.BLOCK], 'blocker')}, {count(found[Severity.WARN], 'warning')}"
    if not hosts:
        return f"{words}."
    troubled = {finding.host for finding in findings if finding.severity is not Severity.INFO}
    return f"{words}; {sum(1 for host in hosts if host not in troubled)} of {count(len(hosts), 'host')} are fine."
