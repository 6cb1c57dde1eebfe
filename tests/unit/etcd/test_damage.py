"""Damaged files: each fault has its name, and no bytes crash the reader."""

import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.etcd.snapshot import SnapshotError, SnapshotFacts, SnapshotFault, read_snapshot
from tests import snapshots

MUTATIONS = 300
META_BYTES = 2 * 4096


def read(data: bytes, *, allow_unhashed: bool = False) -> SnapshotFacts:
    return read_snapshot(memoryview(data), allow_unhashed=allow_unhashed).facts


def fault_of(data: bytes) -> SnapshotFault:
    with pytest.raises(SnapshotError) as refused:
        read(data)
    assert refused.value.exit_code == 3
    assert refused.value.remedy
    return refused.value.fault


def sealed(body: bytes | bytearray) -> bytes:
    """Return the body with a matching sha256, as if it had been saved that way."""
    return bytes(body) + sha256(body).digest()


@pytest.fixture(scope="module")
def whole(snapshot_path: Path) -> bytes:
    return snapshot_path.read_bytes()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A young store, whose buckets are all inline pages."""
    folder = tmp_path_factory.mktemp("small")
    (member,) = snapshots.members("m1")
    with snapshots.running(member, folder / "data"):
        snapshots.put(member, "a", b"1")
        return snapshots.save(member, folder / "snapshot.db").read_bytes()


def test_each_fault_has_its_kind(whole: bytes) -> None:
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    assert fault_of(b"") is SnapshotFault.EMPTY
    assert fault_of(b"\0" * 40960) is SnapshotFault.FOREIGN
    assert fault_of(b"apiVersion: v1\nkind: List\n") is SnapshotFault.FOREIGN
    assert fault_of(whole[: len(whole) // 2]) is SnapshotFault.TRUNCATED
    assert fault_of(whole[: -4096 - 32]) is SnapshotFault.TRUNCATED
    assert fault_of(whole[:-1]) is SnapshotFault.TRUNCATED
    assert fault_of(bytes(flipped)) is SnapshotFault.ALTERED
    assert fault_of(whole[:-32]) is SnapshotFault.UNHASHED


@pytest.mark.parametrize("name", [b"key", b"meta"])
def test_bbolt_file_without_etcd_buckets_is_foreign(small: bytes, name: bytes) -> None:
    assert fault_of(sealed(small[:-32].replace(name, b"x" * len(name)))) is SnapshotFault.FOREIGN


def test_unhashed_file_is_read_on_demand(whole: bytes) -> None:
    facts, unhashed = read(whole), read(whole[:-32], allow_unhashed=True)
    assert not unhashed.hashed
    expected = {"hashed": False, "size_bytes": len(whole) - 32, "sha256": sha256(whole[:-32]).hexdigest()}
    assert unhashed == facts.model_copy(update=expected)


def test_copied_member_db_is_unhashed(tmp_path: Path) -> None:
    (member,) = snapshots.members("m1")
    with snapshots.running(member, tmp_path / "data"):
        snapshots.put(member, "a", b"1")
        snapshots.compact(member, 2)  # flushes to the file at once instead of after 100 ms
    data = (tmp_path / "data" / "member" / "snap" / "db").read_bytes()
    assert fault_of(data) is SnapshotFault.UNHASHED
    assert read(data, allow_unhashed=True).live_keys == 1


def test_one_lost_meta_page_is_tolerated(whole: bytes) -> None:
    for page in (0, 4096):
        body = bytearray(whole[:-32])
        body[page + 16 : page + 80] = bytes(64)
        facts = read(sealed(body))
        assert (facts.hash_kv, facts.live_keys) == (read(whole).hash_kv, read(whole).live_keys)


def test_every_cut_is_refused(whole: bytes) -> None:
    lengths = random.Random(1)
    for _ in range(MUTATIONS):
        cut = lengths.randrange(1, len(whole))
        assert fault_of(whole[:cut]) in (SnapshotFault.TRUNCATED, SnapshotFault.FOREIGN, SnapshotFault.UNHASHED)


def test_every_flipped_bit_is_refused(small: bytes) -> None:
    where = random.Random(2)
    for _ in range(MUTATIONS):
        data = bytearray(small)
        data[where.randrange(len(data))] ^= 1 << where.randrange(8)
        assert fault_of(bytes(data)) is SnapshotFault.ALTERED


def flip_bits(body: bytearray, source: random.Random) -> None:
    for _ in range(source.randrange(1, 40)):
        body[source.randrange(META_BYTES, len(body))] ^= 1 << source.randrange(8)


def flip_in_headers(body: bytearray, source: random.Random) -> None:
    """Change page headers and the first elements, which hold the structure."""
    for _ in range(source.randrange(1, 40)):
        page = source.randrange(2, len(body) // 4096) * 4096
        body[page + source.randrange(64)] = source.randrange(256)


def swap_pages(body: bytearray, source: random.Random) -> None:
    one, other = (source.randrange(2, len(body) // 4096) * 4096 for _ in range(2))
    first, second = body[one : one + 4096], body[other : other + 4096]
    body[one : one + 4096], body[other : other + 4096] = second, first


def inflate_numbers(body: bytearray, source: random.Random) -> None:
    """Make counts, sizes and page ids huge."""
    for _ in range(source.randrange(1, 10)):
        page = source.randrange(2, len(body) // 4096) * 4096
        field = page + 4 * source.randrange(16)
        body[field : field + 4] = source.choice((b"\xff\xff\xff\xff", b"\xff\xff\0\0", b"\xff\xff\xff\x7f"))


@pytest.mark.parametrize("mutate", [flip_bits, flip_in_headers, swap_pages, inflate_numbers])
@pytest.mark.parametrize("file", ["whole", "small"])
def test_damage_with_matching_sha256_never_crashes(
    mutate: Callable[[bytearray, random.Random], None], file: str, request: pytest.FixtureRequest
) -> None:
    original: bytes = request.getfixturevalue(file)
    truth = read(original)
    refused = 0
    for seed in range(MUTATIONS // 6):
        body = bytearray(original[:-32])
        mutate(body, random.Random(seed))
        try:
            facts = read(sealed(body))
        except SnapshotError as error:
            assert error.fault in (SnapshotFault.CORRUPT, SnapshotFault.FOREIGN)
            refused += 1
        else:
            assert facts.size_bytes == truth.size_bytes
    assert refused or mutate is flip_bits


def test_random_bytes_are_foreign() -> None:
    source = random.Random(3)
    for size in (1, 15, 16, 80, 4096, 8192, 65536):
        assert fault_of(source.randbytes(size)) is SnapshotFault.FOREIGN
