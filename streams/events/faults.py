"""Diagnosis of unreadable records: a stable reason, the field at fault, and advice for the producer.

Only bad records are diagnosed, so this code may be slow: it parses again what the decoder refused.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, NoReturn

import msgspec

from streams.errors import ContractError

MAX_BYTES = 1_048_576
"""Maximum size of a record: a thousand times that of a tweet, and Kafka's default limit."""

MAX_DEPTH = 200
"""Maximum nesting of arrays and objects; tweets need about ten. It keeps a recursive decoder within any stack."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_V2_ON_REQUEST = ("author_id", "created_at", "lang", "entities", "geo", "referenced_tweets", "note_tweet")
_NO_NUMBER = re.compile("got `(?:array|object|bool|null)`")
_IDS = frozenset({"id", "id_str", "author_id", "user_id", "user_id_str"})


def check_bytes(value: bytes) -> None:
    """Check a record before it is decoded.

    Raises:
        ContractError: `too_large`, `too_deep`, `not_utf8`.
    """
    if len(value) > MAX_BYTES:
        fix = f"a record has at most {MAX_BYTES} bytes; send one tweet a record"
        raise ContractError("too_large", value=len(value), fix=fix)
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            wrong = value[error.start : error.start + 16]
            raise ContractError("not_utf8", value=wrong, fix=f"encode as UTF-8; see byte {error.start}") from None
    if value.count(b"[") + value.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        raise ContractError("too_deep", fix=f"nest arrays and objects at most {MAX_DEPTH} deep")


def _is_too_deep(value: bytes) -> bool:
    brackets = _STRING.sub(b"", value).translate(None, _NOT_BRACKETS)
    return any(depth > MAX_DEPTH for depth in accumulate(1 if bracket in b"[{" else -1 for bracket in brackets))


def refuse(error: msgspec.DecodeError, value: bytes) -> NoReturn:
    """Translate the decoder's error.

    Raises:
        ContractError: `empty`, `not_json`, `lone_surrogate`, `missing_field`, `wrong_type`, `bad_id`, `bad_time`.
    """
    if not value or value.isspace():
        raise ContractError("empty", fix="send one JSON object a record")
    try:
        document = json.loads(value.decode(), parse_int=str, parse_float=str, parse_constant=_no_constant)
    except ValueError:
        raise ContractError("not_json", value=value[:60], fix=f"send one JSON object a record ({error})") from None
    if not isinstance(error, msgspec.ValidationError):  # JSON's grammar allows what Unicode does not
        fix = r"half of a surrogate pair such as \ud83d is not a character: cut texts between characters"
        raise ContractError("lone_surrogate", fix=fix) from None
    what, _, path = str(error).partition(" - at `$")
    field = path.removesuffix("`").removeprefix(".")
    if what.startswith("Object missing required field"):
        name = what.split("`")[1]
        fix = f"send {name}"
        if field == "data" and name in _V2_ON_REQUEST:
            fix += f"; request it from the API with tweet.fields={','.join(_V2_ON_REQUEST)}"
        raise ContractError("missing_field", field=f"{field}.{name}".removeprefix("."), fix=fix) from None
    field_value = _at(document, field)
    last = "" if _NO_NUMBER.search(what) else field.rpartition(".")[2]
    if last in _IDS:
        fix = 'an id is a whole number in [0, 2**63), best as a string: "1234"'
        raise ContractError("bad_id", field=field, value=field_value, fix=fix) from None
    if last.endswith("_ms"):
        fix = "send milliseconds since 1970 as a whole number, up to the year 9999"
        raise ContractError("bad_time", field=field, value=field_value, fix=fix) from None
    raise ContractError("wrong_type", field=field, value=field_value, fix=what) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _at(document: Any, path: str) -> Any:
    """Return the value at a path such as a.b[0].c, numbers as written; "" if a repeated key hides it."""
    try:
        for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
            document = document[int(index) if index else name]
    except (LookupError, TypeError):
        return ""
    return document
