"""templates/relay.sh on one host, in every shell: the data on standard input, and the line in authorized_keys."""

from __future__ import annotations

import gzip
import hashlib
import os
import pwd
import shlex
import subprocess
from pathlib import Path

import pytest

from orchestrator.adapters.templates import read_templates
from tests.unit.templates.host import FakeHost

CONTENT = b"".join(b"line %d of a file\n" % number for number in range(50_000))
LINE = "ssh-ed25519 AAAA"
TEXTS = read_templates()
LOGIN = pwd.getpwuid(os.getuid()).pw_name


def run(host: FakeHost, function: str, stdin: bytes = b"", **values: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv(host, function, **values), input=stdin, capture_output=True, timeout=30, check=False)


def argv(host: FakeHost, function: str, **values: object) -> list[str]:
    known: dict[str, object] = {
        "state": host.state,
        "run": host.run,
        "attempt": host.attempt,
        "path": host.folder / "snapshot.db",
        "part": host.folder / "snapshot.db.part.1",
        "offset": 0,
        "packing": "gzip",
        "folder": host.folder / "relay.1-a1b2-0",
        "user": LOGIN,
        "keys": host.root / "home/.ssh/authorized_keys",
        "line": "",
        "address": "",
    }
    lines = [f"{name}={shlex.quote(str(value))}" for name, value in (known | values).items()]
    text = "\n".join((*(TEXTS[name] for name in ("host/lib/forget.sh", "host.sh", "relay.sh")), *lines, function))
    (host.folder / "attempt").write_text(f"{host.attempt}\n")
    (host.folder / "snapshot.db.part.1").touch()
    return [*host.shell, "-c", text]


def left(host: FakeHost) -> set[str]:
    return {path.name for path in host.folder.iterdir()}


def test_what_comes_is_unpacked_hashed_and_told(host: FakeHost) -> None:
    done = run(host, "take", gzip.compress(CONTENT))
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode().split("\n")
    assert said[0] == "ready"
    told = said.index(f"sum {hashlib.sha256(CONTENT).hexdigest()}")  # `telling` may print its position once more
    assert said[told - 1] == f"at {len(CONTENT)}"
    assert (host.folder / "snapshot.db.part.1").read_bytes() == CONTENT
    assert left(host) == {"attempt", "snapshot.db.part.1", "snapshot.db.receiver"}


def test_it_goes_on_from_what_has_come_before(host: FakeHost) -> None:
    (host.folder / "snapshot.db.part.1").write_bytes(CONTENT[:1000] + b"half a frame that is cut off")
    done = run(host, "take", gzip.compress(CONTENT[1000:2000]) + gzip.compress(CONTENT[2000:]), offset=1000)
    assert f"sum {hashlib.sha256(CONTENT).hexdigest()}" in done.stdout.decode()
    assert (host.folder / "snapshot.db.part.1").read_bytes() == CONTENT


@pytest.mark.parametrize("stream", [gzip.compress(CONTENT)[:-30_000], b"no such stream", gzip.compress(CONTENT)[20:]])
def test_a_stream_that_cannot_be_unpacked_has_no_sum(host: FakeHost, stream: bytes) -> None:
    done = run(host, "take", stream)
    assert f"sum {hashlib.sha256(CONTENT).hexdigest()}" not in done.stdout.decode()
    assert CONTENT.startswith((host.folder / "snapshot.db.part.1").read_bytes())
    assert not {name for name in left(host) if name.startswith("relay.")}


def test_the_part_becomes_the_file_unless_fenced(host: FakeHost) -> None:
    run(host, "take", gzip.compress(CONTENT))
    where = shlex.join(map(str, (host.state, host.run, "2-other", host.folder / "snapshot.db", "-", host.folder / "x")))
    assert run(host, f"adopt {where}").stdout.decode() == f"fenced {host.attempt}\n"
    part = host.folder / "snapshot.db.part.1"
    where = shlex.join(map(str, (host.state, host.run, host.attempt, host.folder / "snapshot.db", "-", part)))
    assert run(host, f"adopt {where}").stdout.decode() == "whole\n"
    assert (host.folder / "snapshot.db").read_bytes() == CONTENT


# --- authorized_keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, b"", b"ssh-rsa BBBB me\n", b"# no end", b"one\ntwo", b"grep [.*] this\n\n\n"])
def test_the_line_comes_and_goes_and_no_other_byte_changes(host: FakeHost, before: bytes | None) -> None:
    keys = host.root / "home/.ssh/authorized_keys"
    (host.root / "home").mkdir()
    if before is not None:
        keys.parent.mkdir(mode=0o700)
        keys.write_bytes(before)
        keys.chmod(0o640)
    done = run(host, 'pipe=$folder/pipe && mkdir "$folder" && let_in', line=LINE)
    assert done.returncode == 0, done.stderr
    *others, added = keys.read_text().splitlines()
    assert [line.encode() for line in others] == (before or b"").splitlines()
    assert added.startswith('restrict,expiry-time="2') and f"{LINE} orchestrator-{host.run}" in added
    assert (host.folder / "relay.keys").read_text() == f"{keys}\n"
    assert run(host, 'forget "$state" "$run"').returncode == 0
    if before is None:
        assert not keys.parent.exists()
    else:
        assert keys.read_bytes() == before
        assert keys.stat().st_mode & 0o777 == 0o640
    assert left(host) == {"attempt", "snapshot.db.part.1"}


def test_a_link_stays_a_link(host: FakeHost) -> None:
    keys, real = host.root / "home/.ssh/authorized_keys", host.root / "elsewhere"
    keys.parent.mkdir(parents=True)
    real.write_text("ssh-rsa BBBB me\n")
    keys.symlink_to(real)
    run(host, 'pipe=$folder/pipe && mkdir "$folder" && let_in', line=LINE)
    assert keys.is_symlink() and LINE in real.read_text()
    run(host, 'forget "$state" "$run"')
    assert keys.is_symlink() and real.read_text() == "ssh-rsa BBBB me\n"


def test_a_key_never_leaves_its_host(host: FakeHost) -> None:
    done = run(host, "relay_key", pinned="taker ssh-ed25519 CCCC")
    key = host.folder / "relay.1-a1b2-0/key"
    assert done.stdout.decode().split()[:2] == ["key", "ssh-ed25519"]
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes() not in done.stdout + done.stderr
    assert Path(f"{key}.pub").read_text().split()[1] == done.stdout.decode().split()[2]


def test_a_second_signal_does_not_cut_its_leaving_off(host: FakeHost) -> None:
    done = run(host, "begin; stop_receiver() { kill -TERM $$; kill -PIPE $$; sleep 0.1; }; kill -TERM $$")
    assert done.returncode == 1
    assert left(host) == {"attempt", "snapshot.db.part.1"}


def test_the_key_of_a_chain_under_way_goes_with_its_shell(host: FakeHost) -> None:
    run(host, "relay_key", pinned="taker ssh-ed25519 CCCC")
    assert run(host, "begin; forget_key; ls $folder").stdout.decode().split() == [
        "key",
        "key.pub",
        "known_hosts",
        "packed",
    ]
    run(host, "relay_key", pinned="taker ssh-ed25519 CCCC")
    run(host, "forget_key")
    assert left(host) == {"attempt", "snapshot.db.part.1"}


def test_one_that_nobody_listens_to_ends_with_all_that_it_has_begun(host: FakeHost) -> None:
    words = argv(host, "take")
    for _ in range(5):
        (silent, held), (broken, listens_not) = os.pipe(), os.pipe()
        os.close(broken)
        with subprocess.Popen(words, stdin=silent, stdout=listens_not, stderr=subprocess.PIPE) as process:
            for end in (silent, listens_not):
                os.close(end)
            process.communicate(timeout=30)  # waits for every process that still has the standard error
        os.close(held)
        assert left(host) - {"snapshot.db.receiver"} == {"attempt", "snapshot.db.part.1"}


def test_one_that_comes_late_makes_no_part_again(host: FakeHost) -> None:
    done = run(host, "take", gzip.compress(CONTENT), part=host.folder / "snapshot.db.part.0")
    assert done.returncode == 1
    assert left(host) == {"attempt", "snapshot.db.part.1"}
