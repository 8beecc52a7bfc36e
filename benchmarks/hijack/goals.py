"""Goals of the defence, each met or missed by the measured attacks and campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.hijack.attacks import ESTABLISHED
from benchmarks.hijack.campaigns import COUNTER_SPEECH, CampaignOutcome
from benchmarks.hijack.outcomes import AttackOutcome
from streams.constants import PANE_MS

MOST_EARLY_SECONDS = PANE_MS / 1000
MOST_LOST = 1
"""Places that an attack may take."""
MOST_CHANGES = 3
"""Changes of state in ten minutes."""


class Goal(NamedTuple):
    """One goal and its measure."""

    text: str
    missed: int
    """Cases that miss it."""
    cases: int
    worst: str
    """The worst case's figure."""

    @property
    def met(self) -> bool:
        """Whether every case meets it."""
        return not self.missed


def goals(outcomes: Sequence[AttackOutcome], seen: Sequence[CampaignOutcome]) -> list[Goal]:
    """Compare all outcomes with the goals.

    The first three apply to protests of enough established authors, except against disguised attackers.
    """
    own = [
        outcome
        for outcome in outcomes
        if outcome.attack.protesters >= ESTABLISHED and outcome.attack.kind != "disguised"
    ]
    opposed = [
        outcome for outcome in seen if outcome.campaign.established and outcome.campaign.their_texts == COUNTER_SPEECH
    ]
    unflagged = sum((outcome.lost or 0) > MOST_LOST < (outcome.lost_unflagged or 0) for outcome in own)
    who = f"{ESTABLISHED} established authors: "
    return [
        _goal(who + "no settled decision hides the hashtag", [outcome.settled_later for outcome in own], 0, "s"),
        _goal(
            who + "no early decision hides it for more than a tick",
            [outcome.early_later for outcome in own],
            MOST_EARLY_SECONDS,
            "s",
        ),
        _goal(
            who + "it loses at most one place",
            [outcome.lost for outcome in own if outcome.lost is not None],
            MOST_LOST,
            f"places ({unflagged} cases also without flags)",
        ),
        _goal(
            "a campaign with counter-speech never reaches the top ten",
            [outcome.top_seconds for outcome in opposed],
            0,
            f"s, rank {min((outcome.best_rank for outcome in opposed), default=0)}",
        ),
        _goal(
            f"a hashtag changes its state at most {MOST_CHANGES} times in ten minutes",
            [*(outcome.changes for outcome in outcomes), *(outcome.changes for outcome in seen)],
            MOST_CHANGES,
            "changes",
        ),
    ]


def _goal(text: str, values: Sequence[float], most: float, unit: str) -> Goal:
    return Goal(text, sum(value > most for value in values), len(values), f"{max(values, default=0):g} {unit}")
