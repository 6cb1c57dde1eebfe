"""The pieces of which phases are made: steps, looks and probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from orchestrator.core import timeouts
from orchestrator.core.model.plan import Call, Exec, Judge, Look, Order, Phase, PhaseName, Probe, Push, Script, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import ApiHost, Machine, Master
from orchestrator.core.runs.phases import PHASES
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.etcd.snapshot import SnapshotFacts


def claim_phase(masters: Iterable[Master], laptop: str) -> Phase:
    """One after another, in the same order on every laptop: of two that race, one stops at the first host."""
    ordered = sorted(masters, key=lambda master: master.name)

    def claimed(master: Master) -> Script:
        return look("claimed.sh", master.state, master.run)

    steps = tuple(
        script_step(
            StepName.CLAIM_TAKE,
            master,
            "claim the host",
            "claim.sh",
            laptop,
            done_if=one(master, claimed(master)),  # a claim that was taken may have been given back since
            rerunnable=True,
        )
        for master in ordered
    )
    barrier = all_of(ordered, claimed)
    return make_phase(PhaseName.CLAIM, steps, order=Order.SEQUENCE, barrier=barrier)


def release_step(master: Master) -> Step:
    """Gives a host back to the next run."""
    return script_step(StepName.RELEASE_CLAIM, master, "release the host", "release.sh", rerunnable=True)


def push_step(name: str, master: Master, snapshot: SnapshotFacts, title: str, origin: OnHost | None = None) -> Step:
    """Brings the snapshot into the run's folder: from the master that has it already, where there is one."""
    act: Script | Push
    if origin and origin.host == master.name:
        title += ", which is on this host"
        act = Script(file="copy.sh", args=(origin.path, master.snapshot, snapshot.sha256), timeout_s=timeouts.COPY_S)
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


def look(file: str, *args: str, timeout_s: float = timeouts.LOOK_S) -> Script:
    return Script(file=file, args=args, timeout_s=timeout_s)


def one(master: Master | ApiHost, call: Call, *, wait_s: float = 0.0) -> Probe:
    return Probe(looks=(Look(host=master.name, call=call),), wait_s=wait_s)


def all_of(
    masters: Iterable[Machine], call: Callable[[Machine], Exec | Script], *, wait_s: float = 0.0, dwell_s: float = 0.0
) -> Probe:
    looks = tuple(Look(host=master.name, call=call(master)) for master in masters)
    return Probe(looks=looks, wait_s=wait_s, dwell_s=dwell_s)


def equal(masters: Iterable[Master], expect: dict[str, str]) -> Probe:
    """Whether the members hold the same, with a quorum: `core.proof.agreement` says what is compared and expected."""
    looks = tuple(Look(host=master.name, call=_agree(master)) for master in masters)
    return Probe(looks=looks, judge=Judge.EQUAL, wait_s=timeouts.PROVEN_WAIT_S, expect=expect)


def _agree(master: Master) -> Script:
    etcd = master.etcd
    where = (etcd.data, etcd.member_path, etcd.peer_url, etcd.client_url, etcd.address)
    return look("agree.sh", master.state, master.run, *where, *master.certificates)


def script_step(
    name: str,
    master: Master | ApiHost,
    title: str,
    file: str,
    *args: str,
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
        act=Script(file=file, args=args, timeout_s=timeout_s),
        requires=requires,
        done_if=done_if,
        rerunnable=rerunnable,
        undo=undo,
    )


def call_step(name: str, master: Master | ApiHost, title: str, act: Exec | Script) -> Step:
    """A step that may be done twice, and is not looked at: what follows it is."""
    return Step(id=f"{name}/{master.name}", host=master.name, title=title, act=act, rerunnable=True)


def plain(unit: str) -> str:
    return unit.removesuffix(".service")
