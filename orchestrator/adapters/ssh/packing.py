"""Compression of a stream while it is sent: frame by frame, in threads, and only if compressing is faster than sending.

Each frame is independent, so a transfer can resume at any byte, whoever compressed what came before; `zstd -d` and
`gzip -d` read consecutive frames as one stream. A frame with only stored bytes is valid too, so the sender need not
announce whether it compresses, and may change at any frame.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from orchestrator.core.transfer.relay import Packing
from orchestrator.ports import Source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FRAME_BYTES = 1024 * 1024
LEVEL = 1
"""The level of both programs: a higher one takes twice the time and saves a hundredth of the bytes, on etcd's data."""
_ZSTD_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: LEVEL,
    zstd.CompressionParameter.checksum_flag: 1,
}
BUFFERED_BYTES = 16 * 1024 * 1024
"""About this much disappears in buffers on the way: only the bytes after it show the link's speed.
"""
WINDOW_BYTES = 32 * 1024 * 1024
IDLE, WORTH, TRY_AGAIN = 0.2, 1.25, 16
"""``IDLE``: the link waits for the compressor if it delays frames for less than this part of the time. ``WORTH``:
storing must be this many times as fast. ``TRY_AGAIN``: both are measured again after this many windows."""
_PACKERS = min(os.cpu_count() or 1, 4)
"""More threads than processors would only compete with the event loop, which would then answer late."""
_BLOCK_BYTES = 128 * 1024
_own = threading.local()


class Limit:
    """A limit in bytes per second for all streams over the laptop's link together; 0 for no limit."""

    def __init__(self, bytes_per_s: float) -> None:
        self._rate = bytes_per_s
        self._free_at_s = 0.0

    async def wait(self, size_bytes: int) -> None:
        """Wait until that many more bytes may be sent."""
        if not self._rate:
            return
        now_s = time.monotonic()
        self._free_at_s = max(self._free_at_s, now_s) + size_bytes / self._rate
        await asyncio.sleep(self._free_at_s - now_s - size_bytes / self._rate)


@dataclass(slots=True)
class Pace:
    """The speed with and without compression.

    Frames are stored uncompressed only if the link waits for the compressor, and if a trial of storing moved more
    of the file in the same time.
    """

    stores: bool = False
    wire_bytes: int = 0
    _raw_bytes: int = 0
    _began_s: float = 0.0
    _waited_s: float = 0.0
    _windows: int = 0
    _packed_rate: float = 0.0

    def sent(self, wire_bytes: int, raw_bytes: int, waited_s: float, now_s: float) -> None:
        """Record a sent frame; ``waited_s`` is how long the link has delayed it."""
        self.wire_bytes += wire_bytes
        if self.wire_bytes < BUFFERED_BYTES or not self._began_s:
            self._begin(now_s)
            return
        self._raw_bytes += raw_bytes
        self._waited_s += waited_s
        if self._raw_bytes >= WINDOW_BYTES:
            self._judge(
                self._raw_bytes / max(now_s - self._began_s, 1e-9), self._waited_s / max(now_s - self._began_s, 1e-9)
            )
            self._begin(now_s)

    def _begin(self, now_s: float) -> None:
        self._began_s, self._raw_bytes, self._waited_s = now_s, 0, 0.0

    def _judge(self, rate: float, waiting: float) -> None:
        self._windows += 1
        if self.stores:
            self.stores = rate > WORTH * self._packed_rate and self._windows % TRY_AGAIN != 0
        else:
            self._packed_rate = rate
            self.stores = waiting < IDLE and self._windows % TRY_AGAIN == 1


async def packed(source: Source, offset: int, packing: Packing, pace: Pace) -> AsyncIterator[tuple[bytes, int]]:
    """Yield the bytes from ``offset`` on, compressed, each piece with the number of bytes that it represents.

    As many frames as there are threads are prepared ahead of the one being sent.
    """
    if packing is Packing.NONE:
        async for chunk in source.chunks(offset):
            yield chunk, len(chunk)
        return
    pack = _zstd if packing is Packing.ZSTD else _gzip
    ahead: deque[tuple[asyncio.Future[bytes], int]] = deque()
    packers = ThreadPoolExecutor(_PACKERS, "packer")
    try:
        async for frame in _frames(source, offset):
            made = asyncio.get_running_loop().run_in_executor(packers, pack, frame, not pace.stores)
            ahead.append((made, len(frame)))
            if len(ahead) > _PACKERS:
                made, raw_bytes = ahead.popleft()
                yield await made, raw_bytes
        while ahead:
            made, raw_bytes = ahead.popleft()
            yield await made, raw_bytes
    finally:
        packers.shutdown(wait=False, cancel_futures=True)


async def _frames(source: Source, offset: int) -> AsyncIterator[bytes]:
    parts: list[bytes] = []
    size_bytes = 0
    async for chunk in source.chunks(offset):
        parts.append(chunk)
        size_bytes += len(chunk)
        if size_bytes >= FRAME_BYTES:
            yield b"".join(parts)
            parts, size_bytes = [], 0
    if parts:
        yield b"".join(parts)


def _zstd(frame: bytes, packs: bool) -> bytes:
    if not packs:
        return _stored(frame)
    if not hasattr(_own, "compressor"):  # creating one per frame takes two thirds more time
        _own.compressor = zstd.ZstdCompressor(options=_ZSTD_OPTIONS)
    made: bytes = _own.compressor.compress(frame, zstd.ZstdCompressor.FLUSH_FRAME)
    return made


def _stored(frame: bytes) -> bytes:
    """Return a zstd frame of raw blocks (RFC 8878, 3.1.1: single segment, its size in four bytes, no checksum)."""
    made = [struct.pack("<IBI", 0xFD2FB528, 0b1010_0000, len(frame))]
    for start in range(0, len(frame), _BLOCK_BYTES):
        block = frame[start : start + _BLOCK_BYTES]
        is_last = start + len(block) == len(frame)
        made += [(len(block) << 3 | is_last).to_bytes(3, "little"), block]
    return b"".join(made)


def _gzip(frame: bytes, packs: bool) -> bytes:
    pack = zlib.compressobj(LEVEL if packs else 0, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return pack.compress(frame) + pack.flush()
