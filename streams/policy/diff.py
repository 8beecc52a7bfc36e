"""Differences of two policies in words. Rules are compared with every override applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streams.policy.durations import spell_duration
from streams.policy.look_alikes import ascii_of
from streams.policy.model import Policy
from streams.policy.rules import Corroboration, Rule
from streams.policy.shape import Strict
from streams.signals.base import YES_NO
from streams.signals.registry import BY_NAME

_KEYS = {
    "mode": "mode", "windows_ms": "windows", "min_tweets": "min_tweets", "min_authors": "min_authors",
    "suppress_at": "suppress_at", "clear_at": "clear_at", "confidence": "confidence", "dwell_ms": "dwell",
    "expiry_ms": "expiry", "corroboration": "corroborate",
}  # fmt: skip
_TOP = ("score_floor", "evidence_floor", "early_confidence", "young_days", "burst_min_past", "tail_floor",
        "max_tags_per_pane")  # fmt: skip
_Scope = tuple[str, str]
"""(surface, country); country "" is any that no override names."""


def differences(old: Policy, new: Policy) -> list[str]:
    """Return a line for each change but the serial's, such as "hateful_conduct: suppress_at 0.35 → 0.3 in IN"."""
    return [
        *(_change(key, getattr(old, key), getattr(new, key)) for key in _TOP if getattr(old, key) != getattr(new, key)),
        *_lists("surfaces", sorted(old.surfaces), sorted(new.surfaces)),
        *_lists("windows", map(spell_duration, old.windows_ms), map(spell_duration, new.windows_ms)),
        *_categories(old, new),
        *_lists("never_suppress", sorted(old.never_suppressed), sorted(new.never_suppressed)),
        *_lists("curated_terms", _terms(old), _terms(new)),
        *_lists("link_domains", _domains(old), _domains(new)),
        *_block("valves", old.valves, new.valves),
        *_block("review", old.review, new.review),
    ]


def _change(key: str, old: object, new: object) -> str:
    return f"{key} {_shown(key, old)} → {_shown(key, new)}"


def _shown(key: str, value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Corroboration):
        asked = [f"{name} {'yes' if BY_NAME[name].kind is YES_NO else f'{at:g}'}" for name, at in value.thresholds]
        return f"{value.need} of ({', '.join(asked)})" if asked else "nothing"
    if key in ("dwell_ms", "expiry_ms", "skip_first_answer_within") and isinstance(value, int):
        return spell_duration(value)
    if key == "windows_ms" and isinstance(value, tuple):
        return "+".join(map(spell_duration, value))
    return format(value, "g") if isinstance(value, float) else str(value)


def _lists(name: str, old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    before, after = list(old), list(new)
    known, wanted = set(before), set(after)
    for word, entries in (("without", [one for one in before if one not in wanted]),
                          ("with", [one for one in after if one not in known])):  # fmt: skip
        if entries:
            yield f"{name}: {word} {', '.join(entries)}"


def _terms(policy: Policy) -> list[str]:
    return sorted(f"{term.term} ({term.match})" for term in policy.curated_terms)


def _domains(policy: Policy) -> list[str]:
    return sorted(f"{ascii_of(one.domain)} ({one.match})" for one in policy.link_domains)


def _block(name: str, old: Strict, new: Strict) -> Iterator[str]:
    for key in type(old).model_fields:
        before, after = getattr(old, key), getattr(new, key)
        if before != after:
            yield f"{name}: {_change(key, before, after)}"


def _categories(old: Policy, new: Policy) -> Iterator[str]:
    for name in sorted({*old.categories, *new.categories}):
        if name not in new.categories:
            yield f"{name}: no longer judged"
        elif name not in old.categories:
            yield f"{name}: judged from now on, in mode {new.categories[name].mode}"
        else:
            yield from _rules(name, old, new)


def _rules(name: str, old: Policy, new: Policy) -> Iterator[str]:
    surfaces = [surface for surface in sorted(new.surfaces) if surface in old.surfaces]
    countries = sorted(
        {country for policy in (old, new) for category, _, country in policy.rule_table if category == name}
    )
    for field, key in _KEYS.items():
        found: dict[tuple[object, object], set[_Scope]] = {}
        for surface in surfaces:
            for country in countries:
                before = _value(old.rule(name, surface, country), field)
                after = _value(new.rule(name, surface, country), field)
                if before != after:
                    found.setdefault((before, after), set()).add((surface, country))
        for (before, after), scopes in found.items():
            for where in _where(scopes, surfaces, countries):
                yield f"{name}: {key} {_shown(field, before)} → {_shown(field, after)}{where}"


def _value(rule: Rule, field: str) -> object:
    value: object = getattr(rule, field)
    return value


def _where(scopes: set[_Scope], surfaces: Sequence[str], countries: Sequence[str]) -> Iterator[str]:
    """Describe the scopes of one change in few phrases: one for all surfaces that have the same countries."""
    by_countries: dict[tuple[str, ...], list[str]] = {}
    for surface in surfaces:
        of_surface = tuple(country for country in countries if (surface, country) in scopes)
        if of_surface:
            by_countries.setdefault(of_surface, []).append(surface)
    for of_surface, on in by_countries.items():
        place = "" if len(on) == len(surfaces) else f" on {' and '.join(on)}"
        if "" in of_surface:
            excepted = [country for country in countries if country not in of_surface]
            yield place + (f", except in {_named(excepted)}" if excepted else "")
        else:
            yield f"{place} in {_named(of_surface)}"


def _named(countries: Iterable[str]) -> str:
    return " and ".join("the world" if country == "*" else country for country in countries)
