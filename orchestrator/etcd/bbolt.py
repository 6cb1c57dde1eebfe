"""Reader for bbolt files: the tree of pages in which etcd stores everything.

A file is a sequence of pages of equal size. Pages 0 and 1 are meta pages; the valid one with the higher transaction
number names the root bucket, whose leaves name the top-level buckets. A bucket is a B+tree of branch and leaf pages
or, if it is small, an inline page inside its parent's leaf. All numbers are little-endian.

Source: bbolt v1.4.3, internal/common/{page,meta,bucket,types}.go.

Every offset is checked before it is followed, no bucket enters a page twice, and no two elements of a page share
bytes. So hostile bytes end in ``CorruptError``, in time and memory at most proportional to the file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.etcd.meta import PAGE_HEADER, CorruptError, read_meta

_LEAF = struct.Struct("<IIII")  # flags, position, key size, value size
_BRANCH = struct.Struct("<IIQ")  # position, key size, page id
_BUCKET = struct.Struct("<QQ")  # root page id, sequence
_BRANCH_PAGE, _LEAF_PAGE, _FREELIST_PAGE = 0x01, 0x02, 0x10
_COUNT_ELSEWHERE = 0xFFFF  # a freelist with more ids than its header can count starts with their number
_BUCKET_FLAG = 0x01
DEPTH_MAX = 32
_BUCKETS_MAX = 64  # bounds the work on a hostile file; etcd 3.6 has 10

Entry = tuple[memoryview, memoryview]
Place = tuple[int, int, int]
"""Offsets of an entry in the buffer: start of its key, start of its value (directly after the key), end."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The root of a bucket's tree: a page of its own or, if the page id is 0, the page ``inline`` at ``offset``."""

    name: bytes
    root: int
    inline: memoryview
    offset: int = 0


class Page(NamedTuple):
    """One page with its overflow pages, at ``offset`` in the buffer. An inline page has id 0."""

    id: int
    offset: int
    view: memoryview
    flags: int
    elements: int

    @property
    def is_leaf(self) -> bool:
        return bool(self.flags & _LEAF_PAGE)

    @property
    def is_branch(self) -> bool:
        return bool(self.flags & _BRANCH_PAGE)

    def corrupt(self, what: str) -> CorruptError:
        where = f"page {self.id} at byte {self.offset}" if self.id else "an inline page"
        return CorruptError(f"{where}: {what}")


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a file up to its high-water mark."""

    buffer: memoryview
    page_size: int
    count: int

    def enter(self, page_id: int, entered: bytearray) -> Page:
        """Return the page with its overflow and mark it in ``entered``, which has one byte per page.

        Raises ``CorruptError``, also if one of the pages was entered before.
        """
        offset = page_id * self.page_size
        if not 2 <= page_id < self.count:
            raise CorruptError(f"a reference to page {page_id}, but the last page is {self.count - 1}")
        own_id, flags, count, overflow = PAGE_HEADER.unpack_from(self.buffer, offset)
        end = page_id + 1 + overflow
        if own_id != page_id or end > self.count:
            raise CorruptError(f"page {page_id} at byte {offset}: its header says id {own_id}, end {end}")
        if entered[page_id] or (overflow and entered.find(1, page_id, end) >= 0):
            raise CorruptError(f"page {page_id} at byte {offset}: reached a second time")
        entered[page_id] = 1
        if overflow:
            entered[page_id:end] = b"\1" * (1 + overflow)
        return Page(page_id, offset, self.buffer[offset : end * self.page_size], flags, count)


class Database:
    """The buckets of a bbolt file. ``buffer`` may be longer than the pages in use, never shorter."""

    def __init__(self, buffer: memoryview) -> None:
        """Read the meta page and the root.

        Raises ``NoMetaError``, or ``CorruptError`` if the file is cut or damaged.
        """
        self.meta = read_meta(buffer)
        if len(buffer) < self.meta.size_bytes:
            raise CorruptError(f"{self.meta.size_bytes} bytes are in use, but the file has {len(buffer)}")
        self.buffer = buffer
        self._pages = Pages(buffer, self.meta.page_size, self.meta.pages)
        self.buckets = {bucket.name: bucket for bucket in self._top_level()}
        if len(self.buckets) > _BUCKETS_MAX:
            raise CorruptError(f"{len(self.buckets)} buckets; etcd has about 10")

    def entries(self, name: bytes) -> Iterator[Entry]:
        """Yield every (key, value) of a top-level bucket in key order, as slices of the buffer.

        Yields nothing if the bucket does not exist. Raises ``CorruptError``.
        """
        buffer = self.buffer
        for start, middle, end in self.places(name):
            yield buffer[start:middle], buffer[middle:end]

    def places(self, name: bytes) -> Iterator[Place]:
        """Yield the ``Place`` of every entry, in the order of ``entries``. Raises ``CorruptError``."""
        bucket = self.buckets.get(name)
        if bucket is None:
            return
        for page in self._leaves(bucket):
            offset = page.offset
            for flags, start, middle, end in leaf_places(page):
                if flags & _BUCKET_FLAG:
                    raise page.corrupt(f"a bucket inside bucket {name!r}: etcd never creates one")
                yield offset + start, offset + middle, offset + end

    def _top_level(self) -> Iterator[Bucket]:
        for page in self._leaves(Bucket(b"", self.meta.root, memoryview(b""))):
            yield from top_level_buckets(page)

    def _leaves(self, bucket: Bucket) -> Iterator[Page]:
        """Yield the bucket's leaf pages from left to right."""
        if bucket.root == 0:
            yield inline_page(bucket)
            return
        entered = bytearray(self.meta.pages)
        pending = [(bucket.root, 0)]
        while pending:
            page_id, depth = pending.pop()
            page = self._pages.enter(page_id, entered)
            if page.is_leaf:
                yield page
            else:
                children = [child for _, child in branch_elements(page, depth)]
                pending.extend((child, depth + 1) for child in reversed(children))


def top_level_buckets(page: Page) -> Iterator[Bucket]:
    """Yield the buckets that a leaf of the root bucket names. Raises ``CorruptError``."""
    for flags, start, middle, end in leaf_places(page):
        if not flags & _BUCKET_FLAG or end - middle < _BUCKET.size:
            raise page.corrupt("an entry of the root bucket is not a bucket")
        root, _ = _BUCKET.unpack_from(page.view, middle)
        inline = middle + _BUCKET.size
        yield Bucket(bytes(page.view[start:middle]), root, page.view[inline:end], page.offset + inline)


def read_freelist(page: Page) -> Iterator[int]:
    """Yield the ids of the pages that are not in use. Raises ``CorruptError``."""
    if not page.flags & _FREELIST_PAGE:
        raise page.corrupt(f"flags {page.flags:#x}: not a freelist")
    ids = page.view[PAGE_HEADER.size :]
    skip, count = 0, page.elements
    if count == _COUNT_ELSEWHERE:
        skip, count = 1, int.from_bytes(ids[:8], "little")
    if (skip + count) * 8 > len(ids):
        raise page.corrupt(f"a freelist of {count} ids does not fit into {len(page.view)} bytes")
    yield from (free for (free,) in struct.iter_unpack("<Q", ids[skip * 8 : (skip + count) * 8]))


def inline_page(bucket: Bucket) -> Page:
    """Return the page of a small bucket, which is stored in its parent's leaf. Raises ``CorruptError``."""
    if len(bucket.inline) < PAGE_HEADER.size:
        raise CorruptError(f"bucket {bucket.name!r}: its inline page is truncated")
    _, flags, count, _ = PAGE_HEADER.unpack_from(bucket.inline)
    page = Page(0, bucket.offset, bucket.inline, flags, count)
    if not page.is_leaf:
        raise CorruptError(f"bucket {bucket.name!r}: its inline page is not a leaf")
    return page


def _elements(page: Page, layout: struct.Struct) -> Iterator[tuple[int, ...]]:
    end = PAGE_HEADER.size + page.elements * layout.size
    if end > len(page.view):
        raise page.corrupt(f"{page.elements} elements do not fit into {len(page.view)} bytes")
    return layout.iter_unpack(page.view[PAGE_HEADER.size : end])


def branch_elements(page: Page, depth: int) -> Iterator[tuple[memoryview, int]]:
    """Yield (first key, page id) of each child; ``depth`` is the page's own. Raises ``CorruptError``."""
    if not page.is_branch or depth >= DEPTH_MAX:
        raise page.corrupt(f"flags {page.flags:#x} at depth {depth} are neither branch nor leaf")
    view, element, free = page.view, PAGE_HEADER.size, PAGE_HEADER.size + page.elements * _BRANCH.size
    for position, key_size, child in _elements(page, _BRANCH):
        start = element + position
        end = start + key_size
        if start != free or end > len(view):
            raise page.corrupt(_misplaced(element, start, end, free, len(view)))
        yield view[start:end], child
        element += _BRANCH.size
        free = end


def leaf_elements(page: Page) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Yield (flags, key, value) of each element. Raises ``CorruptError``."""
    view = page.view
    for flags, start, middle, end in leaf_places(page):
        yield flags, view[start:middle], view[middle:end]


def leaf_places(page: Page) -> Iterator[tuple[int, int, int, int]]:
    """Yield (flags, start of key, start of value, end) of each element, relative to its page.

    Raises ``CorruptError``. An element's position counts from the element itself. bbolt writes keys and values back
    to back, the first one directly after the last element (internal/common/inode.go, WriteInodeToPage). So both a
    gap and an overlap mean damage: a wrong count leaves a gap, and with elements that share bytes a small file
    could keep a reader busy forever.
    """
    limit = len(page.view)
    element, free = PAGE_HEADER.size, PAGE_HEADER.size + page.elements * _LEAF.size
    for flags, position, key_size, value_size in _elements(page, _LEAF):
        start = element + position
        middle = start + key_size
        end = middle + value_size
        if start != free or end > limit:
            raise page.corrupt(_misplaced(element, start, end, free, limit))
        yield flags, start, middle, end
        element += _LEAF.size
        free = end


def _misplaced(element: int, start: int, end: int, free: int, limit: int) -> str:
    if end > limit:
        return f"the element at byte {element} reaches {end - limit} bytes past the page"
    if start > free:
        return f"the element at byte {element} begins {start - free} bytes after the end of the previous one"
    return f"the element at byte {element} begins {free - start} bytes before the end of the previous one"
