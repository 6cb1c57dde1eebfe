"""Scheduled backups: when, by which files, and how they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.adapters.templates import read_templates
from orchestrator.core.snapshots.schedule_status import (
    MasterSchedule,
    nagios,
    prometheus,
    read_standing,
    status_lines,
    statuses,
)
from orchestrator.core.snapshots.schedules import Terms, calendar, diff, parse_period, wanted
from orchestrator.distros import KUBLR
from orchestrator.errors import UsageError
from tests.facts_text import facts_text
from tests.unit import builders

TERMS = Terms(period_s=6 * 3600, on=2, folder="/var/backups/etcd-prod-1", keep=3)
HOUR = 3600


def files() -> dict[str, dict[str, str]]:
    cluster, views = builders.inventory(), builders.masters()
    return wanted(cluster, views, KUBLR, builders.scripts(), read_templates(), TERMS)


@pytest.mark.parametrize(("text", "seconds"), [("1m", 60), ("15m", 900), ("6h", 21600), ("1d", 86400)])
def test_periods(text: str, seconds: int) -> None:
    assert parse_period(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "7h", "7m", "90m", "96m", "0h", "h", "2d", "-1h"])
def test_no_periods(text: str) -> None:
    with pytest.raises(UsageError):
        parse_period(text)


@pytest.mark.parametrize(
    ("period_s", "offset_s", "expected"),
    [
        (6 * HOUR, 0, "*-*-* 00/6:00:00"),
        (6 * HOUR, 3 * HOUR, "*-*-* 03/6:00:00"),
        (HOUR, 20 * 60, "*-*-* 00/1:20:00"),
        (24 * HOUR, 8 * HOUR, "*-*-* 08:00:00"),
        (60, 30, "*-*-* *:00/1:30"),
        (900, 450, "*-*-* *:07/15:30"),
    ],
)
def test_calendars_are_shifted(period_s: int, offset_s: int, expected: str) -> None:
    assert calendar(period_s, offset_s) == expected


def test_a_service_that_failed_without_a_word_is_told() -> None:
    lines = {"failed": "yes", "last": "96400 good", "clock": "100000", "file:/u/orchestrator-backup-p.service": "x"}
    assert read_standing("master-1", facts_text(lines)).last.startswith(
        "failed; see journalctl -u orchestrator-backup-p"
    )


def test_the_first_masters_take_turns_and_the_others_none() -> None:
    found = files()
    assert [len(texts) for texts in found.values()] == [3, 3, 0]
    times = [text for texts in found.values() for path, text in texts.items() if path.endswith(".timer")]
    assert "OnCalendar=*-*-* 00/6:00:00" in times[0]
    assert "OnCalendar=*-*-* 03/6:00:00" in times[1]


def test_a_diff_names_host_and_path_and_nothing_where_nothing_changes() -> None:
    texts = files()["master-1"]
    lines = diff({}, texts, "master-1")
    assert "+++ master-1:/etc/systemd/system/orchestrator-backup-prod-1.timer" in lines
    assert "+OnCalendar=*-*-* 00/6:00:00" in lines
    assert diff(texts, texts, "master-1") == ()
    assert all(not line.startswith("+") or line.startswith("+++ /dev/null") for line in diff(texts, {}, "master-1"))


def standing(host: str = "master-1", **changed: Any) -> MasterSchedule:
    well = MasterSchedule(host, {"a": "b"}, active=True, now_s=100_000, good_s=96_400, size_bytes=5, took_s=2)
    well = replace(well, name="prod-1-x", last="good", last_s=96_400)
    return replace(well, **changed)


LIMITS = {"warn_after_s": 2 * HOUR, "critical_after_s": 4 * HOUR}


@pytest.mark.parametrize(
    ("standings", "silent", "code", "words"),
    [
        ((standing(),), {}, 0, "ETCD BACKUP OK - newest good backup is 1h old | age=3600s;7200;14400"),
        ((standing(good_s=100_000 - 3 * HOUR),), {}, 1, "WARNING"),
        ((standing(good_s=100_000 - 5 * HOUR),), {}, 2, "CRITICAL"),
        ((standing(), standing("master-2", last="failed no space")), {}, 1, "problems on master-2"),
        ((standing(active=False),), {}, 1, "problems on master-1"),
        ((standing(),), {"master-3": "timeout"}, 1, "problems on master-3"),
        ((standing(good_s=None),), {}, 2, "no master has a good backup"),
        ((), {}, 3, "no master has a schedule"),
    ],
)
def test_nagios(standings: tuple[MasterSchedule, ...], silent: dict[str, str], code: int, words: str) -> None:
    told = nagios(statuses(standings), silent, **LIMITS)
    assert told.code == code
    assert words in told.line


def test_prometheus_metrics_have_help_and_type() -> None:
    text = prometheus("prod-1", statuses((standing(), standing("master-2", good_s=None, last="failed x"))))
    assert 'etcd_backup_last_success_timestamp_seconds{cluster="prod-1",host="master-1"} 96400\n' in text
    assert 'etcd_backup_last_failed{cluster="prod-1",host="master-2"} 1\n' in text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert names == [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert len(set(names)) == len(names) == 5


def test_what_people_read() -> None:
    lines = dict(status_lines(statuses((standing(last="failed no space"),)), {"master-2": "timeout"}))
    assert lines["master-1"] == "prod-1-x, 1h old, 5 B, took 2s; last attempt: failed no space"
    assert lines["master-2"] == "no answer: timeout"
