"""Automated decisions for tests of cases: everything begins at 1 ms and lasts an hour."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from streams.log.decisions import (
    NOT_ASSESSED,
    Action,
    Decision,
    DecisionReason,
    Evidence,
    ScopeDecision,
    version_of,
)

HOUR_MS = 3_600_000
EVIDENCE = Evidence(window_ms=1, tweets=9, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7, sampled=("17",),
                    established=2)  # fmt: skip


def ruling(action: Action, surface: str = "trends", *, tweets: int = 9, **changes: Any) -> ScopeDecision:
    evidence = Evidence(window_ms=1, tweets=tweets, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7,
                        sampled=("17",), established=2)  # fmt: skip
    fields: dict[str, Any] = {
        "category": "abuse", "surface": surface, "action": action, "since_ms": 1, "expires_at_ms": HOUR_MS,
        "evidence": evidence,
    }  # fmt: skip
    return ScopeDecision(**fields | changes)


UNREAD = replace(EVIDENCE, scored=12, unread={"bn": 9, "ta": 41, "other": 2}, copies=0.5)
"""Evidence of a hashtag most of whose sampled authors write in languages that the model does not read."""


def unread_ruling(surface: str = "trends", **changes: Any) -> ScopeDecision:
    """Build the review of a hashtag that was not assessed."""
    reasons = (DecisionReason("scored_share", 0.188, 0.5), DecisionReason("copies", 0.5, 0.4))
    return ruling("review", surface, **{"valve": NOT_ASSESSED, "reasons": reasons, "evidence": UNREAD} | changes)


def decision(
    *rulings: ScopeDecision,
    tag: str = "tag",
    country: str = "IN",
    provisional: bool = False,
    number: int = 1,
    at_ms: int = 1,
) -> Decision:
    return Decision(
        hashtag=tag, display=tag.title(), country=country, rulings=rulings, version=version_of(number, 0), tick_ms=1,
        settled_ms=1, decided_at_ms=at_ms, policy_revision="p", model_revision="m", provisional=provisional,
    )  # fmt: skip
