"""Validation errors of pydantic, explained in terms of the policy file: the problem, the expected value, a hint."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from streams.policy.schema import Schema, describe, homes_of, names_at, resolved, schema_at
from streams.policy.source import Loc

_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list",
    dict: "a mapping",
}
_SCHEMA_TYPES = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
}
_DASHES = tuple("–—‒−•·*")
_RANGE_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}


class Finding(NamedTuple):
    """Problem with one or more keys; the first key is the one to point at."""

    locs: tuple[Loc, ...]
    message: str
    expected: str = ""
    hint: str = ""
    at_key: bool = False
    """Whether to point at the key instead of its value."""
    shallow: bool = False
    """Whether the finding holds even if a value inside the key is wrong."""


def nearest(word: str, options: Iterable[str]) -> str:
    """Return the option closest to `word`; "" where none is close."""
    folded = {option.casefold(): option for option in options}
    key = word.casefold().replace("-", "_").replace(" ", "_")
    if key in folded:
        return folded[key]
    starts = [option for name, option in folded.items() if len(key) >= 4 and name.startswith(key)]
    return next(iter(starts or [folded[name] for name in difflib.get_close_matches(key, folded, 1, 0.6)]), "")


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return `nearest` as a hint."""
    near = nearest(word, options)
    return f"did you mean `{near}`?" if near else ""


def findings_of(errors: Sequence[ErrorDetails]) -> list[Finding]:
    """Explain validation errors; a missing key that is only misspelt is reported once."""
    misspelt = {
        (*error["loc"][:-1], nearest(str(error["loc"][-1]), names_at(error["loc"][:-1])))
        for error in errors
        if error["type"] == "extra_forbidden"
    }
    return [_finding(error) for error in errors if error["type"] != "missing" or error["loc"] not in misspelt]


def _finding(error: ErrorDetails) -> Finding:
    loc, kind, value = error["loc"], error["type"], error["input"]
    name, context = str(loc[-1]) if loc else "", error.get("ctx", {})
    if kind == "refused":
        hint = context["hint"]
        return Finding((loc,), context["message"], context["expected"], f"write {hint}" if hint else "")
    if kind == "extra_forbidden":
        return _unknown_key(loc, name)
    schema = schema_at(loc) or {}
    expected = describe(schema)
    if kind == "missing":
        return Finding((loc,), f"`{name}` is missing", f"{name}: {expected}", at_key=True)
    if kind == "literal_error":
        options = resolved(schema).get("enum", [])
        return Finding((loc,), f"{_shown(value)} is not known here", expected, did_you_mean(str(value), options))
    if kind in ("too_short", "string_too_short"):
        return Finding((loc,), "nothing in it", "at least one", "give it one, or delete the line")
    if kind == "too_long":
        return Finding((loc,), "too many", f"at most {context['max_length']}")
    if kind in _RANGE_ERRORS:
        return Finding((loc,), f"{_shown(value)} is out of range", expected, _number_hint(value, schema))
    needed = _SCHEMA_TYPES.get(str(resolved(schema).get("type")), "something else")
    message = f"{_TYPES.get(type(value), 'this')} where {needed} belongs"
    return Finding((loc,), message, expected, _type_hint(value, schema))


def _unknown_key(loc: Loc, name: str) -> Finding:
    names = names_at(loc[:-1])
    homes = homes_of(name)
    hint = f"`{name}` belongs to {' or '.join(homes)}: look at the indentation" if homes else did_you_mean(name, names)
    return Finding((loc,), f"unknown key `{name}`", "one of " + ", ".join(names), hint, at_key=True)


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str) else str(value)[:60]


def _number_hint(value: Any, schema: Schema) -> str:
    schema = resolved(schema)
    if isinstance(value, float) and not math.isfinite(value):
        return "write an ordinary number"
    if schema.get("type") == "number" and "exclusiveMinimum" in schema and 1 < value <= 100:
        return f"a share, not per cent: write {value / 100:g}"
    if value < 0 and _fits(-value, schema):
        return f"write {-value:g}, without the minus"
    return ""


def _fits(value: float, schema: Schema) -> bool:
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    return bool(least <= value <= most and above < value < below)


def _type_hint(value: Any, schema: Schema) -> str:
    schema = resolved(schema)
    json_type = schema.get("type")
    if json_type in ("integer", "number") and isinstance(value, str):
        return _number_in_text(value, json_type)
    if json_type == "integer" and isinstance(value, float) and math.isfinite(value):
        return f"write {round(value)}"
    if json_type == "string" and isinstance(value, bool | int | float):
        return f'put it in quotes: "{str(value).lower() if isinstance(value, bool) else value}"'
    if json_type == "boolean" and str(value).lower() in ("yes", "on", "1", "y", "true"):
        return "write true"
    if json_type == "boolean" and str(value).lower() in ("no", "off", "0", "n", "false"):
        return "write false"
    if json_type == "array" and isinstance(value, str) and value[:1] in _DASHES:
        return f"begin each entry with a hyphen and a space, not with {value[0]}"
    if json_type == "array" and not isinstance(value, dict):
        return f"write [{value}]"
    if json_type == "object" and isinstance(value, str):
        key, *rest = re.split(r"[\s:=]+", value, maxsplit=1)
        return f"a colon is missing: write {key}: {' '.join(rest)}" if key in schema.get("properties", {}) else ""
    if json_type == "array" and isinstance(value, dict):
        return "begin each entry with - "
    return ""


def _number_in_text(text: str, json_type: str) -> str:
    stripped = text.strip().removesuffix("%").replace(",", ".").replace("_", "")
    if json_type == "integer" and re.fullmatch(r"[0-9]{1,3}([,. _'][0-9]{3})+", text.strip()):
        return f"write {re.sub('[^0-9]', '', text)}"
    try:
        number = float(stripped)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return "write an ordinary number"
    if text.strip().endswith("%"):
        return f"a share, not per cent: write {number / 100:g}"
    if json_type == "integer" and number != int(number):
        return ""
    return f"write {number:.12g}" + (", without quotes" if stripped == text else "")
