"""Leases and nodes, read from the API server's bytes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.etcd import kubernetes
from orchestrator.etcd.kubernetes import ObjectError, read_lease, read_node
from tests.kubernetes_objects import lease_bytes, node_bytes, object_bytes

MOMENT = datetime(2026, 11, 22, 12, 30, 1, 250_000, tzinfo=UTC)

# A lease encoded by hand from the .proto files, with fields that the reader does not use.
LEASE_BY_HAND = bytes.fromhex(
    "6b387300"  # k8s\0
    "0a1f"  # Unknown.typeMeta, 31 bytes
    "0a16636f6f7264696e6174696f6e2e6b38732e696f2f7631"  # apiVersion coordination.k8s.io/v1
    "12054c65617365"  # kind Lease
    "1223"  # Unknown.raw, 35 bytes
    "0a0a0a026e3112002a026964"  # metadata: name n1, generateName "", uid id
    "1215"  # spec, 21 bytes
    "0a026e31"  # holderIdentity n1
    "1028"  # leaseDurationSeconds 40
    "220b08b9c888c90610c0b2cd3b"  # renewTime: 1763845177 s and 125000000 ns
    "2803"  # leaseTransitions 3
    "1a0022002a00"  # contentEncoding, contentType and a field of the future, all empty
)


def test_lease_encoded_by_hand() -> None:
    lease = read_lease(LEASE_BY_HAND)
    assert (lease.name, lease.holder) == ("n1", "n1")
    assert lease.renewed_at_utc == datetime(2025, 11, 22, 20, 59, 37, 125_000, tzinfo=UTC)


@given(st.text(max_size=300), st.datetimes(timezones=st.just(UTC)))
def test_lease_round_trip(name: str, moment: datetime) -> None:
    lease = read_lease(lease_bytes(name, f"{name}-kubelet", moment))
    assert lease == kubernetes.Lease(name, f"{name}-kubelet", moment)


@pytest.mark.parametrize(("ready", "status"), [(True, "True"), (False, "False")])
def test_node_round_trip(ready: bool, status: str) -> None:
    assert read_node(node_bytes("worker-1", ready, MOMENT)) == kubernetes.Node("worker-1", status)


def test_node_without_conditions_is_not_ready() -> None:
    assert read_node(object_bytes("v1", "Node", "", "worker-1", "uid")).ready == ""


def test_lease_without_renewal_has_no_time() -> None:
    lease = object_bytes("coordination.k8s.io/v1", "Lease", "kube-node-lease", "worker-1", "uid")
    assert read_lease(lease).renewed_at_utc is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "starts with b''"),
        (b'{"kind":"Lease"}', "not b'k8s"),
        (b"k8s:enc:aescbc:v1:key1:\x00", "k8s:enc"),
        (node_bytes("worker-1", True, MOMENT), "got v1 Node"),
        (lease_bytes("worker-1", "worker-1", MOMENT)[:-60], "damaged"),
    ],
)
def test_other_value_is_refused_with_reason(value: bytes, why: str) -> None:
    with pytest.raises(ObjectError, match=why):
        read_lease(value)


@given(st.binary(max_size=80))
def test_no_bytes_crash_the_reader(tail: bytes) -> None:
    head = LEASE_BY_HAND[: 4 + 33]
    for value in (kubernetes.PREFIX + tail, head + b"\x12" + bytes([len(tail)]) + tail):
        try:
            read_lease(value)
        except ObjectError:
            continue


def test_time_beyond_calendar_is_refused() -> None:
    seconds = b"\x08" + b"\xff" * 8 + b"\x7f"
    spec = b"\x22" + bytes([len(seconds)]) + seconds
    raw = b"\x12" + bytes([len(spec)]) + spec
    with pytest.raises(ObjectError, match="out of range"):
        read_lease(LEASE_BY_HAND[: 4 + 33] + b"\x12" + bytes([len(raw)]) + raw)
