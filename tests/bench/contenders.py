"""Contenders for the same restore: the product with both strategies, parallel shells by hand, and Ansible.

A plain stop and start of the same services, without a restore, is the lower bound. All log in as the inventory
says, one master per way to become root, and start with warm connections and with the snapshot already on every
master. Each returns its own figure for the outage.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cluster import STAGED, Cluster, Login, old_copy
from tests.lab.commands import LabError, run, wait
from tests.lab.hosts import DATA
from tests.lab.lab import REPOSITORY

MOST_S = 900.0
ANSIBLE = REPOSITORY / ".lab" / "ansible"
PLAYBOOK = Path(__file__).with_name("restore.yml")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A contender's own figures: its end (monotonic), its outage if it measures one, and the fixed dwell in that."""

    ended_s: float
    outage_s: float | None = None
    dwell_s: float = 0.0


Contender = Callable[[Cluster], Claimed]


def aided(cluster: Cluster) -> Claimed:
    return _product(cluster, "aided")


def manual(cluster: Cluster) -> Claimed:
    return _product(cluster, "manual")


def _product(cluster: Cluster, strategy: str) -> Claimed:
    """Run `orchestrator restore` as an operator types it; the outage is the one in its report."""
    with tempfile.TemporaryDirectory() as laptop:
        environment = {
            **os.environ,
            "XDG_STATE_HOME": laptop,
            "ORCHESTRATOR_SUDO_PASSWORD_FILE": str(cluster.password_file),
        }
        argv = [
            str(Path(sys.executable).with_name("orchestrator")), "restore", f"--inventory={cluster.inventory}",
            f"--snapshot={cluster.snapshot}", "--override=quorum-healthy", "--confirm=lab", "--json", "--quiet",
            f"--strategy={strategy}",
        ]  # fmt: skip
        report = json.loads(run(argv, environment=environment))
    return Claimed(time.monotonic(), report["outage_s"], report["dwell_s"])


def stop_start(cluster: Cluster) -> Claimed:
    """Stop and start the same services on their own data, until every member has a quorum."""
    with warm_shells(cluster.logins, cluster.ssh_options) as shells:
        began_s = time.monotonic()
        for step in (_STOP, "systemctl start kublr", _HEALTHY):
            shells(step)
        ended_s = time.monotonic()
    return Claimed(ended_s, ended_s - began_s)


def by_hand(cluster: Cluster) -> Claimed:
    """Run every step on all masters at once, and the next one when all have done it.

    It is the best that a person with a shell open on each master can do, who needs no time to read or type.
    """
    steps = (
        _STOP,
        f"cp -a {DATA}/member {old_copy()}",
        f"/opt/kublr/bin/kublr etcd restore --file {STAGED}",
        f"sha256sum {DATA}/restore.db",
        "systemctl start kublr",
        _POLL.format(revision=cluster.revision, hash_kv=cluster.hash_kv),
    )
    with warm_shells(cluster.logins, cluster.ssh_options) as shells:
        began_s = time.monotonic()
        for step in steps:
            printed = shells(step)
            if step.startswith("sha256sum") and any(cluster.sha256 not in text for text in printed.values()):
                raise LabError(f"another restore.db than the snapshot: {printed}")
        ended_s = time.monotonic()
    return Claimed(ended_s, ended_s - began_s)


_STOP = "systemctl stop kublr && systemctl stop kublr-kubelet && systemctl stop docker.socket docker"

# Ends when the member has a quorum.
_HEALTHY = """pki=/etc/kubernetes/pki/etcd
ask() {
    if command -v curl >/dev/null; then
        curl -s --cacert $pki/ca.crt --cert $pki/peer.crt --key $pki/peer.key https://127.0.0.1:2379/health
    else
        printf 'GET /health HTTP/1.0\\r\\n\\r\\n' |
            openssl s_client -quiet -connect 127.0.0.1:2379 -CAfile $pki/ca.crt -cert $pki/peer.crt \\
            -key $pki/peer.key 2>/dev/null
    fi
}
tries=1000
until ask | grep -q '"health":"true"'; do
    tries=$((tries - 1))
    [ $tries -gt 0 ]
    sleep 0.3
done"""

# Ends when the member shows the right hash. Uses curl, or openssl on the host without curl.
_POLL = """pki=/etc/kubernetes/pki/etcd
body='{{"revision":{revision}}}'
ask() {{
    if command -v curl >/dev/null; then
        curl -s --http1.1 --cacert $pki/ca.crt --cert $pki/peer.crt --key $pki/peer.key -X GET -d "$body" \
            https://127.0.0.1:2380/members/hashkv
    else
        printf 'GET /members/hashkv HTTP/1.0\\r\\nContent-Length: %s\\r\\n\\r\\n%s' "${{#body}}" "$body" |
            openssl s_client -quiet -connect 127.0.0.1:2380 -CAfile $pki/ca.crt -cert $pki/peer.crt \
            -key $pki/peer.key 2>/dev/null
    fi
}}
tries=1000
until ask | grep -q '"hash":{hash_kv}[,}}]'; do
    tries=$((tries - 1))
    [ $tries -gt 0 ]
    sleep 0.3
done"""


@contextmanager
def warm_shells(logins: Mapping[str, Login], ssh_options: Sequence[str]) -> Iterator[Callable[..., Mapping[str, str]]]:
    """Yield a function that runs a script as root, over connections that stay open: on all masters at once, or on
    those that are named after it."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool, ExitStack() as connections:
        shared = (*ssh_options, "-o", f"ControlPath={folder}/%h")
        for login in logins.values():
            connections.enter_context(_connection((*shared, "-M", "-N", f"{login.user}@{login.address}")))

        def one(name: str, script: str) -> str:
            login = logins[name]
            line = f"{login.become}{shlex.join(('sh', '-euc', script))}"
            argv = ["ssh", *shared, f"{login.user}@{login.address}", line]
            return run(argv, f"{login.password}\n".encode() if login.password else b"")

        def everywhere(script: str, *only: str) -> Mapping[str, str]:
            names = only or tuple(logins)
            return dict(zip(names, pool.map(one, names, (script,) * len(names)), strict=True))

        wait(lambda: len(list(Path(folder).iterdir())) == len(logins), "SSH connections")
        everywhere("true")
        yield everywhere


@contextmanager
def _connection(arguments: tuple[str, ...]) -> Iterator[None]:
    """Run the process that keeps one connection open for the others."""
    with subprocess.Popen(["ssh", *arguments], stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()  # ssh sometimes ignores a SIGTERM


def ansible(cluster: Cluster) -> Claimed:
    """Run the playbook beside this file; its last task ends when every member shows the right hash."""
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PLAYBOOK.with_name("ansible.cfg"))}
    with tempfile.TemporaryDirectory() as folder:
        inventory = Path(folder, "inventory.json")
        inventory.touch(mode=0o600)
        inventory.write_text(json.dumps(_ansible_inventory(cluster)))
        environment["ANSIBLE_HOME"] = folder
        argv = [str(ANSIBLE / "bin" / "ansible-playbook"), "-i", str(inventory), str(PLAYBOOK)]
        done = subprocess.run(argv, env=environment, capture_output=True, check=False, timeout=MOST_S)
    if done.returncode != 0:
        raise LabError(f"ansible-playbook: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
    return Claimed(time.monotonic())


def _ansible_inventory(cluster: Cluster) -> dict[str, object]:
    hosts = {
        name: {
            "ansible_host": login.address,
            "ansible_user": login.user,
            "ansible_become": login.user != "root",
            **({"ansible_become_password": login.password} if login.password else {}),
        }
        for name, login in cluster.logins.items()
    }
    variables = {
        "ansible_ssh_common_args": " ".join(cluster.ssh_options),
        "data": DATA,
        "old_copy": old_copy(),
        "snapshot": STAGED,
        "snapshot_sha256": cluster.sha256,
        "revision": cluster.revision,
        "hash_kv": cluster.hash_kv,
    }
    return {"masters": {"hosts": hosts, "vars": variables}}
