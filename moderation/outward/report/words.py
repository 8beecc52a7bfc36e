"""Words of the report, shared by the page and the public update. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from moderation.domain.rounding import Count
from streams.countries import country_name
from streams.languages import OTHER, language_name

OUTCOMES: Mapping[str, str] = {
    "suspended": "suspended everywhere",
    "withheld": "withheld in one country",
    "withheld_in_several_countries": "withheld in several countries",
    "withheld_elsewhere": "withheld in another country",
    "reduced": "reduced visibility",
    "reduced_elsewhere": "reduced in another country",
    "undecided": "under review",
    "ended": "held back until the order ended",
    "released": "released by appeal or ruling",
    "declined": "declined",
    "dropped": "withdrawn before we acted",
}
"""Labels of the states of targets, the most severe first."""
ORDER_OUTCOMES: Mapping[str, str] = {**OUTCOMES, "withheld": "withheld in its country"}
"""Labels of what one order got for its targets."""
KINDS: Mapping[str, str] = {"account": "accounts", "hashtag": "hashtags", "tweet": "tweets"}
GROUNDS: Mapping[str, str] = {
    "protected_speech": "protected speech",
    "not_unlawful": "breaks no law",
    "overbroad": "not specific, or too wide",
    "no_legal_basis": "no legal basis",
    "not_found": "not found",
    "other": "other",
}
SPEAKERS: Mapping[str, str] = {
    "news_media": "news media",
    "journalist": "journalists",
    "activist": "activists",
    "politician": "politicians",
}
HELD_BY: Mapping[str, str] = {
    "pipeline_alone": "our systems alone",
    "people_alone": "people or orders alone",
    "both": "both",
}


def count_text(count: Count, noun: str = "") -> str:
    """Format a published count for a table or a card; one that is not exact names what was counted.

    >>> count_text(1_178, "accounts"), count_text("<5", "accounts"), count_text("36 to 39")
    ('1,178', 'fewer than 5 accounts', '36 to 39')
    """
    return f"{count:,}" if isinstance(count, int) else f"{count.replace('<', 'fewer than ')} {noun}".rstrip()


def in_sentence(count: Count, noun: str) -> str:
    """Format a published count and its noun for a sentence.

    >>> in_sentence(1_178, "accounts"), in_sentence("<5", "appeals"), in_sentence("36 to 39", "accounts")
    ('1,178 accounts', 'fewer than 5 appeals', '36 to 39 accounts')
    """
    return f"{count:,} {noun}" if isinstance(count, int) else count_text(count, noun)


def place_words(country: str) -> str:
    """Name a country, or all of them.

    >>> place_words("IN"), place_words("*")
    ('India', 'all countries')
    """
    return "all countries" if country == "*" else country_name(country)


def language_words(tag: str) -> str:
    """Name a language, or all that have no name here.

    >>> language_words("ta"), language_words("other")
    ('Tamil', 'other languages')
    """
    return "other languages" if tag == OTHER else language_name(tag)


def share_words(share: float) -> str:
    """Format a share as a percentage that is 0% and 100% only where it is exact.

    >>> share_words(0.891), share_words(0.999), share_words(0.001), share_words(1.0), share_words(0.0)
    ('89%', 'over 99%', 'under 1%', '100%', '0%')
    """
    if 0.995 <= share < 1:
        return "over 99%"
    return "under 1%" if 0 < share < 0.005 else f"{share:.0%}"


def category_words(category: str) -> str:
    """Spell the name of a category.

    >>> category_words("hateful_conduct")
    'hateful conduct'
    """
    return category.replace("_", " ")
