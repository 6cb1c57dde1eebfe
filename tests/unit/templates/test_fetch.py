"""A host's requests to its own member and API server, over real TLS: with curl, or with openssl without curl."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orchestrator.core.hosts.http import HttpAnswer, parse_http
from orchestrator.core.model.outcome import Output
from orchestrator.core.proof.judges import read_shown
from orchestrator.core.proof.restored import Shown
from tests.demo.certificates import Authority
from tests.unit.templates.host import RUN, Ended, FakeHost, client_values, peer_values
from tests.unit.templates.https import https_server

NAME = "etcd0.kublr.local"
NEEDED = "base64 cat date env find grep head mv openssl printf sh sleep sort stat sync tail timeout tr wc"


COMPACTED = "mvcc: required revision has been compacted"
NEWEST = {"header": {"revision": 41017}, "hash": 7}


class Echo(BaseHTTPRequestHandler):
    """Answer with the request and its client; `ok` on /readyz.

    Below /etcd it acts as an idle etcd that refuses its own newest revision, because it was compacted to it.
    """

    def do_GET(self) -> None:  # the base class calls this name
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        assert isinstance(self.connection, ssl.SSLSocket)
        asked = {"method": self.command, "path": self.path, "body": body, "by": bool(self.connection.getpeercert())}
        answer = b"ok" if self.path == "/readyz" else json.dumps(asked).encode()
        if self.path.startswith("/etcd/"):
            answer = json.dumps(asked | NEWEST, separators=(",", ":")).encode()
            if "4101" in body:
                answer = COMPACTED.encode()
        self.send_response(200)
        self.send_header("X-Etcd-Cluster-Id", "cdf818194e3a8c32")
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@dataclass(frozen=True)
class Server:
    port: int
    pki: Path

    @property
    def tls(self) -> tuple[Path, Path, Path]:
        return (self.pki / "ca.crt", self.pki / "peer.crt", self.pki / "peer.key")

    def url(self, name: str = NAME) -> str:
        return f"https://{name}:{self.port}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on 127.0.0.1 with a certificate for NAME and 127.0.0.1; the client may use the same certificate."""
    pki = tmp_path_factory.mktemp("pki")
    for name in ("ca", "stranger"):
        authority = Authority.new(name)
        authority.issue(pki / f"{name}-peer", [NAME, "127.0.0.1"])
        (pki / f"{name}.crt").write_bytes(authority.pem)
    for suffix in ("crt", "key"):
        (pki / f"ca-peer.{suffix}").rename(pki / f"peer.{suffix}")
    with https_server(Echo, pki / "peer.crt", pki / "ca.crt") as port:
        yield Server(port, pki)


@pytest.fixture(params=["curl", "openssl"])
def asking(request: pytest.FixtureRequest, host: FakeHost) -> FakeHost:
    """The unchanged host, or a host without curl."""
    if request.param == "curl":
        return host
    bare = host.root / "bare"
    bare.mkdir()
    for name in NEEDED.split():
        path = shutil.which(name)
        assert path, name
        (bare / name).symlink_to(path)
    return replace(host, environment={"PATH": f"{host.programs}:{bare}"})


def ask(host: FakeHost, server: Server, url: str, tls: tuple[Path, Path, Path] | None = None) -> dict[str, HttpAnswer]:
    """Run `workers/is_node_ready.sh`, which sends two POST requests with a body; return the answers."""
    facts = host.facts("workers/is_node_ready.sh", node="worker-1", **client_values(url, tls or server.tls))
    return {name: parse_http(text) for name, text in facts.items()}


@pytest.mark.parametrize("name", [NAME, "127.0.0.1"])
def test_a_question_arrives_whole(asking: FakeHost, server: Server, name: str) -> None:
    answers = ask(asking, server, server.url(name))
    assert list(answers) == ["leases", "minions"]
    for key, answer in zip(("leases/kube-node-lease/worker-1", "minions/worker-1"), answers.values(), strict=True):
        assert answer.status == 200
        assert answer.headers["x-etcd-cluster-id"] == "cdf818194e3a8c32"
        asked = json.loads(answer.body)
        assert (asked["method"], asked["path"], asked["by"]) == ("POST", "/v3/kv/range", True)
        assert base64.b64decode(json.loads(asked["body"])["key"]).decode() == f"/registry/{key}"


def test_a_server_of_another_name_is_not_believed(asking: FakeHost, server: Server) -> None:
    for name in ("etcd9.kublr.local", "127.0.0.9"):
        assert list(ask(asking, server, server.url(name)).values()) == [HttpAnswer()] * 2


def test_a_server_of_another_authority_is_not_believed(asking: FakeHost, server: Server) -> None:
    stranger = (server.pki / "stranger.crt", *server.tls[1:])
    assert list(ask(asking, server, server.url(), stranger).values()) == [HttpAnswer()] * 2


def test_a_port_where_nobody_listens(asking: FakeHost, server: Server) -> None:
    assert list(ask(asking, server, "https://127.0.0.1:1").values()) == [HttpAnswer()] * 2


def proof(host: FakeHost, server: Server, revision: int, peer_url: str) -> Shown:
    ended = host.look(
        "start/is_restored.sh",
        state=host.state,
        run=RUN,
        data=host.root / "data",
        member=host.member,
        revision=revision,
        starts=host.steps("start.services"),
        **peer_values(peer_url, server.tls) | client_values(server.url(), server.tls, server.tls),
    )
    return read_shown(Output(0, ended.stdout.encode()))


def test_the_proof_asks_for_the_snapshots_revision_and_the_newest(asking: FakeHost, server: Server) -> None:
    url = server.url()
    shown = proof(asking, server, 48213, url)
    assert shown.cluster_id == "cdf818194e3a8c32"
    assert json.loads(shown.hashkv)["body"] == '{"revision":48213}'
    assert json.loads(shown.hashkv_now)["body"] == '{"revision":0}'
    assert {json.loads(text)["path"] for text in (shown.hashkv, shown.hashkv_now)} == {"/members/hashkv"}
    assert json.loads(shown.health)["path"] == "/health"


def test_where_the_snapshots_revision_is_refused_the_round_number_is_asked_too(
    asking: FakeHost, server: Server
) -> None:
    shown = proof(asking, server, 41017, f"{server.url()}/etcd")
    assert (shown.hashkv, json.loads(shown.hashkv_now)["body"]) == (COMPACTED, '{"revision":0}')
    assert (shown.round_revision, json.loads(shown.hashkv_round)["body"]) == (41000, '{"revision":41000}')


def start(host: FakeHost, server: Server, revision: int, *command: str) -> Ended:
    where = peer_values(f"{server.url()}/etcd", server.tls)
    argv = command or ("systemctl", "start", "kublr.service")
    return host.act("start/services.sh", revision=revision, command=argv, **where)


def witnessed(host: FakeHost, server: Server, revision: int) -> str:
    """Start the services and return what the witness writes; the start leaves the witness running."""
    host.program("systemctl", "")
    ended = start(host, server, revision)
    assert ended.returncode == 0
    assert host.calls == ["systemctl start kublr.service"]
    path = host.folder / "witnessed"
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return path.read_text()


def test_a_start_leaves_a_witness(asking: FakeHost, server: Server) -> None:
    answer = json.loads(witnessed(asking, server, 48213))
    assert (answer["path"], answer["body"]) == ("/etcd/members/hashkv", '{"revision":48213}')


def test_the_witness_takes_the_newest_revision_where_that_is_the_one(asking: FakeHost, server: Server) -> None:
    assert json.loads(witnessed(asking, server, 41017))["body"] == '{"revision":0}'


def test_the_witness_goes_where_the_revision_is_compacted_away(asking: FakeHost, server: Server) -> None:
    """Otherwise it would ask for ten minutes for a revision that no longer exists."""
    asking.program("systemctl", "")
    assert start(asking, server, 41016).returncode == 0
    deadline = time.monotonic() + 20
    while subprocess.run(["pgrep", "-f", str(asking.folder / "run")], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < deadline, "the witness is still there"
        time.sleep(0.2)
    assert not (asking.folder / "witnessed").exists()


def test_a_start_that_fails_leaves_nothing_behind(host: FakeHost, server: Server) -> None:
    ended = start(host, server, 48213, "false")
    assert ended.returncode == 1
    time.sleep(0.2)
    assert not (host.folder / "witnessed").exists()


def test_an_api_server_that_is_ready(asking: FakeHost, server: Server) -> None:
    assert asking.look("api/is_ready.sh", port=server.port, addresses=("127.0.0.1",)).returncode == 0
    assert (
        asking.look(
            "api/is_ready.sh",
            port=server.port,
            addresses=(
                "127.0.0.9",
                "127.0.0.1",
            ),
        ).returncode
        == 0
    )  # any address will do
    ended = asking.look("api/is_ready.sh", port=1, addresses=("127.0.0.1",))
    assert (ended.returncode, ended.stdout) == (1, "the API server on port 1 is not ready: no answer\n")
