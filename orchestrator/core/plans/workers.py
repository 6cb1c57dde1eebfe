"""The workers phase: restart all workers in batches. The next batch starts when the workers are Ready again."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.questions import client_values
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.declared import Restart
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.plan import Judge, Look, Order, Phase, PhaseName, Probe, Reboot, Script, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import masters_of
from orchestrator.core.plans.steps import claim_phase, make_phase, release_step
from orchestrator.core.runs.phases import PHASES

STEP = StepName.WORKERS_RESTART


def workers_phase(inventory: Inventory, views: Mapping[str, MasterView], distro: Distro, run: str) -> Phase:
    """One step per worker. Vendor's page: after a restore "worker nodes also will need to be restarted"."""
    policy = inventory.policies.workers
    workers = inventory.workers
    note = ""
    if policy.restart is Restart.NONE:
        note = "the policy leaves the workers alone: their watches are stale until you restart them"
    elif not workers:
        note = "no workers in the inventory"
    steps = () if note else tuple(_restart(worker, inventory, views, distro, run) for worker in workers)
    return Phase(
        name=PhaseName.WORKERS,
        title=PHASES[PhaseName.WORKERS].title,
        steps=steps,
        order=Order.ROLLING,
        batch=policy.batch_size(len(workers)),
        max_failures=policy.max_failures,
        destructive=True,
        note=note,
    )


def restart_workers(
    inventory: Inventory, views: Mapping[str, MasterView], distro: Distro, run: str, laptop: str
) -> tuple[Phase, ...]:
    """The phases of a rolling restart alone. It claims the masters, so that no other run changes the cluster."""
    masters = masters_of(inventory, views, run)
    return (
        claim_phase(masters, laptop),
        workers_phase(inventory, views, distro, run),
        make_phase(PhaseName.RELEASE, tuple(release_step(master) for master in masters)),
    )


def _restart(worker: Host, inventory: Inventory, views: Mapping[str, MasterView], distro: Distro, run: str) -> Step:
    policy = inventory.policies.workers
    reboot = policy.restart is Restart.REBOOT
    restarted = Look(
        host=worker.name,
        call=Script(
            file="workers/is_restarted.sh",
            values={
                "restarts": f"{worker.paths.state}/{run}/steps/{STEP}",
                "how": policy.restart.value,
                "kubelet": f"{worker.units.kubelet}.service",
            },
            timeout_s=timeouts.LOOK_S,
        ),
    )
    node = tuple(
        Look(
            host=master.name,
            call=Script(
                file="workers/is_node_ready.sh",
                values={"node": worker.node, **client_values(etcd)},
                timeout_s=timeouts.LOOK_S,
            ),
        )
        for master in inventory.masters
        if (etcd := views[master.name].member.config)
    )
    poll_s = max(timeouts.WORKER_POLL_S, timeouts.WORKER_POLL_EACH_S * policy.batch_size(len(inventory.workers)))
    return Step(
        id=f"{STEP}/{worker.name}",
        host=worker.name,
        title="reboot" if reboot else "restart services",
        act=Reboot() if reboot else distro.restart_services(worker),
        done_if=Probe(looks=(restarted, *node), judge=Judge.NODE, wait_s=policy.ready_timeout_s, poll_s=poll_s),
        rerunnable=True,
    )
