"""Whether a master that is to be left out in the middle of a run is lost, is asked of itself where it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

import pytest

from orchestrator.adapters.clock import SystemClock
from orchestrator.app.cluster import Cluster
from orchestrator.app.history import Known, know_run
from orchestrator.core.model.outcome import Command, Failure, Output
from orchestrator.core.model.plan import Plan, canonical_json
from orchestrator.core.plans.leave_out import leave_out
from orchestrator.distros import KUBLR
from orchestrator.errors import RefusedError
from orchestrator.ports import Remote, Reporter
from tests.facts_text import facts_text
from tests.unit.builders import RUN, inventory, plan, scripts
from tests.unit.distros.recordings import recorded

EMPTY = {"members_on_disk": "", "peer_version": "", "peer_members": ""}
SILENT = Output(None, failure=Failure.UNREACHABLE, detail="no route")


@dataclass(frozen=True)
class Recorded:
    """A host in the middle of a run: it answers every look with the same facts, and has the run's plan."""

    made: Plan
    changed: dict[str, str]

    async def look(self, command: Command) -> Output:
        facts = recorded("master") | {"run": RUN, "plan_sha256": f"{self.made.sha256}  plan.json"} | self.changed
        return Output(0, facts_text(facts).encode())

    async def read(self, path: str) -> AsyncIterator[bytes]:
        yield canonical_json(self.made).encode()


def known(*, made: Plan, changed: dict[str, str] | None) -> Known:
    """What a laptop knows that goes on without master-2. ``changed`` is None where that is silent."""
    opened: dict[str, Remote | Output] = {"master-2": SILENT}
    opened |= {
        host.name: cast(Remote, Recorded(made, {} if host.name != "master-2" else changed or {}))
        for host in inventory().hosts
        if host.name != "master-2" or changed is not None
    }
    cluster = Cluster(
        inventory=inventory().leave_out(["master-2"]),
        distro=KUBLR,
        scripts=scripts(),
        opened=opened,
        clock=SystemClock(),
        reporter=cast(Reporter, None),
    )
    return asyncio.run(know_run(cluster, RUN))


def test_one_that_answers_and_has_data_is_not_left_out() -> None:
    with pytest.raises(RefusedError, match="left-out: master-2: its member answers") as raised:
        known(made=plan(), changed={})
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("changed", [None, EMPTY], ids=["silent", "empty disk"])
def test_one_that_is_lost_is_left_out(changed: dict[str, str] | None) -> None:
    found = known(made=plan(), changed=changed)
    assert found.plan.masters == ("master-1", "master-3")
    assert [host.name for host in found.cluster.inventory.left_out] == ["master-2"]


def test_one_that_was_left_out_before_may_have_rejoined() -> None:
    assert known(made=leave_out(plan(), ["master-2"]), changed={}).plan.masters == ("master-1", "master-3")
