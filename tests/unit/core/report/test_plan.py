"""The plan as people read it: whole texts at two widths, and what must be true of every one of them."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from orchestrator.adapters.screen.report import make_console, print_plan
from orchestrator.core.inventory.declared import HookPlace, Restart, Volumes, VolumesHook
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.model.plan import Judge, Plan, Reboot, Script
from orchestrator.core.plans.workers import workers_phase
from orchestrator.core.report.plan import NO_RETURN
from orchestrator.core.text import quoted
from orchestrator.distros import KUBLR
from orchestrator.etcd.volumes import Volume
from tests.unit import builders
from tests.unit.screens import Printed, assert_golden

NEXT = "orchestrator restore -i prod-1.yml --snapshot etcd.db"


@pytest.fixture
def whole_plan() -> Plan:
    """All phases have something to say: a quorum is overridden, names are missing, workers are rebooted."""
    return builders.plan(
        views=builders.masters(3, resolving=False, quorum=True), overrides=frozenset(("quorum-healthy",))
    )


@pytest.mark.parametrize("width", [80, 120])
def test_whole_text(printed: Printed, whole_plan: Plan, width: int) -> None:
    text = printed(print_plan, whole_plan, width=width, next_step=NEXT)
    # The plan's name changes with every script that it carries.
    assert_golden(f"plan-{width}.txt", text.replace(whole_plan.sha256[:12], "PLAN-SHA-256"))
    assert max(len(line) for line in text.splitlines()) <= width


def test_smallest_plan(printed: Printed) -> None:
    plan = builders.plan(builders.inventory(masters=1, workers=0, volumes=Volumes.PAUSE))
    text = printed(print_plan, plan)
    assert "Plan: 1 member to restore, 0 workers to restart, 412.0 MiB to send." in text
    assert "none in the inventory" in text
    assert "so that you can put them back" in " ".join(text.split())
    assert "What the checks found" not in text


def test_verbose_shows_every_command(printed: Printed, whole_plan: Plan) -> None:
    """What runs is what was shown: every argv of a step, a barrier or any other look."""
    shown = {line.partition(": ")[2] for line in printed(print_plan, whole_plan, verbose=1, width=100).splitlines()}
    for phase in whole_plan.phases:
        probes = [phase.requires, phase.barrier, *(step.done_if for step in phase.steps)]
        for look in (look for probe in probes if probe for look in probe.looks):
            assert quoted(whole_plan.command(look.call).words) in shown
        for step in phase.steps:
            if isinstance(step.act, Script):
                assert quoted(whole_plan.command(step.act).words) in shown
            elif isinstance(step.act, Reboot):
                assert quoted(step.act.argv) in shown


def test_verbose_says_where_a_command_runs(printed: Printed, whole_plan: Plan) -> None:
    text = printed(print_plan, whole_plan, verbose=1)
    assert "    run  all masters: systemctl stop kublr.service\n" in text
    assert "    run  master-1: safeguard/take.sh agent=/opt/kublr/bin/kublr\n" in text


def test_twice_verbose_shows_the_scripts(printed: Printed, whole_plan: Plan) -> None:
    once, twice = (printed(print_plan, whole_plan, verbose=number, width=200) for number in (1, 2))
    code = [line.rstrip() for text in whole_plan.files.values() for line in text.splitlines() if line.strip()]
    assert set(code) <= set(twice.splitlines())
    assert not set(code) <= set(once.splitlines())


def test_point_of_no_return_stands_before_the_first_start(printed: Printed, whole_plan: Plan) -> None:
    text = printed(print_plan, whole_plan)
    assert text.index("9/13 volumes") < text.index(NO_RETURN) < text.index("10/13 start")


def test_workers_alone(printed: Printed, whole_plan: Plan) -> None:
    cluster = builders.inventory(workers=3, restart=Restart.SERVICES, batch=2)
    phase = workers_phase(cluster, builders.masters(), KUBLR, builders.RUN)
    cost = whole_plan.estimate.model_copy(update={"upload_bytes": 0, "kept_bytes": 0, "outage_s": 0})
    plan = whole_plan.model_copy(
        update={
            "kind": "workers",
            "inventory": cluster,
            "snapshot": None,
            "lost": (),
            "phases": (phase,),
            "estimate": cost,
        }
    )
    text = printed(print_plan, plan)
    assert text.startswith("Restart the workers of prod-1\n")
    assert NO_RETURN not in text
    assert "2 hosts at a time; no more batches after a failure" in text
    assert "Plan: 3 workers to restart." in text


def test_old_data_is_found_where_each_master_keeps_it(printed: Printed) -> None:
    """A data volume of its own filesystem keeps the copy inside, others beside it."""
    views = builders.masters()
    views["master-2"] = builders.altered(views["master-2"], keeps_beside=False)
    text = printed(print_plan, builders.plan(views=views), width=200)
    beside = f"{builders.DATA}.kr-{builders.RUN} on master-1, master-3"
    assert f"{beside}; {builders.DATA}/.kr-{builders.RUN} on master-2" in text


def test_every_look_says_what_it_asks() -> None:
    plan = builders.plan(views=builders.masters(resolving=False))
    probes = [probe for phase in plan.phases for probe in (phase.requires, phase.barrier) if probe]
    calls = [look.call for probe in probes if probe.judge is Judge.EXIT for look in probe.looks]
    asked = {call.file: call.question for call in calls if isinstance(call, Script)}
    assert len(asked) >= 6
    assert all(asked.values()), asked


def test_hosts_own_words_cannot_drive_the_terminal(printed: Printed, whole_plan: Plan) -> None:
    finding = Finding(name="x", severity=Severity.WARN, what="bad \x1b[2J\x07 name\nand [red]more[/red]")
    text = printed(print_plan, whole_plan.model_copy(update={"findings": (finding,)}))
    assert "bad ?[2J? name and [red]more[/red]" in text
    assert "\x1b" not in text


def _on_terminal(monkeypatch: pytest.MonkeyPatch, plan: Plan, **environment: str) -> str:
    """What a terminal of 80 columns gets."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    console: Console = make_console(stream)
    console.width = 80
    print_plan(console, plan)
    return stream.getvalue()


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch, whole_plan: Plan) -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]")
    assert colour.search(_on_terminal(monkeypatch, whole_plan))
    assert not colour.search(_on_terminal(monkeypatch, whole_plan, NO_COLOR="1"))
    assert "\x1b" not in _on_terminal(monkeypatch, whole_plan, TERM="dumb")


def test_nothing_is_said_by_colour_alone(printed: Printed, monkeypatch: pytest.MonkeyPatch, whole_plan: Plan) -> None:
    plain = printed(print_plan, whole_plan)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", _on_terminal(monkeypatch, whole_plan))
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_long_names_are_never_cut(printed: Printed) -> None:
    """Two hosts that differ only at their ends must be told apart."""
    cluster = builders.inventory(workers=0)
    names = {host.name: f"ip-10-20-0-13.eu-west-1.compute.internal.{host.name}" for host in cluster.hosts}
    hosts = tuple(host.model_copy(update={"name": names[host.name]}) for host in cluster.hosts)
    views = {names[name]: view for name, view in builders.masters(quorum=True).items()}
    views = {name: replace(view, host=name) for name, view in views.items()}
    plan = builders.plan(cluster.model_copy(update={"hosts": hosts}), views, overrides=frozenset(("quorum-healthy",)))
    text = printed(print_plan, plan)
    row = text[text.index("2/13 safeguard") : text.index("3/13 stage")]
    column = "".join(line[2:26] for line in row.splitlines()[1:])
    assert names["master-1"] in column.replace(" ", "")


@pytest.mark.parametrize(("place", "where"), [(HookPlace.MASTERS, "all masters"), (HookPlace.LAPTOP, "this laptop")])
def test_a_hook_is_shown_with_all_that_it_is_told(printed: Printed, place: HookPlace, where: str) -> None:
    policy = VolumesHook(hook=("/opt/put", "all of it"), on=place, undo=("/opt/take",), timeout_s=60)
    plan = builders.plan(builders.inventory(volumes=policy))
    known = tuple(Volume(name=f"pv-{n}", storage_class="", driver="nfs", handle=f"a:/{n}", claim="") for n in range(12))
    plan = plan.model_copy(update={"volumes": known})
    text, verbose = printed(print_plan, plan, width=120), printed(print_plan, plan, verbose=1, width=120)
    phase = " ".join(text[text.index("9/13 volumes") : text.index(NO_RETURN)].split())
    assert f"{where} volumes.hook run /opt/put 'all of it'" in phase
    assert "ORCHESTRATOR_SNAPSHOT_SHA256" in phase
    assert phase.index("ORCHESTRATOR_FACTS is the path of a file with this whole plan") < phase.index(
        "rollback will run /opt/take"
    )
    words = " ".join(text.split())
    assert "the snapshot has 12 persistent volumes: pv-0 (nfs a:/0), pv-1 (nfs a:/1)" in words
    assert "pv-9 (nfs a:/9) and 2 more" in words
    assert (
        "master-1: " if place is HookPlace.MASTERS else "this laptop: "
    ) + "env ORCHESTRATOR_KIND=restore" in verbose


def test_a_hook_without_an_undo_says_who_takes_it_back(printed: Printed) -> None:
    policy = VolumesHook(hook=("/opt/put",), on=HookPlace.MASTERS)
    text = " ".join(printed(print_plan, builders.plan(builders.inventory(volumes=policy))).split())
    assert "An abort or a rollback will ask you to undo what the hook did" in text
