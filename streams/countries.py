"""Names of countries, for tabs: those that a list of trends is likely to meet. Any other goes by its code."""

from __future__ import annotations

NAMES = {
    "AR": "Argentina", "AU": "Australia", "BD": "Bangladesh", "BR": "Brazil", "CA": "Canada", "CL": "Chile",
    "CO": "Colombia", "DE": "Germany", "EG": "Egypt", "ES": "Spain", "FR": "France", "GB": "United Kingdom",
    "ID": "Indonesia", "IE": "Ireland", "IN": "India", "IT": "Italy", "JP": "Japan", "KE": "Kenya",
    "KR": "South Korea", "LK": "Sri Lanka", "MX": "Mexico", "MY": "Malaysia", "NG": "Nigeria", "NL": "Netherlands",
    "NP": "Nepal", "NZ": "New Zealand", "PH": "Philippines", "PK": "Pakistan", "PL": "Poland", "PT": "Portugal",
    "SA": "Saudi Arabia", "SE": "Sweden", "SG": "Singapore", "TH": "Thailand", "TR": "Türkiye", "UA": "Ukraine",
    "AE": "United Arab Emirates", "US": "United States", "VN": "Vietnam", "ZA": "South Africa",
}  # fmt: skip


def name_of(country: str | None) -> str:
    """A country's name in English; the code itself where it is not listed; None is the world.

    >>> name_of("IN"), name_of(None), name_of("XK")
    ('India', 'World', 'XK')
    """
    return "World" if country is None else NAMES.get(country, country)
