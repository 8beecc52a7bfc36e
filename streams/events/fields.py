"""Fields that all shapes share, from what JSON holds to what counts.

Ranges are checked by the decoder, in C: a tweet passes here twenty thousand times a second.
"""

from __future__ import annotations

from itertools import product
from string import ascii_letters
from typing import Annotated

import msgspec

from streams.errors import ContractError

MAX_TEXT = 280
"""Code points of a text that are kept: the length of a tweet."""

MAX_ID = 2**63 - 1

END_MS = 253_402_300_800_000
"""Times lie in [0, END_MS): from 1970 up to the year 10000. Whether one is too old or too far ahead to count is judged
against the record's log time, not here."""

Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
"""Of a tweet or an account. As all numbers it may come as a string that holds it, and had better: JavaScript rounds."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=END_MS)]
"""Since the Unix epoch."""

COUNTRIES = {a + b: (a + b).upper() for a, b in product(ascii_letters, repeat=2)}
"""All that is spelled like an ISO 3166-1 alpha-2 code, to its upper case. Which of them exist changes at times."""


class Present(msgspec.Struct, gc=False):
    """An object of which only the presence matters."""


def to_time(milliseconds: int, field: str, given: str, form: str) -> int:
    """A time read from text that is in range.

    Args:
        milliseconds: negative where `given` could not be read.
        form: what would be right, for the fix.
    Raises:
        ContractError: `bad_time`.
    """
    if 0 <= milliseconds < END_MS:
        return milliseconds
    raise ContractError("bad_time", field=field, value=given, fix=f"write it as in {form}, from 1970 to 9999")


def unescape(text: str) -> str:
    """Undo what Twitter's API does to a text: &, < and > come as &amp;, &lt; and &gt;, and nothing else is escaped.

    >>> unescape("cats &amp; dogs &amp;lt;3")
    'cats & dogs &lt;3'
    """
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
