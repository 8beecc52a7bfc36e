"""Automated decisions of now for the API and the console: held hashtags, waiting cases, and sampled tweets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hushtag_client.normalise import normalise
from msgspec import UNSET

from moderation.access.services import Services
from moderation.domain.texts.shown_text import is_known
from streams.clock import now_ms
from streams.constants import HOUR_MS, MINUTE_MS
from streams.log.decisions import (
    NOT_ASSESSED,
    Action,
    Decision,
    DecisionReason,
    Evidence,
    SampledAt,
    ScopeDecision,
    version_of,
)
from tests.support.in_memory_texts import InMemoryTexts, native_tweet

SHARE = 0.61803
"""Harmful share of every decision: no page may show it before a first answer."""
SECRET_WORDS = "sampledtext"
"""Beginning of every sampled text; no page may show it before it is opened."""
HOSTILE_TAG = "<script>alert(1)</script>"
HOSTILE = (HOSTILE_TAG, "\u202eevil", "भारत_माता", "مظاهرات", "🔥🔥", "x" * 200)
"""Spellings that break pages: markup, a mark that reverses text, other scripts, emoji, 200 letters."""
LANGUAGES = ("hi", "en", "ar", "und", "mr", "en", "hi", "en", "te", "en")
BOTH = ("search", "trends")


def live_decision(
    tag: str,
    action: Action,
    country: str,
    surfaces: Sequence[str],
    evidence: Evidence,
    *reasons: DecisionReason,
    display: str = "",
    number: int = 1,
    minutes: float = 10,
    lasts_ms: int = HOUR_MS,
    category: str = "abuse",
    **ruling: Any,
) -> Decision:
    """Decide on a hashtag for reasons, some minutes ago; the decision lapses some time from now."""
    at_ms = now_ms() - round(minutes * MINUTE_MS)
    rulings = tuple(
        ScopeDecision(
            category=category, surface=surface, action=action, since_ms=at_ms, expires_at_ms=now_ms() + lasts_ms,
            reasons=reasons, evidence=evidence, **ruling,
        )
        for surface in surfaces
    )  # fmt: skip
    return Decision(
        hashtag=tag, display=display or tag, country=country, rulings=rulings, version=version_of(number, number),
        tick_ms=at_ms, settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="p", model_revision="m",
    )  # fmt: skip


def held(
    tag: str,
    action: Action = "suppress",
    country: str = "IN",
    surfaces: Sequence[str] = ("trends", "search"),
    *,
    tweets: int = 900,
    minutes: float = 5,
    unread: dict[str, int] | None = None,
    **more: Any,
) -> Decision:
    """Decide on a hashtag that a page lists or explains."""
    evidence = Evidence(
        window_ms=600_000, tweets=tweets, authors=tweets * 2 // 3, scored=min(tweets, 200), share=SHARE,
        lower=0.5, upper=0.7, sampled=("1", "2"), established=3, unread=unread or UNSET,
    )  # fmt: skip
    reason = DecisionReason("harmful_share_lower", SHARE, 0.4)
    return live_decision(tag, action, country, surfaces, evidence, reason, minutes=minutes, **more)


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


def waiting(
    tag: str,
    action: Action = "hold",
    *,
    country: str = "IN",
    tweets: int = 900,
    minutes: float = 120,
    category: str = "hateful_conduct",
    surfaces: Sequence[str] = BOTH,
    number: int = 1,
) -> Decision:
    """Build a decision that waits for a person, and lapses after some minutes."""
    evidence = Evidence(
        window_ms=600_000, tweets=tweets, authors=max(1, tweets // 3), scored=7, share=SHARE, lower=0.5, upper=0.7,
        sampled=("17",),
    )  # fmt: skip
    return live_decision(
        normalise(tag), action, country, surfaces, evidence, DecisionReason("harmful_share_lower", 0.5, 0.4),
        display=tag, number=number, lasts_ms=round(minutes * MINUTE_MS), category=category,
    )  # fmt: skip


def unread(tag: str, languages: dict[str, int], *, scored: int = 12, **more: Any) -> Decision:
    """Build the review of a hashtag whose texts the model mostly does not read; authors by language."""
    sampled = scored + sum(languages.values())
    evidence = Evidence(
        window_ms=600_000, tweets=900, authors=300, scored=scored, share=SHARE, lower=0.5, upper=0.7, sampled=("17",),
        unread=languages, copies=0.83,
    )  # fmt: skip
    reasons = (DecisionReason("scored_share", scored / sampled, 0.5), DecisionReason("copies", 0.83, 0.4))
    return live_decision(
        normalise(tag), "review", "IN", BOTH, evidence, *reasons, display=tag, lasts_ms=2 * HOUR_MS,
        category="hateful_conduct", valve=NOT_ASSESSED, **more,
    )  # fmt: skip


def case_decision(
    tag: str,
    action: Action = "hold",
    country: str = "IN",
    surfaces: Sequence[str] = BOTH,
    *,
    tweets: int = 900,
    number: int = 1,
    **more: Any,
) -> Decision:
    """Decide on a hashtag with ten sampled tweets, and two with the highest scores."""
    first = number * 100
    places = tuple(SampledAt(0, first + one, LANGUAGES[one]) for one in range(10))
    evidence = Evidence(
        window_ms=600_000, tweets=tweets, authors=tweets * 2 // 3, scored=52, share=SHARE, lower=0.5123, upper=0.7123,
        sampled=tuple(str(first + one) for one in range(10)), sampled_at=places, sampled_from=64, established=31,
        highest=(str(first + 1), str(first + 50)), highest_at=(places[1], SampledAt(0, first + 50, "en")),
    )  # fmt: skip
    reasons = (DecisionReason("harmful_share_lower", 0.5123, 0.45), DecisionReason("copies", 0.3377, 0.3))
    return live_decision(tag, action, country, surfaces, evidence, *reasons, number=number, minutes=12, **more)


def add_texts(services: Services, decisions: Sequence[Decision], limit: int = 0) -> None:
    """Put the sampled tweets of decisions into the source topic; `limit` is that of texts in a shift."""
    texts = services.texts
    store = texts._source
    assert isinstance(store, InMemoryTexts)
    for decision in decisions:
        evidence = decision.rulings[0].evidence
        assert evidence is not None
        pairs = [*zip(evidence.sampled, evidence.sampled_at), *zip(evidence.highest, evidence.highest_at)]  # noqa: B905
        for tweet, at in filter(lambda pair: is_known(pair[1]), pairs):
            words = f"{SECRET_WORDS} {tweet}: why do they say this about us, look what they wrote #{decision.display}"
            store.records[at.partition, at.offset] = native_tweet(int(tweet), words)
    texts.settings = texts.settings.model_copy(update={"texts_per_shift": limit})
