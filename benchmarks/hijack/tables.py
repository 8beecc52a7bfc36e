"""Tables and picture of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from statistics import median
from typing import TypeVar

from rich.table import Table

from benchmarks.chart import LineChart, svg
from benchmarks.hijack.attacks import BEFORE, ESTABLISHED
from benchmarks.hijack.campaigns import CampaignOutcome
from benchmarks.hijack.goals import Goal
from benchmarks.hijack.outcomes import AttackOutcome

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)
DRAWN_KINDS, DRAWN_TIMING, DRAWN_PROTESTERS = ("young", "old", "paraphrased", "disguised"), BEFORE, 100

BY_RATIO = """
Young attackers. In each cell: seconds hidden by settled + early decisions, seconds discounted, changes of state in ten
minutes, and the rank in the protest's last minute (without the attack)."""
OF_LEAST = f"""
A protest of {ESTABLISHED}, of whom just under a fifth write harm. In each cell: seconds hidden; of them after all have
written, by settled + early decisions; most places lost in a minute after that."""
BY_SIZE = """
All kinds of attackers, the worst of all K/M. Seconds hidden are those by settled + early decisions."""
OF_CAMPAIGNS = """
Campaigns on new hashtags. Ranks and seconds in the top ten are medians."""


def by_ratio(outcomes: Sequence[AttackOutcome]) -> Table:
    """Show one kind of attackers by timing, K/M and M; the worst of an attack's repetitions."""
    sizes = sorted({outcome.attack.protesters for outcome in outcomes})
    table = Table("timing", "K/M", *(f"M {size}" for size in sizes))
    for (timing, ratio), same in _grouped(outcomes, lambda outcome: (outcome.attack.timing, outcome.attack.ratio)):
        cells = dict(_grouped(same, lambda outcome: outcome.attack.protesters))
        table.add_row(timing, f"{ratio:g}", *(_cell(cells[size]) for size in sizes))
    return table


def _cell(same: Sequence[AttackOutcome]) -> str:
    worst = max(same, key=lambda outcome: (outcome.hidden_seconds, outcome.lost or 0))
    return (
        f"{worst.settled_seconds:.0f} + {worst.early_seconds:.0f}, {worst.discounted_seconds:.0f}, "
        f"{max(outcome.changes for outcome in same)}, {worst.rank:g} ({worst.rank_without:g})"
    )


def of_least(outcomes: Sequence[AttackOutcome]) -> Table:
    """Show the smallest protests that the goals protect, by kind, timing and K/M."""
    ratios = sorted({outcome.attack.ratio for outcome in outcomes})
    table = Table("attackers", "timing", *(f"K/M {ratio:g}" for ratio in ratios))
    for (kind, timing), same in _grouped(outcomes, lambda outcome: (outcome.attack.kind, outcome.attack.timing)):
        cells = dict(_grouped(same, lambda outcome: outcome.attack.ratio))
        table.add_row(kind, timing, *(_least_cell(cells[ratio]) for ratio in ratios))
    return table


def _least_cell(same: Sequence[AttackOutcome]) -> str:
    later = f"{max(outcome.settled_later for outcome in same):.0f} + {max(outcome.early_later for outcome in same):.0f}"
    return f"{max(outcome.hidden_seconds for outcome in same):.0f}; {later}; {_most(outcome.lost for outcome in same)}"


def by_size(outcomes: Sequence[AttackOutcome]) -> Table:
    """Show the worst of all K/M, for each kind, timing and M."""
    table = Table(
        "attackers", "timing", "M", "least K/M that hides", "most seconds hidden", "after 40 established",
        "most places lost (unflagged), gained", "most changes",
    )  # fmt: skip
    for (kind, timing, size), own in _grouped(outcomes, _place):
        hiding = [outcome.attack.ratio for outcome in own if outcome.hidden_seconds]
        table.add_row(
            kind,
            timing,
            str(size),
            f"{min(hiding):g}" if hiding else "none",
            f"{max(outcome.settled_seconds for outcome in own):.0f} + "
            f"{max(outcome.early_seconds for outcome in own):.0f}",
            f"{max(outcome.settled_later for outcome in own):.0f} + {max(outcome.early_later for outcome in own):.0f}",
            f"{_most(outcome.lost for outcome in own)} ({_most(outcome.lost_unflagged for outcome in own)}), "
            f"{_most(outcome.gained for outcome in own)}",
            str(max(outcome.changes for outcome in own)),
        )
    return table


def _place(outcome: AttackOutcome) -> tuple[str, str, int]:
    return outcome.attack.kind, outcome.attack.timing, outcome.attack.protesters


def _grouped(rows: Iterable[Row], by: Callable[[Row], Key]) -> Iterator[tuple[Key, list[Row]]]:
    """Group rows by a key, in the order in which the keys first come."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    yield from groups.items()


def _most(places: Iterable[float | None]) -> str:
    numbers = [place for place in places if place is not None]
    return f"{max(numbers) + 0.0:g}" if numbers else "-"


def of_campaigns(seen: Sequence[CampaignOutcome]) -> Table:
    """Show the campaigns on hashtags of their own, by pace and authors."""
    table = Table(
        "pace", "authors", "found", "seconds: median, most", "best rank: median, best", "seconds in the top ten",
        "unflagged", "established alone", "most changes",
    )  # fmt: skip
    for (pace, name), own in _grouped(seen, lambda outcome: (outcome.campaign.pace, outcome.campaign.name)):
        seconds = [outcome.seconds for outcome in own if outcome.seconds is not None]
        table.add_row(
            pace,
            name,
            f"{len(seconds)} of {len(own)}",
            f"{median(seconds):.0f}, {max(seconds):.0f}" if seconds else "-",
            f"{median(outcome.best_rank for outcome in own):g}, {min(outcome.best_rank for outcome in own)}",
            f"{median(outcome.top_seconds for outcome in own):g}",
            f"{median(outcome.unflagged_seconds for outcome in own):g}",
            f"{median(outcome.alone_seconds for outcome in own):g}",
            str(max(outcome.changes for outcome in own)),
        )
    return table


def of_goals(goals: Iterable[Goal]) -> Table:
    """Show whether each goal is met, and the worst case."""
    table = Table("goal", "", "missed by", "worst")
    for goal in goals:
        table.add_row(goal.text, "met" if goal.met else "MISSED", f"{goal.missed} of {goal.cases}", goal.worst)
    return table


def picture(outcomes: Iterable[AttackOutcome]) -> str:
    """Draw the seconds hidden by K/M as SVG, a line for each kind of attackers who come before a protest of 100."""
    lines: dict[str, dict[float, float]] = {}
    for outcome in outcomes:
        attack = outcome.attack
        if attack.kind in DRAWN_KINDS and (attack.timing, attack.protesters) == (DRAWN_TIMING, DRAWN_PROTESTERS):
            line = lines.setdefault(attack.kind, {})
            line[attack.ratio] = max(outcome.hidden_seconds, line.get(attack.ratio, 0.0))
    return svg(
        LineChart(
            title=f"Seconds for which a protest of {DRAWN_PROTESTERS} is hidden after an attack before it",
            x_label="attackers for each protester (K/M)",
            y_label="seconds hidden",
            lines={kind: sorted(line.items()) for kind, line in lines.items()},
        )
    )
