"""Base64 and decimal numbers, each with exactly one spelling.

A second spelling of the same bytes would let two verifiers disagree on a file.
"""

from __future__ import annotations

import base64
import binascii
import re

from moderation.publiclog.tlog.errors import malformed

MAX_NUMBER = 2**63 - 1
"""Greatest index, size and time."""
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def to_base64(data: bytes) -> str:
    """Encode bytes as standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str, what: str) -> bytes:
    """Decode base64.

    Raises:
        ProofError: The text is not the one spelling of its bytes; the message names `what`.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise malformed(f"{what} is not base64: {text[:60]!r}") from None
    if to_base64(data) != text:
        raise malformed(f"{what} is not base64 in its one spelling: {text[:60]!r}")
    return data


def from_decimal(text: str, what: str) -> int:
    """Read a whole number up to 2^63 - 1 without sign or leading zeros.

    Raises:
        ProofError: The text is another; the message names `what`.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_NUMBER:
        raise malformed(f"{what} is not a whole number: {text[:60]!r}")
    return int(text)
