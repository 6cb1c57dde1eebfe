"""The plan of a restore: a pure function from what was declared and observed to phases of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.hostsfile import missing_names, peer_names, removable
from orchestrator.core.hosts.questions import client_values, peer_values
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.plan import (
    Exec,
    Judge,
    Look,
    Order,
    Phase,
    PhaseName,
    Probe,
    Script,
    Step,
    StrategyName,
    ToolFile,
)
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.aided import Aided
from orchestrator.core.plans.manual import Manual
from orchestrator.core.plans.master import ApiHost, Master, api_hosts_of, masters_of
from orchestrator.core.plans.resolve import resolve_phase
from orchestrator.core.plans.safeguard import safeguard_phase
from orchestrator.core.plans.services import Services, api_host_steps
from orchestrator.core.plans.steps import (
    all_of,
    call_step,
    claim_phase,
    folder_of,
    is_set_aside,
    joined,
    look,
    make_phase,
    release_step,
    script_step,
)
from orchestrator.core.plans.strategy import Strategy
from orchestrator.core.plans.volumes import Occasion, volumes_phase
from orchestrator.core.plans.workers import workers_phase
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.core.transfer.chains import LAPTOP
from orchestrator.core.transfer.relay import Relay, relay_note
from orchestrator.etcd.details import Bump
from orchestrator.etcd.snapshot import SnapshotFacts


def strategy_of(
    name: StrategyName,
    snapshot: SnapshotFacts,
    masters: Sequence[Master],
    distro: Distro,
    run: str,
    tool: ToolFile | None = None,
    origin: OnHost | None = None,
    bump: Bump | None = None,
) -> Strategy:
    """The strategy of that name, for a restore of these masters."""
    if name == "manual":
        return Manual(snapshot, masters, run, tool, origin, bump)
    return Aided(snapshot, distro, origin)


def origin_note(origin: OnHost) -> str:
    """A note on what a snapshot on a master means for the laptop's link."""
    return f"the snapshot is on {origin.host}, which copies it locally; the laptop read it once to make this plan"


@dataclass(frozen=True, slots=True)
class Restore:
    """Plans one restore. All inputs and results are values."""

    inventory: Inventory
    views: Mapping[str, MasterView]
    distro: Distro
    strategy: Strategy
    run: str
    laptop: str
    relay: Relay | None = None

    def phases(self) -> tuple[Phase, ...]:
        """All phases, in the order of ``core.runs.phases``. If staging needs the peers' names, resolve precedes it."""
        resolve = resolve_phase(self.masters, self.views)
        ready = (resolve, self._stage()) if self.strategy.resolves_first else (self._stage(), resolve)
        return (
            claim_phase(self.masters, self.laptop),
            safeguard_phase(self.masters, self.distro),
            *ready,
            *self.from_stop(),
        )

    def from_stop(self) -> tuple[Phase, ...]:
        """The phases from stop on, which an undo has, too."""
        return (
            self._stop(),
            self._down(),
            self._keep(),
            self._commit(),
            self._volumes(),
            self._start(),
            self._api(),
            workers_phase(self.inventory, self.views, self.distro, self.run),
            self._release(),
        )

    @property
    def masters(self) -> tuple[Master, ...]:
        return masters_of(self.inventory, self.views, self.run)

    @property
    def api_hosts(self) -> tuple[ApiHost, ...]:
        return api_hosts_of(self.inventory, self.views)

    @property
    def machines(self) -> tuple[Master | ApiHost, ...]:
        """All hosts that are stopped and held."""
        return (*self.masters, *self.api_hosts)

    @property
    def services(self) -> Services:
        return Services(self.distro, self.run, self.inventory.policies.stop_timeout)

    def _stage(self) -> Phase:
        steps = tuple(step for master in self.masters for step in self.strategy.stage(master))
        return make_phase(
            PhaseName.STAGE,
            steps,
            title=self._title(PhaseName.STAGE),
            barrier=all_of(self.masters, self.strategy.staged),
            note=self._way_there(),
        )

    def _way_there(self) -> str:
        """How the snapshot is transferred to the masters, in words."""
        origin = self.strategy.origin
        notes = [origin_note(origin)] if origin else []
        if self.relay:
            names = [master.name for master in self.masters]
            notes.append(relay_note(self.relay, names, origin.host if origin else LAPTOP))
        return "; ".join(note for note in notes if note)

    def _title(self, name: PhaseName) -> str:
        return self.strategy.titles.get(name, "")

    def _stop(self) -> Phase:
        steps = tuple(step for machine in self.machines for step in self.services.stop_steps(machine))
        return make_phase(PhaseName.STOP, steps, barrier=self.services.all_quiet(self.machines))

    def _down(self) -> Phase:
        together = len(self.masters) > 1
        steps = [step for machine in self.machines for step in self.services.down_steps(machine, together=together)]
        return make_phase(PhaseName.DOWN, tuple(steps), barrier=self.services.all_down(self.machines))

    def _keep(self) -> Phase:
        return make_phase(
            PhaseName.KEEP,
            tuple(self.strategy.keep(master) for master in self.masters),
            requires=all_of(self.machines, self.services.held),
            barrier=all_of(self.masters, is_set_aside),
        )

    def _commit(self) -> Phase:
        return make_phase(
            PhaseName.COMMIT,
            title=self._title(PhaseName.COMMIT),
            steps=tuple(step for master in self.masters for step in self.strategy.commit(master)),
            requires=all_of(self.machines, self.services.held),
            barrier=joined(all_of(self.masters, self.strategy.in_place), all_of(self.machines, self.services.is_down)),
        )

    def _volumes(self) -> Phase:
        occasion = Occasion("restore", self.run, self.inventory.cluster, self.strategy.snapshot)
        held = all_of(self.machines, self.services.held)
        return volumes_phase(self.inventory.policies.volumes, self.masters, occasion, held)

    def _start(self) -> Phase:
        steps = [step for master in self.masters for step in self._start_steps(master)]
        barrier = Probe(
            looks=tuple(
                Look(host=master.name, call=self._proof(master, master.etcd.client_url)) for master in self.masters
            ),
            judge=Judge.AGREE,
            wait_s=timeouts.PROVEN_WAIT_S,
            expect=self._expect,
        )
        order = Order.STAGGERED if self.distro.staggers else Order.PARALLEL
        return make_phase(PhaseName.START, tuple(steps), order=order, barrier=barrier)

    def _start_steps(self, master: Master) -> Iterable[Step]:
        yield script_step(
            StepName.START_LIFT,
            master,
            "lift the hold",
            requires=joined(all_of(self.masters, self.strategy.committed), all_of(self.machines, self._still_quiet)),
            rerunnable=True,
        )
        if admitted := self.distro.admit(master.host, master.view, self.run):
            yield call_step(StepName.START_ADMIT, master, "move etcd's manifest back", admitted)
        yield Step(
            id=f"{StepName.START_SERVICES}/{master.name}",
            host=master.name,
            title="start the member, and prove that it is restored",
            act=self._start_act(master),
            done_if=Probe(
                looks=(Look(host=master.name, call=self._proof(master, client_url="")),),
                judge=Judge.MEMBER,
                wait_s=timeouts.PROVEN_WAIT_S,
                expect=self._expect,
            ),
            rerunnable=True,
        )
        yield from self.strategy.proven(master)

    def _still_quiet(self, machine: Master | ApiHost) -> Script:
        """Whether nothing old is alive on it: an old API server would connect to the restored etcd."""
        apart = self.distro.start_api(machine.host, machine.view, self.run)
        name = StepName.API_START if apart else StepName.START_LIFT
        return self.services.quiet(machine, lifts=folder_of(machine, self.run, name))

    def _start_act(self, master: Master) -> Script:
        etcd, start = master.etcd, self.distro.start(master.host, master.view)
        values = {"revision": str(self.strategy.expected.revision), "command": start.argv, **peer_values(etcd)}
        return Script(file="start/services.sh", values=values, timeout_s=start.timeout_s, lets_go=True)

    @property
    def _expect(self) -> dict[str, str]:
        return self.strategy.expected.as_texts()

    def _proof(self, master: Master, client_url: str) -> Script:
        etcd = master.etcd
        values = peer_values(etcd) | client_values(etcd)
        where = {
            "state": master.state,
            "run": self.run,
            "data": etcd.data,
            "member": etcd.member_path,
            "revision": str(self.strategy.expected.revision),
            "starts": folder_of(master, self.run, StepName.START_SERVICES),
            "client_url": client_url,
        }
        return look("start/is_restored.sh", values | where)

    def _api(self) -> Phase:
        steps = [step for master in self.masters for step in self._api_steps(master)]
        steps += [step for host in self.api_hosts for step in api_host_steps(host, self.distro, self.run)]
        serving = [machine for machine in self.machines if machine.view.api.is_there]
        barrier = all_of(serving, self.services.ready, wait_s=timeouts.READY_WAIT_S) if serving else None
        started = any(step.name == StepName.API_START for step in steps)
        note = "" if started else "the agent starts them with etcd; this phase only waits"
        if not serving:
            note = "no API server found: start the API servers yourself, now that etcd is restored"
        return make_phase(PhaseName.API, tuple(steps), barrier=barrier, note=note)

    def _api_steps(self, master: Master) -> Iterable[Step]:
        # Once the API servers compact, no member can show its hash at the snapshot's revision any more. These markers
        # stand behind the proof's barrier: a run that is resumed later does not ask for that proof again.
        proven = "record that every member is proven to be restored"
        yield call_step(StepName.API_PROVEN, master, proven, Exec(argv=("true",)))
        if api := self.distro.start_api(master.host, master.view, self.run):
            yield call_step(StepName.API_START, master, "start the API server", api)

    def _release(self) -> Phase:
        names = peer_names({master.name: master.host for master in self.masters}, self.views)
        steps: list[Step] = []
        kept_blocks: list[str] = []
        for master in self.masters:
            missing = missing_names(master.view, names)
            if missing and removable(master.view, missing):
                steps.append(
                    script_step(
                        StepName.RELEASE_HOSTS,
                        master,
                        f"remove this run's lines from {master.host.paths.hosts}",
                        {"hosts": master.host.paths.hosts},
                        rerunnable=True,
                    )
                )
            elif missing:
                kept_blocks.append(master.name)
            steps += self.services.let_go(master)
            steps.append(release_step(master))
        steps += [step for host in self.api_hosts for step in self.services.let_go(host)]
        note = ""
        if kept_blocks:
            note = (
                f"the lines in the hosts file stay on {', '.join(kept_blocks)}: without them, peers may be unreachable"
            )
        return make_phase(PhaseName.RELEASE, tuple(steps), note=note)
