"""The steps of a plan as words and rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.core.model.hooks import Hook, LocalHook
from orchestrator.core.model.plan import (
    Exec,
    Judge,
    Order,
    Pause,
    Phase,
    Plan,
    Probe,
    Push,
    Reboot,
    Script,
    Step,
)
from orchestrator.core.report.plan import (
    Lines,
    hosts_words,
)
from orchestrator.core.text import MOST, count, duration, printable, quoted, size
from orchestrator.core.timeouts import STAGGER_S


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a phase: a step that is the same on several hosts."""

    hosts: tuple[str, ...]
    name: str
    what: str


def conditions(plan: Plan, phase: Phase) -> Lines:
    """The order of a phase's steps, and what must be true before the phase, at each step, and after the phase."""
    lines = []
    if phase.requires:
        lines.append(("needs", probe_words(plan, phase.requires)))
    if order := _order_words(phase):
        lines.append(("order", order))
    if each := next((step.done_if for step in phase.steps if step.done_if and step.done_if.judge is Judge.NODE), None):
        lines.append(("each", probe_words(plan, each)))
    lines += _hosts_diff(plan, phase)
    if phase.note:
        lines.append(("note", printable(phase.note)))
    if phase.barrier:
        lines.append(("barrier", probe_words(plan, phase.barrier)))
    return tuple(lines)


def _hosts_diff(plan: Plan, phase: Phase) -> Lines:
    """The lines added to hosts files, as in a diff; masters with equal lines are one group."""
    blocks: dict[str, list[str]] = {}
    for step in phase.steps:
        if isinstance(step.act, Script) and step.act.file == "resolve/hosts.sh":
            path, block = (str(step.act.values[name]) for name in ("hosts", "lines"))
            text = f"{path}\n# orchestrator {plan.run} begin\n{block}\n# orchestrator {plan.run} end"
            blocks.setdefault(text, []).append(step.host)
    lines: list[tuple[str, str]] = []
    for text, hosts in blocks.items():
        path, *added = text.splitlines()
        lines.append(("diff", f"{path} on {hosts_words(plan, hosts)}"))
        lines += [("", f"+ {printable(line.expandtabs(16))}") for line in added]
    return tuple(lines)


def _order_words(phase: Phase) -> str:
    """The order of the hosts in words; empty if all act at once."""
    if phase.order is Order.SEQUENCE and len({step.host for step in phase.steps}) > 1:
        return "one host after another"
    if phase.order is Order.STAGGERED and len({step.host for step in phase.steps}) > 1:
        return f"host by host: the next one begins when the former is done, or after {STAGGER_S:.0f} s"
    if phase.order is Order.ROLLING and phase.steps:
        end = f"more than {count(phase.max_failures, 'failure')}" if phase.max_failures else "a failure"
        return f"{count(phase.batch, 'host')} at a time; no more batches after {end}"
    return ""


def rows(plan: Plan, phase: Phase) -> tuple[Row, ...]:
    """The steps of a phase; steps with equal words on several hosts are one row."""
    groups: dict[tuple[str, str], list[Step]] = {}
    for step in phase.steps:
        groups.setdefault((step.name, step.title), []).append(step)
    return tuple(
        Row(
            hosts=tuple(_where(step) for step in steps),
            name=name,
            what=printable(title),
        )
        for (name, title), steps in groups.items()
    )


def _where(step: Step) -> str:
    return "this laptop" if isinstance(step.act, LocalHook) else step.host


def act_words(plan: Plan, step: Step) -> str:
    """The exact command of a step, or words for an act that is not a command."""
    match step.act:
        case Exec(argv=argv) | Reboot(argv=argv):
            return quoted(argv)
        case Hook() | LocalHook() as hook:
            return quoted(hook.command_line)
        case Script() as script:
            return quoted(plan.command(script).words)
        case Push() as push:
            source = f"{push.source_host}:{push.source_path}" if push.source_host else plan.snapshot_path
            amount = f" ({size(push.size_bytes)})" if push.size_bytes else ""
            return f"push {quoted((source,))} to {quoted((push.path,))}{amount}"
        case Pause(question=question, answer_flag=flag):
            return f"ask: {question} (or resume with {flag})"


def probe_words(plan: Plan, probe: Probe) -> str:
    """What a probe asks, which hosts, and how long it may take."""
    hosts = tuple(dict.fromkeys(look.host for look in probe.looks))
    match probe.judge:
        case Judge.AGREE | Judge.MEMBER:
            words = (
                f"HashKV {probe.expect['hash_kv']} at revision {probe.expect['revision']} and a new raft log on "
                f"{hosts_words(plan, hosts)}"
            )
            if probe.judge is Judge.AGREE:
                words += "; one cluster id, a quorum, and no restore scheduled"
        case Judge.EQUAL:
            words = f"one HashKV at one revision on {hosts_words(plan, hosts)}; one cluster id, a quorum"
            if cluster_id := probe.expect.get("cluster_id"):
                words += f"; the cluster id is {cluster_id}, as before"
        case Judge.NODE:
            words = "the host has restarted, and its Node has been Ready since"
        case Judge.EXIT:
            asked = dict.fromkeys(_question(plan, look.call) for look in probe.looks)
            words = f"on {hosts_words(plan, hosts)}: {'; '.join(asked)}"
    times = [f"for {duration(probe.dwell_s)}"] if probe.dwell_s else []
    times += [f"within {duration(probe.wait_s)}"] if probe.wait_s else []
    return printable(f"{words} ({', '.join(times)})" if times else words)


def commands(plan: Plan, phase: Phase) -> tuple[tuple[str, str, str], ...]:
    """`run` or `look`, the hosts, and the exact command, for every act and every look of the phase."""
    probes = (phase.requires, *(step.done_if for step in phase.steps), phase.barrier)
    said = [("run", act_words(plan, step), _where(step)) for step in phase.steps]
    said += [
        ("look", quoted(plan.command(look.call).words), look.host) for probe in probes if probe for look in probe.looks
    ]
    hosts: dict[tuple[str, str], dict[str, None]] = {}
    for verb, command, host in said:
        hosts.setdefault((verb, command), {})[host] = None
    lines = [(verb, hosts_words(plan, tuple(where)), command) for (verb, command), where in hosts.items()]
    return tuple(_like_one_another(plan, lines))


def _like_one_another(plan: Plan, lines: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Truncates commands that differ only in a worker's name: the first, and the number of the others."""
    workers = {name for host in plan.inventory.workers for name in (host.name, host.node)}
    alike: dict[tuple[str, str, str], list[tuple[str, str, str]]] = {}
    for line in lines:
        verb, where, command = line
        words = " ".join(_without(workers, word) for word in command.split(" "))
        alike.setdefault((verb, "WORKER" if where in workers else where, words), []).append(line)
    for (verb, where, _), same in alike.items():
        if len(same) <= MOST:
            yield from same
        else:
            yield same[0]
            yield verb, where, f"({len(same) - 1:,} more, each with another worker's name)"


def _without(workers: set[str], word: str) -> str:
    """The word, or `NAME=WORKER` if it names a worker."""
    name, equals, value = word.rpartition("=")
    return f"{name}{equals}WORKER" if value in workers else word


def _question(plan: Plan, call: Exec | Script) -> str:
    if isinstance(call, Exec):
        return f"`{quoted(call.argv)}` succeeds"
    return call.question or call.file
