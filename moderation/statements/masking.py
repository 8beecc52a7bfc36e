"""Takes personal data out of a person's words before they are published: handles, addresses, numbers of accounts.

The DSA's transparency database takes no personal data (Article 24(5)), nor should an archive of orders. What a
moderator writes is free text, so this is a net, not a proof.
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
    """A text without handles, e-mail addresses, URLs and long numbers.

    >>> masked("asked by @ann (ann@example.org), see https://x.com/a/status/1")
    'asked by [REDACTED] ([REDACTED]), see [REDACTED]'
    """
    return _PERSONAL.sub(MASK, text)


def cut(text: str, characters: int) -> str:
    """At most so many characters, with dots where something was left out."""
    return text if len(text) <= characters else text[: characters - 1] + "…"
