"""Whole plans: data that is the same on every machine, and readable as golden files."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.inventory.declared import Restart, Volumes
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.plan import (
    Exec,
    Order,
    Phase,
    PhaseName,
    Plan,
    Push,
    Script,
    StrategyName,
    canonical_json,
)
from orchestrator.core.plans.master import masters_of
from orchestrator.core.plans.restore import Restore, strategy_of
from orchestrator.core.plans.steps import script_of
from orchestrator.core.plans.summary import estimate, facts_of, lost
from orchestrator.core.plans.workers import restart_workers
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.distros import DISTROS, KUBLR
from tests.unit.builders import LAPTOP, REVISION, RUN, altered, inventory, masters, plan, scripts, snapshot_facts

GOLDEN = Path(__file__).parent / "golden"


def phase_of(made: Plan, name: PhaseName) -> Phase:
    phase = made.phase(name)
    assert phase is not None
    return phase


# --- Golden files ---------------------------------------------------------------------------------------


def golden_plan(count: int) -> Plan:
    """1: no workers. 3: nothing answers, names do not resolve. 5: a quorum answers, and the operator overrides it."""
    workers = {1: 0, 3: 2, 5: 4}[count]
    volumes = Volumes.PAUSE if count == 3 else Volumes.NONE
    cluster = inventory(count, workers, volumes=volumes, batch="50%")
    views = masters(count, resolving=count != 3, quorum=count == 5)
    return plan(cluster, views, overrides=frozenset(("quorum-healthy",)) if count == 5 else frozenset())


def readable(made: Plan) -> str:
    """The plan as sorted JSON without values that are the default, what fits on a line in one; of its files only the
    names: the texts lie in `templates`."""
    value: dict[str, Any] = made.model_dump(mode="json", exclude_defaults=True)
    value["files"] = sorted(value["files"])
    return _folded(value, "") + "\n"


def _folded(value: Any, indent: str) -> str:
    """JSON with a value on one line where it fits into 120 columns, else with one line per element."""
    line = json.dumps(value, sort_keys=True)
    if len(indent) + len(line) <= 118 or not isinstance(value, dict | list):
        return line
    deeper = indent + " "
    if isinstance(value, list):
        return "[\n" + ",\n".join(deeper + _folded(element, deeper) for element in value) + f"\n{indent}]"
    pairs = (f"{deeper}{json.dumps(name)}: {_folded(element, deeper)}" for name, element in sorted(value.items()))
    return "{\n" + ",\n".join(pairs) + f"\n{indent}}}"


@pytest.mark.parametrize("count", [1, 3, 5])
def test_whole_plans(count: int) -> None:
    """To accept a change: `UPDATE_GOLDEN=1 pytest tests/unit/core/test_plan.py`, then read the difference."""
    path = GOLDEN / f"plan-{count}.json"
    now = readable(golden_plan(count))
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8")


# --- Data -----------------------------------------------------------------------------------------------


def test_a_plan_survives_being_written_and_read() -> None:
    made = plan()
    again = Plan.model_validate_json(canonical_json(made))
    assert again == made
    assert again.sha256 == made.sha256


def test_a_plan_is_named_by_all_that_it_says() -> None:
    made = plan()
    assert plan().sha256 == made.sha256
    names = {
        made.sha256,
        made.model_copy(update={"run": "another"}).sha256,
        made.model_copy(update={"files": made.files | {"stop/hold.sh": "exit 0"}}).sha256,
        made.model_copy(update={"phases": made.phases[:-1]}).sha256,
    }
    assert len(names) == 4


def test_canonical_json_does_not_depend_on_the_order_of_making() -> None:
    made = plan()
    turned = made.model_copy(update={"files": dict(reversed(made.files.items()))})
    assert list(turned.files) != list(made.files)
    assert canonical_json(turned) == canonical_json(made)
    assert canonical_json(made).isascii()


def test_the_schema_fits_every_plan() -> None:
    schema = Plan.model_json_schema()
    validator = jsonschema.Draft202012Validator(schema)
    for made in (golden_plan(1), golden_plan(3), golden_plan(5)):
        validator.validate(json.loads(canonical_json(made)))
    spoiled = json.loads(canonical_json(plan())) | {"surprise": 1}
    assert not validator.is_valid(spoiled)
    with pytest.raises(ValueError, match="surprise"):
        Plan.model_validate_json(json.dumps(spoiled))


# --- What every plan must hold --------------------------------------------------------------------------

PLANS = [golden_plan(1), golden_plan(3), golden_plan(5)]


@pytest.mark.parametrize("made", PLANS, ids=["1", "3", "5"])
def test_steps_have_their_own_names_and_known_hosts(made: Plan) -> None:
    steps = [step for phase in made.phases for step in phase.steps]
    assert len({step.id for step in steps}) == len(steps)
    for step in steps:
        assert step.id == f"{step.name}/{step.host}"
        made.inventory.host(step.host)


@pytest.mark.parametrize("made", PLANS, ids=["1", "3", "5"])
def test_every_call_finds_its_text(made: Plan) -> None:
    for phase in made.phases:
        probes = [phase.requires, phase.barrier, *(step.done_if for step in phase.steps)]
        calls = [look.call for probe in probes if probe for look in probe.looks]
        calls += [step.act for step in phase.steps if isinstance(step.act, Script | Exec)]
        for call in calls:
            command = made.command(call)
            assert bool(command.script) is isinstance(call, Script)
            assert command.timeout_s == call.timeout_s


@pytest.mark.parametrize("made", PLANS, ids=["1", "3", "5"])
def test_barriers_ask_every_master(made: Plan) -> None:
    for name in ("claim", "stage", "resolve", "stop", "down", "keep", "commit", "start", "api"):
        barrier = phase_of(made, PhaseName(name)).barrier
        assert barrier is not None
        times = 2 if name == "commit" else 1
        assert tuple(look.host for look in barrier.looks) == made.masters * times


@pytest.mark.parametrize("made", PLANS, ids=["1", "3", "5"])
def test_clients_of_etcd_end_on_all_masters_before_any_member_does(made: Plan) -> None:
    names = [phase.name for phase in made.phases]
    assert names.index(PhaseName.DOWN) == names.index(PhaseName.STOP) + 1
    stop, down = phase_of(made, PhaseName.STOP), phase_of(made, PhaseName.DOWN)
    assert [step.name for step in stop.steps if step.host == "master-1"][-1] == "stop.processes"
    assert [step.name for step in down.steps if step.host == "master-1"][-1] == "down.unit.docker"
    assert stop.barrier
    assert {look.call.file for look in stop.barrier.looks if isinstance(look.call, Script)} == {"stop/is_quiet.sh"}


@pytest.mark.parametrize("made", PLANS, ids=["1", "3", "5"])
def test_old_processes_are_looked_for_once_more_before_the_first_start(made: Plan) -> None:
    commit, start = phase_of(made, PhaseName.COMMIT), phase_of(made, PhaseName.START)
    assert commit.barrier
    last_look = {look.host for look in commit.barrier.looks if getattr(look.call, "file", "") == "down/is_down.sh"}
    assert last_look == set(made.masters)
    for lift in (step for step in start.steps if step.name == "start.lift"):
        assert lift.requires
        files = [look.call.file for look in lift.requires.looks if isinstance(look.call, Script)]
        assert files.count("stop/is_quiet.sh") == len(made.masters), "a resumed run looks again"


@pytest.mark.parametrize("made", PLANS, ids=["1", "3", "5"])
def test_nothing_touches_the_data_before_all_are_held(made: Plan) -> None:
    for name in (PhaseName.KEEP, PhaseName.COMMIT):
        requires = phase_of(made, name).requires
        assert requires is not None
        assert {look.host for look in requires.looks} == set(made.masters)
        assert {look.call.file for look in requires.looks if isinstance(look.call, Script)} == {"stop/is_held.sh"}


def test_a_claim_goes_host_by_host_in_one_order() -> None:
    cluster = inventory()
    turned = cluster.model_copy(update={"hosts": (*reversed(cluster.masters), *cluster.workers)})
    claim = phase_of(plan(turned), PhaseName.CLAIM)
    assert claim.order is Order.SEQUENCE
    assert [step.host for step in claim.steps] == ["master-1", "master-2", "master-3"]


def test_a_unit_that_is_not_there_is_not_stopped() -> None:
    views = masters()
    units = {name: state for name, state in views["master-1"].machine.units.items() if name != "docker.socket"}
    views["master-1"] = altered(views["master-1"], units=units)
    made = plan(views=views)
    stop, down = phase_of(made, PhaseName.STOP), phase_of(made, PhaseName.DOWN)
    assert _stopped(stop, "master-1") == [["kublr.service"], ["kublr-kubelet.service"]]
    assert _stopped(down, "master-1") == [["docker.service"]]
    assert _stopped(down, "master-2") == [["docker.socket", "docker.service"]]


def _stopped(stop: Phase, host: str) -> list[list[str]]:
    acts = [step.act for step in stop.steps if step.host == host]
    return [list(act.argv[2:]) for act in acts if isinstance(act, Exec)]


def test_old_data_on_its_own_filesystem_is_kept_inside() -> None:
    views = masters()
    views["master-1"] = altered(views["master-1"], keeps_beside=False)
    acts = [step.act for step in phase_of(plan(views=views), PhaseName.KEEP).steps]
    kept = [act.values["kept"] for act in acts if isinstance(act, Script)]
    assert kept == [f"/mnt/master-pd/etcd/.kr-{RUN}", *[f"/mnt/master-pd/etcd.kr-{RUN}"] * 2]


def test_a_safety_snapshot_of_the_member_that_is_furthest() -> None:
    safeguard = phase_of(golden_plan(5), PhaseName.SAFEGUARD)
    assert [step.id for step in safeguard.steps] == ["safeguard.take/master-1", "safeguard.copy/master-2"]
    copy = safeguard.steps[1].act
    assert isinstance(copy, Push)
    assert (copy.source_host, copy.sha256) == ("master-1", "")
    assert phase_of(golden_plan(1), PhaseName.SAFEGUARD).steps == ()


@pytest.mark.parametrize(("quorum", "removed"), [(True, 3), (False, 0)])
def test_the_hosts_file_is_cleaned_only_where_peers_are_reached_without(quorum: bool, removed: bool) -> None:
    overrides = frozenset(("quorum-healthy",))
    made = plan(views=masters(resolving=False, quorum=quorum), overrides=overrides)
    assert len(phase_of(made, PhaseName.RESOLVE).steps) == 3
    release = phase_of(made, PhaseName.RELEASE)
    assert sum(step.name == "release.hosts" for step in release.steps) == removed
    assert bool(release.note) is not quorum


# --- Workers --------------------------------------------------------------------------------------------


def workers_of(cluster: Inventory) -> Phase:
    return phase_of(plan(cluster), PhaseName.WORKERS)


@pytest.mark.parametrize(("batch", "size"), [(1, 1), (3, 3), ("25%", 2), ("1%", 1), ("100%", 10)])
def test_batches_of_workers(batch: int | str, size: int) -> None:
    phase = workers_of(inventory(workers=10, batch=batch))
    assert (phase.order, phase.batch, len(phase.steps)) == (Order.ROLLING, size, 10)


def test_workers_that_are_left_alone() -> None:
    assert workers_of(inventory(restart=Restart.NONE)).steps == ()
    assert "stale" in workers_of(inventory(restart=Restart.NONE)).note
    assert workers_of(inventory(workers=0)).note == "no workers in the inventory"


def test_a_worker_is_asked_itself_and_then_every_master() -> None:
    for restart, kind in ((Restart.REBOOT, "reboot"), (Restart.SERVICES, "script")):
        step = workers_of(inventory(restart=restart)).steps[0]
        assert step.act.kind == kind
        assert step.done_if is not None
        assert [look.host for look in step.done_if.looks] == ["worker-1", "master-1", "master-2", "master-3"]


def test_a_restart_of_the_workers_alone() -> None:
    phases = restart_workers(inventory(), masters(), KUBLR, RUN, LAPTOP)
    assert [phase.name.value for phase in phases] == ["claim", "workers", "release"]
    assert len(phases[1].steps) == 2


# --- What a plan says of itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["aided", "manual"])
def test_a_snapshot_on_a_master_is_copied_there_and_brought_from_there(strategy: StrategyName) -> None:
    origin = OnHost("master-2", "/var/backups/etcd.db")
    tool = Tool(ToolPlace.HOST, "/usr/bin/etcdutl", "3.5.16")
    views = {name: altered(view, tools=(tool,)) for name, view in masters(3).items()}
    made, usual = (plan(views=views, strategy=strategy, origin=it) for it in (origin, None))
    names = ("stage.copy", "stage.push", "commit.mend")
    steps = [step for phase in made.phases for step in phase.steps if step.name in names]
    for step in steps:
        if step.host == origin.host:
            assert isinstance(step.act, Script)
            assert step.name in ("stage.copy", "commit.mend")
            assert step.act.values["source"] == origin.path
        else:
            assert isinstance(step.act, Push)
            assert (step.act.source_host, step.act.source_path) == (origin.host, origin.path)
            assert step.act.sha256 == snapshot_facts().sha256
    assert {step.host for step in steps} == {"master-1", "master-2", "master-3"}
    assert made.estimate.upload_bytes * 3 == usual.estimate.upload_bytes * 2
    assert "read it once" in phase_of(made, PhaseName.STAGE).note
    assert made.snapshot_path == "master-2:/var/backups/etcd.db"


def test_a_log_that_lies_apart_moves_within_its_folder() -> None:
    tool = Tool(ToolPlace.HOST, "/usr/bin/etcdutl", "3.5.16")
    views = {name: altered(view, tools=(tool,)) for name, view in masters(3).items()}
    etcd = views["master-1"].member.config
    assert etcd
    views["master-1"] = altered(views["master-1"], config=replace(etcd, wal_dir="/wal"))
    steps = {step.id: step for phase in plan(views=views, strategy="manual").phases for step in phase.steps}
    keep, place = steps["keep.aside/master-1"], steps["commit.place/master-1"]
    assert keep.title.endswith(f"by a rename; its log, file by file, to /wal/.kr-{RUN}")
    assert isinstance(keep.act, Script) and isinstance(place.act, Script)
    wals = {"wal": "/wal", "staged_wal": f"/wal/.kr-{RUN}.staged"}
    assert (wals | {"kept_wal": f"/wal/.kr-{RUN}"}).items() <= keep.act.values.items()
    assert wals.items() <= place.act.values.items()
    other = steps["keep.aside/master-2"].act
    assert isinstance(other, Script) and not any(other.values[name] for name in ("wal", "kept_wal", "staged_wal"))


def test_what_is_lost() -> None:
    snapshot = snapshot_facts()
    assert "no member answers" in lost(snapshot, masters())[0]
    assert lost(snapshot, masters(quorum=True)) == (
        f"everything written after revision {REVISION}: 2809 revisions; the live cluster is at 51022",
    )
    newer = snapshot.model_copy(update={"revision": 60_000})
    assert ": 0 revisions" in lost(newer, masters(quorum=True))[0]


def test_bytes_and_seconds() -> None:
    snapshot = snapshot_facts(size_bytes=400 << 20)
    cost = estimate(inventory(workers=0), snapshot, masters())
    assert cost.upload_bytes == 3 * (400 << 20)
    assert cost.kept_bytes == 3 * (520 << 20)
    # 30 s to restart; then a master writes 520 MiB of old data, the snapshot three times, two log segments: 100 MiB/s
    assert cost.outage_s == 30 + (520 + 3 * 400 + 122) // 100
    assert cost.total_s == 3 * (400 << 20) // 6_250_000 + cost.outage_s + 30


@pytest.mark.parametrize(
    ("restart", "batch", "seconds"),
    [(Restart.REBOOT, 1, 600), (Restart.REBOOT, 2, 360), (Restart.SERVICES, 1, 150), (Restart.NONE, 1, 0)],
)
def test_seconds_for_workers(restart: Restart, batch: int, seconds: int) -> None:
    def total(workers: int) -> int:
        return estimate(inventory(workers=workers, restart=restart, batch=batch), snapshot_facts(), masters()).total_s

    assert total(5) - total(0) == seconds


def test_facts_that_a_plan_rests_on() -> None:
    (first, *_) = facts_of(inventory(), masters(quorum=True))
    assert (first.host, first.member, first.etcd_version, first.cluster_id) == (
        "master-1",
        "etcd0",
        "3.5.21",
        "cdf818194e3a8c32",
    )
    assert facts_of(inventory(), masters())[0].cluster_id == ""


def test_no_plan_carries_a_text_that_it_does_not_run() -> None:
    assert "observe/host.sh" in scripts()
    assert "observe/host.sh" not in plan().files


def test_each_step_runs_the_script_of_its_name() -> None:
    """Of both strategies, and of all distributions' static pods and units."""
    tool = (Tool(ToolPlace.HOST, "/usr/bin/etcdutl", "3.5.21"),)
    views = {name: altered(view, tools=tool, owner="0:0 700 ?") for name, view in masters(resolving=False).items()}
    cluster = inventory()
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    for distro in DISTROS.values():
        for strategy in ("aided", "manual") if distro.aided else ("manual",):
            way = strategy_of(strategy, snapshot_facts(), masters_of(cluster, views, RUN), distro, RUN)
            for phase in Restore(cluster, views, distro, way, RUN, LAPTOP).phases():
                for step in phase.steps:
                    if isinstance(step.act, Script):
                        seen.add(step.name)
                        wrong |= {step.id: step.act.file} if step.act.file != script_of(step.name) else {}
    assert wrong == {}
    assert {"stop.hold", "stop.pods", "keep.copy", "keep.aside", "commit.place", "start.services"} <= seen
