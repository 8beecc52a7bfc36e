"""Where tweets come from, and how busy each hour of a country's day is."""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000

# Relative activity at each full hour of local time; straight lines between. Quiet before dawn, a first peak over lunch,
# the highest one in the evening.
_HOURS = (42, 30, 22, 17, 15, 18, 27, 42, 57, 66, 71, 75, 80, 81, 76, 72, 73, 77, 84, 92, 99, 100, 88, 64)


@dataclass(frozen=True, slots=True)
class Country:
    """A country's share of the world's tweets, its clock, and the languages that its people tweet in."""

    code: str
    """ISO 3166-1 alpha-2; "" for tweets that do not say."""
    weight: float
    utc_offset_minutes: int
    languages: tuple[tuple[str, float], ...]
    cities: tuple[str, ...]
    name: str


_EN = (("en", 1.0),)
_IN = (("en", 0.5), ("hi", 0.22), ("hi-Latn", 0.28))

COUNTRIES = (
    Country("IN", 50, 330, _IN, ("Mumbai", "New Delhi", "Chennai", "Bengaluru", "Kolkata", "Lucknow"), "India"),
    Country("US", 15, -360, _EN, ("Austin", "Chicago", "Brooklyn", "Seattle"), "United States"),
    Country("GB", 8, 0, _EN, ("London", "Leeds", "Glasgow"), "United Kingdom"),
    Country("NG", 7, 60, _EN, ("Lagos", "Abuja", "Ibadan"), "Nigeria"),
    Country("BR", 6, -180, (("pt", 1.0),), ("Rio de Janeiro", "São Paulo", "Recife"), "Brasil"),
    Country("JP", 5, 540, (("ja", 1.0),), ("東京", "大阪", "札幌"), "日本"),
    Country("CA", 2, -300, _EN, ("Toronto", "Halifax"), "Canada"),
    Country("ZA", 2, 120, _EN, ("Cape Town", "Durban"), "South Africa"),
    Country("", 5, 0, _EN, (), ""),
)

BY_CODE = {country.code: country for country in COUNTRIES}


def activity(country: Country, at_ms: int) -> float:
    """How busy the country is at a moment, in (0, 1], 1 at its busiest.

    >>> activity(BY_CODE["GB"], 21 * 3_600_000), activity(BY_CODE["GB"], 4 * 3_600_000)
    (1.0, 0.15)
    """
    into_day_ms = (at_ms + country.utc_offset_minutes * 60_000) % DAY_MS
    hour, rest_ms = divmod(into_day_ms, _HOUR_MS)
    before, after = _HOURS[hour], _HOURS[(hour + 1) % 24]
    return (before + (after - before) * rest_ms / _HOUR_MS) / 100
