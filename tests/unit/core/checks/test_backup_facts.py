"""What lies beside a backup, compared with the snapshot and with what the masters have now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.core.checks.backup_facts import changed_since
from orchestrator.core.hosts.view import MasterView, Trust
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.snapshots.backups import (
    BackupFacts,
    FileFacts,
    ScheduledFacts,
    beside,
    describe_backup,
    facts_text,
    read_facts,
)
from tests.unit.builders import altered, inventory, masters, snapshot_facts

AT = "2026-11-23T03:00:07Z"
THEN = {"/pki/ca.crt": "aa", "/pki/sa.pub": "bb"}


def facts(**changed: Any) -> BackupFacts:
    made = describe_backup("prod-1", AT, masters(1, quorum=True)["master-1"], snapshot_facts())
    return made.model_copy(update={"shared_files": THEN} | changed)


def scheduled(**changed: Any) -> ScheduledFacts:
    made = facts(**changed)
    sums = FileFacts(size_bytes=made.snapshot.size_bytes, sha256=made.snapshot.sha256)
    return ScheduledFacts(**made.model_dump(exclude={"snapshot"}), snapshot=sums)


def with_files(**files: Mapping[str, str]) -> dict[str, MasterView]:
    """By master, with `_` for `-`; those that are not named have what was there then."""
    found = {name.replace("_", "-"): dict(has) for name, has in files.items()}
    return {name: altered(view, trust=Trust(files=found.get(name, THEN))) for name, view in masters().items()}


def findings(of: BackupFacts | ScheduledFacts, views: Mapping[str, MasterView] | None = None) -> list[Finding]:
    return list(changed_since(of, snapshot_facts(), inventory(), with_files() if views is None else views))


@pytest.mark.parametrize("of", [facts(), scheduled()], ids=["backup", "scheduled"])
def test_what_is_as_it_was_gives_nothing_and_is_read_back(of: BackupFacts | ScheduledFacts) -> None:
    assert findings(of) == []
    assert read_facts(facts_text(of).encode()) == of


@pytest.mark.parametrize("make", [facts, scheduled])
def test_what_has_changed_on_a_master_is_told_of_it(make: Any) -> None:
    views = with_files(master_2=THEN | {"/pki/sa.pub": "cc"})
    (found,) = findings(make(), views)
    assert (found.name, found.severity, found.host) == ("changed-since", Severity.WARN, "master-2")
    assert found.what == f"files differ from when the backup was taken ({AT}, on master-1): /pki/sa.pub"


def test_a_file_that_has_moved_or_has_another_beside_it_is_no_change() -> None:
    assert (
        findings(facts(), with_files(master_1={"/new/ca.crt": "aa", "/pki/sa.pub": "bb", "/pki/sa-2.pub": "cc"})) == []
    )


def test_where_nothing_is_known_nothing_is_told() -> None:
    assert findings(facts(), with_files(master_1={}, master_2={}, master_3={})) == []
    assert findings(facts(), {}) == []
    assert findings(facts(shared_files={}), with_files(master_1={"/pki/sa.pub": "cc"})) == []


def test_facts_of_another_file_count_for_nothing() -> None:
    other = scheduled(cluster="prod-2").model_copy(update={"snapshot": FileFacts(size_bytes=1, sha256="dd")})
    (found,) = findings(other, with_files(master_1={"/pki/ca.crt": "cc"}))
    assert (found.name, found.severity, found.host) == ("other-facts", Severity.WARN, "")


def test_a_backup_of_another_cluster_needs_a_word() -> None:
    (found,) = findings(facts(cluster="prod-2"))
    assert (found.name, found.severity, found.can_override) == ("other-cluster", Severity.BLOCK, True)
    assert "prod-2" in found.what


@pytest.mark.parametrize(("path", "expected"), [("/a/b.db", "/a/b.json"), ("b.db", "b.json"), ("/a/b", ""), ("", "")])
def test_where_it_lies(path: str, expected: str) -> None:
    assert beside(path) == expected


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"\xff", facts_text(facts())[:-3].encode()])
def test_what_is_no_facts(text: bytes) -> None:
    assert read_facts(text) is None
