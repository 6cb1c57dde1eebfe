"""The Kubernetes objects of a snapshot, read from their bytes; and no bytes make the reader raise."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.etcd.contents import Contents, ContentsReader, Definition, Encryption, Webhook
from orchestrator.etcd.volumes import Volume, VolumeClaim
from tests.kubernetes_objects import (
    claim_bytes,
    definition_bytes,
    disk_bytes,
    lease_bytes,
    node_bytes,
    object_bytes,
    pair_of,
    volume_bytes,
    webhooks_bytes,
)

MOMENT = datetime(2026, 11, 22, 12, 30, 1, 250_000, tzinfo=UTC)


def contents(values: dict[str, bytes], prefix: str = "/registry/") -> Contents:
    reader = ContentsReader()
    for revision, (key, value) in enumerate(values.items(), start=2):
        whole = f"{prefix}{key}".encode()
        reader.add(whole, pair_of(whole, value, revision), revision)
    return reader.result()


def counts(found: Contents) -> dict[tuple[str, str], int]:
    return {(row.resource, row.namespace): row.objects for row in found.objects}


CLUSTER = {
    "namespaces/kube-system": object_bytes("v1", "Namespace", "", "kube-system", "b2c8-uid"),
    "minions/worker-1": node_bytes("worker-1", True, MOMENT),
    "masterleases/10.0.0.1": object_bytes("v1", "Endpoints", "", "", ""),
    "leases/kube-node-lease/worker-1": lease_bytes("worker-1", "worker-1", MOMENT),
    "leases/kube-node-lease/worker-2": lease_bytes("worker-2", "worker-2", MOMENT - timedelta(hours=1)),
    "persistentvolumes/pv-1": volume_bytes("pv-1", "ebs.csi.aws.com", "vol-0a", ("shop", "data")),
    "persistentvolumes/pv-2": disk_bytes("pv-2", "disk-7"),
    "persistentvolumeclaims/shop/data": claim_bytes("shop", "data", "pv-1"),
    "configmaps/shop/one": object_bytes("v1", "ConfigMap", "shop", "one", ""),
    "configmaps/shop/two": object_bytes("v1", "ConfigMap", "shop", "two", ""),
    "apiextensions.k8s.io/customresourcedefinitions/widgets.example.com": definition_bytes(
        "widgets.example.com", "v1alpha1", "v1"
    ),
    "example.com/widgets/shop/blue": b'{"kind":"Widget"}',
    "mutatingwebhookconfigurations/inject": webhooks_bytes(
        "MutatingWebhookConfiguration", "inject", {"a.example.com": "Fail", "b.example.com": "Ignore"}
    ),
    "secrets/shop/plain": object_bytes("v1", "Secret", "shop", "plain", ""),
    "secrets/shop/hidden": b"k8s:enc:aescbc:v1:key1:\x8f\x00",
    "secrets/web/hidden": b"k8s:enc:kms:v2:cloud:\x01",
}


@pytest.mark.parametrize("prefix", ["/registry/", "/kubernetes.io/"])
def test_objects_of_cluster(prefix: str) -> None:
    found = contents(CLUSTER, prefix)
    assert found.prefix == prefix
    assert counts(found)["configmaps", "shop"] == 2
    assert counts(found)["widgets.example.com", "shop"] == 1
    assert sum(row.objects for row in found.objects) == len(CLUSTER)
    assert (found.nodes, found.master_leases) == (("worker-1",), ("10.0.0.1",))
    assert found.kube_system_uid == "b2c8-uid"
    assert found.newest_renewal_utc == "2026-11-22T12:30:01.250000+00:00"
    assert found.volumes == (
        Volume(name="pv-1", storage_class="fast", driver="ebs.csi.aws.com", handle="vol-0a", claim="shop/data"),
        Volume(name="pv-2", storage_class="", driver="gcePersistentDisk", handle="disk-7", claim=""),
    )
    assert found.claims == (VolumeClaim(namespace="shop", name="data", storage_class="fast", volume="pv-1"),)
    assert found.definitions == (Definition(name="widgets.example.com", stored_versions=("v1alpha1", "v1")),)
    assert found.webhooks == (
        Webhook(configuration="inject", kind="mutating", name="a.example.com", failure_policy="Fail"),
        Webhook(configuration="inject", kind="mutating", name="b.example.com", failure_policy="Ignore"),
    )
    assert found.encryption == (
        Encryption(resource="secrets", provider="aescbc", key="key1", objects=1),
        Encryption(resource="secrets", provider="kms", key="cloud", objects=1),
    )
    assert (found.plain_secrets, found.unreadable) == (1, 0)
    assert Contents.model_validate_json(found.model_dump_json()) == found


def test_same_objects_as_json() -> None:
    """An API server can be configured to store JSON (--storage-media-type)."""
    objects: dict[str, object] = {
        "namespaces/kube-system": {"metadata": {"uid": "b2c8-uid"}},
        "leases/kube-node-lease/w": {"spec": {"renewTime": "2026-11-22T12:30:01.250000Z"}},
        "persistentvolumes/pv-1": {
            "metadata": {"name": "pv-1"},
            "spec": {
                "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-0a"},
                "claimRef": {"namespace": "shop", "name": "data"},
                "storageClassName": "fast",
            },
        },
        "persistentvolumeclaims/shop/data": {
            "metadata": {"name": "data", "namespace": "shop"},
            "spec": {"storageClassName": "fast", "volumeName": "pv-1"},
        },
        "apiextensions.k8s.io/customresourcedefinitions/widgets.example.com": {
            "metadata": {"name": "widgets.example.com"},
            "status": {"storedVersions": ["v1alpha1", "v1"]},
        },
        "mutatingwebhookconfigurations/inject": {
            "metadata": {"name": "inject"},
            "webhooks": [
                {"name": "a.example.com", "failurePolicy": "Fail"},
                {"name": "b.example.com", "failurePolicy": "Ignore"},
            ],
        },
    }
    found = contents({key: json.dumps(value).encode() for key, value in objects.items()})
    proto = contents({key: CLUSTER[key] for key in objects if key in CLUSTER} | _lease("w"))
    assert found.unreadable == 0
    for name in ("volumes", "claims", "definitions", "webhooks", "kube_system_uid", "newest_renewal_utc"):
        assert getattr(found, name), name
    assert (found.claims, found.definitions, found.webhooks, found.volumes) == (
        proto.claims,
        proto.definitions,
        proto.webhooks,
        proto.volumes,
    )
    assert found.newest_renewal_utc == proto.newest_renewal_utc


def _lease(name: str) -> dict[str, bytes]:
    return {f"leases/kube-node-lease/{name}": lease_bytes(name, name, MOMENT)}


SPOILED = (
    *(b"", b"k8s", b"k8s\0\xff", b"\xff\xfe", b"{", b"[]", b"[" * 100_000),
    *(b'{"spec":{"renewTime":"0001-01-01T00:00:00+14:00"}}', b'{"spec":{"renewTime":"\\ud800"}}'),
    *(b'{"spec":7}', b'{"spec":{"renewTime":"soon"}}', b'{"spec":{"renewTime":"2026-11-22T12:30:01"}}'),
)


@pytest.mark.parametrize("value", SPOILED, ids=range(len(SPOILED)))
def test_unreadable_values_are_counted(value: bytes) -> None:
    found = contents(_lease("w") | {"leases/kube-node-lease/odd": value})
    assert (found.unreadable, counts(found)["leases", "kube-node-lease"]) == (1, 2)
    assert found.newest_renewal_utc == "2026-11-22T12:30:01.250000+00:00"


def test_half_surrogate_pair_is_replaced() -> None:
    found = contents({"persistentvolumes/pv-1": b'{"metadata":{"name":"\\ud800"}}'})
    assert [volume.name for volume in found.volumes] == ["?"]


def test_encrypted_value_is_not_unreadable() -> None:
    found = contents({"persistentvolumes/pv-1": b"k8s:enc:secretbox:v1:k:\xff"})
    assert (found.unreadable, found.volumes) == (0, ())
    assert [(row.resource, row.provider) for row in found.encryption] == [("persistentvolumes", "secretbox")]


def test_encrypted_secret_with_long_name_is_detected() -> None:
    found = contents({f"secrets/shop/{'n' * 253}": b"k8s:enc:aescbc:v1:key1:\xff", "secrets/shop/plain": b"k8s\0"})
    assert found.secret_keys == ("aescbc key1",)
    assert found.plain_secrets == 1


TAILS = [key.encode() for key in CLUSTER]


@given(st.lists(st.tuples(st.sampled_from(TAILS), st.binary(max_size=60)), max_size=20))
def test_no_value_raises(pairs: list[tuple[bytes, bytes]]) -> None:
    reader = ContentsReader()
    for tail, value in dict(pairs).items():
        reader.add(b"/registry/" + tail, pair_of(b"/registry/" + tail, value, 2), 2)
    assert sum(row.objects for row in reader.result().objects) == len(dict(pairs))


@given(st.sampled_from(sorted(CLUSTER)), st.integers(0, 400), st.integers(0, 255))
def test_no_damaged_object_raises(key: str, place: int, byte: int) -> None:
    value = bytearray(CLUSTER[key])
    value[place % len(value)] = byte
    assert contents({key: bytes(value)}).prefix == "/registry/"


@given(st.lists(st.binary(max_size=80), unique=True, max_size=20))
def test_no_key_raises(keys: list[bytes]) -> None:
    reader = ContentsReader()
    for key in keys:
        reader.add(key, pair_of(key, b"", 2), 2)
    assert sum(row.objects for row in reader.result().objects) == len(keys)
