"""The plan of a restore: a pure function from what was declared and observed to phases of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.distro import Distro
from orchestrator.core.hostsfile import block_for, missing_names, peer_names, removable
from orchestrator.core.inventory import Inventory
from orchestrator.core.masters import MasterView
from orchestrator.core.model import (
    Exec,
    Judge,
    Look,
    Phase,
    PhaseName,
    Probe,
    Push,
    Script,
    Step,
)
from orchestrator.core.network import peer_address, port_of
from orchestrator.core.plans.master import (
    Master,
    all_of,
    claim_phase,
    look,
    make_phase,
    masters_of,
    one,
    plain,
    release_step,
    script_step,
)
from orchestrator.core.plans.safeguard import safeguard_phase
from orchestrator.core.plans.volumes import Occasion, volumes_phase
from orchestrator.core.plans.workers import workers_phase
from orchestrator.core.sockets import socket_pattern
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Restore:
    """Plans one aided restore. Everything it is given is a value; everything it returns is one, too."""

    inventory: Inventory
    snapshot: SnapshotFacts
    views: Mapping[str, MasterView]
    distro: Distro
    run: str
    laptop: str

    def phases(self) -> tuple[Phase, ...]:
        """All phases, in the order of ``core.phases``."""
        return (
            claim_phase(self.masters, self.laptop),
            safeguard_phase(self.masters, self.distro),
            self._stage(),
            self._resolve(),
            self._stop(),
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

    def _stage(self) -> Phase:
        steps = tuple(
            Step(
                id=f"stage.push/{master.name}",
                host=master.name,
                title="bring the snapshot",
                act=self._push(master),
                rerunnable=True,
                undo="remove the copy",
            )
            for master in self.masters
        )
        return make_phase(PhaseName.STAGE, steps, barrier=all_of(self.masters, self._staged))

    def _push(self, master: Master) -> Push:
        return Push(path=master.snapshot, sha256=self.snapshot.sha256, size_bytes=self.snapshot.size_bytes)

    def _staged(self, master: Master) -> Script:
        return look("same.sh", master.snapshot, self.snapshot.sha256, timeout_s=timeouts.HASH_S)

    def _resolve(self) -> Phase:
        names = peer_names({master.name: master.host for master in self.masters}, self.views)
        steps = tuple(
            script_step(
                "resolve.hosts",
                master,
                f"add {len(missing)} names to {master.host.paths.hosts}",
                "hosts.sh",
                "put",
                master.host.paths.hosts,
                block_for(missing),
                rerunnable=True,
                undo="remove the lines",
            )
            for master in self.masters
            if (missing := missing_names(master.view, names))
        )
        pairs = tuple(f"{name}={address}" for name, address in sorted(names.items()))
        barrier = all_of(self.masters, lambda _: look("resolves.sh", *pairs), wait_s=timeouts.RESOLVE_WAIT_S)
        note = "" if steps else "every master resolves every peer already"
        return make_phase(PhaseName.RESOLVE, steps, barrier=barrier, note=note)

    def _stop(self) -> Phase:
        steps = [step for master in self.masters for step in self._stop_steps(master)]
        barrier = all_of(self.masters, self._stopped, wait_s=timeouts.STOPPED_WAIT_S, dwell_s=timeouts.STOPPED_DWELL_S)
        return make_phase(PhaseName.STOP, tuple(steps), barrier=barrier)

    def _stop_steps(self, master: Master) -> Iterable[Step]:
        present = self._present(master)
        yield script_step(
            "stop.hold",
            master,
            "hold the services down, through reboots",
            "hold.sh",
            "set",
            master.host.paths.units,
            *present,
            rerunnable=True,
            undo="lift the hold",
        )
        for group in self.distro.units(master.host):
            if units := tuple(unit for unit in group if unit in present):
                yield Step(
                    id=f"stop.{plain(units[-1])}/{master.name}",
                    host=master.name,
                    title=f"stop {' and '.join(units)}",
                    act=Exec(argv=("systemctl", "stop", *units), timeout_s=timeouts.STOP_UNIT_S),
                    done_if=one(master, look("inactive.sh", *units)),
                    rerunnable=True,
                    undo="start it again",
                )

    def _present(self, master: Master) -> tuple[str, ...]:
        units = (unit for group in self.distro.units(master.host) for unit in group)
        return tuple(unit for unit in units if master.view.units.get(unit, "not-found") != "not-found")

    def _stopped(self, master: Master) -> Script:
        etcd = master.etcd
        addresses = frozenset((etcd.address, "127.0.0.1", peer_address(master.host, master.view)))
        ports = (port_of(etcd.peer_url), port_of(etcd.client_url), master.view.api_port)
        return look("stopped.sh", etcd.member_path, socket_pattern(addresses, ports), *self._present(master))

    def _held(self, master: Master) -> Script:
        return look("held.sh", master.state, self.run, master.host.paths.units, *self._present(master))

    def _keep(self) -> Phase:
        steps = tuple(
            script_step(
                "keep.copy",
                master,
                f"set the old data aside, in {master.kept}, with a copy in its place",
                "keep.sh",
                master.etcd.member_path,
                master.kept,
                timeout_s=timeouts.COPY_S,
                rerunnable=True,
                undo="put it back",
            )
            for master in self.masters
        )
        return make_phase(
            PhaseName.KEEP,
            steps,
            requires=all_of(self.masters, self._held),
            barrier=all_of(self.masters, lambda master: look("kept.sh", master.state, self.run, master.kept)),
        )

    def _commit(self) -> Phase:
        return make_phase(
            PhaseName.COMMIT,
            tuple(step for master in self.masters for step in self._commit_steps(master)),
            requires=all_of(self.masters, self._held),
            barrier=all_of(self.masters, self._scheduled),
        )

    def _commit_steps(self, master: Master) -> Iterable[Step]:
        yield Step(
            id=f"commit.mend/{master.name}",
            host=master.name,
            title="bring the snapshot anew, if the copy is damaged by now",
            act=self._push(master),
            done_if=one(master, self._staged(master)),
            rerunnable=True,
            mends=True,
            undo="remove the copy",
        )
        yield Step(
            id=f"commit.schedule/{master.name}",
            host=master.name,
            title="schedule the restore for the next start",
            act=self.distro.schedule(master.host, master.view, master.snapshot, self.snapshot.sha256),
            done_if=one(master, self._scheduled(master)),  # a power cut may have taken the file since
            rerunnable=True,
            undo="rename restore.db away",
        )

    def _scheduled(self, master: Master) -> Script:
        return look("same.sh", f"{master.etcd.data}/restore.db", self.snapshot.sha256, timeout_s=timeouts.HASH_S)

    def _committed(self, master: Master) -> Script:
        path = f"{master.etcd.data}/restore.db"
        return look("committed.sh", master.state, self.run, path, self.snapshot.sha256, timeout_s=timeouts.HASH_S)

    def _volumes(self) -> Phase:
        occasion = Occasion("restore", self.run, self.inventory.cluster, self.snapshot)
        held = all_of(self.masters, self._held)
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
        return make_phase(PhaseName.START, tuple(steps), barrier=barrier)

    def _start_steps(self, master: Master) -> Iterable[Step]:
        yield script_step(
            "start.lift",
            master,
            "lift the hold",
            "hold.sh",
            "lift",
            master.host.paths.units,
            requires=all_of(self.masters, self._committed),
            rerunnable=True,
        )
        yield Step(
            id=f"start.services/{master.name}",
            host=master.name,
            title="start, and wait until this member is proven to be restored",
            act=self._start_act(master),
            done_if=Probe(
                looks=(Look(host=master.name, call=self._proof(master, client_url="")),),
                judge=Judge.MEMBER,
                wait_s=timeouts.PROVEN_WAIT_S,
                expect=self._expect,
            ),
            rerunnable=True,
        )
        yield script_step(
            "start.disarm",
            master,
            "rename restore.db, if it was left behind",
            "disarm.sh",
            master.etcd.data,
            master.etcd.peer_url,
            master.etcd.address,
            *master.certificates[:3],
            rerunnable=True,
        )

    def _start_act(self, master: Master) -> Script:
        etcd, start = master.etcd, self.distro.start(master.host)
        where = (str(self.snapshot.revision), etcd.peer_url, etcd.address, *master.certificates[:3])
        return Script(file="start.sh", args=(*where, *start.argv), timeout_s=start.timeout_s, lets_go=True)

    @property
    def _expect(self) -> dict[str, str]:
        return {
            "revision": str(self.snapshot.revision),
            "compacted_revision": str(self.snapshot.compacted_revision),
            "hash_kv": str(self.snapshot.hash_kv),
        }

    def _proof(self, master: Master, client_url: str) -> Script:
        etcd = master.etcd
        return look(
            "proof.sh",
            master.state,
            self.run,
            etcd.data,
            etcd.member_path,
            str(self.snapshot.revision),
            etcd.peer_url,
            client_url,
            etcd.address,
            *master.certificates,
        )

    def _api(self) -> Phase:
        def ready(master: Master) -> Script:
            addresses = dict.fromkeys(("127.0.0.1", peer_address(master.host, master.view)))
            return look("ready.sh", str(master.view.api_port), *addresses)

        # Once the API servers compact, no member can show its hash at the snapshot's revision any more. These markers
        # stand behind the proof's barrier: a run that is resumed later does not ask for that proof again.
        steps = tuple(
            Step(
                id=f"api.proven/{master.name}",
                host=master.name,
                title="write down that every member is proven to be restored",
                act=Exec(argv=("true",)),
                rerunnable=True,
            )
            for master in self.masters
        )
        barrier = all_of(self.masters, ready, wait_s=timeouts.READY_WAIT_S)
        note = "the agent starts them with etcd: only waited for"
        return make_phase(PhaseName.API, steps, barrier=barrier, note=note)

    def _release(self) -> Phase:
        names = peer_names({master.name: master.host for master in self.masters}, self.views)
        steps: list[Step] = []
        kept_blocks: list[str] = []
        for master in self.masters:
            missing = missing_names(master.view, names)
            if missing and removable(master.view, missing):
                steps.append(
                    script_step(
                        "release.hosts",
                        master,
                        f"remove our lines from {master.host.paths.hosts}",
                        "hosts.sh",
                        "remove",
                        master.host.paths.hosts,
                        rerunnable=True,
                    )
                )
            elif missing:
                kept_blocks.append(master.name)
            units = self._present(master)
            steps.append(
                script_step(
                    "release.hold",
                    master,
                    "remove the drop-ins",
                    "hold.sh",
                    "clear",
                    master.host.paths.units,
                    *units,
                    rerunnable=True,
                )
            )
            steps.append(release_step(master))
        note = ""
        if kept_blocks:
            note = (
                f"the lines in the hosts file stay on {', '.join(kept_blocks)}: nothing shows peers are reached without"
            )
        return make_phase(PhaseName.RELEASE, tuple(steps), note=note)
