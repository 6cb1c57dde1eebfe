"""A plan and its findings as words, rows and lines for people. Pure; `adapters/screen` draws them.

All of it is from the plan: what a barrier waits for is the question of its looks, and a step's commands are the argv
that will run.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.core.inventory.declared import HookPlace, Volumes, VolumesHook
from orchestrator.core.model.plan import (
    Phase,
    PhaseName,
    Plan,
    Script,
)
from orchestrator.core.text import count, duration, listed, printable, quoted, size

FOUR_PARTS = (
    "A backup of a cluster has four parts: its specification, its secrets, the content of etcd and the persistent "
    "volumes. This restores one of them, the content of etcd."
)
MOST_VOLUMES = 10
"""The largest number of volumes that a shown plan names."""
NO_RETURN = "point of no return"
AFTER_NO_RETURN = (
    "Until here the run can be aborted. From here on the cluster runs on the snapshot; `rollback` puts back the "
    "old data that each master keeps."
)


Lines = tuple[tuple[str, str], ...]
"""Labels and values, in their order."""


# --- The plan -------------------------------------------------------------------------------------------


TITLES = {
    "restore": "Restore etcd on",
    "workers": "Restart the workers of",
    "reinit": "Replace one etcd member of",
    "schedule": "Schedule backups of etcd on",
    "abort": "Abort a restore on",
    "rollback": "Roll back a restore on",
    "finish": "Finish a restore on",
    "unlock": "Unlock the masters of",
}
"""The title by the kind of a plan; the cluster's name follows."""


def header(plan: Plan) -> Lines:
    """The first lines: cluster, plan, snapshot, and what will prove the restore."""
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
            *_bump_words(plan),
            *_proof_words(plan),
            *_ids(plan),
        ]
    return tuple((label, printable(value)) for label, value in lines)


def _bump_words(plan: Plan) -> Lines:
    if not plan.bump:
        return ()
    bump = plan.bump
    return (
        ("revisions", f"raised by {bump.amount:,} to {bump.revision}, all before it compacted: watchers list again"),
    )


def _proof_words(plan: Plan) -> Lines:
    if restored := plan.restored:
        return (("proof", f"every member must answer HashKV {restored.hash_kv} at revision {restored.revision}"),)
    return ()


def _ids(plan: Plan) -> Lines:
    """The expected ids. They are certain with our own token; the vendor does not document an aided restore's token."""
    if not plan.facts:
        return ()
    ids = plan.predicted_ids
    members = listed([f"{name} {member}" for name, member in ids.members.items()])
    token = plan.token or f"{plan.facts[0].token}, if the agent uses the manifests' token"
    return (("ids", f"cluster {ids.cluster}, {members}, with the token {token}"),)


def masters_words(plan: Plan) -> str:
    """The masters, each with its member's name."""
    members = {fact.host: f" ({fact.member})" for fact in plan.facts}
    gone = [host.name for host in plan.inventory.left_out]
    without = f", without {listed(gone)}" if gone else ""
    return listed([f"{name}{members.get(name, '')}" for name in plan.masters]) + without


def heading(plan: Plan, phase: Phase) -> str:
    """The heading of a phase, for example `5/12 stop`."""
    return f"{plan.phases.index(phase) + 1}/{len(plan.phases)} {phase.name}"


def hosts_words(plan: Plan, hosts: Sequence[str]) -> str:
    """`all masters`, `all workers`, or the names."""
    workers = tuple(host.name for host in plan.inventory.workers)
    for everyone, words in ((plan.masters, "all masters"), (workers, "all workers")):
        if len(everyone) > 1 and sorted(hosts) == sorted(everyone):
            return words
    return listed(hosts)


def kept_paths(plan: Plan) -> dict[str, str]:
    """The path of each master's old data, from the values of the scripts of phase keep."""
    phase = plan.phase(PhaseName.KEEP)
    steps = phase.steps if phase else ()
    return {step.host: str(step.act.values["kept"]) for step in steps if isinstance(step.act, Script)}


def kept_words(plan: Plan) -> str:
    """These paths in words, grouped by path."""
    by_path: dict[str, list[str]] = {}
    for host, path in kept_paths(plan).items():
        by_path.setdefault(path, []).append(host)
    return "; ".join(f"{path} on {hosts_words(plan, hosts)}" for path, hosts in by_path.items())


def consequences(plan: Plan) -> Lines:
    """What a reader must know before confirming: what is lost, not restored and kept, and how long it takes."""
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
    words = "persistent volumes: an etcd snapshot does not contain their data"
    policy = plan.inventory.policies.volumes
    if policy is Volumes.PAUSE:
        return f"{words}. The run pauses before the point of no return, so that you can put them back"
    if isinstance(policy, VolumesHook):
        where = "on every master" if policy.on is HookPlace.MASTERS else "on this laptop"
        return f"{words}. Your hook puts them back before the point of no return, {where}: {quoted(policy.hook)}"
    return f"{words}. Policy `none`: they are not changed"


def _volumes_known(plan: Plan) -> Lines:
    """The first persistent volumes in the snapshot; the plan's JSON has all."""
    known = plan.volumes
    if not known:
        return ()
    shown = [f"{it.name} ({it.driver} {it.handle}{f', for {it.claim}' if it.claim else ''})" for it in known]
    more = f" and {len(shown) - MOST_VOLUMES:,} more" if len(shown) > MOST_VOLUMES else ""
    many = count(len(known), "persistent volume")
    return (("", f"the snapshot has {many}: {', '.join(shown[:MOST_VOLUMES])}{more}"),)


def _restart_words(plan: Plan) -> str:
    """Who must be restarted. Without a bump every client that watches: etcd documentation, "Disaster recovery",
    "Restoring with revision bump"."""
    phase = plan.phase(PhaseName.WORKERS)
    workers = count(len(phase.steps), "worker") if phase and phase.steps else "NO worker"
    if plan.bump:
        return f"this run restarts every master and {workers}; other clients list again on their own"
    return (
        "everything that watches the cluster. The restore does not bump the revision, so each watcher remembers a "
        "newer revision than the cluster has, and misses changes until it restarts. This run restarts every master and "
        f"{workers}; you restart other watchers: GitOps tools, operators in other clusters, dashboards"
    )


def footer(plan: Plan) -> str:
    """`Plan: 3 members to restore, 2 workers to restart, 1.2 GiB to send.`"""
    phase = plan.phase(PhaseName.WORKERS)
    parts = [f"{count(len(plan.masters), 'member')} to restore"] if plan.snapshot else []
    if plan.undoes:
        parts.append(f"{plan.kind} of run {plan.undoes}")
    if plan.kind == "reinit":
        parts.append("1 member to replace")
    elif plan.kind == "schedule":
        parts.append("timers to write")
    elif phase or not plan.undoes:
        parts.append(f"{count(len(phase.steps) if phase else 0, 'worker')} to restart")
    parts += [f"{size(plan.estimate.upload_bytes)} to send"] if plan.estimate.upload_bytes else []
    return f"Plan: {', '.join(parts)}."


# --- Findings -------------------------------------------------------------------------------------------
