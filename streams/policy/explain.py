"""pydantic's errors in the words of somebody who edits the file: what is wrong, what was expected, what was meant."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from streams.policy.schema import describe, homes_of, names_at, resolved, schema_at
from streams.policy.source import Loc

_KIND = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list",
    dict: "a mapping",
}


class Finding(NamedTuple):
    """A problem by the keys that it is about, the one to point at first."""

    locs: tuple[Loc, ...]
    message: str
    expected: str = ""
    hint: str = ""
    at_key: bool = False
    """Point at the key, not at its value."""
    shallow: bool = False
    """Holds whatever may be wrong further inside."""


def nearest(word: str, options: Iterable[str]) -> str:
    """The option that somebody who wrote `word` may have meant; "" where none is near."""
    folded = {option.casefold(): option for option in options}
    plain = word.casefold().replace("-", "_").replace(" ", "_")
    if plain in folded:
        return folded[plain]
    starts = [option for name, option in folded.items() if len(plain) >= 4 and name.startswith(plain)]
    return next(iter(starts or [folded[one] for one in difflib.get_close_matches(plain, folded, 1, 0.6)]), "")


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """`nearest` as a hint."""
    near = nearest(word, options)
    return f"did you mean `{near}`?" if near else ""


def explain(errors: Sequence[ErrorDetails]) -> list[Finding]:
    """Findings of a validation, without those that another one accounts for."""
    findings = []
    misspelt = {
        (*error["loc"][:-1], nearest(str(error["loc"][-1]), names_at(error["loc"][:-1])))
        for error in errors
        if error["type"] == "extra_forbidden"
    }
    for error in errors:
        if error["type"] == "missing" and error["loc"] in misspelt:
            continue
        findings.append(_explain(error))
    return findings


def _explain(error: ErrorDetails) -> Finding:
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
    return Finding((loc,), f"{_kind(value)} where {_wanted(schema)} belongs", expected, _type_hint(value, schema))


_RANGE_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}


def _unknown_key(loc: Loc, name: str) -> Finding:
    names = names_at(loc[:-1])
    hint = did_you_mean(name, names)
    homes = homes_of(name)
    if homes and not (hint and len(homes) == 0):
        hint = f"`{name}` belongs to {' or '.join(homes)}: look at the indentation"
    return Finding((loc,), f"unknown key `{name}`", "one of " + ", ".join(names), hint, at_key=True)


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str) else str(value)[:60]


def _kind(value: Any) -> str:
    return _KIND.get(type(value), "this")


def _wanted(schema: dict[str, Any]) -> str:
    schema = resolved(schema)
    kinds = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
    return {"object": "a mapping", "array": "a list", **kinds}.get(str(schema.get("type")), "something else")


def _number_hint(value: Any, schema: dict[str, Any]) -> str:
    schema = resolved(schema)
    if isinstance(value, float) and not math.isfinite(value):
        return "write an ordinary number"
    if schema.get("type") == "number" and "exclusiveMinimum" in schema and 1 < value <= 100:
        return f"a share, not per cent: write {value / 100:g}"
    if value < 0 and _fits(-value, schema):
        return f"write {-value:g}, without the minus"
    return ""


def _fits(value: float, schema: dict[str, Any]) -> bool:
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    return bool(least <= value <= most and above < value < below)


def _type_hint(value: Any, schema: dict[str, Any]) -> str:
    schema = resolved(schema)
    wanted = schema.get("type")
    if wanted in ("integer", "number") and isinstance(value, str):
        return _number_in_text(value, wanted)
    if wanted == "integer" and isinstance(value, float) and math.isfinite(value):
        return f"write {round(value)}"
    if wanted == "string" and isinstance(value, bool | int | float):
        return f'put it in quotes: "{str(value).lower() if isinstance(value, bool) else value}"'
    if wanted == "boolean" and str(value).lower() in ("yes", "on", "1", "y", "true"):
        return "write true"
    if wanted == "boolean" and str(value).lower() in ("no", "off", "0", "n", "false"):
        return "write false"
    if wanted == "array" and not isinstance(value, dict):
        return f"write [{value}]"
    if wanted == "array" and isinstance(value, dict):
        return "begin each entry with - "
    return ""


def _number_in_text(text: str, wanted: str) -> str:
    stripped = text.strip().removesuffix("%").replace(",", ".").replace("_", "")
    try:
        number = float(stripped)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return "write an ordinary number"
    if text.strip().endswith("%"):
        return f"a share, not per cent: write {number / 100:g}"
    if wanted == "integer" and number != int(number):
        number = float(stripped.replace(".", ""))
    return f"write {number:g}, without quotes"
