"""Seeded corruptions of a real snapshot: `python -m tests.mutations [NUMBER]` counts how many each tool refuses.

Half of them keep the sha256 at the end, as after damage on a disk or a line. The others get a matching one, as if
the file had been damaged before it was saved: then a flipped byte in a value cannot be detected.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from orchestrator.etcd.verify import verify
from tests import snapshots

PAGE, TRAILER = 4096, 32
STUCK_S = 20


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed file: what was done to it, and whether its sha256 was recomputed."""

    what: str
    sealed: bool
    data: bytes


def mutants(whole: bytes, number: int, first_seed: int = 0) -> Iterator[Mutant]:
    """Yield that many mutants, each with its own seed; none equals the whole file."""
    for seed in range(first_seed, first_seed + number):
        chance = random.Random(seed)
        body, what = _mutate(bytearray(whole[:-TRAILER]), chance)
        sealed = seed % 2 == 1
        trailer = sha256(body).digest() if sealed else whole[-TRAILER:]
        yield Mutant(what, sealed, bytes(body) + trailer)


def _mutate(body: bytearray, chance: random.Random) -> tuple[bytearray, str]:
    pages = len(body) // PAGE
    what = chance.choice(("bit", "bits", "cut", "cut page", "swap", "count", "zero", "double"))
    page = chance.randrange(pages)
    match what:
        case "bit":
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        case "bits":
            for _ in range(chance.randint(2, 64)):
                body[page * PAGE + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
        case "cut":
            del body[chance.randrange(1, len(body)) :]
        case "cut page":
            del body[chance.randrange(1, pages) * PAGE :]
        case "swap":
            other = (page + chance.randrange(1, pages)) % pages
            one, two = slice(page * PAGE, (page + 1) * PAGE), slice(other * PAGE, (other + 1) * PAGE)
            body[one], body[two] = body[two], body[one]
            if body[one] == body[two]:
                body[page * PAGE] ^= 1
        case "count":  # flags, count and overflow of a page's header
            at = page * PAGE + chance.randrange(8, 16)
            body[at] = (body[at] + chance.randint(1, 255)) % 256
        case "zero":
            body[page * PAGE] ^= 1  # otherwise a page of zeros would not change
            body[page * PAGE + 1 : (page + 1) * PAGE] = bytes(PAGE - 1)
        case "double":
            body += body[page * PAGE : (page + 1) * PAGE]
    return body, what


def etcdutl(path: Path) -> str:
    """Return how `etcdutl snapshot status` ends: `accepted`, `refused`, or `stuck` for 20 s."""
    argv = [str(snapshots.ETCDUTL), "snapshot", "status", str(path)]
    try:
        ended = subprocess.run(argv, capture_output=True, check=False, timeout=STUCK_S)
    except subprocess.TimeoutExpired:
        return "stuck"
    return "refused" if ended.returncode else "accepted"


def main(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.db"
        whole = snapshots.make_snapshot(Path(folder), keys=300, value_bytes=1500).read_bytes()
        ours: Counter[bool] = Counter()
        theirs: Counter[tuple[bool, str]] = Counter()
        for mutant in mutants(whole, number):
            path.write_bytes(mutant.data)
            ours[mutant.sealed] += verify(memoryview(mutant.data)).is_whole
            theirs[mutant.sealed, etcdutl(path)] += 1
        for sealed, which in ((False, "whose sha256 no longer fits"), (True, "whose sha256 was made to fit")):
            of = (number + (not sealed)) // 2
            accepted, stuck = theirs[sealed, "accepted"], theirs[sealed, "stuck"]
            told = f"{accepted} accepted by etcdutl, {stuck} made it hang; {ours[sealed]} accepted by orchestrator"
            print(f"{of} mutants {which}: {told}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
