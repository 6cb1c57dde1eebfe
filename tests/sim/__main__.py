"""`python -m tests.sim RUNS [SEED]`: run restores, aborts, rollbacks and finishes with random faults.

For each violation it prints the shortest story that still shows it."""

from __future__ import annotations

import gc
import sys
from multiprocessing import Pool

from tests.sim.chance import Tally, run, scene, shortest


def main(runs: int, first_seed: int) -> int:
    with Pool(initializer=gc.disable, maxtasksperchild=5) as pool:  # gc is off: the end of the process frees the memory
        tallies = pool.map(run, range(first_seed, first_seed + runs), chunksize=20)
    wrong = [tally for tally in tallies if tally.violations]
    for tally in wrong[:3]:
        show(tally)
    faults, resumes = sum(tally.faults for tally in tallies), sum(tally.resumes for tally in tallies)
    print(f"{runs} runs, {faults} faults, {resumes} resumes, {len(wrong)} violations")
    return 1 if wrong else 0


def show(tally: Tally) -> None:
    """Print one violation. A seed always gives the same story."""
    print(f"{shortest(scene(tally.seed))}")
    for violation in tally.violations:
        print(f"  violated: {violation}")
    print(f"  again: python -m tests.sim 1 {tally.seed}")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(numbers[0] if numbers else 2000, numbers[1] if len(numbers) > 1 else 0))
