"""Becoming root with real sudo, as users that these tests create and remove. Needs root."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orchestrator.adapters.source import FileSource
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.core.inventory.declared import Sudo
from orchestrator.core.model.outcome import Command, Ended, Failure, Output
from orchestrator.ports import Remote
from tests.contract.conftest import HASTE, TEXTS, host, inventory
from tests.contract.sshd import Sshd, add_user, remove_user

PASSWORD = 'it\'s $ecret; "grüße" \\n'
FREE, PASSWORDED, PTY, NOBODY = (f"orch-{kind}-{os.getpid()}" for kind in ("free", "password", "pty", "nobody"))
"""Login names that no other test run on this machine uses."""
RULES = {
    FREE: "{name} ALL=(ALL) NOPASSWD: ALL\n",
    PASSWORDED: "{name} ALL=(ALL) ALL\n",
    PTY: "Defaults:{name} use_pty\n{name} ALL=(ALL) ALL\n",
    NOBODY: "# {name} may nothing\n",
}
ATTEMPT = "1-aaaa"


@pytest.fixture(scope="module", autouse=True)
def users() -> Iterator[None]:
    for name, rule in RULES.items():
        add_user(name, PASSWORD, rule)
    yield
    for name in RULES:
        remove_user(name)


@asynccontextmanager
async def login(
    sshd: Sshd, user: str, password: str | None = PASSWORD, *, sudo: Sudo = Sudo.AUTO, state: Path = Path("/x")
) -> AsyncIterator[tuple[Remote | Output, list[str]]]:
    """Log in; yield the result and the hosts for which a password was asked."""
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return password or ""

    declared = host(sshd, user=user, sudo=sudo, state=state)
    async with Fleet(inventory(declared), TEXTS, ask if password else None, patience=HASTE) as fleet:
        yield (await fleet.open(["master-1"]))["master-1"], asked


async def who(remote: Remote | Output, *, as_root: bool = True) -> str:
    assert not isinstance(remote, Output), remote.detail
    return (await remote.look(Command(("id", "-un"), as_root=as_root))).text.strip()


@pytest.mark.parametrize(
    ("user", "asked"),
    [("root", []), (FREE, []), (PASSWORDED, ["master-1"]), (PTY, ["master-1"])],
    ids=["root", "free", "password", "pty"],
)
async def test_login_becomes_root(sshd: Sshd, user: str, asked: list[str]) -> None:
    async with login(sshd, user) as (remote, asked_for):
        assert await who(remote) == "root"
        assert await who(remote, as_root=False) == user
        assert asked_for == asked


async def test_sudo_never_is_respected(sshd: Sshd) -> None:
    async with login(sshd, FREE, sudo=Sudo.NEVER) as (remote, asked):
        assert await who(remote) == FREE
        assert asked == []


@pytest.mark.parametrize(
    ("user", "password", "why"),
    [
        (PASSWORDED, "wrong", "master-1"),
        (PASSWORDED, None, "needs a password"),
        (NOBODY, PASSWORD, NOBODY),
    ],
    ids=["wrong password", "no password", "no rights"],
)
async def test_sudo_refusal_is_reported(sshd: Sshd, user: str, password: str | None, why: str) -> None:
    async with login(sshd, user, password) as (output, _):
        assert isinstance(output, Output)
        assert output.failure is Failure.SUDO
        assert why in output.detail
        assert PASSWORD not in output.detail


async def test_rights_revoked_later_are_reported(sshd: Sshd) -> None:
    async with login(sshd, FREE) as (remote, _):
        assert not isinstance(remote, Output)
        rules = Path(f"/etc/sudoers.d/{FREE}")
        text = rules.read_text()
        try:
            rules.write_text("# nothing\n")
            assert (await remote.look(Command(("true",)))).failure is Failure.SUDO
        finally:
            rules.write_text(text)


@pytest.mark.parametrize("user", [FREE, PASSWORDED, PTY], ids=["free", "password", "pty"])
async def test_every_verb_works_through_sudo(sshd: Sshd, user: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    data = os.urandom(1_000_000) + b"\n" + bytes(range(256)) * 100
    (tmp_path / "source").write_bytes(data)
    async with login(sshd, user, state=state) as (remote, _):
        assert not isinstance(remote, Output), remote.detail
        look = await remote.look(Command(("look.sh", "a b"), 'cat; echo "$1"; id -un'))
        assert look.text == "a b\nroot\n"
        assert (await remote.settle("run", ATTEMPT, 5)).ok
        act = await remote.act("stop.x", ATTEMPT, Command(("act.sh",), "cat; id -un; exit 3"))
        assert (act.ended, act.exit_code, act.log) == (Ended.FAILED, 3, "root\n")
        path = state / "run" / "file"
        pushed = await remote.push(FileSource(tmp_path / "source"), str(path), "", ATTEMPT)
        assert pushed.ended is Ended.DONE
        assert path.read_bytes() == data
        assert path.owner() == "root"
        assert b"".join([chunk async for chunk in remote.read(str(path))]) == data


@pytest.mark.parametrize("user", [PASSWORDED, PTY], ids=["password", "pty"])
async def test_password_appears_nowhere(
    sshd: Sshd, user: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    state = tmp_path / "state"
    seen = ""
    async with login(sshd, user, state=state) as (remote, _):
        assert not isinstance(remote, Output), remote.detail
        await remote.settle("run", ATTEMPT, 5)
        acting = asyncio.create_task(remote.act("stop.x", ATTEMPT, Command(("x.sh",), "env; sleep 0.5; env")))
        looking = asyncio.create_task(remote.look(Command(("x.sh",), "env; sleep 0.5")))
        for _ in range(8):
            await asyncio.sleep(0.05)
            seen += subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
        seen += (await acting).log + (await looking).text
    assert "stop.x" in seen and "sudo -k -S" in seen, "we looked while they ran"
    seen += "".join(file.read_text(errors="replace") for file in state.rglob("*") if file.is_file())
    assert PASSWORD not in seen + caplog.text + sshd.log
