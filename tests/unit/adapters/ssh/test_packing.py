"""Frames that the hosts' own programs read as one stream, whether compressed or only stored."""

from __future__ import annotations

import random
import subprocess

import pytest

from orchestrator.adapters.source import BytesSource
from orchestrator.adapters.ssh.packing import Pace, packed
from orchestrator.core.transfer.relay import Packing

CONTENT = b"".join(random.Random(1).randbytes(700) + bytes(3500) for _ in range(900))


async def pack(packing: Packing, pace: Pace, offset: int = 0, content: bytes = CONTENT) -> bytes:
    return b"".join([chunk async for chunk, _ in packed(BytesSource(content), offset, packing, pace)])


def unpack(packing: Packing, stream: bytes) -> bytes:
    return subprocess.run([packing, "-dc"], input=stream, check=True, capture_output=True).stdout


@pytest.mark.parametrize("packing", [Packing.ZSTD, Packing.GZIP])
@pytest.mark.parametrize("offset", [0, 1, 1_234_567, len(CONTENT)])
async def test_stream_from_any_offset_unpacks_to_original(packing: Packing, offset: int) -> None:
    stream = await pack(packing, Pace(), offset)
    assert unpack(packing, stream) == CONTENT[offset:]
    assert len(stream) < len(CONTENT) / 4


@pytest.mark.parametrize("packing", [Packing.ZSTD, Packing.GZIP])
@pytest.mark.parametrize("size_bytes", [1, 131_072, 131_073, 1_048_576, 2_500_000])
async def test_stored_frames_unpack_to_original(packing: Packing, size_bytes: int) -> None:
    content = random.Random(2).randbytes(size_bytes)
    stream = await pack(packing, Pace(stores=True), content=content)
    assert unpack(packing, stream) == content
    assert size_bytes < len(stream) < size_bytes * 1.01 + 100


MIB = 1024 * 1024


def sends(pace: Pace, mib: int, *, link: float, packer: float) -> list[bool]:
    """Send frames over a link with a compressor of that many MiB a second, 5 MiB packed to one; return which were
    stored."""
    now_s, stored = 1.0, []
    for _ in range(mib):
        stored.append(pace.stores)
        wire = 1.0 if pace.stores else 0.2
        making_s, sending_s = (0.0 if pace.stores else 1 / packer), wire / link
        now_s += max(making_s, sending_s)  # compressing and sending run in parallel
        pace.sent(int(wire * MIB), MIB, max(0.0, sending_s - making_s), now_s)
    return stored


@pytest.mark.parametrize("link", [0.1, 6, 60, 110, 399])
def test_slow_link_gets_packed_frames(link: float) -> None:
    """Frames are stored only for a trial."""
    stored = sends(Pace(), 4000, link=link, packer=400)
    assert sum(stored) <= 4000 / 32 / 16 * 32 + 32
    if link < 80:
        assert not any(stored)


def test_fast_link_gets_stored_frames() -> None:
    stored = sends(Pace(), 4000, link=2000, packer=400)
    assert not any(stored[:80]), "buffers tell nothing of the link"
    assert sum(stored[200:]) > 0.85 * len(stored[200:])


async def test_without_packing_bytes_are_unchanged() -> None:
    assert await pack(Packing.NONE, Pace(), 5) == CONTENT[5:]
