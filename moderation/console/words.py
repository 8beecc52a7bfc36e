"""English wording of the console: times, countdowns, places and reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from moderation.wording import counted, listed
from streams.constants import HOUR_MS, MINUTE_MS
from streams.countries import country_name

__all__ = ["counted", "listed"]

WHY = {
    "hold": "held for a person",
    "review": "to review",
    "not_assessed": "not assessed",
    "contested": "contested",
    "paused": "shown by the stop button",
    "appeal": "appeal",
    "second_look": "second look",
    "control": "second look",
    "order": "legal order",
}
"""Reasons why a case is in the queue."""


def clock_words(at_ms: int) -> str:
    """Format the time of day in UTC, to the second.

    >>> clock_words(1_612_800_065_000)
    '16:01:05'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S")


def moment_words(at_ms: int) -> str:
    """Format a day and time in UTC, to the minute.

    >>> moment_words(1_612_800_065_000)
    '8 Feb 2021, 16:01 UTC'
    """
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def short_words(at_ms: int) -> str:
    """Format a day and time in UTC without the year, for rows whose title has the whole.

    >>> short_words(1_612_800_065_000)
    '8 Feb, 16:01'
    """
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at.day} {at:%b, %H:%M}"


def machine_time(at_ms: int) -> str:
    """Format a time for the attribute `datetime`.

    >>> machine_time(1_612_800_065_000)
    '2021-02-08T16:01:05Z'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span_words(span_ms: int) -> str:
    """Format a duration by its largest unit.

    >>> [span_words(span_ms) for span_ms in (900, 59_000, 61_000, 7_200_000, 200_000_000)]
    ['1 s', '59 s', '1 min', '2 h', '2 d']
    """
    if span_ms < MINUTE_MS:
        return f"{max(1, round(span_ms / 1000))} s"
    if span_ms < HOUR_MS:
        return f"{span_ms // MINUTE_MS} min"
    return f"{span_ms // HOUR_MS} h" if span_ms < 48 * HOUR_MS else f"{span_ms // (24 * HOUR_MS)} d"


def left_words(until_ms: int, at_ms: int) -> str:
    """Say how long it is until a moment.

    >>> left_words(61_000, 1_000), left_words(1_000, 61_000)
    ('in 1 min', '1 min ago')
    """
    return f"in {span_words(until_ms - at_ms)}" if until_ms > at_ms else ago_words(until_ms, at_ms)


def ago_words(since_ms: int, at_ms: int) -> str:
    """Say how long ago a moment was.

    >>> ago_words(1_000, 121_000)
    '2 min ago'
    """
    return f"{span_words(max(0, at_ms - since_ms))} ago"


def place_words(country: str) -> str:
    """Name a country as the place of a decision.

    >>> place_words("IN"), place_words("*")
    ('India', 'everywhere')
    """
    return "everywhere" if country == "*" else country_name(country)


def named_countries(countries: Iterable[str]) -> list[tuple[str, str]]:
    """List countries with their names, by name.

    >>> named_countries(["IN", "FR"])
    [('FR', 'France'), ('IN', 'India')]
    """
    return sorted(((country, place_words(country)) for country in countries), key=lambda choice: choice[1])


def places_words(countries: Sequence[str], most: int = 3) -> str:
    """Name some countries, and count the others.

    >>> places_words(["IN", "*", "FR"]), places_words(["IN", "FR", "DE", "US", "BR"])
    ('India, everywhere and France', 'India, France, Germany and 2 more')
    """
    names = [place_words(country) for country in countries]
    return listed(names if len(names) <= most else [*names[:most], f"{len(names) - most} more"])


def plain_words(name: str) -> str:
    """Write a name of the policy or of a record as words.

    >>> plain_words("incitement_to_violence")
    'incitement to violence'
    """
    return name.replace("_", " ")


def sentence_words(words: str) -> str:
    """Begin words with a capital letter; names in them keep theirs.

    >>> sentence_words("held in India")
    'Held in India'
    """
    return words[:1].upper() + words[1:]


def percent_words(share: float) -> str:
    """Format a share as a percentage.

    >>> percent_words(0.4567)
    '46%'
    """
    return f"{share:.0%}"
