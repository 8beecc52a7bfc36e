"""English wording of the policy's pages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from moderation.console.words import place_words
from moderation.wording import listed
from streams.policy import Corroboration, Policy, Rule
from streams.policy.durations import spell_duration
from streams.signals.base import YES_NO
from streams.signals.registry import BY_NAME


class RuleRow(NamedTuple):
    """Rule of a category, and where it is in force."""

    category: str
    rule: Rule
    places: list[str]


def rule_rows(policy: Policy, rules: dict[tuple[str, Rule], list[tuple[str, str]]]) -> dict[str, list[RuleRow]]:
    """Arrange the rules by category, those for the most places first."""
    rows: dict[str, list[RuleRow]] = {}
    for (category, rule), places in rules.items():
        has_others = sum(other == category for other, _ in rules) > 1
        rows.setdefault(category, []).append(
            RuleRow(category, rule, places_in_words(places, policy.surfaces, has_others=has_others))
        )
    return {
        category: sorted(of, key=lambda row: not row.places[0].startswith("every")) for category, of in rows.items()
    }


def places_in_words(places: Iterable[tuple[str, str]], surfaces: Sequence[str], *, has_others: bool) -> list[str]:
    """Name the places of a rule, one line for those with the same surfaces.

    >>> places_in_words([("search", ""), ("trends", "")], ["search", "trends"], has_others=False)
    ['everywhere']
    >>> places_in_words([("search", "IN"), ("search", "PK"), ("trends", "")], ["search", "trends"], has_others=True)
    ['everywhere else, on trends', 'India and Pakistan, on search']
    """
    by_country: dict[str, list[str]] = {}
    for surface, country in places:
        by_country.setdefault(country, []).append(surface)
    by_surfaces: dict[tuple[str, ...], list[str]] = {}
    for country, on in sorted(by_country.items()):
        by_surfaces.setdefault(tuple(sorted(on)), []).append(country)
    lines = []
    for on_surfaces, countries in by_surfaces.items():
        special = {"": "everywhere else" if has_others else "everywhere", "*": "the world"}
        named = [special.get(country) or place_words(country) for country in countries]
        where = "" if len(on_surfaces) == len(surfaces) else f", on {listed(on_surfaces)}"
        lines.append(listed(named) + where)
    return sorted(lines, key=lambda words: not words.startswith("every"))


def share_words(share: float) -> str:
    """Format a threshold as a percentage, as exactly as the policy has it.

    >>> share_words(0.45), share_words(0.455)
    ('45%', '45.5%')
    """
    return f"{round(share * 100, 6):g}%"


def corroboration_words(asked: Corroboration) -> str:
    """Say what a rule asks for in addition to the texts.

    >>> corroboration_words(Corroboration(1, (("burst", 4.0), ("authors", 300.0))))
    '1 of: burst 4, authors 300'
    """
    if not asked.thresholds or asked.need < 1:
        return "nothing else"
    named = [name if BY_NAME[name].kind is YES_NO else f"{name} {at:g}" for name, at in asked.thresholds]
    return f"{asked.need} of: {', '.join(named)}"


def windows_words(windows_ms: Iterable[int]) -> str:
    """Name the windows of a rule.

    >>> windows_words([600_000, 3_600_000])
    '10m or 1h'
    """
    return " or ".join(map(spell_duration, windows_ms))
