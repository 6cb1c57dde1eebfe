"""The plan and its parts: phases, steps, acts and probes. Pure.

A value that is read from or written to a file is a frozen pydantic model; a value that exists only in memory is a
frozen dataclass.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.cost import Cost
from orchestrator.core.model.finding import Finding
from orchestrator.core.model.header import bind
from orchestrator.core.model.hooks import Hook, LocalHook
from orchestrator.core.model.outcome import (
    Command,
)
from orchestrator.core.model.restored import Restored, restored_from
from orchestrator.core.transfer.relay import Relay
from orchestrator.etcd.details import Bump
from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.ids import ClusterIds, predict_ids
from orchestrator.etcd.snapshot import SnapshotFacts
from orchestrator.etcd.volumes import Volume

PLAN_FORMAT = 1
StrategyName = Literal["aided", "manual"]
PlanKind = Literal["restore", "workers", "reinit", "schedule", "abort", "rollback", "finish", "unlock"]


# --- What a host is asked, and what it answers -----------------------------------------------------------


class Exec(Frozen):
    """A program with its arguments."""

    kind: Literal["exec"] = "exec"
    argv: tuple[str, ...]
    timeout_s: float = 60.0
    lets_go: bool = False


class Script(Frozen):
    """A rendered file of the plan, run by ``sh`` with these values. ``question`` says what a look asks."""

    kind: Literal["script"] = "script"
    file: str
    values: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    question: str = ""
    timeout_s: float = 60.0
    lets_go: bool = False

    def command(self, text: str) -> Command:
        """The command that runs ``text``, the file's content. Raises ValueError if its header does not fit."""
        values, items = bind(self.file, text, self.values)
        return Command((self.file, *items), text, values=values, timeout_s=self.timeout_s, lets_go=self.lets_go)


class Push(Frozen):
    """Copy a file to the host: the snapshot from the laptop, or a file from another host.

    ``sha256`` is empty if only the source host knows it; then the copy is compared with the source.
    """

    kind: Literal["push"] = "push"
    source_host: str = ""
    source_path: str = ""
    path: str
    sha256: str = ""
    size_bytes: int = 0


class Pause(Frozen):
    """Wait until the operator says that something outside is done."""

    kind: Literal["pause"] = "pause"
    question: str
    answer_flag: str


class Reboot(Frozen):
    """Restart the machine. The act has ended when the boot id has changed."""

    kind: Literal["reboot"] = "reboot"
    argv: tuple[str, ...] = ("systemctl", "reboot")
    timeout_s: float = 60.0


Call = Annotated[Exec | Script, Field(discriminator="kind")]
Act = Annotated[Exec | Script | Push | Pause | Hook | LocalHook | Reboot, Field(discriminator="kind")]


class Judge(StrEnum):
    """Which pure function of ``core/proof/judges.py`` reads the answers to a probe."""

    EXIT = "exit"  # every look exits 0 for yes, 1 for no
    MEMBER = "member"  # this member was restored: core/proof/restored.py
    AGREE = "agree"  # all members were restored and agree
    EQUAL = "equal"  # all members hold equal data, with a quorum: core/proof/agreement.py
    NODE = "node"  # the worker restarted and its Node is Ready by a newer lease


class Look(Frozen):
    """One question to one host."""

    host: str
    call: Call


class Probe(Frozen):
    """A question with a pure judge. It is asked every ``poll_s``, must become true within ``wait_s``, and must stay
    true for ``dwell_s``."""

    looks: tuple[Look, ...]
    judge: Judge = Judge.EXIT
    wait_s: float = 0.0
    dwell_s: float = 0.0
    poll_s: float = 0.3
    expect: dict[str, str] = Field(default_factory=dict)


class Step(Frozen):
    """One act on one host, and the looks that show whether it is done.

    ``id`` is ``phase.verb/host``. ``requires`` must be true before the act. It is asked if time has passed since the
    barrier that showed it: in a resumed run, and after a pause. ``rerunnable``: a later attempt may run the act again
    after it died, because it writes to a fresh name or is idempotent. ``mends``: the act repairs the result of an
    earlier phase; it is skipped if no time has passed since then. ``undo`` says, for a reader, what undoes the act.
    """

    id: str
    host: str
    title: str
    act: Act
    requires: Probe | None = None
    done_if: Probe | None = None
    rerunnable: bool = False
    mends: bool = False
    undo: str = ""

    @property
    def name(self) -> str:
        """The part of the id before the host: the name of the step's folder on its host."""
        return self.id.split("/", 1)[0]


class Order(StrEnum):
    PARALLEL = "parallel"  # all hosts at once; the steps of one host one after another
    STAGGERED = "staggered"  # host by host, each when the former is done, has failed or takes long
    SEQUENCE = "sequence"  # host by host, in the order of the steps
    ROLLING = "rolling"  # batch by batch, within a budget of failures


class PhaseName(StrEnum):
    CLAIM = "claim"
    SAFEGUARD = "safeguard"
    STAGE = "stage"
    RESOLVE = "resolve"
    STOP = "stop"
    DOWN = "down"
    KEEP = "keep"
    COMMIT = "commit"
    VOLUMES = "volumes"
    START = "start"
    API = "api"
    WORKERS = "workers"
    RELEASE = "release"


class Phase(Frozen):
    """Steps, then a barrier. The barrier opens when every master is seen to be done.

    ``requires`` is the result of earlier phases. It is asked before the first step, like a step's own ``requires``.
    """

    name: PhaseName
    title: str
    steps: tuple[Step, ...] = ()
    order: Order = Order.PARALLEL
    batch: int = 1
    max_failures: int = 0
    requires: Probe | None = None
    barrier: Probe | None = None
    destructive: bool = False
    note: str = ""


class MasterFacts(Frozen):
    """The facts of one master that the plan depends on. If one of them changes, a saved plan is stale."""

    host: str
    member: str
    peer_url: str
    initial_cluster: dict[str, str]
    token: str
    data: str
    manifest_sha256: str
    units_sha256: str
    etcd_version: str = ""
    cluster_id: str = ""


class Estimate(Frozen):
    """Bytes over the laptop's link, bytes kept on the hosts, seconds of outage, and seconds in total."""

    upload_bytes: int
    kept_bytes: int
    outage_s: int
    total_s: int


class Plan(Frozen):
    """All that a run will do, as data. A run carries out this and nothing else.

    ``undoes`` is the run that this plan undoes or finishes. ``volumes`` are in the snapshot. ``token`` is the cluster
    token of the manual strategy, ``bump`` its revision bump, if there is one. ``relay`` says how masters can send files
    to each other, if that was examined. ``rejoin`` tells the operator how a left-out master joins again."""

    format: int = PLAN_FORMAT
    kind: PlanKind
    undoes: str = ""
    strategy: StrategyName = "aided"
    token: str = ""
    tool: ToolFile | None = None
    bump: Bump | None = None
    relay: Relay | None = None
    rejoin: str = ""
    run: str
    made_at_utc: str
    tool_version: str
    inventory: Inventory
    snapshot: SnapshotFacts | None = None
    snapshot_path: str = ""
    inventory_path: str = ""
    facts: tuple[MasterFacts, ...] = ()
    overrides: tuple[str, ...] = ()
    host_keys: dict[str, str] = Field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    lost: tuple[str, ...] = ()
    cost: Cost | None = None
    volumes: tuple[Volume, ...] = ()
    estimate: Estimate
    files: dict[str, str]
    phases: tuple[Phase, ...]

    @property
    def sha256(self) -> str:
        """The plan's name: the sha256 of its canonical JSON."""
        return hashlib.sha256(canonical_json(self).encode()).hexdigest()

    @property
    def masters(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.inventory.masters)

    @property
    def predicted_ids(self) -> ClusterIds:
        """The ids after a restore with the masters' peer URLs and this run's cluster token, or the manifests' token."""
        peers = {name: url for fact in self.facts for name, url in fact.initial_cluster.items()}
        peers |= {fact.member: fact.peer_url for fact in self.facts}
        token = self.token or next((fact.token for fact in self.facts), "")
        return predict_ids({name: (url,) for name, url in peers.items()}, token)

    @property
    def restored(self) -> Restored | None:
        """What every member shows after the restore; None for a plan without a snapshot."""
        if self.snapshot is None:
            return None
        return restored_from(self.snapshot, self.bump)

    def phase(self, name: PhaseName) -> Phase | None:
        return next((phase for phase in self.phases if phase.name is name), None)

    def command(self, call: Exec | Script | Hook) -> Command:
        """The command of a call of this plan."""
        if isinstance(call, Script):
            return call.command(self.files[call.file])
        argv = call.command_line if isinstance(call, Hook) else call.argv
        return Command(argv, timeout_s=call.timeout_s, lets_go=call.lets_go)


def canonical_json(model: BaseModel) -> str:
    """JSON with sorted keys and no spaces, the same for equal values on every machine."""
    value: Any = model.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class ToolFile(Frozen):
    """The operator's own etcdutl, a file on the laptop that makes the plan. ``version`` is empty if it does not run
    there."""

    path: str
    sha256: str
    size_bytes: int
    version: str = ""
