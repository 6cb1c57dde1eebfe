"""Frames that the hosts' own programs read as one stream, whether packed or only stored."""

from __future__ import annotations

import random
import subprocess

import pytest

from orchestrator.adapters.packing import Pace, packed
from orchestrator.adapters.source import BytesSource
from orchestrator.core.relay import Packing

CONTENT = b"".join(random.Random(1).randbytes(700) + bytes(3500) for _ in range(900))


async def pack(packing: Packing, pace: Pace, offset: int = 0, content: bytes = CONTENT) -> bytes:
    return b"".join([chunk async for chunk in packed(BytesSource(content), offset, packing, pace)])


def unpack(packing: Packing, stream: bytes) -> bytes:
    return subprocess.run([packing, "-dc"], input=stream, check=True, capture_output=True).stdout


@pytest.mark.parametrize("packing", [Packing.ZSTD, Packing.GZIP])
@pytest.mark.parametrize("offset", [0, 1, 1_234_567, len(CONTENT)])
async def test_it_unpacks_to_what_it_was_from_any_byte_on(packing: Packing, offset: int) -> None:
    stream = await pack(packing, Pace(), offset)
    assert unpack(packing, stream) == CONTENT[offset:]
    assert len(stream) < len(CONTENT) / 4


@pytest.mark.parametrize("packing", [Packing.ZSTD, Packing.GZIP])
@pytest.mark.parametrize("size_bytes", [1, 131_072, 131_073, 1_048_576, 2_500_000])
async def test_stored_frames_are_read_like_packed_ones(
    packing: Packing, size_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(2).randbytes(size_bytes)
    monkeypatch.setattr(Pace, "packs", lambda pace: False)
    stream = await pack(packing, Pace(), content=content)
    assert unpack(packing, stream) == content
    assert size_bytes < len(stream) < size_bytes * 1.01 + 100


@pytest.mark.parametrize(("link_bytes_per_s", "packs"), [(6_000_000, True), (120_000_000, True), (900_000_000, False)])
def test_what_a_fast_link_takes_is_not_packed(link_bytes_per_s: int, packs: bool) -> None:
    pace = Pace(packed_bytes=500_000_000, packing_s=1.0, sent_bytes=link_bytes_per_s, sending_s=1.0)
    assert pace.packs() is packs


def test_what_is_stored_is_tried_again_now_and_then() -> None:
    pace = Pace(packed_bytes=1, packing_s=1.0, sent_bytes=10, sending_s=1.0)
    assert sum(pace.packs() for _ in range(320)) == 10


async def test_a_file_that_is_not_packed_goes_as_it_is() -> None:
    assert await pack(Packing.NONE, Pace(), 5) == CONTENT[5:]
