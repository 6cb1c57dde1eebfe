"""The API servers are asked again until nothing is wrong any more, or until the time is up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import cast

from orchestrator.adapters.clock import SystemClock
from orchestrator.app.cluster import Cluster
from orchestrator.app.served import ask_api_servers
from orchestrator.core.model.outcome import Command, Failure, Output
from orchestrator.core.proof.api_answers import ApiAnswers
from orchestrator.distros import KUBLR
from orchestrator.ports import Remote, Reporter
from tests.facts_text import facts_text
from tests.unit.builders import inventory, plan, scripts

SILENT = Output(None, failure=Failure.UNREACHABLE, detail="no route")


@dataclass
class Waking:
    """A host whose Node becomes Ready at the third question."""

    ready_at: int = 3
    asked: int = 0

    async def look(self, command: Command) -> Output:
        assert command.argv[0] == "observe/api.sh"
        self.asked += 1
        status = "Ready" if self.asked >= self.ready_at else "NotReady"
        columns = [{"name": "Name"}, {"name": "Status"}]
        nodes = json.dumps({"columnDefinitions": columns, "rows": [{"cells": ["master-1", status]}]})
        return Output(0, facts_text({"readyz": "ok", "nodes": f"{nodes}\n200", "renewed": "master-1\n"}).encode())


@dataclass
class Clock:
    """Time passes only by sleeping."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Quiet:
    def note(self, _: str) -> None:
        """Says nothing."""


@dataclass
class Fakes:
    host: Waking = field(default_factory=Waking)
    clock: Clock = field(default_factory=Clock)

    def ask(self, wait_s: float) -> tuple[ApiAnswers, ...]:
        opened: dict[str, Remote | Output] = {"master-1": cast(Remote, self.host), "master-2": SILENT}
        cluster = Cluster(
            inventory=inventory(),
            distro=KUBLR,
            scripts=scripts(),
            opened=opened,
            clock=cast(SystemClock, self.clock),
            reporter=cast(Reporter, Quiet()),
        )
        return asyncio.run(ask_api_servers(cluster, plan(), {}, wait_s))


def test_a_node_that_is_not_ready_yet_is_waited_for() -> None:
    fakes = Fakes()
    found, silent = fakes.ask(60)
    assert found.nodes == {"master-1": "Ready"}
    assert fakes.host.asked == 3
    assert silent == ApiAnswers(host="master-2", unasked="the look failed: no route")


def test_waiting_ends() -> None:
    fakes = Fakes(Waking(ready_at=1000))
    assert fakes.ask(10)[0].nodes == {"master-1": "NotReady"}
    assert fakes.host.asked == 6
    assert fakes.clock.now == 10


def test_a_run_that_failed_anyway_asks_once() -> None:
    fakes = Fakes(Waking(ready_at=1000))
    fakes.ask(0)
    assert fakes.host.asked == 1
