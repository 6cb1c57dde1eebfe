"""Faults while a snapshot is copied from master to master.

Each case ends with the right file on every master, or with a clear refusal; `leftovers` finds no key, no process and
no part.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.lab.commands import wait
from tests.lab.fault_table import record
from tests.lab.hosts import MASTERS
from tests.lab.scene import Scene, case, told
from tests.lab.truth import STATE

pytestmark = pytest.mark.faults

HEAD, MIDDLE, LAST = (master.name for master in MASTERS)
KEYS = "/root/.ssh/authorized_keys"
"""The file of the inventory's login on the middle master."""
SLOWLY = ("--limit-rate", "400K")
HELD_UP = """mv /usr/bin/ssh /usr/bin/ssh.real
cat >/usr/bin/ssh <<'END'
#!/bin/sh
[ ! -e /run/second ] || exec sleep 300
touch /run/second
exec /usr/bin/ssh.real "$@"
END
chmod 755 /usr/bin/ssh"""
"""A slow OpenSSH, so that a key stays authorized for that time. The first call belongs to the safety snapshot."""


def arriving(scene: Scene, host: str) -> None:
    """Wait until the host has a megabyte of the snapshot."""
    wait(
        lambda: scene.lab.succeeds(
            host, ["sh", "-c", f"find {STATE} -name 'snapshot.db.part.*' -size +1024k | grep -q ."]
        ),
        "a part",
    )


@contextlib.contextmanager
def ssh_held_up(scene: Scene, host: str) -> Iterator[None]:
    scene.lab.exec(host, ["sh", "-c", HELD_UP])
    try:
        yield
    finally:
        scene.lab.exec(host, ["sh", "-c", "[ ! -e /usr/bin/ssh.real ] || mv /usr/bin/ssh.real /usr/bin/ssh"])


def test_relay_dies(scene: Scene) -> None:
    name = "relay dies in stage"
    with case(name):
        with scene.starts(f"{MIDDLE} stage.push acting", *scene.restore, *SLOWLY) as process:
            arriving(scene, LAST)
            scene.lab.kill(MIDDLE)
            ended = process.end()
        assert ended.code == 10, ended
        assert MIDDLE in ended.error
        for host in (HEAD, LAST):
            assert f"{host} stage.push done" in ended.err, "the others have it all the same"
        scene.lab.wake(MIDDLE)
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, f"{told(ended)}; the two others had it; resumed: exit 0", scene.ends_restored())


def test_key_left(scene: Scene) -> None:
    name = "key left by a crash"
    with case(name):
        with ssh_held_up(scene, HEAD), scene.starts(f"{MIDDLE} stage.push acting", *scene.restore) as process:
            wait(lambda: scene.lab.succeeds(MIDDLE, ["grep", "-q", "orchestrator", KEYS]), "a key that is let in")
            scene.lab.kill(MIDDLE)  # first: a host that is up removes the key as soon as the connection ends
            process.kill()
        scene.lab.wake(MIDDLE)
        left = scene.lab.exec(MIDDLE, ["cat", KEYS])
        assert 'restrict,expiry-time="' in left and 'command="exec cat >/run/orchestrator-' in left
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        assert "orchestrator" not in scene.lab.exec(MIDDLE, ["cat", KEYS])
        record(
            name, "still there after the reboot, for one forced command; resumed: gone, exit 0", scene.ends_restored()
        )


def test_byte_flipped(scene: Scene) -> None:
    name = "byte flipped on the way"
    with case(name):
        with scene.starts(f"{MIDDLE} stage.push acting", *scene.restore, *SLOWLY) as process:
            arriving(scene, MIDDLE)
            flip = "printf ! | dd of=$part bs=1 seek=40000 conv=notrunc 2>/dev/null"
            scene.lab.exec(MIDDLE, ["sh", "-c", f"for part in {STATE}/*/snapshot.db.part.*; do {flip}; done"])
            ended = process.end()
        assert ended.code == 10, ended
        assert MIDDLE in ended.error and "sha256" in ended.error
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, f"{told(ended)}; resumed: copied again, exit 0", scene.ends_restored())


REFUSING = "/etc/ssh/sshd_config.d/no-masters.conf"


@contextlib.contextmanager
def refusing(scene: Scene, host: str) -> Iterator[None]:
    """Make sshd accept keys only from the laptop."""
    rules = f"Match Address *,!{scene.lab.subnet}.1\n    PubkeyAuthentication no\n"
    scene.lab.exec(host, ["sh", "-c", f"cat >{REFUSING}; systemctl restart ssh"], rules.encode())
    try:
        yield
    finally:
        scene.lab.exec(host, ["sh", "-c", f"rm {REFUSING}; systemctl restart ssh"])


def test_masters_that_cannot_reach_each_other_get_the_file_from_the_laptop(scene: Scene) -> None:
    name = "no way between masters"
    with case(name):
        saved = scene.laptop.home / "saved.plan"
        _, *arguments, confirm, cluster = scene.restore
        planned = scene.laptop.run("plan", *arguments, "-o", saved)
        assert planned.code == 0, planned
        assert f"this laptop -> {HEAD} -> {MIDDLE} -> {LAST}" in " ".join(planned.out.split())
        with refusing(scene, MIDDLE), refusing(scene, LAST):
            ended = scene.laptop.run("apply", saved, confirm, cluster)
        assert ended.code == 0, ended
        assert f"cannot send it to {MIDDLE}" in ended.err
        record(name, "told so, and each got it straight from the laptop: exit 0", scene.ends_restored())
