"""One lawful record of any kind, from its type alone: a new kind of record needs no sample of its own."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import inspect

from streams.constants import PANE_MS
from streams.log.decisions import version_of

AT_MS = 180_000_000 * PANE_MS
"""Every time in a sample."""
_TEXTS = (
    "rumour", "IN", "1", "case-" + "0" * 16, "hushtag-" + "a" * 24, "0" * 12, "0" * 16, "0" * 64, "tweet-1",
    "IN-" + "0" * 10, "transparency-2026-01-01-to-2026-02-01-world", "", version_of(0, 0), "msg_" + "0" * 32,
)  # fmt: skip
"""Texts, of which the first that fits a field's pattern and length stands in it: equal fields refer to each other."""


def sample_of(kind: type) -> Any:
    """Build a record as plain values."""
    return _value(inspect.type_info(kind), "")


def _value(kind: inspect.Type, name: str) -> Any:
    match kind:
        case inspect.StructType(fields=fields, tag=tag, tag_field=tag_field, array_like=array_like):
            members = {field.encode_name: _value(field.type, field.encode_name) for field in fields}
            if array_like:
                return list(members.values())
            return ({tag_field: tag} if tag_field else {}) | members
        case inspect.Metadata(type=inner):
            return _value(inner, name)
        case inspect.StrType(pattern=pattern, min_length=least, max_length=most):
            fitting = [text for text in _TEXTS if pattern is None or re.search(pattern, text)]
            fitting = [text for text in fitting if (least or 0) <= len(text) <= (most or 100)]
            assert fitting, f"no text for {name}: {pattern}"
            return fitting[0]
        case inspect.IntType(ge=least):
            return (
                AT_MS
                if name.endswith("_ms") and not name.startswith("lasts")
                else 1
                if least is None
                else max(least, 0)
            )
        case inspect.FloatType():
            return 0.5
        case inspect.BoolType():
            return False
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.UnionType(types=types):
            return _value(next(one for one in types if not isinstance(one, inspect.NoneType)), name)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return [_value(item, name)]
        case inspect.TupleType(item_types=items):
            return [_value(item, name) for item in items]
        case inspect.DictType(key_type=key, value_type=value):
            return {_value(key, ""): _value(value, "")}
    raise AssertionError(f"no sample of {kind}")


def value_of(plain: Any) -> bytes:
    """Encode a record of plain values as JSON."""
    return msgspec.json.encode(plain)
