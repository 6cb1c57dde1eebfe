"""What the API servers serve after a run, as words. Pure."""

from __future__ import annotations

from orchestrator.core.proof.served import Served
from orchestrator.core.report.findings import by_words
from orchestrator.core.text import count, few, listed

Lines = tuple[tuple[str, str], ...]
_NOT_ASKED = "objects, watches, controllers and Nodes not asked"


def served_lines(found: Served) -> Lines:
    """A line that says what is proven, or one for each failure with its remedy; then what was not asked, and why."""
    lines = [("API servers", _verdict(found))]
    lines += [("API fault", text) for text in few([f"{it}; {it.remedy}" for it in found.failures])]
    unasked = by_words((it.host, it.unasked) for it in found.answers if it.unasked)
    lines += [("not asked", f"{listed(hosts)}: {why}; see `paths.kubeconfig`") for why, hosts in unasked.items()]
    if found.uncounted:
        lines.append(("not counted", f"{listed(found.uncounted)}: no API serves them"))
    return tuple(lines)


def _verdict(found: Served) -> str:
    total, asked = len(found.answers), found.asked
    ready = f"{sum(it.is_ready for it in found.answers)} of {total} ready"
    if found.failures:
        return f"not proven: {ready}, {count(len(found.failures), 'failure')}"
    if not asked:
        return f"{ready}; {_NOT_ASKED}"
    nodes = len({name for it in asked for name in it.nodes})
    held = f"hold the snapshot's objects ({count(found.counted, 'resource')}), " if found.counted else ""
    alive = f"watches fresh, controllers at work, {count(nodes, 'Node')} Ready"
    return f"proven: {len(asked)} of {total} answer, {held}{alive}"
