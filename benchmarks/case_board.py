"""Cost of the kept cases: a refresh without changes and with some, against deriving all cases.

python -m benchmarks.case_board --cases 5000 --changed 100
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

import typer

from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.domain.appeals.fold import AppealFold
from moderation.domain.cases.board import cases_of
from moderation.domain.cases.case_board import CaseBoard
from moderation.domain.cases.fold import CaseFold
from streams.constants import HOUR_MS
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision, Evidence, ScopeDecision, version_of
from streams.log.moderation import Override, encode_moderation

NOW_MS = 1_800_000_000_000
COUNTRIES = ("IN", "US", "BR", "*")


def measure(cases: int, changed: int, rounds: int) -> dict[str, float]:
    """Measure on open cases of four countries and two surfaces each, every tenth with a person's override.

    Returns:
        Median milliseconds of deriving all, of a refresh without changes, and of one with changed hashtags.
    """
    automated, history, fold, appeals = AutomatedFold(secret=b"s"), OverrideHistory(), CaseFold(), AppealFold()
    for number in range(cases):
        for country in COUNTRIES:
            automated.apply(_decision(number, country, 1))
        if number % 10 == 0:
            value, key = encode_moderation(_override(number))
            history.apply(number, key, value)
    board, at_ms, version = CaseBoard(), NOW_MS, 1

    def refresh() -> None:
        board.update(fold, automated, history, appeals, at_ms)

    whole = _median_ms(rounds, lambda: cases_of(fold, automated, history, appeals.appeals, at_ms))
    refresh()
    idle, busy = [], []
    for _ in range(rounds):
        at_ms += 1_000
        idle.append(_median_ms(1, refresh))
        version += 1
        for number in range(changed):
            automated.apply(_decision(number, "IN", version))
        busy.append(_median_ms(1, refresh))
    assert board.cases == cases_of(fold, automated, history, appeals.appeals, at_ms)
    return {"all": whole, "idle": statistics.median(idle), "changed": statistics.median(busy)}


def main(cases: int = 5_000, changed: int = 100, rounds: int = 9) -> None:
    """Print the medians and the ratios."""
    medians = measure(cases, changed, rounds)
    print(f"{cases:,} open cases, medians of {rounds}")
    print(f"derive all             {medians['all']:8.2f} ms")
    print(f"refresh, no change     {medians['idle']:8.3f} ms, 1/{medians['all'] / medians['idle']:,.0f} of it")
    print(f"refresh, {changed:>4} changed {medians['changed']:8.2f} ms, "
          f"1/{medians['all'] / medians['changed']:,.0f} of it")  # fmt: skip


def _median_ms(rounds: int, work: Callable[[], object]) -> float:
    durations_ms = []
    for _ in range(rounds):
        began = perf_counter()
        work()
        durations_ms.append((perf_counter() - began) * 1_000)
    return statistics.median(durations_ms)


def _decision(number: int, country: str, version: int) -> Decision:
    evidence = Evidence(window_ms=1, tweets=number, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7)
    rulings = [
        ScopeDecision(
            category="abuse", surface=surface, action="hold", since_ms=NOW_MS - HOUR_MS,
            expires_at_ms=NOW_MS + HOUR_MS + number, evidence=evidence,
        )
        for surface in ("search", "trends")
    ]  # fmt: skip
    return Decision(
        hashtag=f"tag{number}", display=f"Tag{number}", country=country, rulings=tuple(rulings),
        version=version_of(version, 0), tick_ms=1, settled_ms=1, decided_at_ms=NOW_MS, policy_revision="p",
        model_revision="m",
    )  # fmt: skip


def _override(number: int) -> Override:
    return Override(
        id=f"o{number}", hashtag=f"tag{number}", display=f"Tag{number}", country="DE", surfaces=("trends",),
        actor="ann", reason="seen", at_ms=NOW_MS - HOUR_MS, action="block", expires_at_ms=NOW_MS + HOUR_MS,
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
