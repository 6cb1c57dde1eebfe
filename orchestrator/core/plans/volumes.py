"""The phase `volumes`: persistent volumes are restored between the commit and the start. Pure.

A hook (the operator's own program) restores them, or the operator does while the run waits. An abort or a rollback
undoes it in the same way: by a hook, or by the operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.inventory.declared import HookPlace, Volumes, VolumesHook
from orchestrator.core.model.hooks import Hook, LocalHook
from orchestrator.core.model.plan import Pause, Phase, PhaseName, Probe, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import make_phase
from orchestrator.core.text import quoted
from orchestrator.etcd.snapshot import SnapshotFacts

ANSWER_FLAG = "--volumes-done"
MASTERS, FACTS = "ORCHESTRATOR_MASTERS", "ORCHESTRATOR_FACTS"


@dataclass(frozen=True, slots=True)
class Occasion:
    """The reason why a hook runs. ``undoes`` is the run that is being undone, if any."""

    kind: str
    run: str
    cluster: str
    snapshot: SnapshotFacts
    undoes: str = ""

    def environment(self, masters: Sequence[Master]) -> dict[str, str]:
        """The environment of a hook on any machine; never a secret."""
        known = {
            "ORCHESTRATOR_KIND": self.kind,
            "ORCHESTRATOR_RUN": self.run,
            "ORCHESTRATOR_CLUSTER": self.cluster,
            MASTERS: " ".join(master.name for master in masters),
            "ORCHESTRATOR_REVISION": str(self.snapshot.revision),
            "ORCHESTRATOR_SNAPSHOT_SHA256": self.snapshot.sha256,
            "ORCHESTRATOR_SNAPSHOT_TAKEN_UTC": (self.snapshot.newest_renewal_utc or "").replace("+00:00", "Z"),
        }
        return known | ({"ORCHESTRATOR_UNDOES": self.undoes} if self.undoes else {})


def volumes_phase(
    policy: Volumes | VolumesHook | None, masters: Sequence[Master], occasion: Occasion, held: Probe
) -> Phase:
    """The phase of a restore. ``held``: every master is still down."""
    if isinstance(policy, VolumesHook):
        steps = hook_steps(StepName.VOLUMES_HOOK, policy.hook, policy, masters, masters, occasion)
        back = f"run {quoted(policy.undo)}" if policy.undo else "ask you to undo what the hook did"
        note = f"{hook_note(steps)}. An abort or a rollback will {back}"
        return make_phase(PhaseName.VOLUMES, steps, requires=held, note=note)
    if policy is not Volumes.PAUSE:
        return make_phase(PhaseName.VOLUMES, (), note="policy `none`: persistent volumes are not changed")
    question = "Put the persistent volumes back now. All masters are down and stay down. Done?"
    pause = pause_step(masters[0].name, "wait until the persistent volumes are put back", question)
    return make_phase(PhaseName.VOLUMES, (pause,), requires=held)


def pause_step(host: str, title: str, question: str) -> Step:
    """A step that waits for the operator. The marker of the answer is on ``host``."""
    act = Pause(question=question, answer_flag=ANSWER_FLAG)
    return Step(id=f"{StepName.VOLUMES_PAUSE}/{host}", host=host, title=title, act=act, rerunnable=True)


def hook_steps(
    name: str,
    argv: tuple[str, ...],
    policy: VolumesHook,
    where: Sequence[Master],
    masters: Sequence[Master],
    occasion: Occasion,
) -> tuple[Step, ...]:
    """A step for each master of ``where``, or a single one on the laptop, which counts as the first master's step."""
    common = occasion.environment(masters)
    undo = f"run {quoted(policy.undo)}" if policy.undo else "the operator's own"
    steps = []
    for master in where:
        act: Hook | LocalHook = LocalHook(argv=argv, env=common, timeout_s=policy.timeout_s, answer_flag=ANSWER_FLAG)
        if policy.on is HookPlace.MASTERS:
            env = common | _environment_of(master)
            act = Hook(argv=argv, env=env, timeout_s=policy.timeout_s, answer_flag=ANSWER_FLAG)
        steps.append(
            Step(
                id=f"{name}/{master.name}",
                host=master.name,
                title=f"run {quoted(argv)}",
                act=act,
                rerunnable=policy.rerunnable,
                undo=undo,
            )
        )
    return tuple(steps[:1] if policy.on is HookPlace.LAPTOP else steps)


def _environment_of(master: Master) -> dict[str, str]:
    """The additional environment of a hook on a master."""
    return {
        "ORCHESTRATOR_HOST": master.name,
        "ORCHESTRATOR_NODE": master.host.node,
        "ORCHESTRATOR_MEMBER": master.etcd.member,
        "ORCHESTRATOR_DATA": master.etcd.data,
        FACTS: f"{master.folder}/plan.json",
    }


def hook_note(steps: Sequence[Step]) -> str:
    """A note on the hook's environment, for readers of the plan."""
    names = {name for step in steps if isinstance(step.act, Hook | LocalHook) for name in step.act.env}
    told = ", ".join(sorted(names - {FACTS}))
    return f"its environment has {told}; {FACTS} is the path of a file with this whole plan"


def with_masters(step: Step, masters: Sequence[str]) -> Step:
    """The same step, but the hook's environment names only these masters."""
    if not isinstance(step.act, Hook | LocalHook):
        return step
    env = step.act.env | {MASTERS: " ".join(masters)}
    return step.model_copy(update={"act": step.act.model_copy(update={"env": env})})
