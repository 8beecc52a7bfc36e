"""Plant each mutation in a copy of the checkout, run its tests, and print the test that failed.

`make mutants` plants all of them, `make mutants ONLY=marker` those with the word in their name. The exit code is 1 if
a mutation survives.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tests.mutants.catalogue import Mutation, mutations
from tests.mutants.planting import copy_of_checkout, failed_tests, pytest_in

AT_ONCE = 2
ALL_SECONDS = 3_600
"""Time limit of all tests without a mutation."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one mutation: `found_by` is empty if it survived; `trouble` explains an inconclusive run."""

    mutation: Mutation
    found_by: str
    seconds: float
    trouble: str = ""


def plant(mutation: Mutation) -> Outcome:
    """Plant one mutation in a new copy and run its tests until one fails."""
    began = time.monotonic()
    try:
        with copy_of_checkout(mutation) as copy:
            code, output = pytest_in(copy, "-x", *mutation.tests)
    except ValueError as error:
        return Outcome(mutation, "", 0.0, str(error))
    seconds = time.monotonic() - began
    failed = failed_tests(output)
    if code == 1 and failed:
        return Outcome(mutation, failed[0], seconds)
    return Outcome(mutation, "", seconds, "" if code == 0 else f"pytest ended with {code}:\n{output[-2_000:]}")


def without_any(chosen: Sequence[Mutation]) -> str:
    """Run the same tests without a mutation. Return their output if one fails, else an empty text."""
    tests = sorted({test for mutation in chosen for test in mutation.tests})
    with copy_of_checkout() as copy:
        code, output = pytest_in(copy, "-x", "-n", str(AT_ONCE), *tests, seconds=ALL_SECONDS)
    return "" if code == 0 else output[-4_000:]


def table(outcomes: Sequence[Outcome]) -> str:
    """Format outcomes as a table of mutation, test that found it, and seconds."""
    rows = [("mutation", "found by", "seconds")]
    for one in outcomes:
        found_by = one.found_by.removeprefix("tests/") or ("INCONCLUSIVE" if one.trouble else "SURVIVED")
        rows.append((one.mutation.name, found_by, f"{one.seconds:.1f}"))
    wide = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{name:<{wide[0]}}  {by:<{wide[1]}}  {seconds:>7}" for name, by, seconds in rows)


def main() -> int:
    """Run the command. Return 0 if every mutation was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="plant only mutations whose name contains this text")
    only = parser.parse_args().only
    chosen = [one for one in mutations() if only in one.name]
    if not chosen:
        print(
            f"error: no mutation has {only!r} in its name\nfix: use a word of a name in mutations.toml", file=sys.stderr
        )
        return 2
    began = time.monotonic()
    print(f"{len(chosen)} mutations; running their tests without a mutation first", flush=True)
    wrong = without_any(chosen)
    if wrong:
        print(f"{wrong}\nerror: these tests fail without any mutation\nfix: make unit", file=sys.stderr)
        return 1
    outcomes: dict[str, Outcome] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in as_completed([pool.submit(plant, one) for one in chosen]):
            one = done.result()
            outcomes[one.mutation.name] = one
            word = "found" if one.found_by else "INCONCLUSIVE" if one.trouble else "SURVIVED"
            print(f"{len(outcomes):>3}/{len(chosen)} {word}: {one.mutation.name} ({one.seconds:.1f} s)", flush=True)
    ordered = [outcomes[one.name] for one in chosen]
    print("\n" + table(ordered))
    missed = [one for one in ordered if not one.found_by]
    for one in missed:
        print(f"\n{one.mutation.name}: {one.mutation.rule}\n{one.trouble or 'no test failed'}", file=sys.stderr)
    print(f"\n{len(ordered) - len(missed)} of {len(ordered)} found in {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
