"""Copied texts: a fingerprint that small edits of tags, links, names, digits and punctuation do not change."""

from __future__ import annotations

import re
from zlib import crc32

_DECORATION = re.compile(r"(?:https?://\S+|[#@]\w+|[\W\d_])+", re.UNICODE)


def fingerprint(text: str) -> int:
    """CRC-32 of the text's letters, in [1, 2**32); the same for copies.

    >>> fingerprint("Go now! #a http://t.co/x") == fingerprint("go NOW #b")
    True
    """
    return crc32(_DECORATION.sub(" ", text.casefold()).strip().encode("utf-8", "replace")) or 1
