"""What a host asks its own API server after a run: a real shell, real curl, real TLS with a client certificate."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestrator.core.proof.api_answers import ApiAnswers, read_api
from tests.demo.certificates import Authority
from tests.unit.templates.host import RUN, FakeHost, tree
from tests.unit.templates.https import https_server

NAME = "cp.lab"
NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
LEADERS = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
SECRET = "a-secret-in-a-table"
NEEDED = "cat env grep head mkdir openssl printf rm sed sh sort tail timeout tr wc"
NODES = {"m1": "Ready", "w1": "NotReady"}


def _table(cells: list[list[str]], more: int = 0) -> dict[str, Any]:
    """Make a list as Kubernetes returns it for `as=Table`; the revision is that of the list."""
    columns = [{"name": name, "type": "string"} for name in ("Name", "Status", "Roles")]
    metadata: dict[str, Any] = {"resourceVersion": "900"}
    metadata |= {"continue": "x", "remainingItemCount": more} if more else {}
    rows = [{"cells": row, "object": None} for row in cells] or None
    return {"kind": "Table", "metadata": metadata, "columnDefinitions": columns, "rows": rows}


@dataclass
class Fakes:
    """The answers of this API server, and the requests that it received."""

    ready: str = "ok"
    nodes_status: int = 200
    renews: tuple[str, ...] = ("m1", "w1")
    holds_watches: bool = False
    asked: list[str] = field(default_factory=list)


class Api(BaseHTTPRequestHandler):
    """The part of kube-apiserver that the look asks: only a client with a certificate sees more than /readyz."""

    fakes = Fakes()

    def do_GET(self) -> None:  # the base class calls this name
        assert isinstance(self.connection, ssl.SSLSocket)
        parts = urlsplit(self.path)
        self.fakes.asked.append(self.path)
        if parts.path == "/readyz":
            self._send(200, self.fakes.ready)
        elif not self.connection.getpeercert():
            self._send(401, {"kind": "Status", "code": 401})
        elif parts.path == NODE_LEASES and "watch=1" in parts.query:
            self._watch(parts.query)
        else:
            self._send(*self._answer(parts.path))

    def _answer(self, path: str) -> tuple[int, dict[str, Any]]:
        answers: dict[str, tuple[int, dict[str, Any]]] = {
            "/api/v1/nodes": (self.fakes.nodes_status, _table([[name, said, ""] for name, said in NODES.items()])),
            "/api/v1/secrets": (200, _table([[SECRET, "Opaque", "1"]], more=58)),
            "/api/v1/configmaps": (200, _table([])),
            "/apis/example.com": (200, {"preferredVersion": {"groupVersion": "example.com/v2", "version": "v2"}}),
            "/apis/example.com/v2/widgets": (200, _table([["a", "", ""]])),
            NODE_LEASES: (200, _table([["m1", "", ""]], more=1)),
            f"{LEADERS}kube-scheduler": (200, {"kind": "Lease", "metadata": {"resourceVersion": "871"}}),
        }
        return answers.get(path, (404, {"kind": "Status", "metadata": {}, "code": 404}))

    def _watch(self, query: str) -> None:
        assert "resourceVersion=900" in query
        self.send_response(200)
        self.end_headers()
        for name in self.fakes.renews:
            metadata = {"name": name, "ownerReferences": [{"name": f"owner-of-{name}"}]}
            event = {"type": "MODIFIED", "object": {"kind": "Lease", "metadata": metadata, "spec": {}}}
            self.wfile.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
        self.wfile.flush()
        if self.fakes.holds_watches:
            time.sleep(4)

    def _send(self, status: int, said: str | dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write((said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))).encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@dataclass(frozen=True)
class Server:
    port: int
    pki: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An API server on 127.0.0.1; its certificate has only the name in the kubeconfig, as kubeadm's has."""
    pki = tmp_path_factory.mktemp("pki")
    for name in ("ca", "stranger"):
        authority = Authority.new(name)
        (pki / f"{name}.crt").write_bytes(authority.pem)
        authority.issue(pki / f"{name}-client", ["admin"])
        authority.issue(pki / f"{name}-server", [NAME])
    with https_server(Api, pki / "ca-server.crt", pki / "ca.crt") as port:
        yield Server(port, pki)


@pytest.fixture(autouse=True)
def fakes() -> Fakes:
    Api.fakes = Fakes()
    return Api.fakes


def kubeconfig(host: FakeHost, pki: Path, *, ca: str = "ca", inline: bool = True, more: str = "") -> Path:
    """A kubeconfig as kubeadm writes it, or with paths: one absolute, two relative to the file."""
    files = {
        "certificate-authority": pki / f"{ca}.crt",
        "client-certificate": pki / "ca-client.crt",
        "client-key": pki / "ca-client.key",
    }
    said = {f"{name}-data": base64.b64encode(path.read_bytes()).decode() for name, path in files.items()}
    if not inline:
        for name, path in files.items():
            shutil.copy(path, host.root / path.name)
            said[name] = path.name if name.startswith("client") else f'"{path}"'
    line = {
        name.removesuffix("-data"): f"{name}: {text}" for name, text in said.items() if inline or "-data" not in name
    }
    path = host.root / "admin.conf"
    path.write_text(
        f"apiVersion: v1\nclusters:\n- cluster:\n    {line['certificate-authority']}\n    server: https://{NAME}:8443\n"
        f"  name: kubernetes\ncurrent-context: a\nkind: Config\nusers:\n- name: admin\n  user:\n"
        f"    {line['client-certificate']}\n    {line['client-key']}\n{more}"
    )
    return path


def ask(host: FakeHost, server: Server, path: Path, **changed: object) -> ApiAnswers:
    values: dict[str, object] = {
        "state": host.state,
        "run": RUN,
        "port": server.port,
        "addresses": "127.0.0.1 127.0.0.9",
        "kubeconfig": path,
        "seconds": 2,
        "resources": ("/configmaps", "/secrets", "example.com/widgets", "gone.example.com/things"),
    }
    before = tree(host.state)
    ended = host.look("observe/api.sh", **(values | changed))
    assert ended.returncode == 0, ended.stderr
    assert tree(host.state) == before, "it leaves a file behind"
    assert SECRET not in ended.stdout
    assert "PRIVATE" not in ended.stdout + ended.stderr
    return read_api("m1", ended.stdout)


@pytest.mark.parametrize("inline", [True, False])
def test_an_api_server_says_what_it_serves(host: FakeHost, server: Server, inline: bool) -> None:
    assert ask(host, server, kubeconfig(host, server.pki, inline=inline)) == ApiAnswers(
        host="m1",
        readyz="ok",
        counts={"/configmaps": 0, "/secrets": 59, "example.com/widgets": 1, "gone.example.com/things": None},
        renewed=("m1", "w1"),
        nodes=NODES,
        leaders={"kube-controller-manager": None, "kube-scheduler": 871},
    )


def test_a_watch_ends_when_all_nodes_are_seen_or_time_is_up(host: FakeHost, server: Server, fakes: Fakes) -> None:
    fakes.holds_watches = True
    began = time.monotonic()
    assert ask(host, server, kubeconfig(host, server.pki), seconds=60).renewed == ("m1", "w1")
    assert time.monotonic() - began < 30
    fakes.renews = ()
    assert ask(host, server, kubeconfig(host, server.pki), seconds=1).renewed == ()


def test_one_that_is_not_ready_is_asked_nothing_else(host: FakeHost, server: Server, fakes: Fakes) -> None:
    fakes.ready = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed"
    found = ask(host, server, kubeconfig(host, server.pki))
    assert found == ApiAnswers(host="m1", readyz="etcd failed: reason withheld")
    assert set(fakes.asked) == {"/readyz"}


def test_without_a_kubeconfig_only_readiness_is_asked(host: FakeHost, server: Server, fakes: Fakes) -> None:
    found = ask(host, server, host.root / "none.conf")
    assert (found.readyz, found.unasked) == ("ok", f"there is no {host.root}/none.conf")
    assert set(fakes.asked) == {"/readyz"}


def test_a_kubeconfig_of_another_cluster_proves_nothing(host: FakeHost, server: Server) -> None:
    path = kubeconfig(host, server.pki, ca="stranger")
    assert ask(host, server, path).unasked == f"{path} does not fit the API server's certificate"


def test_a_kubeconfig_with_two_users_is_not_used(host: FakeHost, server: Server) -> None:
    path = kubeconfig(host, server.pki, more="- name: b\n  user:\n    client-key: b.key\n")
    assert ask(host, server, path).unasked == f"{path} has more than one user"


def test_a_kubeconfig_without_a_certificate_is_not_used(host: FakeHost, server: Server) -> None:
    path = host.root / "token.conf"
    path.write_text(f"clusters:\n- cluster:\n    server: https://{NAME}\nusers:\n- user:\n    token: t\n")
    assert ask(host, server, path).unasked == f"{path} has no client certificate"


def test_a_user_without_the_right_is_no_fault_of_the_api(host: FakeHost, server: Server, fakes: Fakes) -> None:
    fakes.nodes_status = 403
    path = kubeconfig(host, server.pki)
    assert ask(host, server, path).unasked == f"the user of {path} may not list nodes"


def test_an_error_is_a_fault(host: FakeHost, server: Server, fakes: Fakes) -> None:
    fakes.nodes_status = 500
    found = ask(host, server, kubeconfig(host, server.pki))
    assert (found.unasked, found.fault) == ("", "no list of nodes (HTTP 500)")


def test_without_curl_only_readiness_is_asked(host: FakeHost, server: Server) -> None:
    bare = host.root / "bare"
    bare.mkdir()
    for name in NEEDED.split():
        path = shutil.which(name)
        assert path, name
        (bare / name).symlink_to(path)
    alone = replace(host, environment={"PATH": f"{host.programs}:{bare}"})
    assert ask(alone, server, kubeconfig(host, server.pki)).unasked == "curl is not installed"


def test_the_key_is_for_root_alone_and_in_no_argument(host: FakeHost, server: Server) -> None:
    """A fake curl records its arguments and the modes of the files."""
    curl = shutil.which("curl")
    listing = f"ls -ld {host.folder}/api.* {host.folder}/api.*/* >>{host.root}/seen 2>&1"
    host.program("curl", f'{listing}\nexec {curl} "$@"')
    path = kubeconfig(host, server.pki)
    ask(host, server, path)
    seen = (host.root / "seen").read_text().splitlines()
    modes = {line.split()[0] for line in seen if line.startswith(("d", "-"))}
    assert modes == {"drwx------", "-rw-------"}
    key = base64.b64encode((server.pki / "ca-client.key").read_bytes()).decode()
    assert not [call for call in host.calls if key[:40] in call or "PRIVATE" in call]
