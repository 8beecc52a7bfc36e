"""Decisions for pages that show what is held: many hashtags in several countries, and hostile spellings."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from streams.clock import now_ms
from streams.log.decisions import Action, Decision, DecisionReason, Evidence, ScopeDecision, version_of

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
SHARE = 0.61803
"""Harmful share of every decision: no page may show it before a first answer."""
HOSTILE = ("<script>alert(1)</script>", "\u202eevil", "भारत_माता", "مظاهرات", "🔥🔥", "x" * 200)
"""Spellings that break pages: markup, a mark that reverses text, other scripts, emoji, 200 letters."""


def held(
    tag: str,
    action: Action = "suppress",
    country: str = "IN",
    surfaces: tuple[str, ...] = ("trends", "search"),
    *,
    tweets: int = 900,
    number: int = 1,
    display: str = "",
    minutes: int = 5,
    lasts_ms: int = HOUR_MS,
    category: str = "abuse",
    unread: dict[str, int] | None = None,
    **more: Any,
) -> Decision:
    """Decide on a hashtag, some minutes ago."""
    at_ms = now_ms() - minutes * MINUTE_MS
    evidence = Evidence(
        window_ms=600_000, tweets=tweets, authors=tweets * 2 // 3, scored=min(tweets, 200), share=SHARE,
        lower=0.5, upper=0.7, sampled=("1", "2"), established=3, unread=unread or UNSET,
    )  # fmt: skip
    rulings = tuple(
        ScopeDecision(
            category=category, surface=surface, action=action, since_ms=at_ms, expires_at_ms=now_ms() + lasts_ms,
            reasons=(DecisionReason("harmful_share_lower", SHARE, 0.4),), evidence=evidence,
        )
        for surface in surfaces
    )  # fmt: skip
    return Decision(
        hashtag=tag, display=display or tag, country=country, rulings=rulings, version=version_of(number, number),
        tick_ms=at_ms, settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="p", model_revision="m", **more,
    )  # fmt: skip


def many(count: int) -> list[Decision]:
    """Decide on many hashtags: four countries, three actions."""
    actions: tuple[Action, ...] = ("suppress", "hold", "suppress", "discount")
    return [
        held(
            f"campaign{number}", actions[number % 4], ("IN", "FR", "BR", "*")[number // 4 % 4],
            ("trends",) if number % 3 else ("trends", "search"), tweets=50 + number * 37 % 9_000, number=number,
            minutes=number % 600, lasts_ms=HOUR_MS + number * MINUTE_MS,
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
