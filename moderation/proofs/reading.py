"""JSON of files from others: read in the same way as every verifier reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moderation.audit.disclosure import MAX_INTEGER
from moderation.audit.tlog.errors import ProofCode, ProofError, malformed


def read_json(data: bytes) -> dict[str, Any]:
    """Read a JSON object.

    A number such as `7.0` is the whole number 7, as it is for JavaScript. A name that stands twice in one object is
    refused: a person reads the first value, and a parser the last.

    Raises:
        ProofError: `malformed`.
    """
    try:
        read = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_object, parse_float=_number, parse_constant=_constant
        )
    except (ValueError, RecursionError):
        raise malformed("the file is not JSON in UTF-8") from None
    if not isinstance(read, dict):
        raise malformed("the file is not a JSON object")
    return read


def member(parent: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    """Return a member of an object that has the expected type.

    Raises:
        ProofError: `malformed`.
    """
    value = parent.get(name)
    if not isinstance(value, kind) or (kind is int and not is_whole(value)):
        raise malformed(f"{where} has no {name!r} of the expected type")
    return value


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number that every JSON parser keeps exact."""
    return type(value) is int and abs(value) <= MAX_INTEGER


def no_proof() -> ProofError:
    """Build the error for a file whose entry no checkpoint covers yet."""
    return ProofError(
        ProofCode.malformed,
        "the file has no proof yet",
        "ask for it again later: the log signs a checkpoint each minute",
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in found if names.count(name) > 1)
        raise malformed(f"the file gives {double!r} twice in one place")
    return found


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _constant(text: str) -> Any:
    raise ValueError(text)
