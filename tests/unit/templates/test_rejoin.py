"""A failed member rejoins, with real etcd: another member removes and adds it, and etcd joins outside its service."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import snapshots
from tests.snapshots import Member, Tools
from tests.unit.templates.host import OTHER_RUN, Ended, FakeHost, client_values, peer_values, tree

pytestmark = pytest.mark.slow
ONE_SHELL = pytest.mark.parametrize("host", ["dash"], indirect=True)
LOST = "lost"
AT_ONCE = ("--strict-reconfig-check=false",)
"""A flag for etcd: it adds a member before the others are connected for 5 s; most tests are not about that wait."""


class Cluster:
    """Three members; one has lost its data."""

    def __init__(
        self, host: FakeHost, tools: Tools, flags: tuple[str, ...] = AT_ONCE, *, wal: Path | None = None
    ) -> None:
        """With ``wal``, the lost member's log has a separate folder."""
        self.host, self.tools, self.flags = host, tools, flags
        self.wals: tuple[Path, ...] = ()
        if wal:
            self.wals = (wal, wal / f".kr-{host.run}", wal / f".kr-{host.run}.staged")
        self.members = snapshots.members("a", "b", LOST)
        self.asked, self.other, self.lost = self.members

    def data(self, member: Member) -> Path:
        return self.host.root / ("data" if member is self.lost else f"data-{member.name}")

    def run(self, member: Member, *flags: str) -> contextlib.AbstractContextManager[Member]:
        flags = (*flags, f"--wal-dir={self.wals[0]}") if self.wals and member is self.lost else flags
        return snapshots.running(member, self.data(member), *self.flags, *flags, cluster=self.members, tools=self.tools)

    @contextlib.contextmanager
    def broken(self) -> Iterator[None]:
        """Run the others; they have new writes since the member was lost."""
        with self.run(self.asked), self.run(self.other):
            with self.run(self.lost):
                for number in range(20):
                    snapshots.put(self.asked, f"/registry/pods/{number}", b"x" * 100)
            shutil.rmtree(self.data(self.lost) / ("member/snap" if self.wals else "member/wal"))
            if self.wals:
                (self.data(self.lost) / "member/left").write_text("of a damaged member")
                (self.wals[0] / "lost+found").mkdir()
            snapshots.put(self.asked, "/registry/pods/since", b"written without it")
            self.host.hold()
            yield

    def aside(self) -> Ended:
        wals = dict(zip(("wal", "kept_wal"), self.wals[:2], strict=bool(self.wals)))
        return self.host.act("keep/aside.sh", member=self.host.member, kept=self.host.root / "kept", **wals)

    def readmit(self) -> Ended:
        return self.host.act(
            "commit/members.sh",
            name=self.lost.name,
            peer_url=self.lost.peer_url,
            member=self.data(self.asked) / "member",
            **client_values(self.asked.client_url),
        )

    def join(self, revision: int, others: str | None = None) -> Ended:
        lost = self.lost
        wals = (self.wals[0], self.wals[2]) if self.wals else ("", "")
        known = f"http://127.0.0.1:1=127.0.0.1 {self.other.peer_url}=127.0.0.1" if others is None else others
        flags = (f"--listen-peer-urls={lost.peer_url}", f"--advertise-client-urls={lost.client_url}")
        return self.host.act(
            "commit/join.sh",
            program=self.tools.etcd,
            member=self.host.member,
            wal=wals[0],
            staged_wal=wals[1],
            owner=f"{os.getuid()}:{os.getgid()} 700 ?",
            name=lost.name,
            revision=revision,
            others=known,
            flags=(*flags, "--heartbeat-interval=20", "--election-timeout=200"),
            **peer_values(lost.peer_url),
        )

    def listed(self) -> dict[str, str]:
        """Return the ids by peer URL."""
        members = snapshots.call(self.asked, "cluster/member/list", {})["members"]
        return {member["peerURLs"][0]: member["ID"] for member in members}

    def newest(self) -> int:
        return int(json.loads(snapshots.hash_kv(self.asked).body)["header"]["revision"])


@pytest.mark.parametrize("version", ["3.4.23", "3.5.1"])
@ONE_SHELL
def test_it_holds_what_the_others_hold(host: FakeHost, version: str) -> None:
    """It also starts afterwards with its own configuration, which says: member of a new cluster."""
    cluster = Cluster(host, snapshots.tools_of(version), flags=())
    with cluster.broken():
        before = cluster.listed()
        for act in (cluster.aside, cluster.readmit, cluster.readmit):
            ended = act()
            assert ended.returncode == 0, ended.stdout + ended.stderr
        after = cluster.listed()
        assert after.keys() == before.keys()
        assert after[cluster.lost.peer_url] != before[cluster.lost.peer_url]
        for _ in range(2):
            ended = cluster.join(cluster.newest())
            assert ended.returncode == 0, ended.stdout + ended.stderr
        assert sorted(path.name for path in (host.root / "data").iterdir()) == ["member"]
        revision = cluster.newest()
        with cluster.run(cluster.lost):
            answers = {member.name: snapshots.hash_kv(member, revision) for member in cluster.members}
            assert len({(json.loads(it.body)["hash"], it.cluster_id) for it in answers.values()}) == 1, answers


@ONE_SHELL
def test_a_log_that_lies_apart_is_made_beside_the_old_one_and_moved(host: FakeHost) -> None:
    """etcd would clear the folder, and also the data set aside in it. An interrupted move of the log continues."""
    wal = host.root / "log"
    cluster = Cluster(host, Tools(), wal=wal)
    with cluster.broken():
        before = sorted(path.name for path in wal.glob("*.wal"))
        for act in (cluster.aside, cluster.readmit):
            ended = act()
            assert ended.returncode == 0, ended.stdout + ended.stderr
        host.program("mv", 'case $2 in *.wal | *.wal/*) exit 1 ;; esac; exec /bin/mv "$@"')
        assert cluster.join(cluster.newest()).returncode == 1
        assert not list(wal.glob("*.wal")) and not (host.folder / "joined").exists()
        (host.programs / "mv").unlink()
        for _ in range(2):
            ended = cluster.join(cluster.newest(), others="none is asked again")
            assert ended.returncode == 0, ended.stdout + ended.stderr
        assert sorted(path.name for path in cluster.wals[1].iterdir() if path.suffix == ".wal") == before
        assert {path.name for path in wal.iterdir() if path.suffix not in (".wal", ".tmp")} == {
            cluster.wals[1].name,
            "lost+found",
        }
        revision = cluster.newest()
        with cluster.run(cluster.lost):
            answers = {snapshots.hash_kv(member, revision).body for member in cluster.members}
            assert len({json.loads(body)["hash"] for body in answers}) == 1, answers


def kill_the_joining(log: Path) -> None:
    """Wait for the etcd that writes that log, and kill it."""
    deadline = time.monotonic() + 30
    while not list(log.glob("*.wal")) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if str(log).encode() in words and words[0].startswith(b"/proc/self/fd/"):
                os.kill(int(process.name), signal.SIGKILL)


@ONE_SHELL
def test_what_a_join_has_made_can_be_removed_and_the_old_data_stays(host: FakeHost) -> None:
    """Its etcd is killed before it has joined; an unlock removes the paths of `Master.left_by_join`."""
    wal = host.root / "log"
    cluster = Cluster(host, Tools(), wal=wal)
    log, socket = cluster.wals[2], host.root / f"data/kr-{host.run}:0"
    made = [log, log.with_name(f"{log.name}.tmp"), socket, host.folder / "etcd", host.folder / "etcd.part"]
    with cluster.broken():
        for act in (cluster.aside, cluster.readmit):
            assert act().returncode == 0
        killer = threading.Thread(target=kill_the_joining, args=(log,))
        killer.start()
        ended = cluster.join(2**40)
        killer.join()
    assert (ended.returncode, "etcd ended before it had joined" in ended.stdout) == (1, True), ended.stdout
    assert list(log.glob("*.wal"))
    made[1].mkdir()  # kills at other moments leave the other paths
    for path in (socket, *made[3:]):
        path.write_bytes(b"x")
    stays = {path: tree(path) for path in (cluster.wals[1], host.root / "kept", wal / "lost+found")}
    back = FakeHost(host.root, host.shell, OTHER_RUN).prepare()
    for _ in range(2):
        ended = back.act("release/remove.sh", undone=host.run, paths=made)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not any(path.exists() for path in made)
    assert {path: tree(path) for path in stays} == stays
    assert sorted(path.name for path in wal.iterdir()) == sorted((cluster.wals[1].name, "lost+found"))
    for other in (host.root / f"data/kr-{OTHER_RUN}:0", host.root / f"{log.name}x.tmp"):
        assert back.act("release/remove.sh", undone=host.run, paths=(other,)).returncode == 3


@ONE_SHELL
def test_where_the_gateway_is_off_etcdctl_does_it(host: FakeHost) -> None:
    cluster = Cluster(host, Tools(), (*AT_ONCE, "--enable-grpc-gateway=false"))
    with cluster.run(cluster.asked), cluster.run(cluster.other):
        ended = cluster.readmit()
        assert ended.returncode == 0, ended.stdout + ended.stderr
        argv = [str(Tools().etcdctl), "--endpoints", cluster.asked.client_url, "member", "list"]
        listed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert [line.split(", ")[1:4] for line in listed.splitlines() if cluster.lost.peer_url in line] == [
        ["unstarted", "", cluster.lost.peer_url]
    ]


@ONE_SHELL
def test_a_member_that_somebody_has_removed_is_added(host: FakeHost) -> None:
    cluster = Cluster(host, Tools())
    with cluster.broken():
        snapshots.call(cluster.asked, "cluster/member/remove", {"ID": cluster.listed()[cluster.lost.peer_url]})
        ended = cluster.readmit()
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert cluster.lost.peer_url in cluster.listed()


@ONE_SHELL
def test_refused_before_anything_is_touched(host: FakeHost) -> None:
    cluster = Cluster(host, Tools())
    with cluster.broken():
        assert cluster.join(1).returncode == 3, "the old data is not set aside"
        assert cluster.aside().returncode == 0
        (host.state / "hold").unlink()
        assert cluster.join(1).returncode == 3, "its service may start"
        host.hold()
        ended = cluster.join(1, others="http://127.0.0.1:1=127.0.0.1")
        assert (ended.returncode, ended.stdout) == (1, "none of the others lists the members\n")
    assert not host.member.exists()


@ONE_SHELL
def test_a_member_that_the_others_do_not_list_is_not_started(host: FakeHost) -> None:
    cluster = Cluster(host, Tools())
    with cluster.broken():
        assert cluster.aside().returncode == 0
        cluster.lost = Member(cluster.lost.name, cluster.lost.client_port, 1)
        ended = cluster.join(1)
        assert ended.returncode == 1
        assert "the others do not list lost at http://127.0.0.1:1" in ended.stdout
    assert not host.member.exists()


@ONE_SHELL
def test_an_etcd_that_ends_has_not_joined(host: FakeHost) -> None:
    cluster = Cluster(host, Tools())
    with cluster.broken():
        assert cluster.aside().returncode == 0
        cluster.tools = Tools(etcd=Path("/bin/false"))
        ended = cluster.join(1)
        assert (ended.returncode, "etcd ended before it had joined" in ended.stdout) == (1, True)
    assert not (host.folder / "joined").exists()
