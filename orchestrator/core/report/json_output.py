"""The documents that commands print with `--json`. Pure.

Every document has ``format``, a number that grows when a key is renamed or changes its meaning (a new key does not
count), and ``kind``. Seconds end in ``_s``, bytes in ``_bytes``. HashKV, ids and hashes are text: JSON readers round
large numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.core.hosts.view import Claim
from orchestrator.core.model.cost import ResourceCost
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.model.plan import PhaseName, Plan
from orchestrator.core.proof.evidence import Evidence
from orchestrator.core.proof.served import Served
from orchestrator.core.report.plan import kept_paths
from orchestrator.core.report.result import hosts_file_kept
from orchestrator.core.runs.phases import point_of_no_return
from orchestrator.core.runs.result import Result
from orchestrator.core.runs.status import Records, Stand, standings
from orchestrator.core.snapshots.backups import BackupFacts
from orchestrator.core.snapshots.consistency import SameContent
from orchestrator.core.snapshots.schedule_status import BackupStatus
from orchestrator.errors import OrchestratorError
from orchestrator.etcd.verify import Verification

FORMAT = 1

Document = dict[str, Any]


def plan_json(plan: Plan, rows: Sequence[ResourceCost] = ()) -> Document:
    """A plan. ``plan`` is the plan as `-o` saves it, ``sha256`` is its name; the other keys are a summary.

    ``cost`` is the plan's, but with changes per resource and namespace instead of per resource alone. ``names`` has the
    first names; with `--diff`, all.
    """
    workers = plan.phase(PhaseName.WORKERS)
    no_return = point_of_no_return(plan)
    return {
        "format": FORMAT,
        "kind": "plan",
        "sha256": plan.sha256,
        "cluster": plan.inventory.cluster,
        "run": plan.run,
        "members": len(plan.masters) if plan.snapshot else 0,
        "workers_to_restart": len(workers.steps) if workers else 0,
        "point_of_no_return": no_return.name.value if no_return else None,
        "old_data": kept_paths(plan),
        "lost": list(plan.lost),
        "cost": plan.cost and plan.cost.model_copy(update={"resources": tuple(rows)}).model_dump(mode="json"),
        "expected": _expected(plan),
        "plan": plan.model_dump(mode="json"),
    }


def result_json(
    plan: Plan,
    result: Result,
    total_s: float,
    evidence: Evidence | None = None,
    served: Served | None = None,
) -> Document:
    """The end of a run. ``outage_s`` is null if an earlier attempt stopped the services; ``proof`` is empty if an
    earlier attempt proved the members. ``evidence`` is the content of a restored cluster, null for other runs. ``api``
    is what the API servers serve, null if the run asks none; without ``failures`` it is proven as far as it was
    asked."""
    return {
        "format": FORMAT,
        "kind": "result",
        "cluster": plan.inventory.cluster,
        "run": plan.run,
        "plan_sha256": plan.sha256,
        "outage_s": result.outage_s,
        "paused_s": result.paused_s,
        "dwell_s": result.dwell_s,
        "total_s": total_s,
        "members": {fact.host: fact.member for fact in plan.facts},
        "left_out": [host.name for host in plan.inventory.left_out],
        "expected": _expected(plan),
        "proof": dict(result.proof),
        "evidence": evidence and _texts(evidence.model_dump(mode="json")),
        "api": served and served.model_dump(mode="json"),
        "failed_workers": list(result.failed_workers),
        "old_data": kept_paths(plan),
        "hosts_file_kept": list(hosts_file_kept(plan)),
    }


def check_json(findings: Sequence[Finding], hosts: Sequence[str] = ()) -> Document:
    """The findings of a check. ``ok``: no finding blocks. ``hosts``: the hosts that were checked."""
    return {
        "format": FORMAT,
        "kind": "check",
        "ok": all(finding.severity is not Severity.BLOCK for finding in findings),
        "hosts": list(hosts),
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def status_json(
    plan: Plan,
    records: Records,
    claims: Mapping[str, Claim],
    history: Iterable[Mapping[str, Any]] = (),
    undone_by: str = "",
    silent: Sequence[str] = (),
) -> Document:
    """The status of a run. ``phases`` has the hosts of each phase by state. ``holders`` has only hosts with a claim;
    its ``silent_s`` is null if the holder has ended. ``undone_by`` is the run that has undone this one. ``silent``
    are the hosts that do not answer."""
    return {
        "format": FORMAT,
        "kind": "status",
        "cluster": plan.inventory.cluster,
        "run": plan.run,
        "plan_sha256": plan.sha256,
        "undone_by": undone_by,
        "silent": list(silent),
        "holders": {host: asdict(claim) for host, claim in claims.items()},
        "phases": [
            {
                "phase": standing.phase.name.value,
                "stand": standing.stand.value,
                **{stand.value.replace(" ", "_"): list(standing.hosts[stand]) for stand in Stand},
                "reasons": dict(standing.reasons),
            }
            for standing in standings(plan, records)
        ],
        "history": [dict(event) for event in history],
    }


def backup_json(
    path: str,
    facts: BackupFacts,
    removed: Sequence[str],
    failed: Mapping[str, str],
    compared: SameContent | None = None,
) -> Document:
    """A backup that was taken. ``failed`` has the masters without a snapshot, with the reason. ``compared`` is the
    comparison of all masters' snapshots, null without `--all-masters`."""
    found = facts.model_dump(mode="json")
    found["snapshot"]["hash_kv"] = str(facts.snapshot.hash_kv)
    return {
        "format": FORMAT,
        "kind": "backup",
        "path": path,
        "facts": found,
        "removed": list(removed),
        "failed": dict(failed),
        "compared": None
        if compared is None
        else {
            "revision": compared.revision,
            "equal": list(compared.equal),
            "differing": dict(compared.differing),
            "missing": list(compared.missing),
        },
    }


def schedule_json(changes: Sequence[str]) -> Document:
    """What `backup schedule` would change: the lines of the diff, none if the schedule is already in place."""
    return {"format": FORMAT, "kind": "schedule", "changes": list(changes)}


def backup_status_json(found: Iterable[BackupStatus], silent: Mapping[str, str]) -> Document:
    """The scheduled backups of each master; ``silent`` has the masters that do not answer, with the reason."""
    return {
        "format": FORMAT,
        "kind": "backup-status",
        "masters": [status.model_dump(mode="json") for status in found],
        "silent": dict(silent),
    }


def verification_json(found: Verification) -> Document:
    """The verdict of `snapshot verify`; ``is_whole`` sums it up."""
    return {
        "format": FORMAT,
        "kind": "verification",
        **found.model_dump(mode="json"),
        "is_whole": found.is_whole,
    }


def error_json(error: OrchestratorError, following: str = "") -> Document:
    """The two lines of a failure, and the exit code. ``following`` is the next command, or empty."""
    return {
        "format": FORMAT,
        "kind": "error",
        "error": error.message,
        "next": following,
        "exit_code": error.exit_code,
    }


def _texts(evidence: Document) -> Document:
    """The evidence with HashKV as text."""
    for member in evidence["members"]:
        member["hash_kv"] = None if member["hash_kv"] is None else str(member["hash_kv"])
    return evidence


def _expected(plan: Plan) -> Document | None:
    """What every member must show: revision and HashKV from the snapshot file, ids from the cluster token."""
    if plan.restored is None:
        return None
    ids = plan.predicted_ids
    return {
        "revision": str(plan.restored.revision),
        "hash_kv": str(plan.restored.hash_kv),
        "cluster_id": ids.cluster,
        "member_ids": dict(ids.members),
    }
