"""Packing a stream as it is sent: frame by frame, in threads, and only where packing is faster than sending.

A frame stands by itself, so a transfer can go on from any byte, whoever packed what came before; `zstd -d` and
`gzip -d` read frames that follow one another as one stream. A frame whose bytes are only stored is one, too: so the
packer need not say whether it packs, and may think better of it at any frame.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
import threading
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
"""Of both: a higher one takes twice the time for a hundredth of the bytes, on what etcd holds."""
_ZSTD_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: LEVEL,
    zstd.CompressionParameter.checksum_flag: 1,
}
BUFFERED_BYTES = 16 * 1024 * 1024
"""So much disappears in buffers on the way, whatever the link: what follows tells how fast that is."""
WINDOW_BYTES = 32 * 1024 * 1024
IDLE, WORTH, TRY_AGAIN = 0.2, 1.25, 16
"""The link waits for the packer where it keeps frames waiting for less than that part of the time; storing must be so
many times as fast; both are looked at again after so many windows."""
_PACKERS = min(os.cpu_count() or 1, 4)
"""More threads than processors would only take turns with the event loop, which would then answer late."""
_BLOCK_BYTES = 128 * 1024
_own = threading.local()


@dataclass(slots=True)
class Pace:
    """How fast it goes, packed and stored. Frames are only stored where the link waits for the packer, and storing was
    tried and has brought more of the file along in the same time."""

    stores: bool = False
    wire_bytes: int = 0
    _raw_bytes: int = 0
    _began_s: float = 0.0
    _waited_s: float = 0.0
    _windows: int = 0
    _packed_rate: float = 0.0

    def sent(self, wire_bytes: int, raw_bytes: int, waited_s: float, now_s: float) -> None:
        """A frame has gone; ``waited_s`` is how long the link has kept it waiting."""
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
    """The bytes from ``offset`` on, packed, each piece with how many bytes it stands for. As many frames as there
    are packers are made ahead of the one that is sent."""
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
    if not hasattr(_own, "compressor"):  # to make one for each frame would take two thirds more time
        _own.compressor = zstd.ZstdCompressor(options=_ZSTD_OPTIONS)
    made: bytes = _own.compressor.compress(frame, zstd.ZstdCompressor.FLUSH_FRAME)
    return made


def _stored(frame: bytes) -> bytes:
    """A zstd frame of raw blocks (RFC 8878, 3.1.1: single segment, its size in four bytes, no checksum)."""
    made = [struct.pack("<IBI", 0xFD2FB528, 0b1010_0000, len(frame))]
    for start in range(0, len(frame), _BLOCK_BYTES):
        block = frame[start : start + _BLOCK_BYTES]
        is_last = start + len(block) == len(frame)
        made += [(len(block) << 3 | is_last).to_bytes(3, "little"), block]
    return b"".join(made)


def _gzip(frame: bytes, packs: bool) -> bytes:
    pack = zlib.compressobj(LEVEL if packs else 0, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return pack.compress(frame) + pack.flush()
