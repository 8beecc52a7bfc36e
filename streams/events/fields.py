"""Field types and conversions that all payload shapes share.

The decoder checks ranges in C, since up to twenty thousand tweets a second pass here.
"""

from __future__ import annotations

from itertools import product
from string import ascii_letters
from typing import Annotated

import msgspec

from streams.errors import ContractError

MAX_TEXT = 280
"""Maximum code points of a text that are kept: the length of a tweet."""

MAX_ID = 2**63 - 1

END_MS = 253_402_300_800_000
"""Times lie in [0, END_MS): from 1970 to the year 9999. Lateness is checked later, against the record's log time."""

Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
"""Id of a tweet or an account. Like all numbers it may be a JSON string, which JavaScript does not round."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=END_MS)]
"""Milliseconds since the Unix epoch."""

COUNTRIES = {a + b: (a + b).upper() for a, b in product(ascii_letters, repeat=2)}
"""All two-letter codes to upper case. Codes that ISO 3166-1 has not assigned are accepted, since its list changes."""


def to_country(code: str, field: str, otherwise: str) -> str:
    """Return a country in upper case.

    Args:
        code: two letters of any case.
        field: path of the field, for the error.
        otherwise: what the producer can do instead, for the error.

    Raises:
        ContractError: `bad_country`. An unknown spelling would silently lose what the country stands for.
    """
    country = COUNTRIES.get(code)
    if country is None:
        fix = f"use ISO 3166-1 alpha-2 such as IN, or {otherwise}"
        raise ContractError("bad_country", field=field, value=code, fix=fix)
    return country


class Present(msgspec.Struct, gc=False):
    """Object whose presence alone matters."""


def to_time(milliseconds: int, field: str, given: str, form: str) -> int:
    """Check that a time parsed from text is in range.

    Args:
        milliseconds: parsed time; negative if `given` could not be parsed.
        field: path of the field, for the error.
        given: text of the payload.
        form: example of the right form, for the error.

    Raises:
        ContractError: `bad_time`.
    """
    if 0 <= milliseconds < END_MS:
        return milliseconds
    raise ContractError("bad_time", field=field, value=given, fix=f"use the form {form}, from 1970 to 9999")


def unescape(text: str) -> str:
    """Undo the escaping of Twitter's API, which sends &, < and > as &amp;, &lt; and &gt; and nothing else escaped.

    >>> unescape("cats &amp; dogs &amp;lt;3")
    'cats & dogs &lt;3'
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
