"""JSON Schema of a policy file, and its renderings in words: for editors, error messages and the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from streams.policy.durations import DURATION_PATTERN, spell_duration
from streams.policy.model import Policy
from streams.policy.shape import AS_IN_CATEGORY
from streams.policy.source import Loc

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}


@cache
def policy_schema() -> Schema:
    """Build the JSON Schema (draft 2020-12) of a policy file."""
    schema = Policy.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        model["properties"] = {key: _tidy(inner) for key, inner in model["properties"].items()}
    return {"$schema": DIALECT, **schema, "title": "hushtag policy"}


def _tidy(schema: Schema) -> Schema:
    """Drop null (a key is present or absent) and generated titles; spell defaults as in the file."""
    if "anyOf" in schema:
        chosen = next(option for option in schema["anyOf"] if option.get("type") != "null")
        schema = {**chosen, **{name: value for name, value in schema.items() if name not in ("anyOf", "default")}}
    schema = {name: value for name, value in schema.items() if name != "title"}
    default = schema.get("default")
    if default is not None and schema.get("items", schema).get("pattern") == DURATION_PATTERN:
        schema["default"] = (
            [spell_duration(duration) for duration in default] if isinstance(default, list) else spell_duration(default)
        )
    return schema


def resolved(schema: Schema) -> Schema:
    """Return the schema that a reference points at, or the schema itself."""
    if "$ref" in schema:
        target: Schema = policy_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
        return target
    return schema


def schema_at(loc: Loc) -> Schema | None:
    """Return the schema of a location in the file; None where a policy has no such location."""
    schema: Schema = policy_schema()
    for step in loc:
        schema = resolved(schema)
        if isinstance(step, int):
            inner = schema.get("items")
        else:
            inner = schema.get("properties", {}).get(step) or schema.get("additionalProperties") or None
        if not isinstance(inner, dict):
            return None
        schema = inner
    return schema


def names_at(loc: Loc) -> list[str]:
    """Return the keys that a mapping may have; empty where keys are free or it is no mapping."""
    schema = schema_at(loc)
    return list(resolved(schema).get("properties", {})) if schema else []


def homes_of(key: str) -> list[str]:
    """Return the mappings that a key belongs to: "the top level", "`valves`", ..."""
    homes = ["the top level"] if key in policy_schema()["properties"] else []
    for name, block in _blocks(policy_schema()):
        own = block["properties"].get(key)
        if own is not None and own.get("description") != AS_IN_CATEGORY:
            homes.append("a category" if name == "categories.NAME" else f"`{name}`")
    return homes


def _blocks(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the name and the schema of each block below a schema, in the order of the file."""
    for key, block in schema["properties"].items():
        inner = block.get("additionalProperties") or block.get("items") or block
        if "$ref" in inner:
            yield f"{key}.NAME" if "additionalProperties" in block else key, resolved(inner)
            yield from _blocks(resolved(inner))


def describe(schema: Schema) -> str:
    """Describe the values that a schema allows."""
    named = "$ref" in schema
    schema = resolved(schema)
    if schema.get("pattern") == DURATION_PATTERN:
        return "a duration such as 30s, 10m, 24h"
    if "enum" in schema:
        if len(schema["enum"]) > 20:
            return 'a country code such as IN, or "*"'
        return "one of " + ", ".join(map(str, schema["enum"]))
    kind = schema.get("type")
    if kind == "object":
        required = schema.get("required", [])
        return f"a mapping with {', '.join(required)}" if named and required else "a mapping, key: value"
    if kind == "array":
        return "a list of: " + describe(schema["items"])
    return _KINDS.get(str(kind), "a value") + _limits(schema)


def _limits(schema: Schema) -> str:
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    least, most = schema.get("minimum"), schema.get("maximum")
    low = f"above {above:g}" if above is not None else f"from {least:g}" if least is not None else ""
    high = f"below {below:g}" if below is not None else ""
    if most is not None and most < 2**53:
        high = f"up to {most:,.0f}" if most >= 1 else f"up to {most:g}"
    if low and high.startswith("up to") and low.startswith("from"):
        high = high.removeprefix("up ")
    words = " ".join(part for part in (low, "and" if low.startswith("above") and high else "", high) if part)
    return f" {words}" if words else ""


def tables() -> str:
    """Render a Markdown table of keys for each level of the file."""
    parts = {"Top level": policy_schema()}
    for name, block in _blocks(policy_schema()):
        parts.setdefault(f"`{name}`", block)  # overrides have the block `corroborate` again
    return "\n\n".join(f"### {title}\n\n" + "\n".join(_rows(block)) for title, block in parts.items()) + "\n"


def _rows(model: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | values | default | meaning |"
    yield "|---|---|---|---|"
    same = [f"`{key}`" for key, field in model["properties"].items() if field.get("description") == AS_IN_CATEGORY]
    if same:
        yield f"| {', '.join(same)} | – | – | {AS_IN_CATEGORY} |"
    for key, field in model["properties"].items():
        if field.get("description") == AS_IN_CATEGORY:
            continue
        default = "**required**" if key in model.get("required", []) else _default(field)
        yield f"| `{key}` | {_values(field)} | {default} | {field.get('description', '')} |"


def _values(schema: Schema) -> str:
    if resolved(schema).get("type") == "object":
        return "a mapping"
    if schema.get("type") == "array" and resolved(schema["items"]).get("type") == "object":
        return "a list of mappings"
    return describe(schema)


def _default(schema: Schema) -> str:
    default = schema.get("default")
    if default in (None, [], {}) or isinstance(default, dict):
        return "–"
    if isinstance(default, list):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
