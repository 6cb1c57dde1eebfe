"""Verification of a snapshot file: every fault, each with its place.

`read_snapshot` refuses a file at the first fault. Here every reachable page is read, damage is recorded and
skipped, and what is still readable is counted: this is what an operator with only one file needs to know.

Source: bbolt v1.4.3 tx_check.go (what its own check examines), node.go (rebalance); etcd v3.6.14
server/storage/mvcc/revision.go.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from pydantic import BaseModel, ConfigDict

from orchestrator.etcd import bbolt, keyspace, live
from orchestrator.etcd.bbolt import Bucket, Page
from orchestrator.etcd.meta import CorruptError, Meta, read_metas
from orchestrator.etcd.snapshot import SnapshotError, digest, read_body, refuse_strange_size

DESCRIBED_MAX = 20
"""How many damages are described in words; the others are only counted."""
_LARGEST_KEY = b"\xff" * 64
_STEP_BYTES = 4 << 20


class Trailer(Enum):
    """The state of the sha256 at the file's end."""

    FITS = "fits"
    ALTERED = "altered"
    MISSING = "missing"


class Verification(BaseModel):
    """The verdict. ``damages`` holds the first ``DESCRIBED_MAX`` ones, ``damage_count`` counts all.

    ``pages_read`` of ``pages`` were reached from the root; the others are free or lost. ``readable_entries`` counts
    revisions of keys; ``readable_revision`` is the newest of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    size_bytes: int
    sha256: str
    trailer: Trailer
    page_size_bytes: int | None
    pages: int
    pages_read: int
    damages: tuple[str, ...]
    damage_count: int
    readable_entries: int
    readable_revision: int

    @property
    def is_whole(self) -> bool:
        """True if every page is sound and the sha256 matches."""
        return not self.damage_count and self.trailer is Trailer.FITS


class Progress:
    """Progress in bytes over both passes, the hash and the walk."""

    def __init__(self, report: keyspace.ReportBytes | None) -> None:
        self._report, self._reported = report, 0

    def __call__(self, done_bytes: int) -> None:
        if self._report and done_bytes - self._reported >= _STEP_BYTES:
            self._reported = done_bytes
            self._report(done_bytes)


@dataclass(slots=True)
class _Damages:
    described: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, what: object) -> None:
        self.count += 1
        if len(self.described) < DESCRIBED_MAX:
            self.described.append(str(what))


@dataclass(slots=True)
class _Walk:
    """One pass over all pages. ``entered`` marks those that any bucket has reached."""

    pages: bbolt.Pages
    damages: _Damages
    progress: Progress
    hashed_bytes: int
    entered: bytearray = field(init=False)
    entries: int = 0
    revision: int = 0
    _read: int = 0

    def __post_init__(self) -> None:
        self.entered = bytearray(self.pages.count)

    def buckets(self, root: int) -> dict[bytes, Bucket]:
        """Return the top-level buckets that can be read."""
        found: dict[bytes, Bucket] = {}
        for page, low, high in self.leaves(Bucket(b"", root, memoryview(b""))):
            self.in_order(page, low, high, b"")
            try:
                for bucket in bbolt.top_level_buckets(page):
                    found[bucket.name] = bucket
            except CorruptError as error:
                self.damages.add(f"the root bucket: {error}")
        return found

    def read(self, bucket: Bucket) -> None:
        """Read every leaf of one bucket, and every revision in the bucket ``key``."""
        last = b""
        for page, low, high in self.leaves(bucket):
            if bucket.name == keyspace.BUCKET:
                self._revisions(page)
            last = self.in_order(page, low, high, last)

    def leaves(self, bucket: Bucket) -> Iterator[tuple[Page, bytes, bytes]]:
        """Yield leaf pages from left to right, each with the bounds that the pages above set for its keys."""
        if bucket.root == 0:
            try:
                yield bbolt.inline_page(bucket), b"", _LARGEST_KEY
            except CorruptError as error:
                self.damages.add(error)
            return
        pending = [(bucket.root, 0, b"", _LARGEST_KEY)]
        while pending:
            page_id, depth, low, high = pending.pop()
            try:
                page = self.pages.enter(page_id, self.entered)
                self._read += len(page.view)
                self.progress(self.hashed_bytes + self._read)
                if page.is_leaf:
                    if depth and not page.elements:
                        raise page.corrupt("an empty leaf: bbolt removes these")
                    yield page, low, high
                else:
                    pending.extend(reversed(list(_bounded(page, depth, low, high))))
            except CorruptError as error:
                self.damages.add(_in_bucket(bucket, error))

    def in_order(self, page: Page, low: bytes, high: bytes, last: bytes) -> bytes:
        """Check that keys ascend within a bucket and stay within the bounds above; return the page's last key."""
        try:
            for _, key, _ in bbolt.leaf_elements(page):
                mine = bytes(key[: len(_LARGEST_KEY)])
                if not max(low, last) <= mine <= high or (mine == last and len(key) < len(_LARGEST_KEY)):
                    raise page.corrupt(f"key {mine.hex()} is out of order")
                last = mine
        except CorruptError as error:
            self.damages.add(error)
        return last

    def _revisions(self, page: Page) -> None:
        try:
            for _, key, value in bbolt.leaf_elements(page):
                revision = keyspace.read_revision(key)
                keyspace.user_key(value)
                live.value_of(value)
                self.entries += 1
                self.revision = max(self.revision, keyspace.main_revision(revision))
        except CorruptError as error:
            self.damages.add(error)


def verify(buffer: memoryview, report: keyspace.ReportBytes | None = None) -> Verification:
    """Read the whole file twice, for its sha256 and page by page. Never raises, whatever the bytes.

    ``buffer`` should be a read-only ``mmap``. ``report`` receives the bytes read so far; the total is twice the
    file's size.
    """
    progress, damages = Progress(report), _Damages()
    file = digest(buffer, progress)
    body = buffer[: file.body_bytes]
    try:
        refuse_strange_size(buffer)
    except SnapshotError as error:
        damages.add(error.message)
    if file.hashed and not file.intact:
        damages.add("the file does not match the sha256 at its end: it was altered after it was saved")
    walk = _walk(body, damages, progress, hashed=file.hashed)
    return Verification(
        size_bytes=len(buffer),
        sha256=file.sha256,
        trailer=Trailer.MISSING if not file.hashed else Trailer.FITS if file.intact else Trailer.ALTERED,
        page_size_bytes=walk.pages.page_size if walk else None,
        pages=walk.pages.count if walk else 0,
        pages_read=2 + sum(walk.entered) if walk else 0,
        damages=tuple(damages.described),
        damage_count=damages.count,
        readable_entries=walk.entries if walk else 0,
        readable_revision=walk.revision if walk else 0,
    )


def _walk(body: memoryview, damages: _Damages, progress: Progress, *, hashed: bool) -> _Walk | None:
    """Read what can be reached; None if no meta page shows where to start."""
    metas = read_metas(body)
    valid = [meta for meta in metas if meta]
    if not valid:
        return None  # `refuse_strange_size` has reported it
    meta = max(valid, key=lambda it: it.transaction)
    for number, found in enumerate(metas):
        if found is None:
            damages.add(f"meta page {number} at byte {number * meta.page_size}: invalid meta page, or wrong checksum")
    if hashed and len(body) > meta.size_bytes:
        damages.add(f"{len(body) - meta.size_bytes} bytes after the last page: a snapshot has none")
    count = min(meta.pages, len(body) // meta.page_size)
    walk = _Walk(bbolt.Pages(body, meta.page_size, count), damages, progress, len(body))
    for bucket in walk.buckets(meta.root).values():
        walk.read(bucket)
    if not damages.count:
        _check_free(walk, meta, damages)
    if not damages.count:
        try:
            read_body(body)
        except (CorruptError, SnapshotError) as error:
            damages.add(error)
    return walk


def _check_free(walk: _Walk, meta: Meta, damages: _Damages) -> None:
    """Check that each page is either in use or free, if the file lists its free pages. etcd's own files have no
    such list."""
    if meta.freelist is None:
        return
    try:
        page = walk.pages.enter(meta.freelist, walk.entered)
        free = set(bbolt.read_freelist(page))
    except CorruptError as error:
        damages.add(f"the list of free pages: {error}")
        return
    for page_id in range(2, walk.pages.count):
        if bool(walk.entered[page_id]) is (page_id in free):
            state = "both in use and free" if page_id in free else "neither in use nor free"
            damages.add(f"page {page_id} at byte {page_id * walk.pages.page_size}: {state}")


def _bounded(page: Page, depth: int, low: bytes, high: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield (page id, depth, low, high) of each child: its keys range from its own first key up to the next child's."""
    children = [(bytes(key[: len(_LARGEST_KEY)]), child) for key, child in bbolt.branch_elements(page, depth)]
    keys = [key for key, _ in children]
    if keys != sorted(keys) or (keys and not low <= keys[0] <= keys[-1] <= high):
        raise page.corrupt("its children are out of order")
    for (key, child), following in zip(children, [*keys[1:], high], strict=True):
        yield child, depth + 1, key, following


def _in_bucket(bucket: Bucket, error: CorruptError) -> str:
    return f"bucket {bucket.name.decode('ascii', 'replace') or 'root'}: {error}"
