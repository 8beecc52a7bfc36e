"""Records with one value replaced by an absurd one: every field, of structs in structs too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

_NUMBERS = (-(2**63), -7, -2, 10**9, 2**31, 2**43, 10**15 - 1, 10**15, 2**62, 2**63 - 1, 2**64 - 1)
_FRACTIONS = (-1.0, 1e300, 2.5, math.nan, math.inf)
_TEXTS = ("", "\n", "x", "foreign", "a\nb", "|", "*", "\0", "\u202e", "9" * 400, "A" * 5_000)
_OTHERS = (None, True, [], {}, [[]], "text", 1, b"bytes")


def absurd_variants(record: Any) -> Iterator[tuple[str, Any]]:
    """Iterate over a record as plain values, one of them replaced each time; the path names which."""
    plain = msgspec.to_builtins(record, builtin_types=(bytes,))
    for path in _paths(plain):
        for value in _replacements(_get(plain, path)):
            changed = msgspec.msgpack.decode(msgspec.msgpack.encode(plain))
            _get(changed, path[:-1])[path[-1]] = value
            yield f"{'.'.join(map(str, path))} = {value!r:.40}", changed


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Iterate over the paths to all members; of a list to its first and its last one."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    else:
        keys = []
    for key in keys:
        yield (*before, key)
        yield from _paths(value[key], (*before, key))


def _get(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _replacements(value: Any) -> Iterator[Any]:
    yield from _OTHERS
    if isinstance(value, str):
        yield from (*_TEXTS, value + "\n")
    elif isinstance(value, bool | None):
        return
    elif isinstance(value, int):
        yield from _NUMBERS
    elif isinstance(value, float):
        yield from _FRACTIONS
    elif isinstance(value, bytes):
        for filler in (b"\0", b"\xff", b"\x80", b"\x7f", b"\n"):
            yield filler * len(value)
        yield from (b"", value + b"\1", value + value, b"\xff" * 8 + value[8:])
    elif isinstance(value, list):
        yield value + value
    elif isinstance(value, dict):
        yield value | {"unknown": 1}
