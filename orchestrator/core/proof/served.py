"""The proof that the API servers serve the restored cluster. etcd's own proof is `core.proof.restored`.

Pure: from each host's answers to what is proven, what is not, and what was not asked. Nothing here depends on a clock.
A lease is renewed since the restore if its resourceVersion, which is the revision that wrote it, is newer than the
restored one; a watch is fresh if it delivers a renewal while it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.core.model.plan import Plan
from orchestrator.core.proof.api_answers import ApiAnswers, expected_counts
from orchestrator.core.proof.evidence import Evidence
from orchestrator.core.text import listed
from orchestrator.errors import NextStep, program
from orchestrator.etcd.api_groups import served_as
from orchestrator.etcd.frozen import Frozen


class ApiFailure(Frozen):
    """One thing that is not as it must be. ``host`` is empty if it is the cluster's; ``kubectl`` are the arguments that
    show more of it."""

    host: str
    what: str
    remedy: str
    kubectl: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.host}: {self.what}" if self.host else self.what


class Served(Frozen):
    """What the API servers serve. ``counted`` is the number of resources that were compared; ``uncounted`` are those
    of the snapshot that no API serves under a known name."""

    answers: tuple[ApiAnswers, ...] = ()
    failures: tuple[ApiFailure, ...] = ()
    counted: int = 0
    uncounted: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[ApiAnswers, ...]:
        """The answers to more than `/readyz`."""
        return tuple(it for it in self.answers if it.is_asked)

    @property
    def next_step(self) -> NextStep | None:
        """The command that shows more of the first failure."""
        shown = self.failures[0].kubectl if self.failures else ()
        return program("kubectl", *shown) if shown else None


_RESTART = "restart this API server: end its process, and its supervisor starts it"
_READ_LOG = "read the API server's log on this host"
_KUBELET = "start its kubelet; if the machine is gone for good, delete its Node"
_SHOW_READY = ("get", "--raw", "/readyz?verbose")
_SHOW_LEASES = ("get", "leases", "--all-namespaces")


def judge_served(
    plan: Plan, answers: Sequence[ApiAnswers], proof: Mapping[str, str], evidence: Evidence | None
) -> Served:
    """Judge all API servers. ``proof`` has the details of the proof of etcd, ``evidence`` what etcd holds now."""
    expected = expected_counts(plan)
    served = {name: served_as(name) for name in expected}
    asked = [it for it in answers if it.is_asked]
    counted = {name for name in expected if any(it.counts.get(served[name]) is not None for it in asked)}
    now = {row.resource: row.now for row in evidence.resources} if evidence else {}
    wrong = _counts_that_differ(asked, {name: (served[name], expected[name]) for name in sorted(counted)}, now)
    return Served(
        answers=tuple(answers),
        failures=(*judge_alive(plan, answers, proof), *wrong),
        counted=len(counted),
        uncounted=tuple(sorted(expected.keys() - counted)) if asked else (),
    )


def judge_alive(plan: Plan, answers: Sequence[ApiAnswers], proof: Mapping[str, str]) -> tuple[ApiFailure, ...]:
    """What waiting may still mend: API servers, watches, Nodes, controllers that are not there yet."""
    asked = [it for it in answers if it.is_asked]
    gone = {host.node for host in plan.inventory.left_out}
    return (
        *_silent(answers),
        *_nodes_down(asked, gone),
        *_stale_watches(asked, gone),
        *_idle_leaders(plan, asked, proof),
    )


def _silent(answers: Sequence[ApiAnswers]) -> Iterator[ApiFailure]:
    for it in answers:
        if not it.is_ready and not it.unasked:
            what = f"its API server is not ready: {it.readyz or 'no answer'}"
            yield ApiFailure(host=it.host, what=what, remedy=_READ_LOG, kubectl=_SHOW_READY)
        elif it.fault:
            what = f"its API server does not answer: {it.fault}"
            yield ApiFailure(host=it.host, what=what, remedy=_RESTART, kubectl=_SHOW_READY)


def _nodes_down(asked: Sequence[ApiAnswers], gone: set[str]) -> Iterator[ApiFailure]:
    """Nodes that are not Ready, and Nodes that are Ready by an old status: no watch delivers a renewal."""
    renewed = {name for it in asked for name in it.renewed}
    for name in sorted({name for it in asked for name in it.nodes} - gone):
        status = next((said for it in asked if not _is_ready(said := it.nodes.get(name, "Ready"))), "Ready")
        what = f"node {name} is {status}" if not _is_ready(status) else f"node {name} does not renew its lease"
        if not _is_ready(status) or name not in renewed:
            yield ApiFailure(host="", what=what, remedy=_KUBELET, kubectl=("describe", "node", name))


def _is_ready(status: str) -> bool:
    return "Ready" in status.split(",")


def _stale_watches(asked: Sequence[ApiAnswers], gone: set[str]) -> Iterator[ApiFailure]:
    """API servers whose watch misses a renewal that another one has delivered."""
    renewed = {name for it in asked for name in it.renewed if name in it.nodes} - gone
    for it in asked:
        if missed := sorted(renewed - set(it.renewed)):
            what = f"its watch does not deliver the lease renewals of {listed(missed)}"
            yield ApiFailure(host=it.host, what=what, remedy=_RESTART, kubectl=_SHOW_LEASES)


def _idle_leaders(plan: Plan, asked: Sequence[ApiAnswers], proof: Mapping[str, str]) -> Iterator[ApiFailure]:
    """Controllers whose lease is as old as the restore. One without a lease runs without leader election."""
    since = plan.restored.revision if plan.restored else int(proof.get("revision") or 0)
    for name in ("kube-controller-manager", "kube-scheduler"):
        found = [revision for it in asked if (revision := it.leaders.get(name)) is not None]
        if found and max(found) <= since:
            what, remedy = (
                f"{name} has not renewed its lease since etcd started",
                f"read the log of {name} on the masters",
            )
            yield ApiFailure(host="", what=what, remedy=remedy, kubectl=_SHOW_LEASES)


def _counts_that_differ(
    asked: Sequence[ApiAnswers], expected: Mapping[str, tuple[str, int]], now: Mapping[str, int]
) -> Iterator[ApiFailure]:
    """Resources of which an API server has neither the snapshot's number nor one on the way to what etcd holds now:
    clients write again as soon as the first API server answers."""
    for it in asked:
        for name, (served, snapshot) in expected.items():
            count, held = it.counts.get(served), now.get(name, snapshot)
            if count is not None and not min(snapshot, held) <= count <= max(snapshot, held):
                changed = f", etcd {held:,}" if held != snapshot else ""
                what = f"its API server has {count:,} {name}, the snapshot {snapshot:,}{changed}"
                group, _, kind = served.partition("/")
                kubectl = ("get", f"{kind}.{group}".strip("."), "--all-namespaces")
                yield ApiFailure(host=it.host, what=what, remedy=_RESTART, kubectl=kubectl)
