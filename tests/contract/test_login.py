"""Reaching a host: host keys, logins, the ssh_config and bastions, over real sshd."""

from __future__ import annotations

import asyncio
import shlex
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import accumulate
from pathlib import Path

import pytest

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.ssh.connection import Line, Patience
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.ssh.route import route
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.outcome import Command, Ended, Failure, Output
from orchestrator.core.scripts import Scripts
from orchestrator.distros import DISTROS
from orchestrator.engine.observe import observe
from orchestrator.errors import LoginError, UsageError
from orchestrator.ports import Remote
from tests.contract.conftest import HASTE, TEXTS, host, inventory
from tests.contract.sshd import CONFIG, Sshd, fingerprint, free_port, login_name, make_key

ONE_TRY = Patience(connect_timeout_s=1, connect_tries=1, unanswered_s=1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's home folder without known hosts, and no agent."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home"


@pytest.fixture
def server(public_folder: Path) -> Iterator[Sshd]:
    """A server that a test may change."""
    made = Sshd.make(public_folder / f"server-{free_port()}")
    yield made
    made.stop()


@asynccontextmanager
async def opened(*hosts: Host, patience: Patience = HASTE) -> AsyncIterator[tuple[Fleet, Remote | Output]]:
    """Open the fleet; yield it and the result for the first host."""
    async with Fleet(inventory(*hosts), TEXTS, None, patience=patience) as fleet:
        yield fleet, (await fleet.open([hosts[0].name]))[hosts[0].name]


async def refusal(*hosts: Host, patience: Patience = HASTE) -> Output:
    async with opened(*hosts, patience=patience) as (_, output):
        assert isinstance(output, Output)
        assert output.exit_code is None
        return output


async def greeting(remote: Remote | Output) -> str:
    assert not isinstance(remote, Output), remote.detail
    return (await remote.look(Command(("echo", "hello"), as_root=False))).text


# --- host keys -------------------------------------------------------------------------------------------


async def test_fingerprint_is_reported(sshd: Sshd) -> None:
    async with opened(host(sshd)) as (fleet, remote):
        assert await greeting(remote) == "hello\n"
        assert fleet.host_key("master-1") == fingerprint(sshd.folder / "host_key.pub")


async def test_unknown_key_is_refused_with_command_to_add_it(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known hosts"
    output = await refusal(host(sshd, known_hosts=(str(file),)))
    assert output.failure is Failure.HOST_KEY
    assert fingerprint(sshd.folder / "host_key.pub") in output.detail
    add = output.detail.partition("then add it: ")[2]
    subprocess.run(["sh", "-c", add], check=True, capture_output=True)
    async with opened(host(sshd, known_hosts=(str(file),))) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_changed_key_is_refused_with_command_to_forget_old_one(server: Sshd) -> None:
    old = fingerprint(server.folder / "host_key.pub")
    server.stop()
    make_key(server.folder / "host_key")
    server.start()
    output = await refusal(host(server))
    new = fingerprint(server.folder / "host_key.pub")
    assert output.failure is Failure.HOST_KEY
    assert "changed" in output.detail and old in output.detail and new in output.detail
    forget = output.detail.partition("delete the old key (")[2].partition(")")[0]
    assert forget == f"ssh-keygen -R '[127.0.0.1]:{server.port}' -f {server.known_hosts}"
    subprocess.run(shlex.split(forget), check=True, capture_output=True)
    assert "unknown host key" in (await refusal(host(server))).detail


async def test_key_of_other_kind_counts_as_changed(server: Sshd) -> None:
    old = fingerprint(server.folder / "host_key.pub")
    server.stop()
    make_key(server.folder / "host_key", kind="ecdsa")
    server.start()
    output = await refusal(host(server))
    assert output.failure is Failure.HOST_KEY
    assert old in output.detail and fingerprint(server.folder / "host_key.pub") in output.detail


async def test_operators_known_hosts_are_read(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "known_hosts").write_text("a broken line\n" + sshd.known_hosts.read_text())
    async with opened(host(sshd, known_hosts=())) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_hashed_known_hosts_are_read(sshd: Sshd, home: Path) -> None:
    file = home / ".ssh" / "known_hosts"
    file.write_text(sshd.known_hosts.read_text())
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "127.0.0.1" not in file.read_text()
    async with opened(host(sshd, known_hosts=())) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_revoked_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    entry = sshd.known_hosts.read_text()
    file.write_text(f"{entry}@revoked {entry}")
    assert (await refusal(host(sshd, known_hosts=(str(file),)))).failure is Failure.HOST_KEY


@pytest.mark.parametrize(
    "options",
    [
        "UserKnownHostsFile none",
        "UserKnownHostsFile none\nGlobalKnownHostsFile none",
        "UserKnownHostsFile /dev/null\nGlobalKnownHostsFile /dev/null",
        "UserKnownHostsFile none\nStrictHostKeyChecking no",
    ],
)
async def test_ssh_config_cannot_disable_check(sshd: Sshd, home: Path, options: str) -> None:
    (home / ".ssh" / "known_hosts").write_text(sshd.known_hosts.read_text())
    config = home / ".ssh" / "config"
    config.write_text(f"Host *\n{options}\n")
    output = await refusal(host(sshd, known_hosts=(), config=str(config)))
    assert output.failure is Failure.HOST_KEY
    async with opened(host(sshd, config=str(config))) as (_, remote):
        assert await greeting(remote) == "hello\n", "the inventory's file still counts"


@pytest.mark.parametrize("option", ["UserKnownHostsFile", "GlobalKnownHostsFile"])
async def test_known_hosts_files_of_the_ssh_config_are_read(sshd: Sshd, home: Path, option: str) -> None:
    config = home / "config"
    config.write_text(f"{option} {sshd.known_hosts}\n")
    async with opened(host(sshd, known_hosts=(), config=str(config))) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_host_key_alias_is_respected(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "known_hosts").write_text(f"some-name {(sshd.folder / 'host_key.pub').read_text()}")
    config = home / "config"
    config.write_text("Host 127.0.0.1\nHostKeyAlias some-name\n")
    async with opened(host(sshd, known_hosts=(), config=str(config))) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_pinned_key_is_accepted(sshd: Sshd) -> None:
    for pin in (fingerprint(sshd.folder / "host_key.pub"), (sshd.folder / "host_key.pub").read_text().strip()):
        async with opened(host(sshd, known_hosts=(), host_key=(pin,))) as (_, remote):
            assert await greeting(remote) == "hello\n"


async def test_only_pinned_keys_are_accepted(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    pin = fingerprint(tmp_path / "other.pub")
    output = await refusal(host(sshd, host_key=(pin,)))
    assert output.failure is Failure.HOST_KEY
    assert pin in output.detail and fingerprint(sshd.folder / "host_key.pub") in output.detail


# --- ciphers ---------------------------------------------------------------------------------------------


async def cipher(host: Host) -> str:
    """Return the cipher of a connection to the host."""
    line = Line(route(host, inventory(host)), None, HASTE)
    try:
        return str((await line.connection()).get_extra_info("send_cipher"))
    finally:
        await line.close()


async def test_cheapest_cipher_is_preferred(sshd: Sshd, home: Path) -> None:
    config = home / "config"
    config.write_text("Host elsewhere\nCiphers aes128-ctr\n")
    assert await cipher(host(sshd)) == "aes256-gcm@openssh.com"
    assert await cipher(host(sshd, config=str(config))) == "aes256-gcm@openssh.com"


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        ("aes128-ctr,aes256-gcm@openssh.com", "aes128-ctr"),
        ("-aes*", "chacha20-poly1305@openssh.com"),
        ("^aes192-ctr", "aes192-ctr"),
    ],
)
async def test_ciphers_of_ssh_config_are_respected(sshd: Sshd, home: Path, line: str, chosen: str) -> None:
    config = home / "config"
    config.write_text(f"Host 127.0.0.1\nCiphers {line}\n")
    assert await cipher(host(sshd, config=str(config))) == chosen


async def test_host_without_preferred_cipher_is_reached(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.contract.sshd.CONFIG", f"Ciphers chacha20-poly1305@openssh.com\n{CONFIG}")
    server.stop()
    server.start()
    assert await cipher(host(server)) == "chacha20-poly1305@openssh.com"


# --- logins ----------------------------------------------------------------------------------------------


async def test_refused_login_is_reported(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    output = await refusal(host(sshd, key=str(tmp_path / "stranger")))
    assert output.failure is Failure.LOGIN
    assert "master-1" in output.detail


async def test_missing_key_file_is_reported(sshd: Sshd, tmp_path: Path) -> None:
    output = await refusal(host(sshd, key=str(tmp_path / "nothing")))
    assert output.failure is Failure.LOGIN
    assert "nothing" in output.detail


async def test_login_without_shell_is_reported(sshd: Sshd) -> None:
    output = await refusal(host(sshd, user="nobody"))
    assert output.failure is Failure.LOGIN
    assert "not available" in output.detail, "what the login shell says"


async def test_notice_instead_of_shell_is_reported(server: Sshd) -> None:
    notice = 'Please login as the user \\"debian\\" rather than \\"root\\".'
    keys = server.folder / "authorized_keys"
    keys.write_text(f"command=\"echo '{notice}'; exit 142\" {keys.read_text()}")
    master = host(server)
    async with Fleet(inventory(master), TEXTS, None, patience=HASTE) as fleet:
        opened = await fleet.open([master.name])
        with pytest.raises(LoginError, match='no shell for this login: Please login as the user "debian"'):
            await observe(inventory(master), opened, DISTROS["kublr"], Scripts(TEXTS), SystemClock())


async def test_locked_key_without_agent_is_reported(server: Sshd, tmp_path: Path) -> None:
    public = make_key(tmp_path / "locked", passphrase="throw-away")
    (server.folder / "authorized_keys").write_text(public)
    output = await refusal(host(server, key=str(tmp_path / "locked")))
    assert output.failure is Failure.LOGIN
    assert f"ssh-add {tmp_path / 'locked'}" in output.detail


async def test_keys_of_agent_are_used(sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        while not path.exists():
            await asyncio.sleep(0.02)
        subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True, capture_output=True)
        async with opened(host(sshd, key=None)) as (_, remote):
            assert await greeting(remote) == "hello\n"
            assert not isinstance(remote, Output)
            forwarded = await remote.look(Command(("agent.sh",), "echo ${SSH_AUTH_SOCK-none}"))
            assert forwarded.text == "none\n"
    finally:
        agent.terminate()
        agent.wait()


async def test_default_keys_are_used(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "id_ed25519").write_bytes(sshd.key.read_bytes())
    async with opened(host(sshd, key=None)) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_ssh_config_supplies_missing_settings(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "known_hosts").write_text(sshd.known_hosts.read_text())
    (home / ".ssh" / "config").write_text(
        f"Host first-master\nHostName 127.0.0.1\nPort {sshd.port}\nUser {login_name()}\n"
        f"IdentityFile {sshd.key}\nIdentityFile ~/.ssh/not-there\nRequestTTY force\nRemoteCommand false\n"
    )
    declared = host(sshd, address="first-master", port=None, user=None, key=None, known_hosts=(), config=None)
    async with opened(declared) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_inventory_overrides_ssh_config(sshd: Sshd, home: Path) -> None:
    config = home / "config"
    config.write_text("User nobody\nPort 1\nIdentityFile /dev/null\n")
    async with opened(host(sshd, config=str(config))) as (_, remote):
        assert await greeting(remote) == "hello\n"


async def test_broken_ssh_config_is_reported(sshd: Sshd, home: Path) -> None:
    config = home / "config"
    config.write_text("Port many\n")
    with pytest.raises(UsageError, match="line 1"):
        await refusal(host(sshd, config=str(config)))
    with pytest.raises(UsageError, match="does not exist"):
        await refusal(host(sshd, config=str(home / "nothing")))


# --- hosts that do not answer ----------------------------------------------------------------------------


async def test_closed_port_is_unreachable(sshd: Sshd) -> None:
    output = await refusal(host(sshd, port=free_port()), patience=ONE_TRY)
    assert output.failure is Failure.UNREACHABLE


async def test_unresolvable_name_is_unreachable(sshd: Sshd) -> None:
    output = await refusal(host(sshd, address="no-such-host.invalid"), patience=ONE_TRY)
    assert output.failure is Failure.UNREACHABLE


async def test_silent_host_is_unreachable(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        output = await refusal(host(sshd, port=silent.getsockname()[1]), patience=ONE_TRY)
    assert output.failure is Failure.UNREACHABLE
    assert "in time" in output.detail


async def test_connection_is_retried(server: Sshd) -> None:
    server.stop()
    patient = Patience(connect_timeout_s=3, connect_tries=30)
    async with Fleet(inventory(host(server)), TEXTS, None, patience=patient) as fleet:
        opening = asyncio.create_task(fleet.open(["master-1"]))
        await asyncio.sleep(0.3)
        server.start()
        assert await greeting((await opening)["master-1"]) == "hello\n"


async def test_refused_login_is_not_retried(server: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    await refusal(host(server, key=str(tmp_path / "stranger")))
    assert server.log.count("Failed publickey") == 1


async def test_vanished_host_becomes_unreachable(server: Sshd) -> None:
    async with opened(host(server), patience=ONE_TRY) as (_, remote):
        assert await greeting(remote) == "hello\n"
        assert not isinstance(remote, Output)
        server.stop()
        output = await remote.look(Command(("true",)))
        assert output.failure is Failure.UNREACHABLE and "master-1" in output.detail


async def test_silent_connection_is_replaced(server: Sshd, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    quick = Patience(connect_timeout_s=0.5, unanswered_s=15, keepalive_s=30)
    async with opened(host(server, state=tmp_path / "state"), patience=quick) as (_, remote):
        assert not isinstance(remote, Output)
        await remote.settle("run", "1-aaaa", 5)
        server.freeze()
        assert (await remote.look(Command(("echo", "there")))).text == "there\n"
        act = Command(("act.sh", str(ran)), 'echo >>"$1"')
        assert (await remote.act("stop.x", "1-aaaa", act)).ended is Ended.DONE
    assert ran.read_text() == "\n"


async def test_act_is_joined_again_after_silent_connection(server: Sshd, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    quick = Patience(connect_timeout_s=1, unanswered_s=15, keepalive_s=0.3)
    async with opened(host(server, state=tmp_path / "state"), patience=quick) as (_, remote):
        assert not isinstance(remote, Output)
        await remote.settle("run", "1-aaaa", 5)
        act = Command(("act.sh", str(ran)), 'echo >>"$1"; sleep 1; exit 3')
        acting = asyncio.create_task(remote.act("stop.x", "1-aaaa", act))
        while not ran.exists():
            await asyncio.sleep(0.02)
        server.freeze()
        assert (await acting).exit_code == 3
    assert ran.read_text() == "\n"


async def test_failing_host_does_not_block_others(sshd: Sshd) -> None:
    hosts = (host(sshd), host(sshd, name="master-2", port=free_port()))
    async with Fleet(inventory(*hosts), TEXTS, None, patience=ONE_TRY) as fleet:
        opened_hosts = await fleet.open(["master-1", "master-2"])
    assert isinstance(opened_hosts["master-2"], Output)
    assert not isinstance(opened_hosts["master-1"], Output)


async def test_at_most_eight_concurrent_channels(sshd: Sshd, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    look = Command(("look.sh", str(marks)), 'echo 1 >>"$1"; sleep 0.1; echo -1 >>"$1"')
    async with opened(host(sshd)) as (_, remote):
        assert not isinstance(remote, Output)
        outputs = await asyncio.gather(*(remote.look(look) for _ in range(30)))
    assert {output.exit_code for output in outputs} == {0}
    at_once = list(accumulate(int(mark) for mark in marks.read_text().split()))
    assert len(at_once) == 60, "each look ran once"
    assert 5 <= max(at_once) <= 8


async def test_sshd_with_fewer_sessions_is_waited_for(public_folder: Path) -> None:
    server = Sshd.make(public_folder / "narrow", max_sessions=2)
    try:
        async with opened(host(server)) as (_, remote):
            assert not isinstance(remote, Output)
            looks = (remote.look(Command(("sleep", "0.1"))) for _ in range(6))
            assert {output.exit_code for output in await asyncio.gather(*looks)} == {0}
    finally:
        server.stop()


# --- bastions --------------------------------------------------------------------------------------------


def bastion(server: Sshd, name: str = "bastion-1", *, jump: str | None = None) -> Host:
    return host(server, name=name, role=Role.BASTION, node=name, jump=jump)


def logins(server: Sshd) -> int:
    return server.log.count("Accepted publickey")


async def test_bastion_is_opened_once_and_shared(sshd: Sshd, server: Sshd) -> None:
    masters = [host(sshd, name=f"master-{n}", jump="bastion-1") for n in (1, 2, 3)]
    async with Fleet(inventory(*masters, bastion(server)), TEXTS, None, patience=HASTE) as fleet:
        # Equal routes would share one connection: three masters behind one sshd need three names.
        remotes = await fleet.open([master.name for master in masters])
        for remote in remotes.values():
            assert await greeting(remote) == "hello\n"
    assert logins(server) == 1


async def test_bastions_in_a_row(sshd: Sshd, server: Sshd, public_folder: Path) -> None:
    outer = Sshd.make(public_folder / "outer")
    try:
        way = (bastion(server, jump="bastion-2"), bastion(outer, "bastion-2"))
        async with opened(host(sshd, jump="bastion-1"), *way) as (_, remote):
            assert await greeting(remote) == "hello\n"
        assert (logins(outer), logins(server)) == (1, 1)
    finally:
        outer.stop()


async def test_bastion_of_ssh_config_is_shared_and_checked(sshd: Sshd, server: Sshd, home: Path) -> None:
    config = home / "config"
    config.write_text(
        f"Host gate\nHostName 127.0.0.1\nPort {server.port}\nUser {login_name()}\nIdentityFile {server.key}\n"
        f"UserKnownHostsFile {server.known_hosts}\nHost 127.0.0.1\nProxyJump gate\n"
    )
    masters = [
        host(sshd, name=f"master-{n}", config=str(config), user=user)
        for n, user in ((1, login_name()), (2, "no-such-user"))
    ]
    async with Fleet(inventory(*masters), TEXTS, None, patience=HASTE) as fleet:
        remotes = await fleet.open(["master-1", "master-2"])
        assert await greeting(remotes["master-1"]) == "hello\n"
        refused = remotes["master-2"]
        assert isinstance(refused, Output) and refused.failure is Failure.LOGIN
    assert logins(server) == 1
    server.known_hosts.write_text("")
    output = await refusal(masters[0])
    assert output.failure is Failure.HOST_KEY and "gate" in output.detail


async def test_circular_proxy_jump_is_reported(sshd: Sshd, home: Path) -> None:
    config = home / "config"
    config.write_text("Host *\nProxyJump gate\n")
    with pytest.raises(UsageError, match="circle"):
        await refusal(host(sshd, config=str(config)))


async def test_broken_bastion_is_reopened(sshd: Sshd, server: Sshd) -> None:
    async with opened(host(sshd, jump="bastion-1"), bastion(server)) as (_, remote):
        assert await greeting(remote) == "hello\n"
        assert server.cut() == 1
        assert await greeting(remote) == "hello\n"
    assert logins(server) == 2


async def test_refusing_bastion_is_named(sshd: Sshd, server: Sshd, tmp_path: Path) -> None:
    (server.folder / "authorized_keys").write_text(make_key(tmp_path / "other"))
    output = await refusal(host(sshd, jump="bastion-1"), bastion(server))
    assert output.failure is Failure.LOGIN and "bastion-1" in output.detail


async def test_host_that_bastion_cannot_reach_is_unreachable(sshd: Sshd, server: Sshd) -> None:
    output = await refusal(host(sshd, jump="bastion-1", port=free_port()), bastion(server), patience=ONE_TRY)
    assert output.failure is Failure.UNREACHABLE and "master-1" in output.detail
