"""The table of faults: what is injected in the lab, how it ended, and the evidence.

A run writes `docs/evidence/faults.md`, one row as soon as a case has ended.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tests.lab.lab import DEFAULT, REPOSITORY

PAGE = REPOSITORY / "docs" / "evidence" / "faults.md"
ROWS = DEFAULT.folder / "faults"

PHASES = (
    "claim", "safeguard", "stage", "resolve", "stop", "keep", "commit", "volumes", "start", "api", "workers", "release",
)  # fmt: skip
GAPS = ("stop", "keep", "commit", "start")
BETWEEN = {"stop": "keep", "keep": "commit", "commit": "start"}
TAKEN_BACK = {
    "abort": ("commit.putback", "start.services"),
    "rollback": ("down.unit.docker", "commit.swap", "start.services"),
}

CASES = {
    **{f"laptop killed in {phase}": f"SIGKILL of the laptop's process in phase {phase}" for phase in PHASES},
    "laptop killed in an act": "SIGKILL of the laptop's process while keep copies 500 MiB on one master",
    "acts outlive sshd": "sshd and all its sessions killed on every master while keep copies 500 MiB on one",
    "sshd restarted": "sshd restarted on every master in phase keep, its sessions left alone",
    "master dead at planning": "a master is killed before the plan",
    "master dies before the start": "a master is killed in phase commit, and comes back later",
    "master lost before": "a master with its volume is lost before the plan, and left out",
    "master lost for good": "a master is killed in phase commit, and never comes back",
    **{f"reboot in {phase}": f"a master reboots in phase {phase}, the laptop is dead" for phase in GAPS},
    **{f"reboot after {phase}": f"Ctrl-C in phase {phase}; all masters reboot" for phase in BETWEEN},
    **{
        f"power cut in {phase}": f"all masters and the laptop lose power in phase {phase}"
        for phase in ("keep", "commit")
    },
    "reboot in the pause": "a master reboots while the run waits for the persistent volumes",
    "master paused": "a master stands still for a minute in phase keep",
    "cut off from the laptop": "a master cannot be reached by the laptop for a while, in phase keep",
    "cut off from its peers": "a master cannot be reached by its peers for a while, from phase stop on",
    "relay dies in stage": "the master in the middle of the chain loses power while the snapshot is handed on",
    "key left by a crash": "a master loses power, and the laptop with it, while a key is let in there",
    "byte flipped on the way": "a byte changes on a master's disk while the snapshot arrives there",
    "no way between masters": "sshd accepts no other master's key, after the plan was made",
    "disk full in stage": "the disk of a master fills up while the snapshot is brought",
    "disk full in keep": "the disk of a master fills up before the old data is copied",
    "disk full in an act": "the disk with the runs' folders is full when acts begin in phase stop",
    "snapshot corrupted": "the snapshot's copy on one master is corrupted between stage and commit",
    "restore.db replaced": "somebody replaces restore.db on one master during the pause",
    "docker hangs": "dockerd on one master stands still for a while when it is to be stopped",
    "dockerd killed": "dockerd on one master is killed in phase stop; its containers outlive it",
    "crash loop": "the etcd container of every master ends as soon as it starts, before the restore",
    "two laptops": "a second laptop wants to restore while the first is at it",
    "two laptops at once": "two laptops begin a restore at the same moment; later, two resume at the same moment",
    "unlock": "the laptop is killed while it claims; another frees the masters, and restores",
    "compacted past the proof": "one member's hash at the snapshot's revision was seen by nobody, and is compacted",
    "laptop sleeps": "a laptop stands still while another one resumes, and wakes up",
    "Ctrl-C": "SIGINT once, in phase keep",
    "Ctrl-C twice": "SIGINT twice, in phase keep",
    "SIGTERM": "SIGTERM, in phase commit",
    "SIGHUP": "SIGHUP, in phase stop",
    "terminal closed": "the terminal goes away, in phase stop",
    "laptop's disk full": "the laptop's disk fills up, in phase keep",
    "old data booted": "an etcd is started on the kept old data after the run",
    **{
        f"{kind} killed in {step}": f"the laptop is killed at {step} of a {kind}"
        for kind, steps in TAKEN_BACK.items()
        for step in steps
    },
    "finish killed": "the laptop is killed while it removes what a run has left",
}
"""Every case, and what it does."""


@dataclass(frozen=True, slots=True)
class Row:
    case: str
    outcome: str
    evidence: str
    passed: bool
    at_utc: str


def record(case: str, outcome: str, evidence: str, *, passed: bool = True) -> None:
    """Write a row, and write the page again. Raises KeyError if the case is in no table."""
    assert case in CASES, case
    ROWS.mkdir(parents=True, exist_ok=True)
    row = Row(case, outcome, evidence, passed, datetime.now(UTC).strftime("%Y-%m-%d %H:%M"))
    (ROWS / f"{case.replace(' ', '-')}.json").write_text(json.dumps(asdict(row)))
    write_page()


def read_page() -> dict[str, Row]:
    """Read the rows of the current page, by case: rows of cases that this run does not try stay."""
    lines = PAGE.read_text().splitlines() if PAGE.exists() else []
    cells = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines if line.endswith(" UTC |")]
    failed = "**FAILED**: "
    return {
        case: Row(
            case, outcome.removeprefix(failed), evidence, not outcome.startswith(failed), at_utc.removesuffix(" UTC")
        )
        for case, _, outcome, evidence, at_utc in cells
    }


def write_page() -> None:
    made = {row.case: row for path in ROWS.glob("*.json") if (row := Row(**json.loads(path.read_text())))}
    rows = read_page()
    rows |= {case: row for case, row in made.items() if case not in rows or row.at_utc >= rows[case].at_utc}
    lines = [
        "# Faults in the lab",
        "",
        "`make test-faults` writes this page: real etcd, OpenSSH, systemd and Docker; stand-ins for Kublr's agent,",
        "kubelet and API server. Each case ends in a proven restore, or on the old data, proven too: all keys are",
        "compared, the members' HashKV is equal, and nothing is left in hosts files, units, processes or on disks.",
        "",
        "| case | fault | outcome | evidence | run |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case, fault in CASES.items():
        if found := rows.get(case):
            outcome = found.outcome if found.passed else f"**FAILED**: {found.outcome}"
            lines.append(f"| {case} | {fault} | {outcome} | {found.evidence} | {found.at_utc} UTC |")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n")
