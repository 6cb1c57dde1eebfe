"""A later backup removes the files of a backup whose laptop died."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.unit.templates.host import FakeHost

DAY_S = 86_400


def left(host: FakeHost, run: str, *, days: float, step: str = "backup.take", plan: bool = False) -> Path:
    folder = host.state / run
    (folder / "steps" / step).mkdir(parents=True)
    if plan:
        (folder / "plan.json").write_text("{}")
    path = folder / "safety.db"
    path.write_text("every Secret")
    os.utime(path, (time.time() - days * DAY_S,) * 2)
    return path


def test_only_what_old_backups_have_left_goes(host: FakeHost) -> None:
    old, young = left(host, "r1", days=1.1), left(host, "r2", days=0.5)
    restore, other = left(host, "r3", days=9, plan=True), left(host, "r4", days=9, step="safeguard.take")
    assert host.act("backup/sweep.sh", taking="backup.take").returncode == 0
    assert [path.exists() for path in (old, young, restore, other)] == [False, True, True, True]
    assert old.parent.is_dir()


def test_where_nothing_is_left(host: FakeHost) -> None:
    assert host.act("backup/sweep.sh", taking="backup.take").returncode == 0
