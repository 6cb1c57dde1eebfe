"""The index of a snapshot's keys behaves like a dict."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.etcd.keyindex import ABSENT, KeyIndex

KEYS = st.binary(min_size=1, max_size=6)


@given(st.dictionaries(KEYS, st.integers(1, (1 << 63) - 1)), st.lists(KEYS, unique=True))
def test_index_behaves_like_dict(stored: dict[bytes, int], asked: list[bytes]) -> None:
    index = KeyIndex()
    for key, revision in stored.items():
        index.add(key, memoryview(b""), revision)
    for key in asked:
        assert index.take(key) == stored.get(key, ABSENT)
    assert list(index.left()) == [key for key in stored if key not in asked]


def test_key_is_taken_once() -> None:
    index = KeyIndex()
    index.add(b"a", memoryview(b""), 7)
    assert (index.take(b"a"), index.take(b"a")) == (7, ABSENT)


def test_empty_index() -> None:
    assert KeyIndex().take(b"a") == ABSENT
    assert list(KeyIndex().left()) == []
