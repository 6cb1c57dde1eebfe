"""At most one run holds a host, whoever asks at the same moment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.model.outcome import ActRecord, ActState
from orchestrator.core.runs.markers import parse_acts
from orchestrator.distros.common import parse_claim
from tests.unit.templates.host import OTHER_RUN, RUN, WITHOUT_APPLETS, Ended, FakeHost

pytestmark = pytest.mark.every_shell

ROUNDS = 12


def take(host: FakeHost, laptop: str = "ana@laptop") -> Ended:
    (host.folder / "plan.json").write_text("{}")
    return host.act("claim/take.sh", laptop=laptop)


def holder(host: FakeHost) -> str:
    claim = parse_claim((host.state / "claim").read_text(), "0")
    assert claim is not None
    return claim.run


def holds(host: FakeHost) -> bool:
    return host.look("claim/is_ours.sh", state=host.state, run=host.run).returncode == 0


def test_free_host_is_claimed(host: FakeHost) -> None:
    ended = host.look("claim/is_ours.sh", state=host.state, run=RUN)
    assert (ended.returncode, ended.stdout) == (1, "held by: nobody\n")
    assert take(host).returncode == 0
    line = json.loads((host.state / "claim").read_text())
    assert (line["format"], line["run"], line["attempt"], line["laptop"]) == (1, RUN, "1-a1b2", "ana@laptop")
    # sha256 of `{}`
    assert line["plan_sha256"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert (host.state / "alive").exists()
    assert holds(host)


@WITHOUT_APPLETS
def test_claim_that_cannot_be_synced_fails(host: FakeHost) -> None:
    host.program("sync", "exit 1")
    assert take(host).returncode == 1
    assert not (host.state / "claim").exists()


def test_later_attempt_of_same_run_claims_again(host: FakeHost) -> None:
    take(host)
    os.utime(host.state / "alive", (0, 0))
    assert take(replace(host, attempt="2-c3d4"), "bob@desk").returncode == 0
    assert (host.state / "alive").stat().st_mtime > 0
    line = json.loads((host.state / "claim").read_text())
    assert (line["attempt"], line["laptop"]) == ("2-c3d4", "bob@desk")


def test_host_claimed_by_another_run_is_refused(host: FakeHost) -> None:
    other = replace(host, run=OTHER_RUN).prepare()
    take(other, "bob@desk")
    ended = take(host)
    assert ended.returncode == 11
    assert json.loads(ended.stderr)["laptop"] == "bob@desk"
    assert holder(host) == OTHER_RUN
    assert OTHER_RUN in host.look("claim/is_ours.sh", state=host.state, run=RUN).stdout


def test_exactly_one_of_two_racing_claims_wins(host: FakeHost) -> None:
    other = replace(host, run=OTHER_RUN)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            shutil.rmtree(host.state)
            rivals = [host.prepare(), other.prepare()]
            codes = dict(zip([RUN, OTHER_RUN], pool.map(lambda it: take(it).returncode, rivals), strict=True))
            assert sorted(codes.values()) == [0, 11]
            assert codes[holder(host)] == 0


def test_claim_is_released(host: FakeHost) -> None:
    take(host)
    (host.folder / "reserve").write_bytes(b"0" * 100)
    assert host.act("release/claim.sh").returncode == 0
    assert not holds(host)
    assert sorted(path.name for path in host.state.iterdir()) == [RUN]
    assert (host.folder / "claim.released").exists()
    assert not (host.folder / "reserve").exists()
    assert host.act("release/claim.sh").returncode == 0
    assert take(replace(host, run=OTHER_RUN).prepare()).returncode == 0


def test_claim_of_another_run_is_not_released(host: FakeHost) -> None:
    other = replace(host, run=OTHER_RUN).prepare()
    take(other)
    assert host.act("release/claim.sh").returncode == 0
    assert holder(host) == OTHER_RUN
    assert (host.state / "alive").exists()


def test_observed_run_has_claim_attempts_and_acts(host: FakeHost) -> None:
    assert host.facts("observe/run.sh", state=host.root / "absent") == {}
    (host.folder / "attempt").write_text("2-c3d4\n")
    step = host.folder / "steps/keep.copy"
    for attempt, code in (("1-a1b2", "3"), ("2-c3d4", "0")):
        (step / attempt).mkdir(parents=True)
        (step / attempt / "started").write_text("boot 1 2 3\n")
        (step / attempt / "exit").write_text(f"{code}\n")
    assert "run" not in host.facts("observe/run.sh", state=host.state)  # no run holds the host
    take(host)
    facts = host.facts("observe/run.sh", state=host.state)
    assert facts["run"].strip() == RUN
    assert facts["attempts"] == f"{RUN} 2-c3d4\n"
    claim = parse_claim(facts["claim"], facts["silent_s"])
    assert claim is not None
    assert claim.is_held
    assert parse_acts(facts["acts"]) == (
        ActRecord("keep.copy", 1, ActState.ENDED, 3),
        ActRecord("keep.copy", 2, ActState.ENDED, 0),
    )
    assert facts["plan_sha256"].startswith("44136fa355b3")
    (host.state / "alive").unlink()
    assert host.facts("observe/run.sh", state=host.state)["silent_s"] == "ended\n"


@pytest.fixture
def process() -> Iterator[str]:
    """A process that still runs, in the format of `started`: boot id, pid, start time."""
    with subprocess.Popen(["sleep", "60"]) as running:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        since = Path(f"/proc/{running.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        yield f"{boot} {running.pid} {since}"
        running.kill()


def test_observed_act_is_running_while_its_process_exists(host: FakeHost, process: str) -> None:
    step = host.folder / "steps/keep.copy"
    for attempt, started in (("1-a1b2", "another-boot 1 2"), ("2-c3d4", process)):
        (step / attempt).mkdir(parents=True)
        (step / attempt / "started").write_text(f"{started} 1763777407\n")
    acts = parse_acts(host.facts("observe/run.sh", state=host.state, run=RUN)["acts"])
    assert acts == (
        ActRecord("keep.copy", 1, ActState.DIED),
        ActRecord("keep.copy", 2, ActState.RUNNING),
    )
