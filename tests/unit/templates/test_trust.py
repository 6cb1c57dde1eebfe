"""A master's certificates, keys and encryption: the look prints names, dates and sums, with the real openssl."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.core.hosts.view import Trust
from orchestrator.distros.common import parse_trust
from tests.demo.certificates import Authority
from tests.unit.templates.host import FakeHost, volume_values

MONTH = timedelta(days=30)
SECRET = "bm90aGluZyBidXQgYSBzZWNyZXQga2V5ISE="
ENCRYPTION = f"""kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aescbc:
          keys:
            - name: key2
              secret: {SECRET}
            - name: "key1"
              secret: {SECRET}
            - {{name: flow, secret: {SECRET}}}
      - identity: {{}}
"""


def make_certificate(folder: Path, name: str, valid: timedelta) -> Path:
    """Make a certificate for etcd0.kublr.local that expires after that time from now."""
    Authority.new("ca").issue(folder / name, ["etcd0.kublr.local", "10.20.0.11"], valid)
    return folder / f"{name}.crt"


def looked(host: FakeHost, peer: Path, client: Path, encryption: Path | str, *shared: Path) -> tuple[Trust, str]:
    """Run the volume's look at such a master; return the parsed trust and all output."""
    url = "https://127.0.0.1:1"
    values = volume_values(host.root / "data", Path("/absent"), url, url)
    values |= {"peer_cert": peer, "client_cert": client, "encryption": encryption, "shared": shared}
    ended = host.look("observe/volume.sh", **values)
    assert ended.returncode == 0, ended.stderr
    return parse_trust(host.facts("observe/volume.sh", **values)), ended.stdout


def test_a_certificate_that_holds_and_one_that_soon_ends(host: FakeHost) -> None:
    peer, client = make_certificate(host.root, "peer", MONTH), make_certificate(host.root, "client", timedelta(days=3))
    trust, _ = looked(host, peer, client, "")
    assert [(shown.path, shown.state) for shown in trust.certificates] == [(str(peer), ""), (str(client), "soon")]
    assert trust.certificates[0].names == {"etcd0.kublr.local", "10.20.0.11"}
    assert trust.certificates[0].ends.endswith("GMT")
    assert trust.encryption_keys is None


def test_one_certificate_for_both_is_shown_once(host: FakeHost) -> None:
    peer = make_certificate(host.root, "peer", MONTH)
    trust, _ = looked(host, peer, peer, "")
    assert len(trust.certificates) == 1


def test_a_certificate_that_has_expired(host: FakeHost) -> None:
    peer = make_certificate(host.root, "peer", timedelta(minutes=-30))
    trust, _ = looked(host, peer, peer, "")
    assert [shown.state for shown in trust.certificates] == ["expired"]


def test_a_file_that_is_no_certificate(host: FakeHost) -> None:
    trust, _ = looked(host, Path("/absent"), host.root / "calls", "")
    assert {shown.state for shown in trust.certificates} == {"unread"}


def test_shared_files_are_shown_by_their_sums(host: FakeHost) -> None:
    key = host.root / "sa key.pub"
    key.write_text("public\n")
    trust, text = looked(host, key, key, "", key, host.root / "absent")
    assert trust.files == {str(key): hashlib.sha256(b"public\n").hexdigest()}
    assert "public" not in text.replace("sa key.pub", "")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_of_the_encryption_only_names_are_shown(host: FakeHost, ending: str) -> None:
    config = host.root / "encryption.yaml"
    config.write_text(ENCRYPTION.replace("\n", ending), newline="")
    trust, text = looked(host, config, config, config)
    assert SECRET not in text
    assert "secret" not in text
    if ending == "\n":
        assert trust.encryption_keys == ("aescbc key2", "aescbc key1", "identity")
