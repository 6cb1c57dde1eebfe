"""One master's path through the manual strategy's phases, with the arguments that the planner gives."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from tests import snapshots
from tests.snapshots import Member, Tools
from tests.unit.templates.host import RUN, Ended, FakeHost, client_values

TOKEN = f"kr-{RUN}"
OURS = Tools()
UNDO = "20261122t040000z-ffff"


class Way:
    """The master's acts and looks. With ``wal``, its log has a separate folder."""

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
        """The paths of the separate log: the log, its kept copy, and its staged copy; empty without such a log."""
        return (self.wal, self.wal / f".kr-{RUN}", self.wal / f".kr-{RUN}.staged") if self.wal else ()

    @property
    def kept_wal(self) -> object:
        return self.wals[1] if self.wals else ""

    @property
    def staged_wal(self) -> object:
        return self.wals[2] if self.wals else ""

    @property
    def _wals(self) -> dict[str, object]:
        return {"wal": self.wal or "", "kept_wal": self.kept_wal, "staged_wal": self.staged_wal}

    def bring_tool(self, tools: Tools = OURS) -> None:
        self.tool.write_bytes(tools.status.read_bytes())

    def restore(self, live: Member | None = None, owner: str = "", bump: int = 0) -> Ended:
        cluster = f"etcd0={self.member.peer_url},etcd1=http://10.0.0.2:2380"
        owner = owner or f"{os.getuid()}:{os.getgid()} 700 ?"
        return self.host.act(
            "stage/restore.sh",
            tool=self.tool,
            snapshot=self.snapshot,
            bump=bump or "",
            staged=self.staged,
            staged_wal=self.staged_wal,
            name="etcd0",
            cluster=cluster,
            token=TOKEN,
            peer_url=self.member.peer_url,
            owner=owner,
            **client_values(live.client_url if live else ""),
        )

    def is_staged(self) -> bool:
        sum_ = hashlib.sha256(self.snapshot.read_bytes()).hexdigest()
        look = self.host.look(
            "stage/is_staged.sh",
            path=self.snapshot,
            sha256=sum_,
            state=self.host.state,
            run=RUN,
            staged=self.staged,
            staged_wal=self.staged_wal,
        )
        return look.returncode == 0

    def aside(self) -> Ended:
        return self.host.act("keep/aside.sh", member=self.host.member, kept=self.kept, **self._wals)

    def place(self) -> Ended:
        return self.host.act(
            "commit/place.sh",
            staged=self.staged,
            member=self.host.member,
            staged_wal=self.staged_wal,
            wal=self.wal or "",
        )

    def is_placed(self) -> bool:
        look = self.host.look(
            "commit/is_placed.sh",
            state=self.host.state,
            run=RUN,
            member=self.host.member,
            wal=self.wal or "",
            lifts=self.host.steps("start.lift"),
        )
        return look.returncode == 0

    def unplace(self) -> Ended:
        """Undo the place step as the undo's run does, on a host that the run holds."""
        undo = FakeHost(self.host.root, self.host.shell, UNDO, environment=self.host.environment).prepare()
        return undo.act(
            "commit/unplace.sh", member=self.host.member, kept=self.kept, undone=RUN, staged=self.staged, **self._wals
        )

    def is_unplaced(self) -> bool:
        return (
            self.host.look(
                "commit/is_unplaced.sh", state=self.host.state, undone=RUN, member=self.host.member, kept=self.kept
            ).returncode
            == 0
        )

    def is_intact(self) -> bool:
        values = {"state": self.host.state, "run": RUN, "kept": self.kept, "kept_wal": self.kept_wal}
        return self.host.look("keep/is_unchanged.sh", **values).returncode == 0

    def swap(self) -> Ended:
        """Swap the data as a rollback does, after the start; the rollback holds the host."""
        self.host.hold(UNDO)
        back = replace(self.host, run=UNDO).prepare()
        return back.act(
            "commit/swap.sh",
            data=self.host.member.parent,
            member=self.host.member,
            kept=self.kept,
            aside=self.host.root / f"data.kr-{UNDO}",
            undone=RUN,
            wal=self.wal or "",
            kept_wal=self.kept_wal,
            aside_wal=self.wal / f".kr-{UNDO}" if self.wal else "",
        )

    def done(self) -> None:
        """Run every phase up to the start."""
        self.bring_tool()
        for act in (self.restore, self.aside, self.place):
            ended = act()
            assert ended.returncode == 0, ended.stdout + ended.stderr
