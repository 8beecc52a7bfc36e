"""Words of the report, shared by the page and the public update. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moderation.report.rounding import Count
from streams.countries import country_name

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
    "dropped": "revoked before we acted",
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


def read_share(texts: Mapping[str, Any]) -> str:
    """Format the part of the texts that was read, never 100% of some unread ones; "" if a count is not exact.

    >>> read_share({"read": {"en": 90}, "unread": {"ta": 10}}), read_share({"read": {"en": 90}, "unread": {"ta": "<5"}})
    ('90%', '')
    """
    counts = [*texts["read"].values(), *texts["unread"].values()]
    if not counts or not all(isinstance(one, int) for one in counts):
        return ""
    part = round(100 * sum(texts["read"].values()) / sum(counts))
    return f"{min(part, 99) if texts['unread'] else part}%"


def category_words(category: str) -> str:
    """Spell the name of a category.

    >>> category_words("hateful_conduct")
    'hateful conduct'
    """
    return category.replace("_", " ")
