"""`python -m tests.fuzz [libFuzzer's options] FOLDER...`: hostile bytes for the snapshot reader, guided by coverage.

A finding is anything except an answer or one of the reader's own errors, more than 10 s for one file, or more than
1 GB. libFuzzer prints executions, coverage and findings, and writes the bytes of a finding to a file `crash-...`.
"""

from __future__ import annotations

import random
import struct
import sys
from hashlib import sha256
from typing import Any

import atheris

with atheris.instrument_imports(include=["orchestrator.etcd"]):
    from orchestrator.etcd.contents import ContentsReader
    from orchestrator.etcd.details import bumped, read_details
    from orchestrator.etcd.keyindex import KeyIndex
    from orchestrator.etcd.meta import CorruptError
    from orchestrator.etcd.snapshot import SnapshotError, read_snapshot
    from orchestrator.etcd.verify import verify

PAGE, META_BYTES, TRAILER_BYTES = 4096, 56, 32
LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=131104", "-print_final_stats=1"]


def read(data: bytes) -> None:
    """Do everything that the product does with a snapshot file. What verify accepts must be readable."""
    buffer = memoryview(data)
    verdict = verify(buffer)
    try:
        reader = ContentsReader()
        found = read_snapshot(buffer, reader, KeyIndex(), allow_unhashed=True)
        read_details(found.database, found.keys)
        bumped(found.keys, 1000)
        reader.result()
    except (SnapshotError, CorruptError):
        if verdict.is_whole:
            raise RuntimeError("verify calls it whole, and it cannot be read") from None
    else:
        assert found.facts.key_entries >= found.facts.live_keys


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Mutate with libFuzzer, then usually fix the checksums, which would otherwise hide everything after them."""
    chance = random.Random(seed)
    mutated = bytearray(atheris.Mutate(data, most))
    if chance.random() < 0.8:
        seal(mutated, chance)
    return bytes(mutated[:most])


def seal(data: bytearray, chance: random.Random) -> None:
    for start in (16, PAGE + 16):
        if len(data) >= start + META_BYTES + 8:
            struct.pack_into("<Q", data, start + META_BYTES, _fnv1a(data[start : start + META_BYTES]))
    if len(data) > TRAILER_BYTES and chance.random() < 0.5:
        data[-TRAILER_BYTES:] = sha256(data[:-TRAILER_BYTES]).digest()


def _fnv1a(data: bytearray) -> int:
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 & 0xFFFF_FFFF_FFFF_FFFF
    return digest


def main(arguments: list[str]) -> Any:
    atheris.Setup([sys.argv[0], *LIMITS, *arguments], read, custom_mutator=mutate)
    return atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
