"""Every edit that changes one key of a policy alone, by a walk through the JSON Schema of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from streams.policy import Policy, PolicyFileError, parse_policy
from streams.policy.durations import DURATION_PATTERN
from streams.policy.schema import policy_schema, resolved
from streams.policy.source import Loc

_CORROBORATE = {"need": 1, "copies": 0.3, "authors": 100}
BEFORE: dict[str, Any] = {
    "serial": 1,
    "windows": ["10m", "1h"],
    "categories": {
        "abuse": {
            "mode": "suppress",
            "windows": ["10m"],
            "min_tweets": 50,
            "min_authors": 40,
            "suppress_at": 0.5,
            "clear_at": 0.3,
            "corroborate": _CORROBORATE,
            "overrides": [
                {"surface": "search", "min_tweets": 60, "corroborate": _CORROBORATE},
                {"country": "IN", "min_tweets": 70, "corroborate": _CORROBORATE},
                {"surface": "search", "country": "BR", "min_tweets": 80, "corroborate": _CORROBORATE},
            ],
        }
    },
    "never_suppress": ["farmersprotest"],
    "curated_terms": [{"term": "badword", "match": "exact"}],
    "link_domains": [{"domain": "bad.example", "match": "exact"}],
    "valves": {"suppressed_share_of_top": 0.5},
}
"""Policy with an entry in every list, far from all limits."""


@dataclass(frozen=True, slots=True)
class PolicyEdit:
    """A policy that differs from `BEFORE` in one key."""

    loc: Loc

    @property
    def text(self) -> str:
        return _text(self.loc)

    @property
    def name(self) -> str:
        return ".".join(map(str, self.loc))

    @property
    def key(self) -> str:
        """Key that a difference names: for an entry of a list and for `need` the one around it."""
        if self.loc[0] in ("curated_terms", "link_domains"):
            return str(self.loc[0])
        return "corroborate" if self.loc[-1] == "need" else str(self.loc[-1])


def text_of(values: dict[str, Any]) -> str:
    """Return a policy as text; JSON is YAML."""
    return json.dumps(values, indent=1)


@cache
def parsed(text: str) -> Policy:
    """Parse a policy of this module."""
    return parse_policy(text, "edited.yaml", shards=8)


def every_edit(*, overrides: bool = True) -> list[PolicyEdit]:
    """Return an edit of each key of the schema but the serial.

    Args:
        overrides: whether the keys of overrides are edited too, by surface, by country and by both.
    """
    return [PolicyEdit(loc) for loc in _schemas() if loc != ("serial",) and (overrides or "overrides" not in loc)]


@cache
def _schemas() -> dict[Loc, dict[str, Any]]:
    """Return the place and the schema of each key."""
    return dict(_keys(policy_schema(), BEFORE, ()))


def _keys(schema: dict[str, Any], value: Any, loc: Loc) -> Iterator[tuple[Loc, dict[str, Any]]]:
    """Yield the place and the schema of each key below a place."""
    schema = resolved(schema)
    if schema.get("additionalProperties"):
        for name, inner in value.items():
            yield from _keys(schema["additionalProperties"], inner, (*loc, name))
    elif schema.get("type") == "object":
        for key, inner in schema["properties"].items():
            yield from _keys(inner, (value or {}).get(key), (*loc, key))
    elif schema.get("type") == "array" and resolved(schema["items"]).get("type") == "object":
        for at, inner in enumerate(value):
            yield from _keys(schema["items"], inner, (*loc, at))
    else:
        yield loc, schema


@cache
def _text(loc: Loc) -> str:
    before = parsed(text_of(BEFORE))
    for value in _candidates(_schemas()[loc]):
        values = deepcopy(BEFORE)
        if "overrides" in loc and value == values["categories"]["abuse"].get(loc[-1]):
            continue  # an override with the value of its category changes no rule
        _put(values, loc, value)
        try:
            after = parsed(text_of(values))
        except PolicyFileError:
            continue
        if after.canonical != before.canonical:
            return text_of(values)
    raise AssertionError(f"no other value of {loc} makes a valid policy")


def _put(values: Any, loc: Loc, value: Any) -> None:
    for step in loc[:-1]:
        values = values.setdefault(step, {}) if isinstance(step, str) else values[step]
    values[loc[-1]] = value


def _candidates(schema: dict[str, Any]) -> list[Any]:
    schema = resolved(schema)
    if "enum" in schema:
        return list(schema["enum"])
    if schema.get("pattern") == DURATION_PATTERN:
        return ["10m", "1h", "2h"]
    kind = schema["type"]
    if kind == "array":
        inner = _candidates(schema["items"])
        return [[one] for one in inner] + [[inner[0], one] for one in inner[1:]]
    if kind == "boolean":
        return [True, False]
    if kind == "string":
        return ["other.example", "otherword"]
    if kind == "integer":
        return [schema.get("minimum", 0), 2, 7, 12, 45, 55, 200]
    assert kind == "number", schema
    return [0.25, 0.45, 0.55, 0.995, 3.5]
