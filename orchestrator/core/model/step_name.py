"""The names of steps: `phase.verb`, or `phase.verb.part` for one of several.

A step's id is its name and its host: `stop.hold/master-2`, `stop.unit.docker/master-2`, `release.remove.3/master-2`.
The name is also that of the step's marker on its host, so that a marker says what has begun there.
"""

from __future__ import annotations

from enum import StrEnum

from orchestrator.core.model.plan import PhaseName


class StepName(StrEnum):
    """Every step that a plan can have, without its part."""

    CLAIM_TAKE = "claim.take"
    CLAIM_GIVE_BACK = "claim.give-back"  # not in a plan: an attempt runs it if it could not claim every host
    SAFEGUARD_TAKE = "safeguard.take"
    SAFEGUARD_COPY = "safeguard.copy"
    STAGE_PUSH = "stage.push"
    STAGE_COPY = "stage.copy"  # instead, on the host that has the snapshot
    STAGE_TOOL = "stage.tool"
    STAGE_ETCD = "stage.etcd"
    STAGE_RESTORE = "stage.restore"
    RESOLVE_HOSTS = "resolve.hosts"
    STOP_HOLD = "stop.hold"
    STOP_PODS = "stop.pods"
    STOP_UNIT = "stop.unit"  # the part is the unit
    STOP_PROCESSES = "stop.processes"
    DOWN_LAST = "down.last"
    DOWN_PODS = "down.pods"
    DOWN_PROCESSES = "down.processes"
    DOWN_UNIT = "down.unit"  # the part is the unit
    KEEP_COPY = "keep.copy"
    KEEP_ASIDE = "keep.aside"
    COMMIT_MEND = "commit.mend"
    COMMIT_SCHEDULE = "commit.schedule"
    COMMIT_PLACE = "commit.place"
    COMMIT_MEMBERS = "commit.members"
    COMMIT_JOIN = "commit.join"
    COMMIT_REINIT = "commit.reinit"
    COMMIT_SET_TIMER = "commit.set-timer"
    COMMIT_END_TIMER = "commit.end-timer"
    COMMIT_SWAP = "commit.swap"
    COMMIT_UNPLACE = "commit.unplace"
    COMMIT_UNSCHEDULE = "commit.unschedule"
    COMMIT_PUTBACK = "commit.putback"
    VOLUMES_HOOK = "volumes.hook"
    VOLUMES_PAUSE = "volumes.pause"
    VOLUMES_UNDO = "volumes.undo"
    START_LIFT = "start.lift"
    START_ADMIT = "start.admit"
    START_SERVICES = "start.services"
    START_ANSWERS = "start.answers"
    START_DISARM = "start.disarm"
    API_LIFT = "api.lift"
    API_ADMIT = "api.admit"
    API_SERVICES = "api.services"
    API_PROVEN = "api.proven"
    API_START = "api.start"
    WORKERS_RESTART = "workers.restart"
    RELEASE_START = "release.start"
    RELEASE_HOLD = "release.hold"
    RELEASE_HOSTS = "release.hosts"
    RELEASE_UNSTAGE = "release.unstage"
    RELEASE_UNJOIN = "release.unjoin"
    RELEASE_REMOVE = "release.remove"  # the part is a number: one step for each path
    RELEASE_UNKEEP = "release.unkeep"
    RELEASE_CLAIM = "release.claim"
    RELEASE_HOST = "release.host"

    @property
    def starts_outage(self) -> bool:
        """Whether the step stops services. A hold alone stops nothing."""
        return phase_of(self) in (PhaseName.STOP, PhaseName.DOWN) and self is not StepName.STOP_HOLD


def part_of(name: StepName, part: str) -> str:
    """The name of one of several steps that do the same to different things on one host."""
    return f"{name}.{part}"


def step_name(text: str) -> StepName | None:
    """The name of a step or of its marker, without its part; None if no plan of this version has it."""
    phase, _, rest = text.partition(".")
    name = f"{phase}.{rest.partition('.')[0]}"
    return StepName(name) if name in tuple(StepName) else None


def phase_of(text: str) -> PhaseName | None:
    """The phase of a step or of its marker, even if its verb is unknown."""
    phase = text.partition(".")[0]
    return PhaseName(phase) if phase in tuple(PhaseName) else None
