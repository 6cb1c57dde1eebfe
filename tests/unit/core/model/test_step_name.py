"""Names of steps: what can be told from a name alone, and that every plan uses names of the list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.model.plan import PhaseName, StrategyName
from orchestrator.core.model.step_name import StepName, part_of, phase_of, step_name
from tests.unit.builders import altered, masters, plan

PLANS = Path(__file__).parents[4] / "orchestrator" / "core" / "plans"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("stop.hold", StepName.STOP_HOLD),
        ("down.unit.docker.socket", StepName.DOWN_UNIT),
        ("release.remove.3", StepName.RELEASE_REMOVE),
        ("volumes.hook.begun", StepName.VOLUMES_HOOK),
        ("commit.set-timer", StepName.COMMIT_SET_TIMER),
        ("stop.kublr", None),
        ("stop", None),
        ("", None),
    ],
)
def test_name_is_read_without_its_part(text: str, name: StepName | None) -> None:
    assert step_name(text) is name


def test_part_names_one_of_several_steps() -> None:
    name = part_of(StepName.DOWN_UNIT, "docker.socket")
    assert (name, step_name(name)) == ("down.unit.docker.socket", StepName.DOWN_UNIT)


def test_phase_is_known_even_for_unknown_verb() -> None:
    assert (phase_of("stop.something"), phase_of("stopped.unit")) == (PhaseName.STOP, None)


def test_every_name_has_a_phase() -> None:
    assert all(phase_of(name) for name in StepName)


def test_hold_alone_starts_no_outage() -> None:
    outage = {name for name in StepName if name.starts_outage}
    assert outage == {name for name in StepName if name.startswith(("stop.", "down."))} - {StepName.STOP_HOLD}


@pytest.mark.parametrize("strategy", ["aided", "manual"])
def test_every_step_of_plan_has_name_of_list(strategy: StrategyName) -> None:
    tool = Tool(ToolPlace.HOST, "/usr/local/bin/etcdutl", "3.5.21")
    made = plan(views={name: altered(view, tools=(tool,)) for name, view in masters().items()}, strategy=strategy)
    assert [step.id for phase in made.phases for step in phase.steps if step_name(step.name) is None] == []


def test_plans_spell_no_name_of_step() -> None:
    names = re.compile(rf"[\"'/](?:{'|'.join(phase for phase in PhaseName)})\.(?!sh\b)[a-z]")
    found = [
        f"{path.name}: {line.strip()}"
        for path in PLANS.rglob("*.py")
        for line in path.read_text().splitlines()
        if names.search(line)
    ]
    assert found == []
