"""The questions to API servers after a run, and their answers. `core.proof.served` judges them.

Pure: from each host's output (`templates/host/observe/api.sh`) to values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pydantic import Field

from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.model.cost import MASTERS
from orchestrator.core.model.plan import PhaseName, Plan, Script
from orchestrator.core.timeouts import RENEWAL_S, SERVED_LOOK_S
from orchestrator.etcd.api_groups import served_as
from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.registry import OTHER

_NAMES = """
certificatesigningrequests controllerrevisions csinodes csistoragecapacities endpoints endpointslices events ipaddresses
jobs leases pods replicasets resourceclaims resourceslices volumeattachments
"""
SELF_WRITTEN = frozenset(_NAMES.split())
"""Resources that kubelets and controllers create and delete without a person, as soon as an API server answers: their
numbers prove nothing. Source: kubernetes/kubernetes v1.34 pkg/controller (certificates/cleaner, history, endpoint,
endpointslice, job, cronjob, podgc, deployment, resourceclaim, volume/attachdetach), pkg/kubelet (nodelease, csi),
pkg/registry/core/service/ipallocator/controller; events expire (kube-apiserver `--event-ttl`, 1 h)."""

_NOT_SERVED = frozenset((MASTERS, "peerserverleases", "ranges", OTHER))
"""What API servers keep in etcd for themselves: their leases, and the addresses and ports that they have given."""


class ApiAnswers(Frozen):
    """What one host's API server said.

    ``unasked`` says why only `/readyz` was asked; ``fault`` why the others have no answer. ``counts`` has objects by
    `GROUP/RESOURCE`, None if it is not served. ``renewed`` are the node leases that a watch delivered. ``nodes`` are
    the Nodes with their status as kubectl shows it. ``leaders`` are the revisions of the leases of controller-manager
    and scheduler, None if there is no such lease.
    """

    host: str
    readyz: str = ""
    unasked: str = ""
    fault: str = ""
    counts: dict[str, int | None] = Field(default_factory=dict)
    renewed: tuple[str, ...] = ()
    nodes: dict[str, str] = Field(default_factory=dict)
    leaders: dict[str, int | None] = Field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        return self.readyz == "ok"

    @property
    def is_asked(self) -> bool:
        """Whether it has answered more than `/readyz`."""
        return self.is_ready and not self.unasked and not self.fault


# --- the question -------------------------------------------------------------------------------------------


def api_looks(plan: Plan) -> dict[str, Script]:
    """The look at each host with an API server: those that the plan itself waits for. None for a plan that restores
    nothing."""
    if plan.kind not in ("restore", "rollback"):
        return {}
    barriers = [plan.phase(name) for name in (PhaseName.START, PhaseName.API)]
    asked = [look for it in barriers if it and it.barrier for look in it.barrier.looks]
    return {
        look.host: _look(plan, look.host, look.call)
        for look in asked
        if isinstance(look.call, Script) and look.call.file == "api/is_ready.sh"
    }


def _look(plan: Plan, host: str, ready: Script) -> Script:
    paths = plan.inventory.host(host).paths
    values: dict[str, str | tuple[str, ...]] = {
        "state": paths.state,
        "run": plan.run,
        "port": ready.values["port"],
        "addresses": " ".join(ready.values["addresses"]),
        "kubeconfig": paths.kubeconfig,
        "seconds": str(int(RENEWAL_S)),
        "resources": tuple(sorted(filter(None, map(served_as, expected_counts(plan))))),
    }
    return Script(file="observe/api.sh", values=values, timeout_s=SERVED_LOOK_S)


def expected_counts(plan: Plan) -> dict[str, int]:
    """The snapshot's objects by resource, without what nobody can expect to stay the same."""
    counts = plan.cost.counts if plan.cost and plan.kind == "restore" else ()
    hidden = SELF_WRITTEN | _NOT_SERVED
    return {row.resource: row.snapshot for row in counts if row.resource not in hidden and row.snapshot}


# --- the answers --------------------------------------------------------------------------------------------

FACTS = {"observe/api.sh": "controller_manager counts nodes readyz renewed scheduler unasked"}


def read_api(host: str, printed: str) -> ApiAnswers:
    """Parse one host's answers; unreadable parts are left out."""
    facts = parse_facts(printed)
    found = ApiAnswers(host=host, readyz=_failing(facts.get("readyz", "")), unasked=facts.get("unasked", "").strip())
    if not found.is_ready or found.unasked:
        return found
    body, _, status = facts.get("nodes", "").rstrip().rpartition("\n")
    nodes = _nodes(body)
    if status != "200" or nodes is None:
        return found.model_copy(update={"fault": f"no list of nodes (HTTP {status or '000'})"})
    leases = {
        "kube-controller-manager": facts.get("controller_manager", ""),
        "kube-scheduler": facts.get("scheduler", ""),
    }
    return found.model_copy(
        update={
            "counts": dict(_counts(facts.get("counts", ""))),
            "renewed": tuple(facts.get("renewed", "").split()),
            "nodes": nodes,
            "leaders": {name: _revision(text) for name, text in leases.items()},
        }
    )


def _failing(readyz: str) -> str:
    """`ok`, or the checks that fail: k8s.io/apiserver v0.34 pkg/server/healthz/healthz.go marks them with [-]."""
    failing = [line.removeprefix("[-]") for line in readyz.splitlines() if line.startswith("[-]")]
    return "; ".join(failing) or readyz.strip()


def _nodes(body: str) -> dict[str, str] | None:
    """Name and status of each Node, from a Table: pkg/printers/internalversion/printers.go, printNode."""
    with suppress(ValueError, KeyError, TypeError, IndexError):
        table = json.loads(body)
        columns = [column["name"] for column in table["columnDefinitions"]]
        name, status = columns.index("Name"), columns.index("Status")
        return {str(row["cells"][name]): str(row["cells"][status]) for row in table["rows"] or ()}
    return None


def _counts(text: str) -> Iterable[tuple[str, int | None]]:
    for line in text.splitlines():
        resource, status, number = (*line.split(" "), "", "")[:3]
        yield resource, int(number) if status == "200" and number.isdigit() else None


def _revision(body: str) -> int | None:
    with suppress(ValueError, KeyError, TypeError):
        found: dict[str, Any] = json.loads(body)
        return int(found["metadata"]["resourceVersion"]) if found["kind"] == "Lease" else None
    return None
