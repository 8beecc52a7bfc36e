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
    """Return a country in upper case, given as two letters; an ignored one would lose what it stands for.

    Raises:
        ContractError: `bad_country`, with the path `field` and what the producer can do `otherwise`.
    """
    country = COUNTRIES.get(code)
    if country is None:
        fix = f"use ISO 3166-1 alpha-2 such as IN, or {otherwise}"
        raise ContractError("bad_country", field=field, value=code, fix=fix)
    return country


class Present(msgspec.Struct, gc=False):
    """Object whose presence alone matters."""


def unescape(text: str) -> str:
    """Undo the escaping of Twitter's API, which sends &, < and > as &amp;, &lt; and &gt; and nothing else escaped.

    >>> unescape("cats &amp; dogs &amp;lt;3")
    'cats & dogs &lt;3'
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
