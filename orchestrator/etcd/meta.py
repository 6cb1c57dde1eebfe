"""The meta pages of a bbolt file, which say where everything else is. See ``bbolt`` for the format."""

import struct
from dataclasses import dataclass

_MAGIC, _VERSION = 0xED0CDAED, 2
PAGE_HEADER = struct.Struct("<QHHI")  # id, flags, count, overflow
_META = struct.Struct("<IIIIQQQQQQ")  # magic, version, page size, flags, root, sequence, freelist, hwm, txid, sum
_NO_FREELIST = 0xFFFF_FFFF_FFFF_FFFF
_PAGE_SIZES = tuple(1024 << shift for shift in range(16))  # the sizes that bbolt's own search for a meta page tries


class CorruptError(ValueError):
    """The bytes break bbolt's or etcd's format; the message says what is wrong and where."""


class NoMetaError(CorruptError):
    """No valid meta page: the file is not a bbolt file, or its start is lost."""


@dataclass(frozen=True, slots=True)
class Meta:
    """The contents of a meta page."""

    page_size: int
    root: int  # page id of the root bucket
    pages: int  # high-water mark: the ids of all pages in use are lower
    transaction: int
    freelist: int | None  # page id; None if the freelist is not in the file, as in etcd's files

    @property
    def size_bytes(self) -> int:
        """The minimum file size that holds every page in use."""
        return self.pages * self.page_size


def read_meta(buffer: memoryview) -> Meta:
    """Return the current meta: the valid one of the two with the higher transaction number.

    If page 0 is damaged, page 1 is searched for at every page size that bbolt knows. Raises ``NoMetaError``.
    """
    valid = [meta for meta in read_metas(buffer) if meta is not None]
    if not valid:
        raise NoMetaError("neither page 0 nor page 1 is a valid bbolt meta page")
    return max(valid, key=lambda meta: meta.transaction)


def read_metas(buffer: memoryview) -> tuple[Meta | None, Meta | None]:
    """Return both metas, None for a damaged one."""
    first = _meta_at(buffer, 0)
    offsets = (first.page_size,) if first else _PAGE_SIZES
    second = next((meta for offset in offsets if (meta := _meta_at(buffer, offset))), None)
    return first, second


def _meta_at(buffer: memoryview, page_offset: int) -> Meta | None:
    start = page_offset + PAGE_HEADER.size
    raw = buffer[start : start + _META.size]
    if len(raw) < _META.size:
        return None
    magic, version, page_size, _, root, _, freelist, pages, transaction, checksum = _META.unpack(raw)
    if (magic, version) != (_MAGIC, _VERSION) or page_size not in _PAGE_SIZES:
        return None
    if checksum != _fnv1a(raw[: _META.size - 8]):
        return None
    return Meta(page_size, root, pages, transaction, None if freelist == _NO_FREELIST else freelist)


def _fnv1a(data: memoryview) -> int:
    """FNV-1a of 64 bits, as in Go's hash/fnv."""
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 & 0xFFFF_FFFF_FFFF_FFFF
    return digest
