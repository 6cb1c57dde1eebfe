"""A safety snapshot from etcd's own gateway: complete, or none."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.adapters.snapshot_file import open_snapshot
from tests import snapshots
from tests.demo.certificates import Authority
from tests.unit.templates.host import Ended, FakeHost, client_values


def take(host: FakeHost, url: str, member: object = "") -> Ended:
    return host.act("safeguard/take.sh", member=member, **client_values(url))


def test_the_gateway_sends_a_whole_snapshot(host: FakeHost, tmp_path: Path) -> None:
    (member,) = snapshots.members("etcd0")
    safety = host.folder / "safety.db"
    with snapshots.running(member, tmp_path / "etcd"):
        for number in range(40):
            snapshots.put(member, f"/registry/pods/{number}", bytes(range(256)) * 64)
        revision = snapshots.call(member, "maintenance/status", {})["header"]["revision"]
        ended = take(host, member.client_url)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    facts = open_snapshot(safety).facts
    assert (facts.revision, facts.hashed) == (int(revision), True)
    assert safety.stat().st_mode & 0o777 == 0o600
    before = safety.read_bytes()
    assert take(host, member.client_url).returncode == 0, "taken once"
    assert safety.read_bytes() == before


def test_without_an_answer_there_is_none(host: FakeHost) -> None:
    ended = take(host, "http://127.0.0.1:1")
    assert ended.returncode == 1
    assert "sends no snapshot" in ended.stdout
    assert not (host.folder / "safety.db").exists()


def test_where_the_gateway_is_off_etcdctl_does_it(host: FakeHost, tmp_path: Path) -> None:
    """etcdctl is next to the program of the etcd that has the data open."""
    (member,) = snapshots.members("etcd0")
    with snapshots.running(member, tmp_path / "etcd"):
        snapshots.put(member, "/registry/pods/a", b"x")
    with snapshots.running(member, tmp_path / "etcd", "--enable-grpc-gateway=false"):
        ended = take(host, member.client_url, tmp_path / "etcd/member")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert open_snapshot(host.folder / "safety.db").facts.live_keys == 1
    assert (host.folder / "safety.db").stat().st_mode & 0o777 == 0o600


# --- Over TLS -------------------------------------------------------------------------------------------

NEEDED = "base64 cat chmod cut env grep head kill mv od openssl printf rm sh sha256sum stat sync tail timeout tr wc"


@contextlib.contextmanager
def secured(folder: Path) -> Iterator[tuple[snapshots.Member, Path]]:
    """A member that accepts only clients with a certificate, with that data if given; and its certificates."""
    authority = Authority.new("ca")
    authority.issue(folder / "peer", ["127.0.0.1"])
    (folder / "ca.crt").write_bytes(authority.pem)
    (member,) = snapshots.members("etcd0")
    client, peer = (url.replace("http:", "https:") for url in (member.client_url, member.peer_url))
    tls = [
        f"--{name}-file={folder}/peer.{name.rpartition('-')[2][:4].replace('cert', 'crt')}" for name in ("cert", "key")
    ]
    argv = [
        str(snapshots.ETCD), "--name=etcd0", f"--data-dir={folder}/etcd", f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=etcd0={peer}", "--client-cert-auth", f"--trusted-ca-file={folder}/ca.crt", *tls,
        "--peer-client-cert-auth", f"--peer-trusted-ca-file={folder}/ca.crt", "--quota-backend-bytes=8589934592",
        *(flag.replace("--", "--peer-") for flag in tls), "--log-level=error",
    ]  # fmt: skip
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    context.load_cert_chain(folder / "peer.crt", folder / "peer.key")
    process = subprocess.Popen(argv)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{client}/health", timeout=2, context=context)
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield member, folder
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("asker", ["curl", "openssl"])
def test_over_tls_with_curl_and_with_openssl_alone(host: FakeHost, tmp_path: Path, asker: str) -> None:
    if asker == "openssl":
        for name in NEEDED.split():
            found = shutil.which(name)
            assert found
            (host.programs / name).symlink_to(found)
        host = replace(host, environment={"PATH": str(host.programs)})
    with secured(tmp_path) as (member, pki):
        url = member.client_url.replace("http:", "https:")
        stranger = (pki / "ca.crt", pki / "gone.crt", pki / "gone.key")
        peer = (pki / "ca.crt", pki / "peer.crt", pki / "peer.key")
        ended = host.act("safeguard/take.sh", **client_values(url, stranger, peer))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert open_snapshot(host.folder / "safety.db").facts.hashed
