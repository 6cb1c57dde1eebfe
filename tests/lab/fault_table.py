"""The table of faults: what is injected in the lab, how it ended, and what shows that. `docs/faults.md` is written from
it by the run itself, a row as soon as its case has ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tests.lab.lab import DEFAULT, REPOSITORY

PAGE = REPOSITORY / "docs" / "faults.md"
ROWS = DEFAULT.folder / "faults"

PHASES = (
    "claim", "safeguard", "stage", "resolve", "stop", "keep", "commit", "volumes", "start", "api", "workers", "release",
)  # fmt: skip
GAPS = ("stop", "keep", "commit", "start")

CASES = {
    **{f"laptop killed in {phase}": f"SIGKILL of the laptop's process in phase {phase}" for phase in PHASES},
    "acts outlive sshd": "sshd and all its sessions killed on every master in the middle of keep and of commit",
    "master dead at planning": "a master is killed before the plan",
    "master dies before the start": "a master is killed in phase commit, and comes back later",
    "master lost for good": "a master is killed in phase commit, and never comes back",
    **{f"reboot in {phase}": f"a master reboots in phase {phase}, the laptop is dead" for phase in GAPS},
    "reboot in the pause": "a master reboots while the run waits for the persistent volumes",
    "master paused": "a master stands still for a minute in phase keep",
    "cut off from the laptop": "a master cannot be reached by the laptop for a while, in phase keep",
    "cut off from its peers": "a master cannot be reached by its peers for a while, from phase stop on",
    "disk full in stage": "the disk of a master fills up while the snapshot is brought",
    "disk full in keep": "the disk of a master fills up before the old data is copied",
    "snapshot corrupted": "the snapshot's copy on one master is corrupted between stage and commit",
    "restore.db replaced": "somebody replaces restore.db on one master during the pause",
    "docker hangs": "dockerd on one master stands still for a while when it is to be stopped",
    "crash loop": "the etcd container of every master ends as soon as it starts, before the restore",
    "two laptops": "a second laptop wants to restore while the first is at it",
    "laptop sleeps": "a laptop stands still while another one resumes, and wakes up",
    "Ctrl-C": "SIGINT once, in phase keep",
    "Ctrl-C twice": "SIGINT twice, in phase keep",
    "SIGTERM": "SIGTERM, in phase commit",
    "SIGHUP": "SIGHUP, in phase stop",
    "terminal closed": "the terminal goes away, in phase stop",
    "laptop's disk full": "the laptop's disk fills up, in phase keep",
    "old data booted": "an etcd is started on the kept old data after the run",
    "abort interrupted": "the laptop is killed while it takes a restore back before the start",
    "rollback interrupted": "the laptop is killed while it takes a restore back after the start",
}
"""Every case, and what is done in it."""


@dataclass(frozen=True, slots=True)
class Row:
    case: str
    outcome: str
    evidence: str
    passed: bool
    at_utc: str


def record(case: str, outcome: str, evidence: str, *, passed: bool = True) -> None:
    """Writes a row down, and the page anew. Raises KeyError for a case that no table knows."""
    assert case in CASES, case
    ROWS.mkdir(parents=True, exist_ok=True)
    row = Row(case, outcome, evidence, passed, datetime.now(UTC).strftime("%Y-%m-%d %H:%M"))
    (ROWS / f"{case.replace(' ', '-')}.json").write_text(json.dumps(asdict(row)))
    write_page()


def write_page() -> None:
    rows = {row.case: row for path in ROWS.glob("*.json") if (row := Row(**json.loads(path.read_text())))}
    lines = [
        "# Faults in the lab",
        "",
        "Written by `make test-faults`: real etcd, OpenSSH, systemd and Docker; Kublr's agent, kubelet and API server",
        "are stand-ins. Each case ends in a restore that is proved, or on the old data, proved as well: all keys are",
        "compared, the members' HashKV is equal, and nothing is left in hosts files, units, processes or on disks.",
        "",
        "| case | fault | outcome | evidence | run (UTC) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case, fault in CASES.items():
        if found := rows.get(case):
            outcome = found.outcome if found.passed else f"**FAILED**: {found.outcome}"
            lines.append(f"| {case} | {fault} | {outcome} | {found.evidence} | {found.at_utc} |")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n")
