"""A safety snapshot from etcd's own gateway: whole, or none."""

from __future__ import annotations

from pathlib import Path

from orchestrator.adapters.snapshot_file import open_snapshot
from tests import snapshots
from tests.unit.templates.host import FakeHost

PKI = ("", "", "", "", "")


def test_the_gateway_sends_a_whole_snapshot(host: FakeHost, tmp_path: Path) -> None:
    (member,) = snapshots.members("etcd0")
    safety = host.folder / "safety.db"
    with snapshots.running(member, tmp_path / "etcd"):
        for number in range(40):
            snapshots.put(member, f"/registry/pods/{number}", bytes(range(256)) * 64)
        revision = snapshots.call(member, "maintenance/status", {})["header"]["revision"]
        ended = host.act("save.sh", member.client_url, "127.0.0.1", *PKI)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    facts = open_snapshot(safety).facts
    assert (facts.revision, facts.hashed) == (int(revision), True)
    assert safety.stat().st_mode & 0o777 == 0o600
    before = safety.read_bytes()
    assert host.act("save.sh", member.client_url, "127.0.0.1", *PKI).returncode == 0, "taken once"
    assert safety.read_bytes() == before


def test_without_an_answer_there_is_none(host: FakeHost) -> None:
    ended = host.act("save.sh", "http://127.0.0.1:1", "127.0.0.1", *PKI)
    assert ended.returncode == 1
    assert "sends no snapshot" in ended.stdout
    assert not (host.folder / "safety.db").exists()
