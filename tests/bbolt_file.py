"""Builder of a bbolt file from its entries, with pages of any size.

etcd uses the page size of the machine: 64 KiB on some arm64 and ppc64le machines, 4 KiB here.

Source: bbolt v1.4.3 internal/common/{page,meta,inode}.go. Without a list of free pages, like etcd's files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

Entries = Sequence[tuple[bytes, bytes]]

HEADER, ELEMENT_BYTES = struct.Struct("<QHHI"), 16
META = struct.Struct("<IIIIQQQQQ")
BRANCH, LEAF, META_FLAG, BUCKET = 1, 2, 4, 1
MAGIC, VERSION, NO_FREELIST = 0xED0CDAED, 2, 0xFFFF_FFFF_FFFF_FFFF


class BboltFile:
    """A file under construction: pages are appended from page 2 on; ``seal`` puts the metas before them."""

    def __init__(self, page_size: int) -> None:
        self._page_size = page_size
        self._pages: list[bytes] = []  # a page with its overflow
        self._next = 2

    def add_tree(self, entries: Entries, flags: int = 0) -> int:
        """Add a B+tree of the sorted entries; return the id of its top page."""
        leaves = list(self._chunks(entries))
        level = [(chunk[0][0] if chunk else b"", self._add(LEAF, _leaf(chunk, flags), len(chunk))) for chunk in leaves]
        while len(level) > 1:
            pairs = [(key, struct.pack("<Q", page)) for key, page in level]
            level = [(chunk[0][0], self._add(BRANCH, _branch(chunk), len(chunk))) for chunk in self._chunks(pairs)]
        return level[0][1]

    def seal(self, root: int) -> bytes:
        metas = (self._meta(number, root) for number in (0, 1))
        return b"".join((*metas, *self._pages))

    def _chunks(self, entries: Entries) -> Iterator[Entries]:
        """Yield as many entries as fit on a page; at least two, as in bbolt, or the rest."""
        room, chunk = self._page_size - HEADER.size, list[tuple[bytes, bytes]]()
        for key, value in entries:
            room -= ELEMENT_BYTES + len(key) + len(value)
            if room < 0 and len(chunk) >= 2:
                yield chunk
                room, chunk = self._page_size - HEADER.size - ELEMENT_BYTES - len(key) - len(value), []
            chunk.append((key, value))
        yield chunk

    def _add(self, flags: int, body: bytes, count: int) -> int:
        number, pages = self._next, -(-(HEADER.size + len(body)) // self._page_size)
        page = HEADER.pack(number, flags, count, pages - 1) + body
        self._pages.append(page.ljust(pages * self._page_size, b"\0"))
        self._next += pages
        return number

    def _meta(self, number: int, root: int) -> bytes:
        meta = META.pack(MAGIC, VERSION, self._page_size, 0, root, 0, NO_FREELIST, self._next, 8 - number)
        page = HEADER.pack(number, META_FLAG, 0, 0) + meta + struct.pack("<Q", _fnv1a(meta))
        return page.ljust(self._page_size, b"\0")


def build_file(buckets: Mapping[bytes, Entries], page_size: int) -> bytes:
    """Return a whole file with these top-level buckets, each with its own pages."""
    file = BboltFile(page_size)
    tops = [(name, struct.pack("<QQ", file.add_tree(entries), 0)) for name, entries in sorted(buckets.items())]
    return file.seal(file.add_tree(tops, BUCKET))


def _leaf(entries: Entries, flags: int) -> bytes:
    elements, data, element = b"", b"", 0
    for key, value in entries:
        elements += struct.pack(
            "<IIII", flags, len(entries) * ELEMENT_BYTES - element + len(data), len(key), len(value)
        )
        data += key + value
        element += ELEMENT_BYTES
    return elements + data


def _branch(children: Entries) -> bytes:
    elements, data, element = b"", b"", 0
    for key, page in children:
        elements += struct.pack("<II", len(children) * ELEMENT_BYTES - element + len(data), len(key)) + page
        data += key
        element += ELEMENT_BYTES
    return elements + data


def _fnv1a(data: bytes) -> int:
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 & 0xFFFF_FFFF_FFFF_FFFF
    return digest
