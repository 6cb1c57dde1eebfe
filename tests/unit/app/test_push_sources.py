"""Where a resumed run finds its snapshot when the file on this laptop is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from orchestrator.adapters.clock import SystemClock
from orchestrator.app.cluster import Cluster
from orchestrator.app.push_sources import Sources
from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.model.outcome import Command, Output
from orchestrator.core.model.plan import Plan, Push, StrategyName
from orchestrator.distros import KUBLR
from orchestrator.errors import UsageError
from orchestrator.ports import Remote, Reporter
from tests.unit import builders


@dataclass
class Master:
    """A host that has the run's snapshot, or does not have it."""

    has_it: bool
    asked: list[Command] = field(default_factory=list)

    async def look(self, command: Command) -> Output:
        self.asked.append(command)
        return Output(0 if self.has_it else 1)


def run_without_its_file(strategy: StrategyName) -> Plan:
    tool = Tool(ToolPlace.HOST, "/usr/bin/etcdutl", "3.5.16")
    views = {name: builders.altered(view, tools=(tool,)) for name, view in builders.masters(3).items()}
    plan = builders.plan(views=views, strategy=strategy)
    return plan.model_copy(update={"snapshot_path": "/gone/backup.db"})


def resumed(plan: Plan, masters: dict[str, Master]) -> Sources:
    cluster = Cluster(
        inventory=plan.inventory,
        distro=KUBLR,
        scripts=builders.scripts(),
        opened={name: cast(Remote, master) for name, master in masters.items()},
        clock=SystemClock(),
        reporter=cast(Reporter, None),
    )
    return Sources(cluster, plan, snapshot=None, is_first=False)


def push_of(plan: Plan) -> Push:
    assert plan.snapshot is not None
    return Push(path="/state/snapshot.db", sha256=plan.snapshot.sha256, size_bytes=plan.snapshot.size_bytes)


@pytest.mark.parametrize("strategy", ["aided", "manual"])
def test_missing_local_snapshot_comes_from_master_that_has_it(strategy: StrategyName) -> None:
    plan = run_without_its_file(strategy)
    masters = {name: Master(has_it=name == "master-2") for name in plan.masters}
    push = push_of(plan)
    source = asyncio.run(resumed(plan, masters).open(push))
    assert source.size_bytes == push.size_bytes
    assert [len(masters[name].asked) for name in ("master-1", "master-2", "master-3")] == [1, 1, 0]
    assert masters["master-2"].asked[0].values["sha256"] == push.sha256
    assert masters["master-2"].asked[0].values["path"].endswith(f"/{plan.run}/snapshot.db")


@pytest.mark.parametrize("strategy", ["aided", "manual"])
def test_missing_local_snapshot_on_no_master_is_refused(strategy: StrategyName) -> None:
    plan = run_without_its_file(strategy)
    masters = {name: Master(has_it=False) for name in plan.masters}
    with pytest.raises(
        UsageError, match="neither on this laptop nor intact on a master: resume with `--snapshot FILE`"
    ):
        asyncio.run(resumed(plan, masters).open(push_of(plan)))
