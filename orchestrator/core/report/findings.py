"""What hundreds of hosts say, in a few lines: the same words once, and of many the first ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.core.model.plan import Finding, Severity
from orchestrator.core.text import listed

MOST = 10
"""So many of a kind are told one by one."""


def few(texts: Sequence[str]) -> tuple[str, ...]:
    """All of them; of more than ten the first, and how many more there are."""
    if len(texts) <= MOST:
        return tuple(texts)
    return (*texts[:MOST], f"and {len(texts) - MOST:,} more")


def by_words(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The hosts by what they say: from hosts and their words, in the order of the first host that says so."""
    hosts: dict[str, list[str]] = {}
    for host, words in said:
        hosts.setdefault(words, []).append(host)
    return hosts


def gathered(findings: Iterable[Finding]) -> Iterator[tuple[str, Finding]]:
    """Findings with whom they are about: those that say the same together, and of many of one kind the first ones.

    Blockers are all told, for each has to be mended.
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
            what = f"the same of {listed([it.host for it in rest])}; --json has every word"
            yield f"{len(rest):,} more", rest[0].model_copy(update={"what": what})
