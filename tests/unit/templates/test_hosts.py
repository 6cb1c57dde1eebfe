"""The hosts file: only the run's lines change, no other byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.templates.host import OTHER_RUN, RUN, WITHOUT_APPLETS, FakeHost

pytestmark = pytest.mark.every_shell

BLOCK = "10.20.0.11\tetcd0.kublr.local\n10.20.0.12\tetcd1.kublr.local"
OURS = f"# orchestrator {RUN} begin\n{BLOCK}\n# orchestrator {RUN} end\n"
THEIRS = f"# orchestrator {OTHER_RUN} begin\n10.9.9.9\tother\n# orchestrator {OTHER_RUN} end\n"


@pytest.fixture
def hosts(host: FakeHost) -> Path:
    return host.root / "hosts"


def put(host: FakeHost) -> None:
    ended = host.act("resolve/hosts.sh", hosts=host.root / "hosts", lines=BLOCK)
    assert ended.returncode == 0, ended.stderr


def remove(host: FakeHost) -> None:
    ended = host.act("release/hosts.sh", hosts=host.root / "hosts")
    assert ended.returncode == 0, ended.stderr


CONTENTS = {
    "ordinary": b"127.0.0.1\tlocalhost\n::1 localhost\n",
    "no final newline": b"127.0.0.1\tlocalhost\n10.0.0.1 a",
    "empty": b"",
    "blank lines": b"\n\n  127.0.0.1 localhost  \n\n\n",
    "carriage returns": b"127.0.0.1 localhost\r\n10.0.0.1 a\r\n",
    "shell letters": b"127.0.0.1 localhost # $HOME `id` \\n \\\\ %s -n 'x'\n-e a\n",
    "no UTF-8": b"127.0.0.1 localhost # caf\xe9\n",
    "a block of another run": b"127.0.0.1 localhost\n" + THEIRS.encode(),
}


@pytest.mark.parametrize("before", CONTENTS.values(), ids=CONTENTS.keys())
def test_put_and_remove_leave_every_other_byte(host: FakeHost, hosts: Path, before: bytes) -> None:
    hosts.write_bytes(before)
    hosts.chmod(0o640)
    put(host)
    newline = b"" if before.endswith(b"\n") or not before else b"\n"
    assert hosts.read_bytes() == before + newline + OURS.encode()
    put(host)  # again, as a later attempt does
    assert hosts.read_bytes() == before + newline + OURS.encode()
    remove(host)
    assert hosts.read_bytes() == before
    remove(host)
    assert hosts.read_bytes() == before
    assert hosts.stat().st_mode & 0o777 == 0o640
    assert list(host.root.glob("hosts.kr-*")) == []


def test_what_others_wrote_meanwhile_stays(host: FakeHost, hosts: Path) -> None:
    hosts.write_text("127.0.0.1 localhost\n")
    put(host)
    hosts.write_text("10.0.0.9 first\n" + hosts.read_text() + "10.0.0.10 last\n")
    remove(host)
    assert hosts.read_text() == "10.0.0.9 first\n127.0.0.1 localhost\n10.0.0.10 last\n"


def test_a_new_block_takes_the_place_of_the_old_one(host: FakeHost, hosts: Path) -> None:
    hosts.write_text("127.0.0.1 localhost\n")
    put(host)
    assert host.act("resolve/hosts.sh", hosts=hosts, lines="10.20.0.99\tetcd9").returncode == 0
    assert hosts.read_text().count("begin") == 1
    assert "10.20.0.99\tetcd9" in hosts.read_text()
    assert "etcd0" not in hosts.read_text()


@WITHOUT_APPLETS
def test_a_file_that_no_rename_can_replace_is_written_in_place(host: FakeHost, hosts: Path) -> None:
    """In a container the hosts file is a mount point, and rename(2) fails with EBUSY."""
    hosts.write_text("127.0.0.1 localhost")
    inode = hosts.stat().st_ino
    host.program("mv", f'[ "$2" != "{hosts}" ] || exit 1\nexec /bin/mv "$@"')
    put(host)
    assert hosts.read_text() == "127.0.0.1 localhost\n" + OURS
    remove(host)
    assert hosts.read_text() == "127.0.0.1 localhost"
    assert hosts.stat().st_ino == inode
    assert list(host.root.glob("hosts.kr-*")) == []


@WITHOUT_APPLETS
@pytest.mark.parametrize("after", ["put", "remove"])
def test_an_act_that_dies_while_it_writes_in_place_costs_no_line(host: FakeHost, hosts: Path, after: str) -> None:
    before = "127.0.0.1 localhost\n" + "".join(f"10.0.0.{number} host-{number}\n" for number in range(200))
    hosts.write_text(before)
    host.program("mv", f'[ "$2" != "{hosts}" ] || exit 1\nexec /bin/mv "$@"')
    host.program("cat", 'case $1 in *.whole) head -c 100 "$1"; kill -9 $PPID; exit 1 ;; esac\nexec /bin/cat "$@"')
    host.act("resolve/hosts.sh", hosts=hosts, lines=BLOCK)
    assert hosts.stat().st_size == 100
    assert (host.folder / "hosts.before").read_text() == before
    (host.programs / "cat").unlink()
    {"put": put, "remove": remove}[after](host)
    assert hosts.read_text() == before + (OURS if after == "put" else "")
    assert not (host.folder / "hosts.whole").exists()


@WITHOUT_APPLETS
@pytest.mark.parametrize("program", ["cat", "cp", "sync"])
def test_a_disk_without_room_costs_no_line(host: FakeHost, hosts: Path, program: str) -> None:
    hosts.write_text("127.0.0.1 localhost\n")
    host.program(program, "exit 1")  # the redirection has already made an empty file
    assert host.act("resolve/hosts.sh", hosts=hosts, lines=BLOCK).returncode == 1
    assert hosts.read_text() == "127.0.0.1 localhost\n"
    assert list(host.root.glob("hosts.kr-*")) == []


def test_the_block_of_a_run_that_is_taken_back(host: FakeHost, hosts: Path) -> None:
    hosts.write_text("127.0.0.1 localhost")
    other = replace(host, run=OTHER_RUN).prepare()
    put(other)
    put(host)
    assert host.act("release/hosts.sh", hosts=hosts, undone=OTHER_RUN).returncode == 0
    assert hosts.read_text() == "127.0.0.1 localhost\n" + OURS


def test_names_that_resolve(host: FakeHost) -> None:
    assert host.look("resolve/is_resolved.sh").returncode == 0
    assert host.look("resolve/is_resolved.sh", pairs=("localhost=127.0.0.1",)).returncode in (
        0,
        1,
    )  # the machine's own lines
    assert host.look("resolve/is_resolved.sh", pairs=("10.20.0.11=10.20.0.11",)).returncode == 0


def test_a_name_that_leads_elsewhere(host: FakeHost) -> None:
    # 127.0.0.11 begins like 127.0.0.1, but is another address.
    ended = host.look(
        "resolve/is_resolved.sh",
        pairs=(
            "10.20.0.11=10.20.0.11",
            "127.0.0.11=127.0.0.1",
        ),
    )
    assert ended.returncode == 1
    assert ended.stdout == "127.0.0.11 does not resolve to 127.0.0.1\n"
