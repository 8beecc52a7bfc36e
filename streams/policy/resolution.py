"""Resolution of overrides: the most specific wins, key by key.

The order is surface and country, then country, then surface, then the category itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.policy.rules import RULE_FIELDS, Rule

RuleTable = dict[tuple[str, str, str], Rule]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Keys that a category or an override sets, with the values of a rule; "" is any surface or any country."""

    surface: str
    country: str
    keys: Mapping[str, Any]

    def covers(self, surface: str, country: str) -> bool:
        """Return whether the layer applies to a surface and a country."""
        return self.surface in ("", surface) and self.country in ("", country)

    @property
    def specificity(self) -> int:
        """Rank of the layer: 0 the category, 1 a surface, 2 a country, 3 both."""
        return bool(self.surface) + 2 * bool(self.country)


def providers(layers: Iterable[Layer], surface: str, country: str) -> dict[str, Layer]:
    """Return the layer that each key of a scope's rule comes from."""
    by_key: dict[str, Layer] = {}
    for layer in sorted(layers, key=lambda layer: layer.specificity):
        if layer.covers(surface, country):
            by_key.update(dict.fromkeys(layer.keys, layer))
    return by_key


def scopes(layers: Iterable[Layer], surfaces: Iterable[str]) -> list[tuple[str, str]]:
    """Return the (surface, country) pairs whose rules can differ; country "" is any that no layer names."""
    countries = sorted({layer.country for layer in layers} | {""})
    return [(surface, country) for surface in surfaces for country in countries]


def rule_table(
    categories: Mapping[str, Sequence[Layer]], surfaces: Sequence[str], windows_ms: tuple[int, ...]
) -> RuleTable:
    """Resolve every rule by (category, surface, country); equal rules of one (category, surface) are one object."""
    table: RuleTable = {}
    for category, layers in categories.items():
        distinct: dict[tuple[str, Rule], Rule] = {}
        for surface, country in scopes(layers, surfaces):
            by_key = providers(layers, surface, country)
            values = {"windows": windows_ms, **{key: layer.keys[key] for key, layer in by_key.items()}}
            rule = Rule(**{RULE_FIELDS[key]: value for key, value in values.items()})
            table[category, surface, country] = distinct.setdefault((surface, rule), rule)
    return table
