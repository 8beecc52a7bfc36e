"""Builders for tests of the scenarios: ground truth, decisions, and outcomes of hashtags."""

from __future__ import annotations

from typing import Any

from benchmarks.scenarios.verdicts import HashtagOutcome
from streams.log.decisions import Decision, ScopeDecision, version_of

START_MS = 1_000_000
END_MS = START_MS + 900_000
RUN = {"source": "dev", "preset": "hard", "seed": 3, "labels": 0}


def truth_tag(hashtag: str, kind: str, **more: Any) -> dict[str, Any]:
    """Make an entry of a ground truth, of a story that begins at START_MS."""
    return {
        "hashtag": hashtag, "kind": kind, "harmful": kind == "campaign", "countries": ["IN"], "from_ms": START_MS,
        "to_ms": END_MS, "language": "en", "harmful_share": 1.0 if kind == "campaign" else 0.02, **more,
    }  # fmt: skip


def decision(
    hashtag: str, action: str, at_seconds: int, *, country: str = "IN", early: bool = False, **more: Any
) -> Decision:
    """Make a decision on one scope; it expires after ten minutes."""
    at_ms = START_MS + at_seconds * 1000
    one = ScopeDecision(
        category="abuse", surface="trends", action=action, since_ms=at_ms, expires_at_ms=at_ms + 600_000,  # type: ignore[arg-type]
        provisional=early, **more,
    )  # fmt: skip
    return Decision(
        hashtag=hashtag, display=hashtag, country=country, rulings=(one,), version=version_of(1, at_ms), tick_ms=at_ms,
        settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="p", model_revision="m", provisional=early,
    )  # fmt: skip


def outcome(kind: str = "campaign", variant: str = "open", **more: Any) -> HashtagOutcome:
    """Make an outcome of a hashtag on which nothing was decided."""
    facts = {
        **RUN, "hashtag": kind, "kind": kind, "variant": variant, "language": "en", "harmful": kind == "campaign",
        "share": 1.0, **more,
    }  # fmt: skip
    return HashtagOutcome(**facts)
