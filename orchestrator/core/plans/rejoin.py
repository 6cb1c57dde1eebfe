"""Rejoins a failed member without a vendor's agent: remove it, set its data aside, add it, start it. Pure.

Its own configuration is not changed. Most configurations say `--initial-cluster-state=new`, or name only the members
of the day it joined. With an empty folder such a member would create a cluster of its own, and its API server would
serve that. So a separate process of etcd joins first, while the service is held down. After that there is a log, and
etcd ignores those settings if there is a log (etcd 3.5, server/etcdserver/bootstrap.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.network import peer_address
from orchestrator.core.hosts.questions import client_values, peer_values
from orchestrator.core.hosts.view import owner_of
from orchestrator.core.model.plan import Exec, Order, Phase, PhaseName, Probe, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.services import Services
from orchestrator.core.plans.steps import all_of, call_step, is_set_aside, make_phase, one, script_step


@dataclass(frozen=True, slots=True)
class Rejoin:
    """Plans the rejoin of ``failed``. The first of the ``others`` is asked to remove and to add it."""

    failed: Master
    others: tuple[Master, ...]
    distro: Distro
    stop_timeout_s: int

    @property
    def services(self) -> Services:
        return Services(self.distro, self.failed.run, self.stop_timeout_s)

    def before(self) -> tuple[Phase, ...]:
        """The phases until the member has the others' data; its service is still held down."""
        return self._stage(), self._stop(), self._down(), self._keep(), self._commit()

    def start(self, equal: Probe) -> Phase:
        """The phase that starts the member with its own configuration. ``equal``: all members agree."""
        failed = self.failed
        steps = [
            script_step(
                StepName.START_LIFT,
                failed,
                "lift the hold",
                requires=self._marked(failed, "joined"),
                rerunnable=True,
            )
        ]
        if admitted := self.distro.admit(failed.host, failed.view, failed.run):
            steps.append(call_step(StepName.START_ADMIT, failed, "move etcd's manifest back", admitted))
        start = self.distro.start(failed.host, failed.view)
        steps.append(call_step(StepName.START_SERVICES, failed, "start the member", start))
        return make_phase(
            PhaseName.START, tuple(steps), title="start the member, and prove that all members agree", barrier=equal
        )

    def api(self) -> tuple[Phase, ...]:
        """The phase of its API server, if it has one."""
        failed = self.failed
        if not failed.view.api.is_there:
            return ()
        api = self.distro.start_api(failed.host, failed.view, failed.run)
        steps = (call_step(StepName.API_START, failed, "start the API server", api),) if api else ()
        return (
            make_phase(
                PhaseName.API, steps, barrier=one(failed, self.services.ready(failed), wait_s=timeouts.READY_WAIT_S)
            ),
        )

    def let_go(self) -> Iterable[Step]:
        yield from self.services.let_go(self.failed)

    # --- the phases before the start --------------------------------------------------------------------

    def _stage(self) -> Phase:
        """Copies etcd's program out of the pod's image if it is not installed on the host."""
        etcd = self.failed.etcd
        if etcd.program:
            note = f"etcd's program is {etcd.program}"
            return make_phase(PhaseName.STAGE, (), title="find etcd's program", note=note)
        step = script_step(
            StepName.STAGE_ETCD,
            self.failed,
            f"copy etcd's program from the image {etcd.image}",
            {"image": etcd.image, "program": self.failed.program},
            timeout_s=timeouts.COPY_S,
            rerunnable=True,
            undo="remove the copy",
        )
        barrier = one(self.failed, Exec(argv=("test", "-x", self.failed.program)))
        return make_phase(PhaseName.STAGE, (step,), title="find etcd's program", barrier=barrier)

    def _stop(self) -> Phase:
        steps = tuple(self.services.stop_steps(self.failed))
        title = "stop that master's API server and controllers, and keep them down; the others keep serving"
        return make_phase(PhaseName.STOP, steps, title=title, barrier=self.services.all_quiet((self.failed,)))

    def _down(self) -> Phase:
        steps = tuple(self.services.down_steps(self.failed))
        title = "stop that master's etcd, and prove that nothing of its control plane is alive"
        return make_phase(PhaseName.DOWN, steps, title=title, barrier=self.services.all_down((self.failed,)))

    def _keep(self) -> Phase:
        failed = self.failed
        step = script_step(
            StepName.KEEP_ASIDE,
            failed,
            f"move the failed member's data to {failed.kept_words}",
            {
                "member": failed.etcd.member_path,
                "kept": failed.kept,
                "wal": failed.etcd.wal_dir,
                "kept_wal": failed.kept_wal,
            },
            rerunnable=True,
        )
        barrier = one(failed, is_set_aside(failed))
        return make_phase(PhaseName.KEEP, (step,), requires=self._held, barrier=barrier)

    def _commit(self) -> Phase:
        failed, asked = self.failed, self.others[0]
        rejoin = script_step(
            StepName.COMMIT_MEMBERS,
            asked,
            f"remove the member {failed.etcd.member} from the others, and add it as a new one",
            {
                "name": failed.etcd.member,
                "peer_url": failed.etcd.peer_url,
                "member": asked.etcd.member_path,
                **client_values(asked.etcd),
            },
            done_if=self._marked(asked, "members"),
            rerunnable=True,
        )
        join = script_step(
            StepName.COMMIT_JOIN,
            failed,
            "let it join and copy the others' data, with a temporary etcd outside the services",
            self._join_values(),
            timeout_s=timeouts.COPY_S,
            done_if=self._marked(failed, "joined"),
            rerunnable=True,
        )
        return Phase(
            name=PhaseName.COMMIT,
            title="remove the member, and let it rejoin the others",
            steps=(rejoin, join),
            order=Order.SEQUENCE,
            requires=self._held,
            destructive=True,
        )

    def _join_values(self) -> dict[str, str | tuple[str, ...]]:
        failed = self.failed
        etcd = failed.etcd
        newest = max(other.view.member.revision for other in self.others)
        others = (f"{other.etcd.peer_url}={peer_address(other.host, other.view)}" for other in self.others)
        return {
            **peer_values(etcd),
            "program": failed.program,
            "member": etcd.member_path,
            "wal": etcd.wal_dir,
            "staged_wal": failed.staged_wal,
            "owner": owner_of(failed.view, (other.view for other in self.others)),
            "name": etcd.member,
            "revision": str(newest),
            "others": " ".join(others),
            "flags": etcd.join_flags,
        }

    @property
    def _held(self) -> Probe:
        return one(self.failed, self.services.held(self.failed))

    @staticmethod
    def _marked(master: Master, name: str) -> Probe:
        """Asks whether the act that writes this marker has finished."""
        return all_of((master,), lambda it: Exec(argv=("test", "-e", f"{it.folder}/{name}")))
