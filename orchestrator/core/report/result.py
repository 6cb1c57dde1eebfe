"""The last lines of a finished run, for people. Pure; `adapters/screen` draws them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.model.plan import PhaseName, Plan
from orchestrator.core.model.restored import Restored
from orchestrator.core.model.step_name import StepName
from orchestrator.core.proof.served import Served
from orchestrator.core.report.plan import Lines, kept_words, masters_words
from orchestrator.core.report.served import served_lines
from orchestrator.core.runs.result import Result
from orchestrator.core.text import duration, listed, printable
from orchestrator.errors import NextStep, ours, program


def result_lines(plan: Plan, result: Result, total_s: float, inventory: str, served: Served | None = None) -> Lines:
    """The last lines of a run, at most ten, and those about API servers. ``total_s`` is the laptop's time from start to
    end."""
    lines = [("result", _verdict(plan, result))]
    if plan.snapshot:
        lines.append(("outage", _outage(plan, result)))
    lines.append(("total time", duration(total_s)))
    if plan.restored:
        lines += _proof_lines(plan, plan.restored, result)
    elif proof := result.proof:
        lines.append(("members", f"{masters_words(plan)}; cluster id {proof['cluster_id']}"))
        lines.append(("HashKV", f"{proof['hash_kv']} at revision {proof['revision']} on every member"))
    lines += served_lines(served) if served else ()
    if plan.phase(PhaseName.WORKERS):
        lines.append(("workers", _workers_words(plan, result)))
    if kept := kept_words(plan):
        lines.append(("old data", f"kept in {kept}{_same_id(plan, result)}"))
    if hosts := hosts_file_kept(plan):
        lines.append(("hosts file", f"this run's lines stay on {listed(hosts)}: peers may be unreachable without them"))
    if plan.inventory.left_out and plan.kind in ("restore", "rollback"):
        lines.append(("left out", _left_out_words(plan)))
    lines.append(("next", _following(plan, result, served).line(inventory)))
    return tuple((label, printable(text)) for label, text in lines)


def _same_id(plan: Plan, result: Result) -> str:
    """A warning if the new cluster has the old one's id, because the vendor's aided restore used the old token."""
    before = {fact.cluster_id for fact in plan.facts if fact.cluster_id}
    before |= set() if plan.token else {plan.predicted_ids.cluster}
    if result.proof.get("cluster_id") not in before:
        return ""
    return "; never start a member on it: with the same cluster id it would join and corrupt the others"


def _proof_lines(plan: Plan, restored: Restored, result: Result) -> Lines:
    proof = result.proof
    hash_kv = proof.get("hash_kv", str(restored.hash_kv))
    whence = "" if proof else ", as an earlier attempt proved"
    cluster = f"; cluster id {proof['cluster_id']}" if proof else ""
    return (
        ("members", masters_words(plan) + cluster),
        ("revision", proof.get("revision", str(restored.revision))),
        ("HashKV", f"{hash_kv} on every member, as computed from the snapshot{whence}{_late(proof)}"),
    )


def _late(proof: Mapping[str, str]) -> str:
    """Members that were compacted before they could show the snapshot's hash. `core.proof` says why they are proven."""
    late = [name.removesuffix(" late") for name in proof if name.endswith(" late")]
    if not late:
        return ""
    return f"; {listed(late)}, started late, by comparison with the others at revision {proof[f'{late[0]} revision']}"


def _left_out_words(plan: Plan) -> str:
    names = listed([host.name for host in plan.inventory.left_out])
    return f"{names}: never start it on its old disk; with an empty one, {plan.rejoin}"


def _following(plan: Plan, result: Result, served: Served | None) -> NextStep:
    """The next command. `finish` shows what it removes and asks; it refuses until a left-out master has rejoined."""
    if result.failed_workers:
        return ours("resume", plan.run)
    if served and served.next_step:
        return served.next_step
    rejoins = plan.inventory.left_out and plan.kind == "restore"
    if rejoins or plan.kind == "rollback" or (plan.kind == "reinit" and kept_words(plan)):
        return ours("finish", plan.run)
    return program("kubectl", "get", "nodes,pods", "--all-namespaces")


_UNDOES = {
    "abort": "aborted: run {run} is undone",
    "rollback": "rolled back: every member runs on the data from before run {run}, and all agree",
    "finish": "finished: the files and old data of run {run} are deleted",
    "unlock": "unlocked: run {run} no longer holds a master",
}


def _verdict(plan: Plan, result: Result) -> str:
    if plan.kind == "workers":
        return "not all workers are restarted" if result.failed_workers else "the workers are restarted"
    if plan.kind == "reinit":
        return "rejoined: the member has the others' data, and all agree"
    restored = "restored: every member is proven to hold the snapshot"
    if plan.undoes:
        restored = _UNDOES[plan.kind].format(run=plan.undoes)
    return f"{restored}; not all workers are restarted" if result.failed_workers else restored


def _outage(plan: Plan, result: Result) -> str:
    if result.outage_s is None:
        return "unknown: an earlier attempt stopped the services"
    apart = [f"{duration(result.dwell_s)} of it fixed waits"] if result.dwell_s else []
    apart += [f"{duration(result.paused_s)} for the persistent volumes not counted"] if round(result.paused_s) else []
    api = plan.phase(PhaseName.API)
    last = "API server ready" if api and api.barrier else "member proven"
    span = f"from the first service stopped to the last {last}"
    return f"{duration(result.outage_s)}, {span}" + (f" ({', '.join(apart)})" if apart else "")


def _workers_words(plan: Plan, result: Result) -> str:
    phase = plan.phase(PhaseName.WORKERS)
    if phase is None or not phase.steps:
        return phase.note if phase and phase.note else "none"
    if result.failed_workers:
        return f"failed: {listed(result.failed_workers)}; the watches of workers that are not restarted are stale"
    return f"{len(phase.steps)} restarted and Ready"


def hosts_file_kept(plan: Plan) -> tuple[str, ...]:
    """The masters to whose hosts files this plan adds lines that it does not remove."""
    steps = [step for phase in plan.phases for step in phase.steps]
    removed = {step.host for step in steps if step.name == StepName.RELEASE_HOSTS}
    return tuple(step.host for step in steps if step.name == StepName.RESOLVE_HOSTS and step.host not in removed)
