"""Every document that a command prints with `--json` has `format` and `kind`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from orchestrator import cli
from orchestrator.core.report.json_output import backup_status_json, schedule_json, verification_json
from orchestrator.core.snapshots.inspection import Inspection
from orchestrator.core.snapshots.schedule_status import BackupStatus
from orchestrator.etcd.verify import Trailer, Verification

SOURCES = [path for path in sorted(Path(cli.__path__[0]).glob("*.py")) if path.name != "schema.py"]  # JSON Schema's own

STATUS = BackupStatus(
    host="master-1",
    timer_active=True,
    good_at_s=96_400,
    age_s=3600,
    size_bytes=5,
    took_s=2,
    name="prod-1-x",
    last="good",
)
VERDICT = Verification(
    size_bytes=4096,
    sha256="ab",
    trailer=Trailer.MISSING,
    page_size_bytes=4096,
    pages=1,
    pages_read=1,
    damages=(),
    damage_count=0,
    readable_entries=0,
    readable_revision=0,
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_commands_print_only_documents_of_json_output(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    printed = [call.args[0] for call in calls if ast.unparse(call.func) == "print_json"]
    for value in printed:
        made_by = ast.unparse(value.func) if isinstance(value, ast.Call) else ast.unparse(value)
        assert made_by.endswith("_json") or (path.stem, made_by) == ("snapshot", "found.model_dump"), made_by


def test_schedule_document_has_changes() -> None:
    assert schedule_json(("master-1: + a line",)) == {
        "format": 1,
        "kind": "schedule",
        "changes": ["master-1: + a line"],
    }


def test_backup_status_document_has_masters_and_silent_ones() -> None:
    assert backup_status_json((STATUS,), {"master-2": "timeout"}) == {
        "format": 1,
        "kind": "backup-status",
        "masters": [STATUS.model_dump()],
        "silent": {"master-2": "timeout"},
    }


def test_verification_document_has_verdict() -> None:
    document = verification_json(VERDICT)
    assert (document["format"], document["kind"]) == (1, "verification")
    assert (document["is_whole"], document["trailer"]) == (False, "missing")


def test_schema_of_inspection_has_format_and_kind() -> None:
    properties = Inspection.model_json_schema()["properties"]
    assert (properties["format"]["const"], properties["kind"]["const"]) == (1, "snapshot")
