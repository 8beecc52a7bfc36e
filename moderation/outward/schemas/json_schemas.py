"""JSON Schemas (2020-12) of registers, records and webhooks, from the types that encode and decode them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from typing import Any

import msgspec
from hushtag_client import Register
from hushtag_client.registers import ACTIONS, HIDING

from moderation.outward.schemas.records import RECORDS, WEBHOOKS

JsonSchema = dict[str, Any]
"""JSON Schema, or the schema of a component."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"


def register_schema() -> JsonSchema:
    """Return the schema of a register as readers accept it: members and actions may be added."""
    schema = _document("A register of the flags contract, v1", [Register])
    members = schema["$defs"]["Register"]
    members["required"] = ["version", "action", "expires_at_ms", "hashtag", "surface", "country", "source"]
    members["properties"]["version"]["pattern"] = "^[0-9.]{1,100}$"
    members["properties"]["action"] = {
        "type": "string",
        "pattern": "^[a-z_]{1,40}$",
        "description": f"{_listed(HIDING, ' and ')} hide; {_listed({*ACTIONS} - HIDING, ', ')} and all others show.",
    }
    members["properties"]["weight"] |= {"minimum": 0, "maximum": 1}
    for name in ("expires_at_ms", "keep_until_ms"):
        members["properties"][name]["minimum"] = 0
    return schema


def _listed(actions: Container[str], between: str) -> str:
    return between.join(f"`{name}`" for name in ACTIONS if name in actions)


def topic_schema(topic: str) -> JsonSchema:
    """Return the schema of the JSON records of a topic."""
    return _document(f"A record of the topic {topic}", RECORDS[topic])


def webhook_schema() -> JsonSchema:
    """Return the schema of the body of a webhook of `hushtag notify`."""
    schema = _document("The body of a webhook of hushtag notify", list(WEBHOOKS.values()))
    data = schema.pop("anyOf")
    bodies = [{"type": "object", "required": ["type", "timestamp", "data"],
               "properties": {"type": {"const": name}, "timestamp": {"type": "string", "format": "date-time"},
                              "data": body}}
              for name, body in zip(WEBHOOKS, data, strict=True)]  # fmt: skip
    return {**{name: schema[name] for name in ("$schema", "title")}, "anyOf": bodies, "$defs": schema["$defs"]}


def _document(title: str, types: Iterable[Any]) -> JsonSchema:
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    types_by_name = _types_by_name(types)
    for name, component in components.items():
        if name in types_by_name:
            _describe(component, types_by_name[name])
        if "description" in component:  # the docstring up to its sections, such as Raises
            component["description"] = " ".join(component["description"].partition("\n\n")[0].split())
    head: JsonSchema = {"$schema": DIALECT, "title": title}
    return {**head, **(schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}), "$defs": components}


def _types_by_name(types: Iterable[Any]) -> dict[str, type]:
    by_name = {kind.__name__: kind for kind in _subclasses(msgspec.Struct)}
    return by_name | {kind.__name__: kind for kind in types if isinstance(kind, type)}


def _subclasses(kind: type) -> Iterator[type]:
    subclasses: list[type] = kind.__subclasses__()
    for subclass in subclasses:
        yield subclass
        yield from _subclasses(subclass)


def _describe(component: JsonSchema, kind: type) -> None:
    """Add the docstrings of attributes as descriptions, those of base classes too."""
    for base in kind.__mro__:
        if base.__module__.split(".")[0] not in ("streams", "moderation", "hushtag_client"):
            continue
        for name, about in _attribute_docs(base):
            if name in component.get("properties", {}):
                component["properties"][name].setdefault("description", about)


def _attribute_docs(kind: type) -> Iterator[tuple[str, str]]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError):
        return  # made without source
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for pair in pairwise(body):
        match pair:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(about))):
                yield name, " ".join(about.split())
