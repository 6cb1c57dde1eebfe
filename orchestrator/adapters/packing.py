"""Packing a stream as it is sent: frame by frame, in threads, and only where packing is faster than sending.

A frame stands by itself, so a transfer can go on from any byte, whoever packed what came before; `zstd -d` and
`gzip -d` read frames that follow one another as one stream. A frame whose bytes are only stored is one, too: so the
packer need not say whether it packs, and may think better of it at any frame.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from orchestrator.core.relay import Packing
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
_AHEAD = 3
_TRY_AGAIN = 32
_BLOCK_BYTES = 128 * 1024


@dataclass(slots=True)
class Pace:
    """What packing and sending have taken so far: seconds for bytes, each counted where it is done."""

    packed_bytes: int = 0
    packing_s: float = 0.0
    sent_bytes: int = 0
    sending_s: float = 0.0
    frames: int = 0

    def packs(self) -> bool:
        """Whether the next frame is packed: the link is slower than the processor, as far as is known. What is only
        stored is tried again now and then, as either may have changed."""
        self.frames += 1
        if not self.packing_s or not self.sending_s or self.frames % _TRY_AGAIN == 0:
            return True
        return self.sent_bytes / self.sending_s < self.packed_bytes / self.packing_s


async def packed(source: Source, offset: int, packing: Packing, pace: Pace) -> AsyncIterator[bytes]:
    """The bytes from ``offset`` on, packed. Up to three frames are made ahead of the one that is sent."""
    if packing is Packing.NONE:
        async for chunk in source.chunks(offset):
            yield chunk
        return
    pack = _zstd if packing is Packing.ZSTD else _gzip
    ahead: deque[asyncio.Task[bytes]] = deque()
    try:
        async for frame in _frames(source, offset):
            ahead.append(asyncio.create_task(_make(pack, frame, pace)))
            if len(ahead) > _AHEAD:
                yield await ahead.popleft()
        while ahead:
            yield await ahead.popleft()
    finally:
        for task in ahead:
            task.cancel()


async def _make(pack: Callable[[bytes, bool], bytes], frame: bytes, pace: Pace) -> bytes:
    if not pace.packs():
        return await asyncio.to_thread(pack, frame, False)
    began_s = time.monotonic()
    made = await asyncio.to_thread(pack, frame, True)
    pace.packing_s += time.monotonic() - began_s
    pace.packed_bytes += len(frame)
    return made


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
    if packs:
        return zstd.compress(frame, options=_ZSTD_OPTIONS)
    return _stored(frame)


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
