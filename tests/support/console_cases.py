"""Automated decisions of now, for consoles."""

from __future__ import annotations

from typing import Any

from hushtag_client.normalise import normalise
from msgspec.structs import replace

from streams.clock import now_ms
from streams.log.decisions import (
    NOT_ASSESSED,
    Action,
    Decision,
    DecisionReason,
    Evidence,
    ScopeDecision,
    version_of,
)

MINUTE_MS = 60_000
SHARE = 0.61803
"""Share that every decision has; no page may show it before a first answer."""


def waiting(
    tag: str,
    action: Action = "hold",
    *,
    country: str = "IN",
    tweets: int = 900,
    minutes: float = 120,
    category: str = "hateful_conduct",
    surfaces: tuple[str, ...] = ("search", "trends"),
    number: int = 1,
    valve: str = "",
    **evidence: Any,
) -> Decision:
    """Build a decision of ten minutes ago that waits for a person, and lapses after some minutes."""
    at_ms = now_ms() - 10 * MINUTE_MS
    measured = Evidence(
        **{"window_ms": 600_000, "tweets": tweets, "authors": max(1, tweets // 3), "scored": 7, "share": SHARE,
           "lower": 0.5, "upper": 0.7, "sampled": ("17",)} | evidence
    )  # fmt: skip
    rulings = tuple(
        ScopeDecision(
            category=category, surface=surface, action=action, since_ms=at_ms,
            expires_at_ms=now_ms() + round(minutes * MINUTE_MS), evidence=measured,
            reasons=(DecisionReason("harmful_share_lower", 0.5, 0.4),), valve=valve,
        )
        for surface in surfaces
    )  # fmt: skip
    return Decision(
        hashtag=normalise(tag), display=tag, country=country, rulings=rulings, version=version_of(number, 1), tick_ms=1,
        settled_ms=1, decided_at_ms=at_ms, policy_revision="p", model_revision="m",
    )  # fmt: skip


def unread(tag: str, languages: dict[str, int], *, scored: int = 12, **more: Any) -> Decision:
    """Build the review of a hashtag whose texts the model mostly does not read; authors by language."""
    made = waiting(tag, "review", valve=NOT_ASSESSED, scored=scored, unread=languages, copies=0.83, **more)
    sampled = scored + sum(languages.values())
    reasons = (DecisionReason("scored_share", scored / sampled, 0.5), DecisionReason("copies", 0.83, 0.4))
    return replace(made, rulings=tuple(replace(one, reasons=reasons) for one in made.rulings))
