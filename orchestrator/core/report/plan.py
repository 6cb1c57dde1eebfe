"""What people read of a plan and of findings, as words, rows and lines. Pure; `adapters/screen/tables.py` draws them.

Nothing is described here that the plan does not hold: what a barrier waits for is the first sentence of the script
that asks it, and a step's commands are the argv that will run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.core.inventory.inventory import HookPlace, Volumes, VolumesHook
from orchestrator.core.model.hooks import Hook, LocalHook
from orchestrator.core.model.plan import (
    Exec,
    Finding,
    Judge,
    Order,
    Pause,
    Phase,
    PhaseName,
    Plan,
    Probe,
    Push,
    Reboot,
    Script,
    Severity,
    Step,
)
from orchestrator.core.report.findings import MOST
from orchestrator.core.text import count, duration, listed, printable, quoted, size

FOUR_PARTS = (
    "A backup of a cluster has four parts: its specification, its secrets, the content of etcd and the persistent "
    "volumes. This restores one of them, the content of etcd."
)
MOST_VOLUMES = 10
"""So many volumes are named when a plan is shown."""
NO_RETURN = "point of no return"
AFTER_NO_RETURN = (
    "Until here everything can be taken back. From here on the cluster runs on the snapshot; what leads back is "
    "the old data that each master keeps."
)


@dataclass(frozen=True, slots=True)
class Row:
    """Steps that are the same on several hosts: one line of a phase."""

    hosts: tuple[str, ...]
    name: str
    what: str


Lines = tuple[tuple[str, str], ...]
"""Labels and values, in their order."""


# --- The plan -------------------------------------------------------------------------------------------


TITLES = {
    "restore": "Restore of etcd on",
    "workers": "Restart of the workers of",
    "reinit": "One member of etcd anew on",
    "schedule": "Scheduled backups of etcd on",
    "abort": "Abort of a restore on",
    "rollback": "Rollback of a restore on",
    "finish": "End of a restore on",
    "unlock": "Unlocking of the masters of",
}
"""By the kind of a plan; the cluster's name follows."""


def header(plan: Plan) -> Lines:
    """What the plan is about: cluster, plan, snapshot, and the proof to come."""
    inventory = plan.inventory
    strategy = f", {plan.strategy} strategy" if plan.snapshot else ""
    lines = [
        ("cluster", f"{inventory.cluster} ({inventory.distribution}){strategy}"),
        ("masters", masters_words(plan)),
        ("workers", listed([host.name for host in inventory.workers]) or "none in the inventory"),
        ("run", f"{plan.run}, {plan.kind} of run {plan.undoes}" if plan.undoes else plan.run),
        ("plan", f"{plan.sha256[:12]}, made at {plan.made_at_utc} by orchestrator {plan.tool_version}"),
    ]
    if snapshot := plan.snapshot:
        version = snapshot.cluster_version or "unknown"
        names = listed(sorted(member.name for member in snapshot.members)) or "unknown"
        lines += [
            ("snapshot", plan.snapshot_path),
            ("sha256", snapshot.sha256),
            (
                "content",
                f"revision {snapshot.revision}, {count(snapshot.live_keys, 'key')}, {size(snapshot.size_bytes)}",
            ),
            ("", f"of members {names}, cluster version {version}"),
            ("proof", f"every member must answer HashKV {snapshot.hash_kv} at revision {snapshot.revision}"),
            *_ids(plan),
        ]
    return tuple((label, printable(value)) for label, value in lines)


def _ids(plan: Plan) -> Lines:
    """The ids to come: certain with a token of ours. The vendor does not say which one an aided restore takes."""
    if not plan.facts:
        return ()
    ids = plan.predicted_ids
    members = listed([f"{name} {member}" for name, member in ids.members.items()])
    token = plan.token or f"{plan.facts[0].token}, if the agent keeps the manifests'"
    return (("ids", f"cluster {ids.cluster}, {members}, by the token {token}"),)


def masters_words(plan: Plan) -> str:
    """The masters, each with its member's name."""
    members = {fact.host: f" ({fact.member})" for fact in plan.facts}
    gone = [host.name for host in plan.inventory.left_out]
    without = f", without {listed(gone)}" if gone else ""
    return listed([f"{name}{members.get(name, '')}" for name in plan.masters]) + without


def heading(plan: Plan, phase: Phase) -> str:
    """`5/12 stop`."""
    return f"{plan.phases.index(phase) + 1}/{len(plan.phases)} {phase.name}"


def conditions(plan: Plan, phase: Phase) -> Lines:
    """How the steps of a phase follow one another, and what must be so before, at each, and after."""
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
    """The lines that a hosts file gets, as in a diff; masters that get the same together."""
    blocks: dict[str, list[str]] = {}
    for step in phase.steps:
        if isinstance(step.act, Script) and step.act.file == "hosts.sh" and step.act.args[0] == "put":
            _, path, block = step.act.args
            text = f"{path}\n# orchestrator {plan.run} begin\n{block}\n# orchestrator {plan.run} end"
            blocks.setdefault(text, []).append(step.host)
    lines: list[tuple[str, str]] = []
    for text, hosts in blocks.items():
        path, *added = text.splitlines()
        lines.append(("diff", f"{path} on {hosts_words(plan, hosts)}"))
        lines += [("", f"+ {printable(line.expandtabs(16))}") for line in added]
    return tuple(lines)


def _order_words(phase: Phase) -> str:
    """Nothing where all hosts act at once."""
    if phase.order is Order.SEQUENCE and len({step.host for step in phase.steps}) > 1:
        return "one host after another"
    if phase.order is Order.ROLLING and phase.steps:
        end = f"more than {count(phase.max_failures, 'failure')}" if phase.max_failures else "a failure"
        return f"{count(phase.batch, 'host')} at a time; no further batch after {end}"
    return ""


def rows(plan: Plan, phase: Phase) -> tuple[Row, ...]:
    """The steps of a phase, those that say the same on several hosts in one row."""
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


def hosts_words(plan: Plan, hosts: Sequence[str]) -> str:
    """`all masters`, `all workers`, or the names."""
    workers = tuple(host.name for host in plan.inventory.workers)
    for everyone, words in ((plan.masters, "all masters"), (workers, "all workers")):
        if len(everyone) > 1 and sorted(hosts) == sorted(everyone):
            return words
    return listed(hosts)


def act_words(plan: Plan, step: Step) -> str:
    """The exact command of a step; for what is no command, the words of it."""
    match step.act:
        case Exec(argv=argv) | Reboot(argv=argv):
            return quoted(argv)
        case Hook() | LocalHook() as hook:
            return quoted(hook.command_line)
        case Script(file=file, args=args):
            return quoted((file, *args))
        case Push() as push:
            source = f"{push.source_host}:{push.source_path}" if push.source_host else plan.snapshot_path
            amount = f" ({size(push.size_bytes)})" if push.size_bytes else ""
            return f"push {quoted((source,))} to {quoted((push.path,))}{amount}"
        case Pause(question=question, answer_flag=flag):
            return f"ask: {question} (or resume with {flag})"


def probe_words(plan: Plan, probe: Probe) -> str:
    """What a probe asks, of whom, and how long it may take."""
    hosts = tuple(dict.fromkeys(look.host for look in probe.looks))
    match probe.judge:
        case Judge.AGREE | Judge.MEMBER:
            words = (
                f"HashKV {probe.expect['hash_kv']} at revision {probe.expect['revision']} and a new raft log on "
                f"{hosts_words(plan, hosts)}"
            )
            if probe.judge is Judge.AGREE:
                words += "; one cluster id, a quorum, and nothing left that would restore again"
        case Judge.EQUAL:
            words = f"one HashKV at one revision on {hosts_words(plan, hosts)}; one cluster id, a quorum"
            if cluster_id := probe.expect.get("cluster_id"):
                words += f"; the cluster id is {cluster_id}, as before"
        case Judge.NODE:
            words = "the host has started anew, and its Node is Ready since"
        case Judge.EXIT:
            asked = dict.fromkeys(_question(plan, look.call) for look in probe.looks)
            words = f"on {hosts_words(plan, hosts)}: {'; '.join(asked)}"
    times = [f"for {duration(probe.dwell_s)}"] if probe.dwell_s else []
    times += [f"within {duration(probe.wait_s)}"] if probe.wait_s else []
    return printable(f"{words} ({', '.join(times)})" if times else words)


def commands(plan: Plan, phase: Phase) -> tuple[tuple[str, str, str], ...]:
    """`run` or `look`, the hosts, and the exact command there, for all that the phase does and asks."""
    probes = (phase.requires, *(step.done_if for step in phase.steps), phase.barrier)
    said = [("run", act_words(plan, step), _where(step)) for step in phase.steps]
    said += [
        ("look", quoted(plan.command(look.call).argv), look.host) for probe in probes if probe for look in probe.looks
    ]
    hosts: dict[tuple[str, str], dict[str, None]] = {}
    for verb, command, host in said:
        hosts.setdefault((verb, command), {})[host] = None
    lines = [(verb, hosts_words(plan, tuple(where)), command) for (verb, command), where in hosts.items()]
    return tuple(_like_one_another(plan, lines))


def _like_one_another(plan: Plan, lines: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Commands that differ in nothing but a worker's name: of many the first, and how many more; the plan has all."""
    workers = {name for host in plan.inventory.workers for name in (host.name, host.node)}
    alike: dict[tuple[str, str, str], list[tuple[str, str, str]]] = {}
    for line in lines:
        verb, where, command = line
        words = " ".join("WORKER" if word in workers else word for word in command.split(" "))
        alike.setdefault((verb, "WORKER" if where in workers else where, words), []).append(line)
    for (verb, where, _), same in alike.items():
        if len(same) <= MOST:
            yield from same
        else:
            yield same[0]
            yield verb, where, f"({len(same) - 1:,} more like that, each with another worker's name)"


def _question(plan: Plan, call: Exec | Script) -> str:
    if isinstance(call, Exec):
        return f"`{quoted(call.argv)}` succeeds"
    return purpose(plan.files[call.file]).removeprefix("Exits 0 where ") or call.file


def purpose(script: str) -> str:
    """The first sentence of a script's opening comment, which stands after its name and arguments.

    `# held.sh STATE RUN   Exits 0 where every unit is held down.` -> `Exits 0 where every unit is held down`.
    """
    comment = re.match(r"(?:#.*\n)*", script)
    words = "\n".join(line.lstrip("# ") for line in comment.group().splitlines()) if comment else ""
    sentence = re.search(r" {3}(.+?)(?:[.;:](?:\s|$)|$)", words, re.DOTALL)
    return " ".join(sentence.group(1).split()) if sentence else ""


def kept_paths(plan: Plan) -> dict[str, str]:
    """Where each master keeps its old data: the second argument of the scripts of phase keep."""
    phase = plan.phase(PhaseName.KEEP)
    steps = phase.steps if phase else ()
    return {step.host: step.act.args[1] for step in steps if isinstance(step.act, Script) and step.act.args}


def kept_words(plan: Plan) -> str:
    """The same in words, hosts with the same path together."""
    by_path: dict[str, list[str]] = {}
    for host, path in kept_paths(plan).items():
        by_path.setdefault(path, []).append(host)
    return "; ".join(f"{path} on {hosts_words(plan, hosts)}" for path, hosts in by_path.items())


def consequences(plan: Plan) -> Lines:
    """What a reader must know before confirming: what is lost, what is not restored, what is kept, what it costs."""
    lines = [("lost", text) for text in plan.lost]
    if plan.snapshot:
        lines += [("not restored", _volumes_words(plan)), *_volumes_known(plan), ("", FOUR_PARTS)]
        lines += [("to restart", _restart_words(plan))]
    if kept := kept_words(plan):
        lines.append(("old data kept", kept))
    cost = plan.estimate
    keeps = f" and keeps {size(cost.kept_bytes)} of old data" if cost.kept_bytes else ""
    outage = f"{duration(cost.outage_s)} of outage, " if cost.outage_s else ""
    sends = f"; sends {size(cost.upload_bytes)}{keeps}" if cost.upload_bytes else ""
    lines.append(("estimate", f"about {outage}{duration(cost.total_s)} in all{sends}"))
    return tuple((label, printable(text)) for label, text in lines)


def _volumes_words(plan: Plan) -> str:
    words = "persistent volumes: an etcd snapshot holds none of their data"
    policy = plan.inventory.policies.volumes
    if policy is Volumes.PAUSE:
        return f"{words}. The run waits before the first start, so that you can put them back"
    if isinstance(policy, VolumesHook):
        where = "on every master" if policy.on is HookPlace.MASTERS else "on this laptop"
        return f"{words}. Your hook is to put them back before the first start, {where}: {quoted(policy.hook)}"
    return f"{words}. Policy `none`: they stay as they are"


def _volumes_known(plan: Plan) -> Lines:
    """The first of the volumes that the snapshot knows; the plan's JSON has all."""
    known = plan.volumes
    if not known:
        return ()
    shown = [f"{it.name} ({it.driver} {it.handle}{f', for {it.claim}' if it.claim else ''})" for it in known]
    more = f" and {len(shown) - MOST_VOLUMES:,} more" if len(shown) > MOST_VOLUMES else ""
    many = count(len(known), "persistent volume")
    return (("", f"the snapshot knows {many}: {', '.join(shown[:MOST_VOLUMES])}{more}"),)


def _restart_words(plan: Plan) -> str:
    """What stands in for a revision bump, which the vendor's aided restore has not: etcd's "Restoring with revision
    bump" says what goes wrong without one."""
    phase = plan.phase(PhaseName.WORKERS)
    workers = count(len(phase.steps), "worker") if phase and phase.steps else "NO worker"
    return (
        "whatever watches the cluster. The restore does not bump the revision, so each watcher remembers newer "
        "revisions than there are, and misses changes until it starts anew. This run restarts every master and "
        f"{workers}; left to you is what watches from elsewhere: GitOps tools, operators in other clusters, dashboards"
    )


def footer(plan: Plan) -> str:
    """`Plan: 3 members to restore, 2 workers to restart, 1.2 GiB to send.`"""
    phase = plan.phase(PhaseName.WORKERS)
    parts = [f"{count(len(plan.masters), 'member')} to restore"] if plan.snapshot else []
    if plan.undoes:
        parts.append(f"{plan.kind} of run {plan.undoes}")
    if plan.kind == "reinit":
        parts.append("1 member to join anew")
    elif plan.kind == "schedule":
        parts.append("timers to write")
    elif phase or not plan.undoes:
        parts.append(f"{count(len(phase.steps) if phase else 0, 'worker')} to restart")
    parts += [f"{size(plan.estimate.upload_bytes)} to send"] if plan.estimate.upload_bytes else []
    return f"Plan: {', '.join(parts)}."


# --- Findings -------------------------------------------------------------------------------------------


def remedy_words(finding: Finding) -> str:
    """What to do about a finding, with the flag that overrides it where one does."""
    flag = f"--override {finding.name}"
    open_to_override = finding.severity is Severity.BLOCK and finding.can_override
    if not open_to_override or flag in finding.remedy:
        return printable(finding.remedy)
    return printable("; ".join(part for part in (finding.remedy, f"to go on all the same: {flag}") if part))


def findings_footer(findings: Sequence[Finding], hosts: Sequence[str] = ()) -> str:
    """`1 blocker, 2 warnings; 4 of 5 hosts are fine.`"""
    found = {severity: sum(1 for finding in findings if finding.severity is severity) for severity in Severity}
    words = f"{count(found[Severity.BLOCK], 'blocker')}, {count(found[Severity.WARN], 'warning')}"
    if not hosts:
        return f"{words}."
    troubled = {finding.host for finding in findings if finding.severity is not Severity.INFO}
    return f"{words}; {sum(1 for host in hosts if host not in troubled)} of {count(len(hosts), 'host')} are fine."
