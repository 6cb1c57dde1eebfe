"""Verification: a whole file is accepted, a damaged one is reported with the place, and nothing crashes it."""

import struct
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.etcd import bbolt
from orchestrator.etcd.meta import CorruptError
from orchestrator.etcd.snapshot import SnapshotError, read_snapshot
from orchestrator.etcd.verify import DESCRIBED_MAX, Trailer, Verification, verify
from tests import snapshots
from tests.mutations import PAGE, mutants

MUTANTS = 1000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Branch pages, overflow pages, inline buckets, superseded entries, a compaction; small enough for many mutants."""
    return snapshots.make_snapshot(tmp_path_factory.mktemp("whole"), keys=60, value_bytes=900).read_bytes()


def verified(data: bytes | bytearray) -> Verification:
    return verify(memoryview(data))


def sealed(body: bytes | bytearray) -> bytes:
    return bytes(body) + sha256(body).digest()


def branch_and_leaf(data: bytes) -> tuple[int, int]:
    """Return two pages in use: the root of the bucket `key`, and its first leaf. Other pages may be stale."""
    database = bbolt.Database(memoryview(data))
    pages = bbolt.Pages(memoryview(data), database.meta.page_size, database.meta.pages)
    top = database.buckets[b"key"].root
    _, leaf = next(bbolt.branch_elements(pages.enter(top, bytearray(pages.count)), 0))
    return top, leaf


def test_whole_file(snapshot_path: Path) -> None:
    data = snapshot_path.read_bytes()
    found, facts = verified(data), read_snapshot(memoryview(data)).facts
    assert found.is_whole
    assert (found.sha256, found.size_bytes, found.trailer) == (facts.sha256, len(data), Trailer.FITS)
    assert (found.readable_entries, found.readable_revision) == (facts.key_entries, facts.last_entry_revision)
    assert 2 < found.pages_read <= found.pages == (len(data) - 32) // PAGE


def test_progress_covers_both_passes(snapshot_path: Path) -> None:
    data = snapshot_path.read_bytes() * 1
    told: list[int] = []
    verify(memoryview(data), told.append)
    assert told == sorted(told)
    assert told == [] or told[-1] <= 2 * len(data)


def test_copied_member_db_is_readable_without_sha256(whole: bytes) -> None:
    found = verified(whole[:-32])
    assert (found.trailer, found.damages, found.is_whole) == (Trailer.MISSING, (), False)
    assert found.readable_entries == verified(whole).readable_entries


def test_flipped_byte_in_value_fails_only_sha256(whole: bytes) -> None:
    data = bytearray(whole)
    data[data.index(b"/registry/pods/namespace-") + 12] ^= 0x20
    found = verified(data)
    assert found.trailer is Trailer.ALTERED
    assert found.damages == ("the file does not match the sha256 at its end: it was altered after it was saved",)
    assert found.readable_entries == verified(whole).readable_entries


def test_damaged_leaf_is_located_and_other_leaves_are_counted(whole: bytes) -> None:
    _, leaf = branch_and_leaf(whole)
    body = bytearray(whole[:-32])
    struct.pack_into("<H", body, leaf * PAGE + 10, 60_000)
    found = verified(sealed(body))
    assert found.trailer is Trailer.FITS
    assert f"page {leaf} at byte {leaf * PAGE}: 60000 elements do not fit" in found.damages[0]
    assert found.readable_entries > 0


@pytest.mark.parametrize("number", [0, 1])
def test_damaged_meta_page_is_reported_and_other_is_used(whole: bytes, number: int) -> None:
    body = bytearray(whole[:-32])
    body[number * PAGE + 16 + 60] ^= 1
    found = verified(sealed(body))
    assert found.damages[0].startswith(f"meta page {number} at byte {number * PAGE}")
    assert found.readable_entries == verified(whole).readable_entries


def test_cut_file_reports_readable_entries(whole: bytes) -> None:
    found = verified(whole[: len(whole) // 2 // PAGE * PAGE])
    assert found.damages[0].startswith("the file is truncated: it has")
    assert any("but the last page is" in damage for damage in found.damages[1:])
    assert found.readable_entries < verified(whole).readable_entries


@pytest.mark.parametrize("data", [b"", b"\0" * 4096, b"apiVersion: v1\n", bytes(range(256)) * 64])
def test_other_files_have_no_readable_entries(data: bytes) -> None:
    found = verified(data)
    assert found.damage_count == 1
    assert (found.pages, found.readable_entries, found.page_size_bytes) == (0, 0, None)


def test_bytes_after_last_page_are_damage(whole: bytes) -> None:
    found = verified(sealed(whole[:-32] + bytes(PAGE)))
    assert found.damages == (f"{PAGE} bytes after the last page: a snapshot has none",)


def test_pages_out_of_order_are_reported(whole: bytes) -> None:
    body = bytearray(whole[:-32])
    branch, _ = branch_and_leaf(whole)
    first, second = (branch * PAGE + 16 + 16 * n + 8 for n in (0, 1))  # the page ids of two children
    body[first : first + 8], body[second : second + 8] = body[second : second + 8], body[first : first + 8]
    found = verified(sealed(body))
    assert "out of order" in found.damages[0]


def test_elements_that_share_bytes_are_refused(whole: bytes) -> None:
    """Otherwise a page of 64 K elements that each span the whole page would take hours to read."""
    body = bytearray(whole[:-32])
    _, leaf = branch_and_leaf(whole)
    (position,) = struct.unpack_from("<I", body, leaf * PAGE + 16 + 4)
    struct.pack_into("<I", body, leaf * PAGE + 32 + 4, position - 16)
    assert "begins" in verified(sealed(body)).damages[0]
    with pytest.raises(SnapshotError, match="before the end of the previous one"):
        read_snapshot(memoryview(sealed(body)))


def test_many_damages_are_counted_and_first_are_described(whole: bytes) -> None:
    body = bytearray(whole[:-32])
    for page in range(2, len(body) // PAGE):
        if struct.unpack_from("<H", body, page * PAGE + 8)[0] == 0x02:
            body[page * PAGE + 10 : page * PAGE + 12] = b"\xff\xff"
    found = verified(sealed(body))
    assert found.damage_count > 0
    assert len(found.damages) == min(found.damage_count, DESCRIBED_MAX)


def test_no_mutant_loses_keys_unnoticed(whole: bytes) -> None:
    """Without a matching sha256, all mutants are refused. With one, what verify accepts is readable.

    Then nothing is wrong with its pages, and a changed value cannot be detected.
    """
    truth, entries = verified(whole), read_snapshot(memoryview(whole)).facts.key_entries
    accepted: Counter[str] = Counter()
    for mutant in mutants(whole, MUTANTS):
        found = verified(mutant.data)
        if not mutant.sealed:
            assert not found.is_whole, mutant.what
        elif found.is_whole:
            accepted[mutant.what] += 1
            assert found.readable_entries == truth.readable_entries, "no key is lost unseen"
            assert read_snapshot(memoryview(mutant.data)).facts.key_entries == entries
    assert not {"cut", "cut page", "double"} & set(accepted)
    assert accepted["bit"], "a value that is another value cannot be seen"


@pytest.mark.parametrize("count", [0, 1])
def test_wrong_element_count_is_reported(whole: bytes, count: int) -> None:
    """Otherwise the keys that it hides would be lost without notice."""
    body = bytearray(whole[:-32])
    _, leaf = branch_and_leaf(whole)
    assert struct.unpack_from("<H", body, leaf * PAGE + 10)[0] > 1
    struct.pack_into("<H", body, leaf * PAGE + 10, count)
    assert f"page {leaf} " in verified(sealed(body)).damages[0]


def test_freelist_is_read() -> None:
    page = bbolt.Page(5, 5 * PAGE, memoryview(struct.pack("<QHHIQQ", 5, 0x10, 2, 0, 7, 9)), 0x10, 2)
    assert list(bbolt.read_freelist(page)) == [7, 9]
    many = bbolt.Page(5, 0, memoryview(struct.pack("<QHHIQQ", 5, 0x10, 0xFFFF, 0, 1, 9)), 0x10, 0xFFFF)
    assert list(bbolt.read_freelist(many)) == [9]
    with pytest.raises(CorruptError, match="does not fit"):
        list(bbolt.read_freelist(bbolt.Page(5, 0, memoryview(struct.pack("<QHHI", 5, 0x10, 2, 0)), 0x10, 2)))


CORPUS = sorted((Path(__file__).parents[2] / "fuzz" / "corpus").glob("*.db"))


@pytest.mark.parametrize("path", CORPUS, ids=[path.name for path in CORPUS])
def test_fuzzing_corpus_is_whole(path: Path) -> None:
    assert verified(path.read_bytes()).is_whole


def test_value_that_is_not_key_value_is_reported(whole: bytes) -> None:
    """Found by fuzzing: the key was readable, what follows it was not."""
    data = bytearray(whole[:-32])
    _, leaf = branch_and_leaf(whole)
    page = bytes(data[leaf * PAGE : (leaf + 1) * PAGE])
    (position, key_size) = struct.unpack_from("<II", page, 16 + 4)
    value = leaf * PAGE + 16 + position + key_size
    assert data[value] == 0x0A
    data[value + 2 + data[value + 1]] = 0xFC  # the tag after the key: wire type 4 does not exist
    found = verified(sealed(data))
    assert "a value is not an mvccpb.KeyValue" in found.damages[0]
