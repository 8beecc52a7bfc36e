"""Choose the seeds of the simulation suite: the fewest with which each planted bug is found twice.

`python -m tests.mutants.seeds --seeds 100` plants each bug that names a test of histories, and plays 100 histories. It
prints which seeds find each bug, then the fewest seeds of each test. `tests/simulation/seeds.py` holds them.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.catalogue import Mutation, mutations
from tests.mutants.planting import copy_of_checkout, failed_tests, pytest_in
from tests.simulation.seeds import CHOSEN

TIMES = 2
"""Number of seeds that must find each bug."""
AT_ONCE = 2
SECONDS_PER_SEED = 60
"""Time limit of a history."""


def seeded() -> Iterator[tuple[Mutation, str]]:
    """List the mutations that name a test of seeded histories, each with that test."""
    for mutation in mutations():
        for test in mutation.tests:
            if test.removeprefix("tests/simulation/") in CHOSEN:
                yield mutation, test


def finders(mutation: Mutation, test: str, seeds: int) -> set[int]:
    """Return the seeds whose history of a test finds a mutation."""
    with copy_of_checkout(mutation) as copy:
        _, output = pytest_in(copy, test, seconds=SECONDS_PER_SEED * seeds, SEEDS=str(seeds), FIRST="0")
    return {int(seed[1]) for name in failed_tests(output) if (seed := re.search(r"\[(\d+)\]$", name))}


def fewest(finders_of: Mapping[str, set[int]], times: int = TIMES) -> list[int]:
    """Choose seeds so that each bug is found by `times` of them, or by all that find it (greedy set cover).

    >>> fewest({"a": {1, 2, 3}, "b": {2, 4}, "c": {3, 5}}, 1)
    [2, 3]
    """
    chosen: list[int] = []
    missing = {bug: min(times, len(seeds)) for bug, seeds in finders_of.items()}
    while any(missing.values()):
        remaining = sorted(set().union(*finders_of.values()) - set(chosen))
        best = max(remaining, key=lambda seed: sum(seed in finders_of[bug] for bug in missing if missing[bug]))
        chosen.append(best)
        missing = {bug: count - (count > 0 and best in finders_of[bug]) for bug, count in missing.items()}
    return sorted(chosen)


def main() -> int:
    """Run the command. Return 1 if a bug is found by fewer than two seeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="number of seeds to play")
    parser.add_argument("--only", default="", help="plant only mutations whose name contains this text")
    options = parser.parse_args()
    began = time.monotonic()
    by_test: dict[str, dict[str, set[int]]] = {}
    chosen = [(mutation, test) for mutation, test in seeded() if options.only in mutation.name]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = pool.map(lambda pair: finders(*pair, options.seeds), chosen)
        for (mutation, test), seeds in zip(chosen, played, strict=True):
            by_test.setdefault(test, {})[mutation.name] = seeds
            print(f"{mutation.name}: {len(seeds)} of {options.seeds} seeds: {sorted(seeds)[:20]}", flush=True)
    for test, finders_of in by_test.items():
        print(f"{test}: {fewest(finders_of)}")
    print(f"{len(chosen)} bugs in {time.monotonic() - began:.0f} s")
    return int(any(len(seeds) < TIMES for finders_of in by_test.values() for seeds in finders_of.values()))


if __name__ == "__main__":
    sys.exit(main())
