"""One master's way through the manual strategy's phases, with the arguments that the planner gives."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from tests import snapshots
from tests.snapshots import Member, Tools
from tests.unit.templates.host import RUN, Ended, FakeHost

TOKEN = f"kr-{RUN}"
OURS = Tools()
UNDO = "20261122t040000z-ffff"


class Way:
    """With ``wal``, its log lies apart."""

    def __init__(self, host: FakeHost, snapshot: Path, *, wal: Path | None = None) -> None:
        self.host, self.wal = host, wal
        (self.member,) = snapshots.members("etcd0")
        self.kept = host.root / f"data.kr-{RUN}"
        self.staged = host.root / f"data/.kr-{RUN}.staged"
        self.snapshot = snapshot
        self.tool = host.folder / "etcdutl"
        host.member.parent.mkdir(exist_ok=True)
        host.hold()

    @property
    def wals(self) -> tuple[Path, ...]:
        """The log that lies apart, where it is kept, and where it is staged."""
        return (self.wal, self.wal / f".kr-{RUN}", self.wal / f".kr-{RUN}.staged") if self.wal else ()

    def bring_tool(self, tools: Tools = OURS) -> None:
        self.tool.write_bytes(tools.status.read_bytes())

    def restore(self, live: Member | None = None, owner: str = "") -> Ended:
        cluster = f"etcd0={self.member.peer_url},etcd1=http://10.0.0.2:2380"
        owner = owner or f"{os.getuid()}:{os.getgid()} 700 ?"
        pki = ("",) * 6
        where = (live.client_url if live else "", "127.0.0.1")
        staged_wal = self.wals[2] if self.wal else ""
        names = ("etcd0", cluster, TOKEN, self.member.peer_url, owner)
        return self.host.act("restore.sh", self.tool, self.snapshot, "", self.staged, staged_wal, *names, *where, *pki)

    def is_staged(self) -> bool:
        sum_ = hashlib.sha256(self.snapshot.read_bytes()).hexdigest()
        staged_wal = self.wals[2] if self.wal else ""
        look = self.host.look("staged.sh", self.snapshot, sum_, self.host.state, RUN, self.staged, staged_wal)
        return look.returncode == 0

    def aside(self) -> Ended:
        return self.host.act("aside.sh", self.host.member, self.kept, *self.wals)

    def place(self) -> Ended:
        wals = (self.wals[2], self.wals[0]) if self.wal else ()
        return self.host.act("place.sh", self.staged, self.host.member, *wals)

    def is_placed(self) -> bool:
        return self.host.look("placed.sh", self.host.state, RUN, self.host.member, *self.wals[:1]).returncode == 0

    def unplace(self) -> Ended:
        """As the undo's run does it, on a host that the run holds."""
        undo = FakeHost(self.host.root, self.host.shell, UNDO, environment=self.host.environment).prepare()
        return undo.act("unplace.sh", self.host.member, self.kept, RUN, self.staged, *self.wals)

    def is_unplaced(self) -> bool:
        return self.host.look("unplaced.sh", self.host.state, RUN, self.host.member, self.kept).returncode == 0

    def is_intact(self) -> bool:
        return self.host.look("unchanged.sh", self.host.state, RUN, self.kept, *self.wals[1:2]).returncode == 0

    def swap(self) -> Ended:
        """As a rollback does it, after the start; it holds the host itself."""
        self.host.hold(UNDO)
        back = replace(self.host, run=UNDO).prepare()
        wals = (*self.wals[:2], self.wal / f".kr-{UNDO}") if self.wal else ()
        data, aside = self.host.member.parent, self.host.root / f"data.kr-{UNDO}"
        return back.act("swap.sh", data, self.host.member, self.kept, aside, RUN, *wals)

    def done(self) -> None:
        """Every phase up to the start."""
        self.bring_tool()
        for act in (self.restore, self.aside, self.place):
            ended = act()
            assert ended.returncode == 0, ended.stdout + ended.stderr
