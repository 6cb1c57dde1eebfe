"""The phases that the undo plans share: abort, rollback, finish, unlock. Pure.

An undo is a run of its own. It takes over the claims of the run that it undoes. That ends the other run for good: its
late acts are fenced, and it cannot be resumed. What an undo has in common with a restore (stopping, the API servers,
the workers) is planned by the restore's planner, under the undo's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from orchestrator.core import timeouts
from orchestrator.core.hosts.questions import peer_values
from orchestrator.core.inventory.declared import VolumesHook
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Order, Phase, PhaseName, Probe, Script, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import ApiHost, Master
from orchestrator.core.plans.services import api_host_steps
from orchestrator.core.plans.steps import all_of, call_step, is_ours, one, script_step
from orchestrator.core.plans.undo.target import Undone, steps_of
from orchestrator.core.plans.volumes import Occasion, hook_note, hook_steps, pause_step
from orchestrator.errors import RefusedError, again


def refuse_way_back(undone: Undone) -> None:
    """Raises RefusedError if a left-out master answers and has data, restored or scheduled to be restored. Together
    with old data of a cluster with the same id, it would corrupt the cluster."""
    for host in undone.inventory.left_out:
        view = undone.views.get(host.name)
        if view and (view.member.live or view.volume.members_on_disk):
            raise RefusedError(
                f"{host.name} was left out, but has etcd data again: it would corrupt the old data of the others; "
                "power it off, and remove its disk before it starts again",
                again(),
            )


# --- phases -----------------------------------------------------------------------------------------------


def claim_phase(undone: Undone, masters: Sequence[Master], *, takes_over: bool = True) -> Phase:
    """The claim of all masters, in the same order on every laptop."""
    ordered = sorted(masters, key=lambda master: master.name)
    title = f"take over the hosts from run {undone.plan.run}, so that it can do nothing more"
    values = {"laptop": undone.laptop, "undone": undone.plan.run if takes_over else ""}
    steps = tuple(
        script_step(StepName.CLAIM_TAKE, master, "claim the host", values, rerunnable=True) for master in ordered
    )
    return undo_phase(
        PhaseName.CLAIM,
        title if takes_over else "claim the hosts",
        steps,
        order=Order.SEQUENCE,
        barrier=all_of(ordered, is_ours),
    )


def volumes_phase(undone: Undone, kind: str, held: Probe | None = None) -> tuple[Phase, ...]:
    """The phase in which a hook or the operator undoes what was done to persistent volumes for the run."""
    policy = undone.plan.inventory.policies.volumes
    begun = [master for master in undone.masters if undone.has_begun(StepName.VOLUMES_HOOK, master.name)]
    title = "put the persistent volumes back to their state before the run"
    if begun and isinstance(policy, VolumesHook) and policy.undo and undone.plan.snapshot:
        occasion = Occasion(kind, undone.run, undone.inventory.cluster, undone.plan.snapshot, undone.plan.run)
        steps = hook_steps(StepName.VOLUMES_UNDO, policy.undo, policy, begun, undone.masters, occasion)
        return (undo_phase(PhaseName.VOLUMES, title, steps, requires=held, note=hook_note(steps)),)
    if not begun and not undone.pause_answered:
        return ()
    question = "That run had the persistent volumes put back. Return them to their state before it. Done?"
    pause = pause_step(
        undone.masters[0].name, "wait until the persistent volumes are in their state before the run", question
    )
    return (undo_phase(PhaseName.VOLUMES, title, [pause], requires=held),)


def api_phase(undone: Undone, masters: Sequence[Master]) -> tuple[Phase, ...]:
    """Starts the API servers that do not start with etcd, waits for those of these masters if they can become ready,
    and starts the other masters."""
    api = undone.again()[PhaseName.API]
    steps = [step for master in undone.masters for step in _api_step(undone, master)]
    held_by, distro = _withdrawn_by(undone), undone.distro
    steps += [step for host in undone.api_hosts for step in api_host_steps(host, distro, undone.run, held_by)]
    barrier = None
    if api.barrier and (undone.had_quorum or undone.begun(PhaseName.START)):
        names = {master.name for master in masters} | {host.name for host in undone.api_hosts}
        looks = tuple(asked for asked in api.barrier.looks if asked.host in names)
        barrier = api.barrier.model_copy(update={"looks": looks})
    if undone.had_quorum or undone.begun(PhaseName.START):
        others = [master for master in undone.masters if master not in masters]
        steps += [
            step for master in others for step in start_steps(undone, master, undone.returned, phase=PhaseName.API)
        ]
    if not steps and not barrier:
        return ()
    return (api.model_copy(update={"steps": tuple(steps), "barrier": barrier, "destructive": False}),)


def _api_step(undone: Undone, master: Master) -> Iterable[Step]:
    if api := undone.distro.start_api(master.host, master.view, _withdrawn_by(undone)):
        yield call_step(StepName.API_START, master, "start the API server", api)


def _withdrawn_by(undone: Undone) -> str:
    """The run that has moved the static pods' manifests. A rollback moves them itself."""
    return undone.run if undone.begun(PhaseName.START) else undone.plan.run


def start_steps(
    undone: Undone,
    master: Master,
    ready: Callable[[Master], Script],
    *,
    phase: PhaseName = PhaseName.START,
    hold_of: str = "",
) -> Iterable[Step]:
    """The steps that start one master. ``hold_of`` is the run that set the hold, if it is not the undo itself."""
    yield script_step(
        StepName(f"{phase}.lift"),
        master,
        "lift the hold",
        {"undone": hold_of},
        requires=one(master, ready(master)),
        rerunnable=True,
    )
    if admitted := undone.distro.admit(master.host, master.view, _withdrawn_by(undone)):
        yield call_step(StepName(f"{phase}.admit"), master, "move etcd's manifest back", admitted)
    yield Step(
        id=f"{StepName(f'{phase}.services')}/{master.name}",
        host=master.name,
        title="start the services",
        act=undone.distro.start(master.host, master.view),
        rerunnable=True,
    )
    if undone.distro.staggers and phase is PhaseName.START:
        title = "let the next master start once this one answers on its peer port"
        yield script_step(StepName.START_ANSWERS, master, title, peer_values(master.etcd), rerunnable=True)


def release_phase(
    undone: Undone, blocks: Sequence[str], removals: Callable[[Master], Iterable[Step]], *, held: bool
) -> Phase:
    """Removes the run's lines from hosts files and its drop-ins from units, and releases the hosts."""
    steps: list[Step] = []
    release = undone.again()[PhaseName.RELEASE]
    for master in undone.masters:
        if master.name in blocks:
            hosts = master.host.paths.hosts
            steps.append(
                script_step(
                    StepName.RELEASE_HOSTS,
                    master,
                    f"remove the run's lines from {hosts}",
                    {"hosts": hosts, "undone": undone.plan.run},
                    rerunnable=True,
                )
            )
        steps += _let_go(undone, release, master) if held else ()
        steps += [*removals(master), release_step(master)]
    steps += [step for host in undone.api_hosts if held for step in _let_go(undone, release, host)]
    return undo_phase(PhaseName.RELEASE, "release the hosts", steps)


def _let_go(undone: Undone, release: Phase, machine: Master | ApiHost) -> Iterable[Step]:
    if rest := undone.distro.start_controllers(machine.host, machine.view, _withdrawn_by(undone)):
        yield call_step(StepName.RELEASE_START, machine, "start controller-manager and scheduler", rest)
    yield from steps_of(release, StepName.RELEASE_HOLD, machine)


def removal_step(maker: str, master: Master, name: str, title: str, *paths: str) -> Step:
    values: Values = {"undone": maker, "paths": paths}
    return script_step(name, master, title, values, timeout_s=timeouts.HASH_S, rerunnable=True)


def release_step(master: Master) -> Step:
    """Releases a host, under a separate step name: an undo that fails during the claim must not release its hosts."""
    return script_step(StepName.RELEASE_HOST, master, "release the host", rerunnable=True)


def undo_phase(
    name: PhaseName,
    title: str,
    steps: Iterable[Step] = (),
    *,
    order: Order = Order.PARALLEL,
    requires: Probe | None = None,
    barrier: Probe | None = None,
    destructive: bool = False,
    note: str = "",
) -> Phase:
    return Phase(
        name=name,
        title=title,
        steps=tuple(steps),
        order=order,
        requires=requires,
        barrier=barrier,
        destructive=destructive,
        note=note,
    )
