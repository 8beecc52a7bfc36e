"""Differences of two policies in words. Rules are compared with every override applied.

The keys are those of the models: a key that is added to them is compared without a line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from streams.policy.durations import spell_duration
from streams.policy.model import Policy
from streams.policy.rules import RULE_FIELDS, Corroboration
from streams.signals.base import YES_NO
from streams.signals.registry import BY_NAME

WRITTEN_OTHERWISE = "written in another way: every rule stays as it is"
_Scope = tuple[str, str]
"""(surface, country); country "" is any that no override names."""


def differences(old: Policy, new: Policy) -> list[str]:
    """Return a line for each change but the serial's, such as "hateful_conduct: suppress_at 0.35 → 0.3 in IN".

    The list is empty only where the two have the same revision under one serial.
    """
    lines = [line for key in Policy.model_fields if key != "serial" for line in _changes_of(key, old, new)]
    same = old.model_copy(update={"serial": new.serial}).canonical == new.model_copy().canonical
    return lines if lines or same else [WRITTEN_OTHERWISE]


def _changes_of(key: str, old: Policy, new: Policy) -> Iterator[str]:
    before, after = old.spelt[key], new.spelt[key]
    if key == "categories":
        yield from _categories(old, new)
    elif isinstance(before, list):
        yield from _lists(key, map(_entry, before), map(_entry, after))
    elif isinstance(before, dict):
        yield from (f"{key}: {_change(inner, before[inner], after[inner])}" for inner in _changed(before, after))
    elif before != after:
        yield _change(key, before, after)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in before if before[key] != after[key]]


def _change(key: str, old: object, new: object) -> str:
    return f"{key} {_shown(old)} → {_shown(new)}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Corroboration):
        asked = [f"{name} {'yes' if BY_NAME[name].kind is YES_NO else f'{at:g}'}" for name, at in value.thresholds]
        return f"{value.need} of ({', '.join(asked)})" if asked else "nothing"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _entry(entry: object) -> str:
    """Render an entry of a list: text, or a block whose first key names it, such as "badword (exact)"."""
    if not isinstance(entry, dict):
        return str(entry)
    name, *others = entry.values()
    return f"{name} ({', '.join(map(_shown, others))})"


def _lists(name: str, old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    before, after = list(old), list(new)
    old_entries, new_entries = set(before), set(after)
    for word, entries in (("without", [entry for entry in before if entry not in new_entries]),
                          ("with", [entry for entry in after if entry not in old_entries])):  # fmt: skip
        if entries:
            yield f"{name}: {word} {', '.join(entries)}"


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
    for key, field in RULE_FIELDS.items():
        places: dict[tuple[object, object], set[_Scope]] = {}
        for surface in surfaces:
            for country in countries:
                before, after = (getattr(policy.rule(name, surface, country), field) for policy in (old, new))
                if before != after:
                    places.setdefault((before, after), set()).add((surface, country))
        for (before, after), scopes in places.items():
            change = _change(key, _spelt(field, before), _spelt(field, after))
            yield from (f"{name}: {change}{where}" for where in _where(scopes, surfaces, countries))


def _spelt(field: str, value: Any) -> Any:
    """Spell a duration, or several, as the file does; return any other value of a rule unchanged."""
    if not field.endswith("_ms"):
        return value
    return "+".join(map(spell_duration, value if isinstance(value, tuple) else (value,)))


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
