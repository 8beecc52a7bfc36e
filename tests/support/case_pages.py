"""Cases for the case page: decisions whose sampled tweets have texts, in several languages and hostile spellings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moderation.access.services import Services
from moderation.domain.texts.shown_text import is_known
from streams.clock import now_ms
from streams.log.decisions import Action, Decision, DecisionReason, Evidence, SampledAt, ScopeDecision, version_of
from tests.support.in_memory_texts import InMemoryTexts, native_tweet

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
SHARE = 0.61803
"""Harmful share of every decision; no page may show it before a first answer."""
SECRET_WORDS = "sampledtext"
"""Beginning of every sampled text; no page may show it before it is opened."""
HOSTILE_TAG = "<script>alert(1)</script>"
LANGUAGES = ("hi", "en", "ar", "und", "mr", "en", "hi", "en", "te", "en")


def case_decision(
    tag: str,
    action: Action = "hold",
    country: str = "IN",
    surfaces: Sequence[str] = ("search", "trends"),
    *,
    display: str = "",
    tweets: int = 900,
    number: int = 1,
    category: str = "abuse",
    lasts_ms: int = HOUR_MS,
    **ruling: Any,
) -> Decision:
    """Decide on a hashtag some minutes ago, with ten sampled tweets and two with the highest scores."""
    at_ms = now_ms() - 12 * MINUTE_MS
    first = number * 100
    places = tuple(SampledAt(0, first + one, LANGUAGES[one]) for one in range(10))
    evidence = Evidence(
        window_ms=600_000, tweets=tweets, authors=tweets * 2 // 3, scored=52, share=SHARE, lower=0.5123, upper=0.7123,
        sampled=tuple(str(first + one) for one in range(10)), sampled_at=places, sampled_from=64, established=31,
        highest=(str(first + 1), str(first + 50)), highest_at=(places[1], SampledAt(0, first + 50, "en")),
    )  # fmt: skip
    rulings = tuple(
        ScopeDecision(
            category=category, surface=surface, action=action, since_ms=at_ms, expires_at_ms=now_ms() + lasts_ms,
            reasons=(DecisionReason("harmful_share_lower", 0.5123, 0.45), DecisionReason("copies", 0.3377, 0.3)),
            evidence=evidence, **ruling,
        )
        for surface in surfaces
    )  # fmt: skip
    return Decision(
        hashtag=tag, display=display or tag, country=country, rulings=rulings, version=version_of(number, number),
        tick_ms=at_ms, settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="p", model_revision="m",
    )  # fmt: skip


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
