"""Countries of simulated tweets, and their activity over the day."""

from __future__ import annotations

from dataclasses import dataclass

from streams.constants import DAY_MS, HOUR_MS, MINUTE_MS

# Relative activity at each full hour of local time, interpolated linearly: lowest before dawn, a first peak at lunch,
# the highest in the evening.
_HOURS = (42, 30, 22, 17, 15, 18, 27, 42, 57, 66, 71, 75, 80, 81, 76, 72, 73, 77, 84, 92, 99, 100, 88, 64)


@dataclass(frozen=True, slots=True)
class Country:
    """Country with its share of the world's tweets, time zone and languages."""

    code: str
    """ISO 3166-1 alpha-2; "" for tweets without a country."""
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
    """Compute the country's activity at a moment, in (0, 1].

    >>> activity(BY_CODE["GB"], 21 * 3_600_000), activity(BY_CODE["GB"], 4 * 3_600_000)
    (1.0, 0.15)
    """
    into_day_ms = (at_ms + country.utc_offset_minutes * MINUTE_MS) % DAY_MS
    hour, rest_ms = divmod(into_day_ms, HOUR_MS)
    before, after = _HOURS[hour], _HOURS[(hour + 1) % 24]
    return (before + (after - before) * rest_ms / HOUR_MS) / 100
