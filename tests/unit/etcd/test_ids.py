"""Parsing of the initial cluster; test_cluster proves that the ids are etcd's own."""

import pytest

from orchestrator.etcd.ids import cluster_id, hex_id, member_id, parse_initial_cluster


def test_initial_cluster_is_parsed() -> None:
    text = "a=https://10.0.0.1:2380, b=https://10.0.0.2:2380,a=https://10.1.0.1:2380"
    assert parse_initial_cluster(text) == {
        "a": ("https://10.0.0.1:2380", "https://10.1.0.1:2380"),
        "b": ("https://10.0.0.2:2380",),
    }


@pytest.mark.parametrize("text", ["", "a", "=https://10.0.0.1:2380", "a=", "a=https://10.0.0.1:2380,"])
def test_part_without_name_or_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not NAME=URL"):
        parse_initial_cluster(text)


def test_order_of_urls_and_members_does_not_matter() -> None:
    assert member_id(["b", "a"], "t") == member_id(["a", "b"], "t")
    assert cluster_id(["1", "ff"]) == cluster_id(["ff", "1"])


def test_id_has_no_leading_zeros() -> None:
    assert hex_id(0xAB) == "ab"
