"""Result table: one row for each kind of fault, and totals of all schedules.

`python -m tests.fault.table FILE...` prints the table of stored results (`RESULTS`, conftest.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.fault.plan import CLUSTER, KINDS
from tests.fault.play import Result


def kept(files: Iterable[Path]) -> list[Result]:
    """Read results by seed from files of JSON lines; the last result of a seed wins."""
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    last = {(line.get("cluster", False), line["seed"]): line for line in lines}
    return [Result(**last[key]) for key in sorted(last)]


def rows(results: Sequence[Result]) -> list[tuple[str, int, int, int, int, int, float]]:
    """Compute rows (kind, runs, records, lost, doubled, wrong flags, longest gap in s), one for each kind of fault."""
    table = []
    for kind in (CLUSTER | KINDS) if any(one.cluster for one in results) else KINDS:
        of = [one for one in results if kind in one.kinds]
        table.append(
            (
                kind, len(of), sum(one.records for one in of), sum(one.lost for one in of),
                sum(one.doubled for one in of), sum(one.wrong_flags for one in of),
                max((one.gap_seconds for one in of), default=0.0),
            )
        )  # fmt: skip
    return table


def broker_away_seconds(results: Sequence[Result]) -> float:
    """Return the longest time from a broker's kill to its next answer, in seconds."""
    kinds = ("broker-kill", "broker-full", "leader-kill", "minority")
    return max((end - begin for one in results for kind, begin, end in one.timeline if kind in kinds), default=0.0)


def text(results: Sequence[Result]) -> str:
    """Format two tables: one of the schedules on a broker, one of those on a cluster."""
    of_cluster = [one for one in results if one.cluster]
    of_broker = [one for one in results if not one.cluster]
    titled = [("One broker", of_broker), ("A cluster of four brokers", of_cluster)]
    return "\n\n".join(f"{title}:\n\n{_table(some)}" for title, some in titled if some)


def _table(results: Sequence[Result]) -> str:
    lines = [
        "| fault | runs | records | lost | doubled | wrong flags | longest gap without progress (s) |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind, runs, records, lost, doubled, wrong, gap in rows(results):
        if not runs and results[0].cluster:
            continue
        lines.append(f"| {kind} | {runs} | {records:,} | {lost} | {doubled} | {wrong} | {gap:.1f} |")
    total = (
        f"| all | {len(results)} | {sum(r.records for r in results):,} | {sum(r.lost for r in results)} "
        f"| {sum(r.doubled for r in results)} | {sum(r.wrong_flags for r in results)} "
        f"| {max((r.gap_seconds for r in results), default=0):.1f} |"
    )
    exits = sum(len(one.exits) for one in results)
    lines += [
        total,
        "",
        f"{sum(r.ticks for r in results)} ticks and {sum(r.decisions for r in results)} settled changes compared, "
        f"{sum(r.discounts for r in results)} of them with a discount, "
        f"{sum(r.early for r in results)} early decisions, {sum(r.exempt for r in results)} ticks exempt; "
        f"{sum(r.checks for r in results):,} checks by readers, slowest "
        f"{max((r.check_seconds for r in results), default=0) * 1000:.0f} ms, "
        f"{sum(r.flagged for r in results):,} flagged; "
        f"flags back after a loss of Redis in at most {max((r.restored_seconds for r in results), default=0):.1f} s; "
        f"SIGTERM to the end in at most {max((r.handover_seconds for r in results), default=0):.1f} s; "
        f"{exits} workers ended by themselves and were started again; "
        f"slowest start of a worker {max((r.start_seconds for r in results), default=0):.1f} s, a broker that was "
        f"killed or full was away for at most {broker_away_seconds(results):.1f} s.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(text(kept(map(Path, sys.argv[1:]))))
