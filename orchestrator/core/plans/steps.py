"""Constructors for the parts of phases: steps, looks and probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from orchestrator.core import timeouts
from orchestrator.core.hosts.questions import client_values, peer_values
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Call, Exec, Judge, Look, Order, Phase, PhaseName, Probe, Push, Script, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import ApiHost, Machine, Master
from orchestrator.core.runs.phases import PHASES
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.etcd.snapshot import SnapshotFacts


def claim_phase(masters: Iterable[Master], laptop: str) -> Phase:
    """The claim phase. It claims in the same order on every laptop: of two that race, one stops at the first host."""
    ordered = sorted(masters, key=lambda master: master.name)

    steps = tuple(
        script_step(
            StepName.CLAIM_TAKE,
            master,
            "claim the host",
            {"laptop": laptop},
            done_if=one(master, is_ours(master)),  # a claim may have been released since
            rerunnable=True,
        )
        for master in ordered
    )
    return make_phase(PhaseName.CLAIM, steps, order=Order.SEQUENCE, barrier=all_of(ordered, is_ours))


def is_ours(master: Master) -> Script:
    """Asks whether the run holds this master."""
    values = {"state": master.state, "run": master.run}
    return look("claim/is_ours.sh", values, "this run holds the host")


def release_step(master: Master) -> Step:
    """The step that releases a host for the next run."""
    return script_step(StepName.RELEASE_CLAIM, master, "release the host", rerunnable=True)


def is_set_aside(master: Master) -> Script:
    """Asks whether the run has kept this master's old data."""
    values = {"state": master.state, "run": master.run, "kept": master.kept}
    return look("keep/is_set_aside.sh", values, "the old data is kept whole, or there was none")


def push_step(name: str, master: Master, snapshot: SnapshotFacts, title: str, origin: OnHost | None = None) -> Step:
    """The step that copies the snapshot into the run's folder, from the master that has it, if there is one."""
    act: Script | Push
    if origin and origin.host == master.name:
        title += ", which is on this host"
        name = StepName.STAGE_COPY if name is StepName.STAGE_PUSH else name
        values = {"source": origin.path, "path": master.snapshot, "sha256": snapshot.sha256}
        act = Script(file=script_of(name), values=values, timeout_s=timeouts.COPY_S)
    else:
        act = Push(
            source_host=origin.host if origin else "",
            source_path=origin.path if origin else "",
            path=master.snapshot,
            sha256=snapshot.sha256,
            size_bytes=snapshot.size_bytes,
        )
    return Step(
        id=f"{name}/{master.name}",
        host=master.name,
        title=title,
        act=act,
        rerunnable=True,
        undo="remove the copy",
    )


def make_phase(
    name: PhaseName,
    steps: tuple[Step, ...],
    *,
    order: Order = Order.PARALLEL,
    requires: Probe | None = None,
    barrier: Probe | None = None,
    title: str = "",
    note: str = "",
) -> Phase:
    rule = PHASES[name]
    return Phase(
        name=name,
        title=title or rule.title,
        steps=steps,
        order=order,
        requires=requires,
        barrier=barrier,
        destructive=rule.destructive,
        note=note,
    )


def look(file: str, values: Values, question: str = "", timeout_s: float = timeouts.LOOK_S) -> Script:
    """A look. ``question`` says what must be true, for a reader of the plan."""
    return Script(file=file, values=dict(values), question=question, timeout_s=timeout_s)


def script_of(step: str) -> str:
    """The script of a step: `stop.hold` runs `stop/hold.sh`, and `release.remove.3` runs `release/remove.sh`."""
    phase, verb, *_ = step.split(".")
    return f"{phase}/{verb}.sh"


def folder_of(master: Master | ApiHost, run: str, step: str) -> str:
    """The folder of a step on its host: one folder in it for each attempt."""
    return f"{master.state}/{run}/steps/{step}"


def one(master: Master | ApiHost, call: Call, *, wait_s: float = 0.0) -> Probe:
    return Probe(looks=(Look(host=master.name, call=call),), wait_s=wait_s)


def all_of(
    masters: Iterable[Machine], call: Callable[[Machine], Exec | Script], *, wait_s: float = 0.0, dwell_s: float = 0.0
) -> Probe:
    looks = tuple(Look(host=master.name, call=call(master)) for master in masters)
    return Probe(looks=looks, wait_s=wait_s, dwell_s=dwell_s)


def joined(*probes: Probe) -> Probe:
    """One probe with the looks of all, which are looked at once."""
    return Probe(looks=tuple(asked for probe in probes for asked in probe.looks))


def equal(masters: Iterable[Master], expect: dict[str, str]) -> Probe:
    """Asks whether the members have equal data and a quorum: see `core.proof.agreement`."""
    looks = tuple(Look(host=master.name, call=_agree(master)) for master in masters)
    return Probe(looks=looks, judge=Judge.EQUAL, wait_s=timeouts.PROVEN_WAIT_S, expect=expect)


def _agree(master: Master) -> Script:
    etcd = master.etcd
    where = {"state": master.state, "run": master.run, "data": etcd.data, "member": etcd.member_path}
    return look("start/is_equal.sh", where | peer_values(etcd) | client_values(etcd))


def script_step(
    name: str,
    master: Master | ApiHost,
    title: str,
    values: Values | None = None,
    *,
    timeout_s: float = timeouts.MARK_S,
    requires: Probe | None = None,
    done_if: Probe | None = None,
    rerunnable: bool = False,
    undo: str = "",
) -> Step:
    return Step(
        id=f"{name}/{master.name}",
        host=master.name,
        title=title,
        act=Script(file=script_of(name), values=dict(values or {}), timeout_s=timeout_s),
        requires=requires,
        done_if=done_if,
        rerunnable=rerunnable,
        undo=undo,
    )


def call_step(name: str, master: Master | ApiHost, title: str, act: Exec | Script) -> Step:
    """A step that may be done twice and has no look of its own: a later look shows its effect."""
    if isinstance(act, Script):
        act = act.model_copy(update={"file": script_of(name)})
    return Step(id=f"{name}/{master.name}", host=master.name, title=title, act=act, rerunnable=True)


def plain(unit: str) -> str:
    return unit.removesuffix(".service")
