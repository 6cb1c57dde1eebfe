"""etcd's configuration out of the manifests of static pods."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchestrator.core.hosts.view import ApiServer, EtcdConfig, Tls
from orchestrator.distros.manifest import ManifestError, parse_api_manifest, parse_manifest

PATH = "/etc/kubernetes/manifests/etcd.manifest"
ENV = {
    "ETCD_NAME": "etcd0",
    "ETCD_DATA_DIR": "/var/lib/etcd",
    "ETCD_INITIAL_ADVERTISE_PEER_URLS": "https://etcd0.kublr.local:2380",
    "ETCD_ADVERTISE_CLIENT_URLS": "https://10.20.0.11:2379",
    "ETCD_INITIAL_CLUSTER": "etcd0=https://etcd0.kublr.local:2380,etcd1=https://etcd1.kublr.local:2380",
    "ETCD_PEER_TRUSTED_CA_FILE": "/certs/etcd/ca.crt",
    "ETCD_PEER_CERT_FILE": "/certs/etcd/peer.crt",
    "ETCD_PEER_KEY_FILE": "/certs/etcd/peer.key",
}


def pod(env: dict[str, str] | None = None, args: list[str] | None = None, **spec: Any) -> str:
    """A manifest of one etcd container: ``ENV`` with ``env`` over it, and ``args``."""
    container = {
        "name": "etcd",
        "image": "etcd:3.5.1",
        "command": ["etcd", *(args or [])],
        "env": [{"name": name, "value": value} for name, value in (ENV | (env or {})).items() if value],
        "volumeMounts": [
            {"name": "data", "mountPath": "/var/lib/etcd"},
            {"name": "certs", "mountPath": "/certs"},
            {"name": "more", "mountPath": "/certs/etcd/more"},
        ],
    }
    volumes = [
        {"name": "data", "hostPath": {"path": "/mnt/master-pd/etcd/"}},
        {"name": "certs", "hostPath": {"path": "/etc/kubernetes/pki"}},
        {"name": "more", "hostPath": {"path": "/more"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    return yaml.safe_dump({"kind": "Pod", "spec": {"containers": [container], "volumes": volumes} | spec})


def parse(text: str) -> EtcdConfig:
    return parse_manifest(text, path=PATH)


def edited(change: Any) -> str:
    """The ordinary manifest after ``change`` was let loose on its spec."""
    document = yaml.safe_load(pod())
    change(document["spec"])
    return yaml.safe_dump(document)


def test_the_environment() -> None:
    etcd = parse(pod())
    assert (etcd.member, etcd.token, etcd.image) == ("etcd0", "etcd-cluster", "etcd:3.5.1")
    assert etcd.initial_cluster == {
        "etcd0": "https://etcd0.kublr.local:2380",
        "etcd1": "https://etcd1.kublr.local:2380",
    }
    assert etcd.data == "/mnt/master-pd/etcd"
    assert etcd.member_path == "/mnt/master-pd/etcd/member"


@pytest.mark.parametrize(
    "args", [["--name=etcd7"], ["--name", "etcd7"], ["-name", "etcd7"], ["--name=x", "--name=etcd7"]]
)
def test_an_argument_wins_over_the_environment(args: list[str]) -> None:
    assert parse(pod(args=args)).member == "etcd7"


def test_a_value_may_hold_an_equals_sign() -> None:
    cluster = "--initial-cluster=etcd0=https://a:2380,etcd9=https://b:2380"
    assert parse(pod(args=[cluster])).initial_cluster == {"etcd0": "https://a:2380", "etcd9": "https://b:2380"}


def test_arguments_may_stand_in_args_as_well() -> None:
    text = edited(lambda spec: spec["containers"][0].update(args=["--initial-cluster-token=t7"]))
    assert parse(text).token == "t7"


def test_certificates_are_mapped_through_the_mounts() -> None:
    pki = "/etc/kubernetes/pki/etcd"
    assert parse(pod()).peer_tls == Tls(f"{pki}/ca.crt", f"{pki}/peer.crt", f"{pki}/peer.key")
    # The longest mount wins; a folder that only begins alike is no mount; a path outside all mounts stays.
    env = {
        "ETCD_PEER_TRUSTED_CA_FILE": "/certs/etcd/more/ca.crt",
        "ETCD_PEER_CERT_FILE": "/certs-old/peer.crt",
        "ETCD_PEER_KEY_FILE": "/elsewhere/peer.key",
    }
    assert parse(pod(env)).peer_tls == Tls("/more/ca.crt", "/certs-old/peer.crt", "/elsewhere/peer.key")


def test_the_inventorys_own_folder_of_certificates() -> None:
    etcd = parse_manifest(pod(), path=PATH, certificates="/pki")
    assert etcd.peer_tls == Tls("/pki/ca.crt", "/pki/peer.crt", "/pki/peer.key")
    assert etcd.client_tls == Tls("", "", "")  # none is declared, none is made up


def test_a_data_folder_below_the_volume() -> None:
    etcd = parse(pod({"ETCD_DATA_DIR": "/var/lib/etcd/default.etcd"}))
    assert etcd.data == "/mnt/master-pd/etcd"
    assert etcd.member_path == "/mnt/master-pd/etcd/default.etcd/member"


def test_a_part_of_a_volume() -> None:
    text = edited(lambda spec: spec["containers"][0]["volumeMounts"][0].update(subPath="v3"))
    assert parse(text).member_path == "/mnt/master-pd/etcd/v3/member"


def test_the_inventorys_own_data_volume() -> None:
    etcd = parse_manifest(pod(), path=PATH, data="/data/etcd")
    assert (etcd.data, etcd.member_path) == ("/data/etcd", "/data/etcd/member")


@pytest.mark.parametrize(
    ("urls", "address"),
    [
        ("", "127.0.0.1"),
        ("https://0.0.0.0:2380", "127.0.0.1"),
        ("https://[::]:2380", "127.0.0.1"),
        ("https://localhost:2380", "127.0.0.1"),
        ("https://10.20.0.11:2380", "10.20.0.11"),
        ("https://10.20.0.11:2380,https://127.0.0.1:2380", "10.20.0.11"),
        ("https://[fd00::11]:2380", "fd00::11"),
    ],
)
def test_where_the_member_listens(urls: str, address: str) -> None:
    assert parse(pod({"ETCD_LISTEN_PEER_URLS": urls})).address == address


def test_peers_with_ipv6_addresses() -> None:
    url = "https://[fd00::11]:2380"
    etcd = parse(pod({"ETCD_INITIAL_ADVERTISE_PEER_URLS": url, "ETCD_INITIAL_CLUSTER": f"etcd0={url}"}))
    assert etcd.peer_url == url
    assert etcd.initial_cluster == {"etcd0": url}


def test_names_that_the_pod_knows_by_itself() -> None:
    aliases = [{"ip": "10.20.0.11", "hostnames": ["a", "b"]}, {"ip": "10.20.0.12", "hostnames": ["c"]}, {"ip": "::1"}]
    assert parse(pod(hostAliases=aliases)).aliases == {"a", "b", "c"}
    assert parse(pod(hostAliases=None)).aliases == frozenset()


def test_of_several_containers_the_one_named_etcd() -> None:
    text = edited(lambda spec: spec["containers"].insert(0, {"name": "metrics", "args": ["--name=wrong"]}))
    assert parse(text).member == "etcd0"


def test_of_several_client_urls_the_first() -> None:
    urls = "https://10.20.0.11:2379,https://127.0.0.1:2379"
    assert parse(pod({"ETCD_ADVERTISE_CLIENT_URLS": urls})).client_url == "https://10.20.0.11:2379"


def from_elsewhere(spec: Any) -> None:
    spec["containers"][0]["env"][0] = {"name": "ETCD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML"),
        ("- 1\n", "is not a pod"),
        ("kind: Pod\n", "is not a pod"),
        (edited(lambda spec: spec.update(containers=[])), "exactly one container"),
        (edited(lambda spec: spec["containers"].append(spec["containers"][0])), "exactly one container"),
        (edited(from_elsewhere), "ETCD_NAME is set by `valueFrom`"),
        (edited(lambda spec: spec.update(volumes=[])), "no volume named `data`"),
        (edited(lambda spec: spec["volumes"][0].update(hostPath=None)), "no volume named `data`"),
        (pod({"ETCD_NAME": ""}), "etcd's --name is neither"),
        (pod({"ETCD_DATA_DIR": ""}), "etcd's --data-dir is neither"),
        (pod({"ETCD_INITIAL_ADVERTISE_PEER_URLS": "https://a:2380,https://b:2380"}), "several peer URLs"),
        (pod({"ETCD_INITIAL_CLUSTER": "etcd0"}), "is not NAME=URL"),
        (pod({"ETCD_INITIAL_CLUSTER": "etcd0=https://a:2380,etcd0=https://b:2380"}), "is not NAME=URL"),
    ],
)
def test_what_cannot_be_understood_is_said(text: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said) as raised:
        parse(text)
    assert str(raised.value).startswith(PATH)


def test_a_log_that_is_kept_apart() -> None:
    assert parse(pod()).wal_dir == ""
    assert parse(pod(args=["--wal-dir=/certs/etcd/more/wal"])).wal_dir == "/more/wal"
    assert parse(pod(args=["--wal-dir=/var/lib/etcd/member/wal/"])).wal_dir == "", "where it lies anyway"


# --- The API server's ------------------------------------------------------------------------------------


def api_pod(*words: str) -> str:
    """An API server's manifest; its folder of certificates lies elsewhere on the host."""
    container = {
        "name": "kube-apiserver",
        "command": ["kube-apiserver", *words],
        "volumeMounts": [{"name": "pki", "mountPath": "/certs"}],
    }
    volumes = [{"name": "pki", "hostPath": {"path": "/etc/kubernetes/pki"}}]
    return yaml.safe_dump({"kind": "Pod", "spec": {"containers": [container], "volumes": volumes}})


def test_what_api_servers_must_share() -> None:
    text = api_pod(
        "--client-ca-file=/certs/ca.crt",
        "--service-account-key-file=/certs/sa.pub",
        "--service-account-key-file=/certs/old.pub",
        "--service-account-signing-key-file",
        "/certs/sa.key",
        "--encryption-provider-config=/certs/encryption.yaml",
        "--etcd-prefix=kubernetes.io",
    )
    assert parse_api_manifest(text) == ApiServer(
        client_ca="/etc/kubernetes/pki/ca.crt",
        service_account_keys=tuple(f"/etc/kubernetes/pki/{name}" for name in ("sa.pub", "old.pub", "sa.key")),
        encryption="/etc/kubernetes/pki/encryption.yaml",
        etcd_prefix="/kubernetes.io",
    )


NO_WORDS = "spec: {containers: [{name: kube-apiserver, image: x, env: [{name: A, value: b}]}]}"


@pytest.mark.parametrize("text", ["", "no: pod", "{", api_pod(), NO_WORDS])
def test_an_api_servers_manifest_that_says_nothing(text: str) -> None:
    assert parse_api_manifest(text) == ApiServer()
