"""Mask personal data in free text before publication: handles, addresses, URLs, long numbers.

The DSA's transparency database accepts no personal data (Article 24(5)); an archive of orders should not either.
Moderators write free text, so the masking is a safety net and not a guarantee.
"""

from __future__ import annotations

import re

MASK = "[REDACTED]"
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # e-mail addresses
    r"|https?://\S+"
    r"|(?<![\w&])[@＠]\w{1,50}"  # handles
    r"|(?<!\w)\+?\d[\d\s().-]{7,}\d(?!\w)"  # telephone numbers, ids of accounts and tweets
)


def masked(text: str) -> str:
    """Replace handles, e-mail addresses, URLs and long numbers by MASK.

    >>> masked("asked by @ann (ann@example.org), see https://x.com/a/status/1")
    'asked by [REDACTED] ([REDACTED]), see [REDACTED]'
    """
    return _PERSONAL.sub(MASK, text)


def cut(text: str, characters: int) -> str:
    """Shorten a text to at most `characters`, with an ellipsis where text was removed."""
    return text if len(text) <= characters else text[: characters - 1] + "…"
