"""Paths of the members that are read of a payload, with the types of their values, from the parser's structures."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from msgspec.inspect import BoolType, IntType, ListType, NoneType, StrType, StructType, Type, UnionType, type_info

from streams.events.native import NativeTweet
from streams.events.twitter_v1 import V1Tweet

ABSENT = 0
NULL, STRING, ESCAPED, INTEGER, NUMBER, BOOLEAN, LIST, OBJECT = (1 << bit for bit in range(8))
"""Types of values. `ESCAPED` is a string with an escape, `INTEGER` a number of at most 19 digits without a sign."""
_TYPES: dict[type[Type], int] = {
    NoneType: NULL, StrType: STRING, IntType: INTEGER | STRING, BoolType: BOOLEAN, ListType: LIST, StructType: OBJECT,
}  # fmt: skip
_allowed: dict[str, int] = defaultdict(int)
_required: dict[str, str] = {}


def _add(kind: Type, path: str) -> None:
    """Add the types of a path, and the paths within it."""
    for variant in kind.types if isinstance(kind, UnionType) else (kind,):
        _allowed[path] |= _TYPES[type(variant)]
        if isinstance(variant, ListType):
            _add(variant.item_type, f"{path}[]")
        elif isinstance(variant, StructType):
            for field in variant.fields:
                within = f"{path}.{field.name}".removeprefix(".")
                _add(field.type, within)
                if field.required and path:
                    assert path not in _required or _required[path] == within, f"{path} requires two members"
                    _required[path] = within


for _shape in (NativeTweet, V1Tweet):
    _add(type_info(_shape), "")
for _path in _allowed:
    if _path.endswith("indices[]"):  # a string is left to the parser, since these numbers are not read
        _allowed[_path] = INTEGER
    elif _path.endswith("expanded_url") or (_path.endswith("text") and "[]" not in _path):
        _allowed[_path] |= ESCAPED  # those of a retweet, or of a cut text, may be ignored

_PATHS = list(_allowed)
ROOT, SKIPPED, NAME = 0, len(_PATHS), len(_PATHS) + 1
"""Slots of the payload, of values that are not read, and of names. The slot of another value is that of its path."""


def slot_of(path: str) -> int:
    """Return the slot of a path such as `entities.hashtags[].text`."""
    return _PATHS.index(path)


ALLOWED = np.array([*_allowed.values(), 255, 0])
"""Bits of the types that a slot may have."""
ELEMENT = np.array([*(_PATHS.index(f"{path}[]") if f"{path}[]" in _PATHS else SKIPPED for path in _PATHS), SKIPPED])
"""Slot of a list's elements."""
REQUIRED = np.array([_PATHS.index(_required.get(path, path)) for path in _PATHS] + [SKIPPED])
"""Slot of the member that an object must have; the object's own slot for none."""
IS_LISTED = np.array(["[]" in path and kinds & STRING > 0 for path, kinds in _allowed.items()] + [False])
"""Whether a slot is of strings in lists, of which all are noted."""

HASHES, NAME_SIZE = 128, 24
MEMBER = np.full((SKIPPED + 1, HASHES), SKIPPED, np.uint8)
"""Slot of a member, by the slot of its object and the hash of its name."""
_names = np.zeros(HASHES, f"S{NAME_SIZE}")
for _slot, _path in enumerate(_PATHS):
    _parent, _, _name = _path.rpartition(".")
    if _path and not _path.endswith("[]"):
        _row = (2 * len(_name) + 12 * ord(_name[0]) + ord(_name[-1])) % HASHES
        assert _names[_row] in (b"", _name.encode()), f"choose other factors: {_name} collides"
        _names[_row], MEMBER[_PATHS.index(_parent), _row] = _name, _slot
NAME_BYTES, NAME_SIZES = _names.view(np.uint8), np.strings.str_len(_names)
"""Names of members, each at its hash: no two have the same."""
