"""The phases of a restore, in their order, and the theory of operation.

Theory of operation

1. A plan is data; a run carries out that data and nothing else. Observing and planning change nothing.
2. The hosts are the truth. The journal on the laptop is history: another laptop can continue with the inventory.
3. An act runs once per attempt, detached from the process that started it. An act that died (it started, has no end
   and no longer runs) is judged by a look. It runs again only in a later attempt, and only if its step is rerunnable.
4. Settle, then fence. Every attempt first takes each host's lock, so that older acts have ended, and writes a higher
   attempt number there. Every act compares its own number under the lock before it changes anything.
5. A phase ends with a barrier. It opens when a look shows that every master is done; one failed master keeps it shut.
6. Hold what is stopped. From stop to start a drop-in and a hold file keep every stopped unit down, through reboots.
   What is stopped has ended only if no process of it is alive. Clients of etcd end before etcd, on all masters: an API
   server that has lost its etcd closes its port, lives on for a minute, and serves its old cache on the restored data.
7. Never delete what this run did not make: rename it with the run's id.
8. No start anywhere until every master is proven to be in the same state.
9. A host's failure is a value; only the program's failure is an exception.

A resumed run continues at the last phase in which any step has begun, according to the markers on the hosts. It looks
again at that phase's steps, and at what the phase requires.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.model.hooks import BEGUN
from orchestrator.core.model.outcome import ActRecord
from orchestrator.core.model.plan import Phase, PhaseName, Plan


@dataclass(frozen=True, slots=True)
class PhaseRule:
    """What is true of a phase in every strategy. After a ``destructive`` phase, only a rollback undoes the run."""

    title: str
    destructive: bool = False


PHASES: dict[PhaseName, PhaseRule] = {
    PhaseName.CLAIM: PhaseRule("claim every master for this run"),
    PhaseName.SAFEGUARD: PhaseRule("take a safety snapshot, if a quorum answers"),
    PhaseName.STAGE: PhaseRule("copy the snapshot to every master"),
    PhaseName.RESOLVE: PhaseRule("make the peers' names resolve on every master"),
    PhaseName.STOP: PhaseRule("stop the API servers and controllers on every master, and keep them down"),
    PhaseName.DOWN: PhaseRule("stop etcd, and prove that nothing of the control plane is alive"),
    PhaseName.KEEP: PhaseRule("move the old data aside"),
    PhaseName.COMMIT: PhaseRule("make etcd start from the snapshot"),
    PhaseName.VOLUMES: PhaseRule("persistent volumes"),
    PhaseName.START: PhaseRule("start all masters, and prove that each is restored", destructive=True),
    PhaseName.API: PhaseRule("wait for the API servers", destructive=True),
    PhaseName.WORKERS: PhaseRule("restart the workers", destructive=True),
    PhaseName.RELEASE: PhaseRule("release the hosts", destructive=True),
}


def open_phase(plan: Plan, records: Sequence[ActRecord]) -> int:
    """The index of the phase at which a run continues: the last one in which a step has begun, or else the first.

    A phase begins only after the barrier of the previous phase, so all earlier phases are done.
    """
    begun = {record.step.removesuffix(BEGUN) for record in records}
    last = 0
    for index, phase in enumerate(plan.phases):
        if any(step.name in begun for step in phase.steps):
            last = index
    return last


def point_of_no_return(plan: Plan) -> Phase | None:
    """The first phase after which only a rollback undoes the run; None if the plan has no such phase."""
    return next((phase for phase in plan.phases if phase.destructive), None)
