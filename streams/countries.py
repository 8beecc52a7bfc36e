"""Country names in English, from Unicode's CLDR."""

from __future__ import annotations

from functools import cache

from babel import Locale


@cache
def _names() -> dict[str, str]:
    return dict(Locale("en").territories)


def country_name(country: str | None) -> str:
    """Return a country's name in English; an unknown code itself; "World" for None.

    >>> country_name("IN"), country_name(None), country_name("QQ")
    ('India', 'World', 'QQ')
    """
    return "World" if country is None else _names().get(country, country)
