"""The plans that take a run back (abort, rollback), finish it, or unlock its hosts. Pure, like the restore's own plan.

An undo is a run of its own. It takes over the claims of the run that it takes back, which ends that run for good: no
late act of it lands, nobody resumes it. What an undo has in common with a restore (stopping, the API servers, the
workers) is planned by the restore's own planner, under the undo's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from orchestrator.core import timeouts
from orchestrator.core.inventory.inventory import VolumesHook
from orchestrator.core.model.plan import Order, Phase, PhaseName, Probe, Script, Step
from orchestrator.core.plans.master import ApiHost, Master, all_of, call_step, look, one, script_step
from orchestrator.core.plans.restore import api_host_steps
from orchestrator.core.plans.undo.target import Undone, steps_of
from orchestrator.core.plans.volumes import Occasion, hook_note, hook_steps, pause_step
from orchestrator.core.text import listed, size
from orchestrator.errors import RefusedError


def abort(undone: Undone) -> tuple[Phase, ...]:
    """Before the first start: on every master the old data is whole. Raises RefusedError after it."""
    if undone.begun("start."):
        raise undone.refused("has begun to start services, and can only be rolled back", "rollback")
    _refuse_back(undone)
    stopped = undone.begun("stop.") or bool(undone.holds)
    start = (*_volumes_back(undone, "abort"), _start_again(undone), *_api(undone, undone.masters)) if stopped else ()
    blocks = undone.hosts_of("resolve.hosts")
    return (
        _claim(undone, undone.masters),
        _unschedule(undone),
        *start,
        _release(undone, blocks, lambda master: _unstage(undone, master), held=stopped),
    )


def rollback(undone: Undone) -> tuple[Phase, ...]:
    """After a start: stop all, put the old data back, start all. Raises RefusedError where that is not kept."""
    if not undone.begun("start."):
        raise undone.refused("has started nothing: there is nothing to roll back", "abort")
    _refuse_back(undone)
    _refuse_lost(undone)
    again = undone.again()
    return (
        _claim(undone, undone.masters),
        again[PhaseName.STOP],
        _check_kept(undone, held=again[PhaseName.KEEP].requires),
        _swap(undone, held=again[PhaseName.COMMIT].requires),
        *_volumes_back(undone, "rollback", again[PhaseName.COMMIT].requires),
        _start_returned(undone),
        *_api(undone, undone.with_data),
        again[PhaseName.WORKERS],
        _release(undone, undone.hosts_of("release.hosts"), lambda _: (), held=True),
    )


def finish(undone: Undone) -> tuple[Phase, ...]:
    """After the release: prove once more, then remove what is left. Raises RefusedError before it."""
    masters = undone.masters
    if not all(undone.left[master.name].released for master in masters):
        raise undone.refused("is still open", "resume")
    _refuse_open(undone)
    if not any(it.paths for it in undone.left.values()):
        raise RefusedError(
            f"run {undone.plan.run} has left nothing that could be removed", "orchestrator status -i INVENTORY"
        )
    steps = tuple(step for master in masters for step in (*_removals(undone, master), _release_step(master)))
    return (
        _claim(undone, masters, takes_over=False),
        _phase(PhaseName.START, "prove once more that all members agree", barrier=undone.equal(masters, old=False)),
        _phase(PhaseName.RELEASE, "remove what the run has left, and give the hosts back", steps, destructive=True),
    )


def unlock(undone: Undone) -> tuple[Phase, ...]:
    """Frees the masters that a run holds which has stopped nothing, or one failed member alone, which stays down.
    Raises RefusedError where it has stopped more."""
    if undone.plan.kind != "reinit" and (undone.begun("stop.") or undone.holds):
        following = "resume" if undone.plan.undoes else "rollback" if undone.begun("start.") else "abort"
        raise undone.refused("has begun to stop services: go on with it, or take it back", following)
    held = tuple(master for master in undone.masters if master.name in undone.claims)
    if not held:
        raise RefusedError(f"run {undone.plan.run} holds no master", "orchestrator status -i INVENTORY")
    steps = tuple(step for master in held for step in (*_unbegin(undone, master), _release_step(master)))
    return (_claim(undone, held), _phase(PhaseName.RELEASE, "free the hosts", steps))


def _refuse_open(undone: Undone) -> None:
    """Raises RefusedError while a master that was left out is no member of the restored cluster again."""
    clusters = {master.view.live.cluster_id for master in undone.masters if master.view.live}
    for host in undone.inventory.left_out:
        live = undone.views[host.name].live if host.name in undone.views else None
        if live is None or not live.has_quorum or {live.cluster_id} != clusters:
            raise RefusedError(
                f"{host.name} was left out, and is no member of the restored cluster again",
                f'let it rejoin: README.md, "If a master is lost for good"; then: '
                f"orchestrator finish -i INVENTORY {undone.plan.run}",
            )


def _refuse_back(undone: Undone) -> None:
    """Raises RefusedError where a master that was left out answers and has data: of the restored cluster, or armed to
    be restored. Beside old data of a cluster with the same id it would spoil it."""
    for host in undone.inventory.left_out:
        view = undone.views.get(host.name)
        if view and (view.live or view.members_on_disk):
            raise RefusedError(
                f"{host.name} was left out, and has etcd's data again: it would spoil the old data of the others",
                "power it off, and take its disk away before it starts again; then the same command",
            )


def _refuse_lost(undone: Undone) -> None:
    """Raises RefusedError where the old data is gone, or would be no quorum."""
    for master in undone.masters:
        if not undone.left[master.name].kept:
            raise RefusedError(
                f"{master.name}: the old data that run {undone.plan.run} kept is not in {undone.before(master).kept}",
                "put it back there, or restore a snapshot: orchestrator restore -i INVENTORY --snapshot FILE",
            )
    if len(undone.with_data) <= (len(undone.masters) + len(undone.inventory.left_out)) // 2:
        empty = [master.name for master in undone.without_data]
        names = listed(empty + [host.name for host in undone.inventory.left_out])
        raise RefusedError(
            f"there is no old data on {names}: the other masters are no quorum",
            "restore a snapshot: orchestrator restore -i INVENTORY --snapshot FILE",
        )


# --- phases -----------------------------------------------------------------------------------------------


def _claim(undone: Undone, masters: Sequence[Master], *, takes_over: bool = True) -> Phase:
    """In one order on every laptop."""
    ordered = sorted(masters, key=lambda master: master.name)
    title = f"take the hosts over from run {undone.plan.run}: it can do nothing any more"
    arguments = (undone.laptop, undone.plan.run) if takes_over else (undone.laptop,)
    steps = tuple(
        script_step("claim.take", master, "take the host", "claim.sh", *arguments, rerunnable=True)
        for master in ordered
    )
    return _phase(
        PhaseName.CLAIM,
        title if takes_over else "take the hosts",
        steps,
        order=Order.SEQUENCE,
        barrier=all_of(ordered, lambda master: look("claimed.sh", master.state, master.run)),
    )


def _unschedule(undone: Undone) -> Phase:
    return _phase(
        PhaseName.COMMIT,
        "put the old data back in its place, and nothing else to start on",
        (step for master in undone.masters for step in _unschedule_steps(undone, master)),
        requires=all_of(undone.masters, undone.unstarted),
        barrier=all_of(undone.masters, undone.untouched),
    )


def _unschedule_steps(undone: Undone, master: Master) -> Iterable[Step]:
    data, member, run = master.etcd.data, master.etcd.member_path, undone.plan.run
    if undone.plan.strategy == "manual":
        before, title = undone.before(master), "put the old data back, if the run has set it aside"
        wal = (*before.wal_and_kept, before.staged_wal) if before.staged_wal else ()
        arguments = (member, before.kept, run, before.staged, *wal)
        yield script_step("commit.unplace", master, title, "unplace.sh", *arguments, rerunnable=True)
        return
    title = "rename the restore.db that the run has scheduled, if there is one"
    yield script_step("commit.unschedule", master, title, "unschedule.sh", data, run, rerunnable=True)
    title, kept = "put the old data back, if the run has set it aside", undone.before(master).kept
    yield script_step("commit.putback", master, title, "putback.sh", member, kept, run, rerunnable=True)


def _check_kept(undone: Undone, *, held: Probe | None) -> Phase:
    barrier = all_of(undone.with_data, undone.unchanged)
    return _phase(PhaseName.KEEP, "prove that the kept old data is unchanged", requires=held, barrier=barrier)


def _swap(undone: Undone, *, held: Probe | None) -> Phase:
    barrier = all_of(undone.masters, undone.returned)
    steps = (_swap_step(undone, master) for master in undone.masters)
    return _phase(PhaseName.COMMIT, "put the old data back", steps, requires=held, barrier=barrier)


def _swap_step(undone: Undone, master: Master) -> Step:
    kept = undone.before(master).kept
    had = undone.left[master.name].kept == "whole"
    what = f"put {kept} back" if had else "leave the volume empty, as it was"
    return script_step(
        "commit.swap",
        master,
        f"{what}; what is there now goes to {master.kept}",
        "swap.sh",
        master.etcd.data,
        master.etcd.member_path,
        kept,
        master.kept,
        undone.plan.run,
        *((*undone.before(master).wal_and_kept, master.kept_wal) if master.kept_wal else ()),
        rerunnable=True,
    )


def _volumes_back(undone: Undone, kind: str, held: Probe | None = None) -> tuple[Phase, ...]:
    """What was done about persistent volumes for the run is taken back by the hook's undo, or by the operator."""
    policy = undone.plan.inventory.policies.volumes
    begun = [master for master in undone.masters if undone.begun("volumes.hook", master.name)]
    title = "put the persistent volumes as they were before the run"
    if begun and isinstance(policy, VolumesHook) and policy.undo and undone.plan.snapshot:
        occasion = Occasion(kind, undone.run, undone.inventory.cluster, undone.plan.snapshot, undone.plan.run)
        steps = hook_steps("volumes.undo", policy.undo, policy, begun, undone.masters, occasion)
        return (_phase(PhaseName.VOLUMES, title, steps, requires=held, note=hook_note(steps)),)
    if not begun and not undone.pause_answered:
        return ()
    question = "For that run persistent volumes were put back. Put them as they were before it. Done?"
    pause = pause_step(undone.masters[0].name, "wait until the persistent volumes are as before the run", question)
    return (_phase(PhaseName.VOLUMES, title, [pause], requires=held),)


def _start_again(undone: Undone) -> Phase:
    """Of an abort: on the very files that lay there before. Only a cluster that had a quorum must have one again."""
    barrier = all_of(undone.masters, undone.running, wait_s=timeouts.PROVEN_WAIT_S)
    if undone.had_quorum:
        barrier = undone.equal(undone.masters, old=True)
    owner = (undone.plan.run,)
    steps = (step for master in undone.masters for step in _start_steps(undone, master, undone.untouched, owner=owner))
    return _phase(PhaseName.START, "start all masters on their old data", steps, barrier=barrier)


def _start_returned(undone: Undone) -> Phase:
    """Of a rollback. A master without old data waits until the others have a quorum: started with them it could vote,
    and has forgotten what it had acknowledged."""
    masters = undone.with_data
    steps = (step for master in masters for step in _start_steps(undone, master, undone.returned))
    title = "start the masters on their old data, and prove that they agree"
    return _phase(PhaseName.START, title, steps, barrier=undone.equal(masters, old=True))


def _api(undone: Undone, masters: Sequence[Master]) -> tuple[Phase, ...]:
    """Starts the API servers where they do not come up with etcd, and waits for those of these masters, where they had
    what they need; starts the other masters."""
    api = undone.again()[PhaseName.API]
    steps = [step for master in undone.masters for step in _api_step(undone, master)]
    held_by, distro = _withdrawn_by(undone), undone.distro
    steps += [step for host in undone.api_hosts for step in api_host_steps(host, distro, undone.run, held_by)]
    barrier = None
    if api.barrier and (undone.had_quorum or undone.begun("start.")):
        names = {master.name for master in masters} | {host.name for host in undone.api_hosts}
        looks = tuple(asked for asked in api.barrier.looks if asked.host in names)
        barrier = api.barrier.model_copy(update={"looks": looks})
    if undone.had_quorum or undone.begun("start."):
        others = [master for master in undone.masters if master not in masters]
        steps += [
            step for master in others for step in _start_steps(undone, master, undone.returned, phase=PhaseName.API)
        ]
    if not steps and not barrier:
        return ()
    return (api.model_copy(update={"steps": tuple(steps), "barrier": barrier, "destructive": False}),)


def _api_step(undone: Undone, master: Master) -> Iterable[Step]:
    if api := undone.distro.start_api(master.host, master.view, _withdrawn_by(undone)):
        yield call_step("api.start", master, "start the API server", api)


def _withdrawn_by(undone: Undone) -> str:
    """The run that has moved the static pods' manifests: a rollback stops them itself."""
    return undone.run if undone.begun("start.") else undone.plan.run


def _start_steps(
    undone: Undone,
    master: Master,
    ready: Callable[[Master], Script],
    *,
    phase: PhaseName = PhaseName.START,
    owner: tuple[str, ...] = (),
) -> Iterable[Step]:
    """``owner`` is the run that set the hold, where it is not the undo itself."""
    yield script_step(
        f"{phase}.lift",
        master,
        "lift the hold",
        "hold.sh",
        "lift",
        master.host.paths.units,
        *owner,
        requires=one(master, ready(master)),
        rerunnable=True,
    )
    if admitted := undone.distro.admit(master.host, master.view, _withdrawn_by(undone)):
        yield call_step(f"{phase}.admit", master, "move etcd's manifest back", admitted)
    yield Step(
        id=f"{phase}.services/{master.name}",
        host=master.name,
        title="start the services",
        act=undone.distro.start(master.host, master.view),
        rerunnable=True,
    )


def _release(
    undone: Undone, blocks: Sequence[str], removals: Callable[[Master], Iterable[Step]], *, held: bool
) -> Phase:
    """Takes out what the run has put into the hosts files and beside the units, and gives the hosts back."""
    steps: list[Step] = []
    release = undone.again()[PhaseName.RELEASE]
    for master in undone.masters:
        if master.name in blocks:
            hosts = master.host.paths.hosts
            steps.append(
                script_step(
                    "release.hosts",
                    master,
                    f"remove the run's lines from {hosts}",
                    "hosts.sh",
                    "remove",
                    hosts,
                    undone.plan.run,
                    rerunnable=True,
                )
            )
        steps += _let_go(undone, release, master) if held else ()
        steps += [*removals(master), _release_step(master)]
    steps += [step for host in undone.api_hosts if held for step in _let_go(undone, release, host)]
    return _phase(PhaseName.RELEASE, "give the hosts back", steps)


def _let_go(undone: Undone, release: Phase, machine: Master | ApiHost) -> Iterable[Step]:
    if rest := undone.distro.start_controllers(machine.host, machine.view, _withdrawn_by(undone)):
        yield call_step("release.start", machine, "start controller-manager and scheduler", rest)
    yield from steps_of(release, "release.hold", machine)


def _unstage(undone: Undone, master: Master) -> Iterable[Step]:
    """The snapshot that the run was to restore, and what was made of it. The safety snapshot stays."""
    before = undone.before(master)
    made = [before.snapshot]
    if undone.plan.strategy == "manual":
        made += [before.staged, f"{before.staged}.part", before.tool]
        wal = before.staged_wal  # the tool writes it as `.tmp` first
        made += [wal, f"{wal}.part", f"{wal}.part.tmp"] if wal else []
    yield _remove(undone.plan.run, master, "release.unstage", f"remove {before.snapshot}", *made)


def _unbegin(undone: Undone, master: Master) -> Iterable[Step]:
    """Of an unlock: what lies on the host of what has only begun. A snapshot has every Secret in it."""
    match undone.plan.kind:
        case "restore":
            yield from _unstage(undone, master)
        case "reinit":
            yield from _unjoin(undone, master)


def _unjoin(undone: Undone, master: Master) -> Iterable[Step]:
    """What a `reinit` has made beside the data. The old data stays where it was set aside, and so does a
    member that is half there: the next run sets that aside, too."""
    if master.name in undone.hosts_of("commit.join"):
        paths = undone.before(master).left_by_join
        yield _remove(
            undone.plan.run, master, "release.unjoin", f"remove, where it is there: {', '.join(paths)}", *paths
        )


def _removals(undone: Undone, master: Master) -> Iterable[Step]:
    """Of a finish: each path with its size, in a step of its own."""
    left = undone.left[master.name]
    with_data = undone.before(master).kept_wal if left.kept == "whole" else ""  # the old log goes with the old data
    paths = [found for found in left.paths if found[0] != with_data]
    for number, (path, size_bytes) in enumerate(paths, start=1):
        name, title = f"release.remove-{number}", f"remove {path} ({size(size_bytes)})"
        if left.kept == "whole" and path == undone.before(master).kept:
            yield _unkeep(undone, master, name, title)
        else:
            maker = undone.plan.run if undone.plan.run in path else undone.plan.undoes
            yield _remove(maker, master, name, title, path)


def _unkeep(undone: Undone, master: Master, name: str, title: str) -> Step:
    before, member = undone.before(master), master.etcd.member_path
    wal = (before.kept_wal,) if before.kept_wal else ()
    arguments = (member, before.kept, undone.plan.run, *wal)
    return script_step(name, master, title, "unkeep.sh", *arguments, timeout_s=timeouts.HASH_S, rerunnable=True)


def _remove(maker: str, master: Master, name: str, title: str, *paths: str) -> Step:
    return script_step(name, master, title, "remove.sh", maker, *paths, timeout_s=timeouts.HASH_S, rerunnable=True)


def _release_step(master: Master) -> Step:
    """Under a name of its own: an undo that fails while it claims must not give back what it has taken over."""
    return script_step("release.host", master, "give the host back", "release.sh", rerunnable=True)


def _phase(
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
