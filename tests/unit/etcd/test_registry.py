"""Which object a key belongs to, and below which prefix."""

import pytest

from orchestrator.etcd.registry import OTHER, ObjectKey, PrefixVotes, landmark, read_key

KEYS = {
    "configmaps/shop/cart": ("configmaps", "shop", "cart"),
    "minions/worker-1": ("nodes", "", "worker-1"),
    "masterleases/10.0.0.1": ("masterleases", "", "10.0.0.1"),
    "services/specs/shop/web": ("services", "shop", "web"),
    "services/endpoints/shop/web": ("endpoints", "shop", "web"),
    "ranges/serviceips": ("ranges", "", "serviceips"),
    "clusterroles/system:node": ("clusterroles", "", "system:node"),
    "example.com/widgets/shop/blue": ("widgets.example.com", "shop", "blue"),
    "example.com/gadgets/red": ("gadgets.example.com", "", "red"),
    "apiregistration.k8s.io/apiservices/v1.apps": ("apiservices.apiregistration.k8s.io", "", "v1.apps"),
    "events/shop/web.17a/b": ("events", "shop", "web.17a/b"),
    "alone": (OTHER, "", "alone"),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("prefix", ["/registry/", "/kubernetes.io/", "/a/b/"])
def test_keys_of_objects_are_parsed(prefix: str, key: str) -> None:
    assert read_key(prefix.encode(), f"{prefix}{key}".encode()) == ObjectKey(*KEYS[key])


def test_key_outside_prefix_is_other() -> None:
    assert read_key(b"/registry/", b"compact_rev_key") == (OTHER, "", "compact_rev_key")
    assert read_key(b"/registry/", b"\xff\0") == (OTHER, "", "\N{REPLACEMENT CHARACTER}\0")


def test_full_names() -> None:
    assert ObjectKey("pods", "shop", "web").full_name == "shop/web"
    assert ObjectKey("nodes", "", "worker-1").full_name == "worker-1"


def prefix_of(*keys: str) -> bytes:
    votes = PrefixVotes()
    for key in keys:
        folder, _, name = key.encode().rpartition(b"/")
        if (mark := landmark(folder)) and mark.has(name):
            votes.add(mark)
    return votes.result()


def test_prefix_is_found() -> None:
    assert prefix_of() == b"/registry/"
    assert prefix_of("compact_rev_key", "/registry", "minions/w") == b"/registry/"
    assert prefix_of("/kubernetes.io/minions/w") == b"/kubernetes.io/"
    assert prefix_of("/clusters/a/namespaces/kube-system") == b"/clusters/a/"


def test_custom_resource_named_like_landmark_does_not_win() -> None:
    lookalikes = [f"/x/example.com/minions/{number}" for number in range(50)]
    claims = [f"/x/example.com/persistentvolumeclaims/n{number}/a" for number in range(50)]
    assert prefix_of("/x/namespaces/kube-system", *lookalikes, *claims) == b"/x/"
    assert prefix_of("/x/minions/w", "/x/masterleases/10.0.0.1", *lookalikes) == b"/x/"
