"""Limits of what a person may decide, in words, so that a page shows them before the API refuses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from moderation.access.keys import ALLOWED, Permission
from moderation.access.rights import Caller, Grant
from moderation.console.words import listed, place_words, plain_words, sentence_words
from moderation.log.drafts import duration_ms
from streams.countries import COUNTRIES, WORLD, country_name
from streams.naming import format_duration


def limit_words(caller: Caller, permission: Permission = "decide") -> list[str]:
    """Say the limits of each grant; nothing where one grant has none. One grant must cover a decision whole.

    >>> from moderation.access.keys import Rights
    >>> grant = Grant(role="moderator", rights=Rights(countries=("IN",), longest="2d"))
    >>> limit_words(Caller(name="a", writes_as="a", grants=(grant,)))
    ['You may decide in India, for at most 2 days.']
    """
    words = [_grant_words(grant) for grant in _grants(caller, permission)]
    return [] if "" in words else list(dict.fromkeys(words))


def country_choices(
    caller: Caller, first: Iterable[str] = (), permission: Permission = "decide"
) -> list[tuple[str, str]]:
    """List the countries in which a person may decide, everywhere and those in `first` before the others."""
    limits = [grant.rights.countries for grant in _grants(caller, permission)]
    every = None in limits
    allowed = {WORLD, *COUNTRIES} if every else {code for some in limits for code in some or ()}
    leading = [code for code in dict.fromkeys([WORLD, *first]) if code in allowed]
    others = sorted(allowed - set(leading), key=country_name)
    return [(code, sentence_words(place_words(code))) for code in [*leading, *others]]


def category_choices(
    caller: Caller, categories: Sequence[str], permission: Permission = "decide"
) -> list[tuple[str, str]]:
    """List the categories that a person may decide on; "" stands for all of them together."""
    limits = [grant.rights.categories for grant in _grants(caller, permission)]
    if None in limits:
        return [("", "All categories"), *((category, plain_words(category)) for category in categories)]
    allowed = {category for some in limits for category in some or ()}
    return [(category, plain_words(category)) for category in categories if category in allowed]


def longest_ms(caller: Caller, permission: Permission = "decide") -> int | None:
    """Return the longest duration of a decision in ms; None: as long as any."""
    limits = [grant.rights.longest for grant in _grants(caller, permission)]
    return None if not limits or "" in limits else max(map(duration_ms, limits))


def _grants(caller: Caller, permission: Permission) -> list[Grant]:
    return [grant for grant in caller.grants if grant.role in ALLOWED[permission]]


def _grant_words(grant: Grant) -> str:
    rights, parts = grant.rights, []
    if rights.countries is not None:
        named = [place_words(country) for country in rights.countries]
        parts.append(f"in {listed(named)}" if named and "*" not in rights.countries else listed(named) or "nowhere")
    if rights.categories is not None:
        parts.append(f"on {listed([plain_words(category) for category in rights.categories]) or 'no category'}")
    if rights.longest:
        parts.append(f"for at most {format_duration(duration_ms(rights.longest))}")
    return f"You may decide {', '.join(parts)}." if parts else ""
