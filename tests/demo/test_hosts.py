"""The demo's hosts alone: SSH that behaves like OpenSSH's server, and the stand-ins for systemd and Docker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from tests.demo.cluster import Cluster, hosts
from tests.demo.host.sshd import MAX_SESSIONS
from tests.demo.host_files import DATA
from tests.demo.hosts import Folders, Host

# Differs from the demo's own addresses and from those of other processes of these tests, which may run at the same
# time.
SUBNET = f"127.77.{1 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))}"
UNITS = "kublr kublr-kubelet docker docker.socket"


@contextlib.asynccontextmanager
async def up(folder: Path, masters: int, workers: int) -> AsyncIterator[Cluster]:
    cluster = Cluster(Folders(folder, hosts(SUBNET, masters, workers)))
    cluster.make()
    try:
        await cluster.switch_on()
        yield cluster
    finally:
        await cluster.switch_off()


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[tuple[Cluster, Host]]:
    async with up(tmp_path, masters=0, workers=1) as cluster:
        yield cluster, cluster.site.hosts[0]


async def states(cluster: Cluster, host: Host) -> list[str]:
    return (await cluster.run(host, f"systemctl is-active {UNITS}; true")).split()


async def until(cluster: Cluster, host: Host, command: str, wanted: str, patience_s: float = 15.0) -> None:
    """Wait until the command prints ``wanted``."""
    give_up = time.monotonic() + patience_s
    while (said := (await cluster.run(host, f"{command}; true")).strip()) != wanted:
        assert time.monotonic() < give_up, said
        await asyncio.sleep(0.2)


async def test_login_is_root_and_commands_are_whole(worker: tuple[Cluster, Host]) -> None:
    cluster, host = worker
    async with cluster.connected(host) as connection:
        assert (await connection.run("id -u", check=True)).stdout == "0\n"
        answer = await connection.run("cat; echo no >&2; exit 7", input="yes")
        assert (answer.stdout, answer.stderr, answer.exit_status) == ("yes", "no\n", 7)
        assert (await connection.run("kill -9 $$")).exit_signal == ("KILL", False, "", "en-US")
        many = await connection.run("head -c 20000000 /dev/zero", encoding=None, check=True)
        assert len(many.stdout or b"") == 20_000_000


async def test_more_sessions_than_openssh_allows(worker: tuple[Cluster, Host]) -> None:
    cluster, host = worker
    async with cluster.connected(host) as connection:
        for _ in range(MAX_SESSIONS):
            await connection.create_process("sleep 60")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("true")


async def test_command_survives_lost_connection(worker: tuple[Cluster, Host], tmp_path: Path) -> None:
    cluster, host = worker
    async with cluster.connected(host) as connection:
        await connection.create_process(f"sleep 1; touch {tmp_path}/done; cat; touch {tmp_path}/stdin-ended")
        connection.abort()
    await until(cluster, host, f"ls {tmp_path}/done {tmp_path}/stdin-ended | wc -l", "2")


async def test_other_keys_are_refused(worker: tuple[Cluster, Host]) -> None:
    cluster, host = worker
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(cluster.laptop / "id_ed25519"))
    with pytest.raises(asyncssh.PermissionDenied):
        await cluster.run(host, "true")


async def test_hold_survives_reboot_and_docker_socket(worker: tuple[Cluster, Host]) -> None:
    cluster, host = worker
    await until(cluster, host, f"systemctl is-active {UNITS} | sort -u", "active")
    hold, units = cluster.site.on_host(host, "/root/hold"), cluster.site.on_host(host, "/etc/systemd/system")
    await cluster.run(
        host,
        f"""set -e; touch {hold}
        for unit in kublr.service kublr-kubelet.service docker.service docker.socket; do
            mkdir {units}/$unit.d
            printf '[Unit]\\nConditionPathExists=!%s\\n' {hold} >{units}/$unit.d/hold.conf
        done
        systemctl stop kublr && systemctl stop kublr-kubelet && systemctl stop docker docker.socket""",
    )
    assert set(await states(cluster, host)) == {"inactive"}
    await cluster.run(host, "systemctl start kublr docker")
    with pytest.raises(asyncssh.ProcessError):
        await cluster.run(host, "docker ps")
    assert set(await states(cluster, host)) == {"inactive"}

    with contextlib.suppress(asyncssh.Error):
        await cluster.run(host, "systemctl reboot; sleep 10")
    await cluster.answers(host)
    assert set(await states(cluster, host)) == {"inactive"}

    await cluster.run(host, f"rm {hold} && systemctl start docker.socket && docker ps")
    assert await states(cluster, host) == ["inactive", "inactive", "active", "active"]
    await cluster.run(host, "systemctl start kublr")
    await until(cluster, host, f"systemctl is-active {UNITS} | sort -u", "active")


async def test_containers_follow_their_services(tmp_path: Path) -> None:
    async with up(tmp_path, masters=1, workers=0) as cluster:
        (host,) = cluster.masters
        await cluster.healthy(cluster.masters)
        etcd = "docker ps --format '{{.Names}}' | grep k8s_etcd_"
        name = (await cluster.run(host, etcd)).strip()
        db = cluster.site.on_host(host, f"{DATA}/member/snap/db")
        taken = f"flock -n {db} true && echo free || echo taken"

        await cluster.run(host, "systemctl stop kublr kublr-kubelet")
        assert (await cluster.run(host, etcd)).strip() == name, "stopping the kubelet must leave containers running"
        assert (await cluster.run(host, taken)).strip() == "taken"
        await cluster.run(host, "systemctl stop docker docker.socket")
        assert (await cluster.run(host, taken)).strip() == "free"

        await cluster.run(host, "systemctl start kublr")
        await cluster.healthy(cluster.masters)
        again = (await cluster.run(host, etcd)).strip()
        assert again == name.removesuffix("_0") + "_1"
        assert '"etcd-version":"3.5.1"' in await cluster.run(host, f"docker logs {again}")
