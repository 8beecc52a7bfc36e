"""Bytes of a policy file to text, and places in it."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import NamedTuple

SIZE_MAX = 1 << 18
"""Bytes of the largest file that is read: room for some 15,000 hashtags."""

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the text; line and column from 1, in code points."""

    line: int
    column: int
    length: int = 1


class Complaint(NamedTuple):
    """A problem before it knows its file."""

    span: Span
    message: str
    expected: str
    hint: str
    path: str = ""


def lines_of(text: str) -> list[str]:
    """Lines as YAML counts them."""
    return _LINE_BREAK.split(text)


def span_at(before: str) -> Span:
    """The place behind a text."""
    lines = lines_of(before)
    return Span(len(lines), len(lines[-1]) + 1)


def decode(raw: bytes | str) -> tuple[str, Complaint | None]:
    """Bytes to text: UTF-8, a byte order mark is taken away. With a complaint the text is only good for showing."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "surrogatepass")
    if len(raw) > SIZE_MAX:
        return "", Complaint(
            Span(1, 1), "the file is too large", f"at most {SIZE_MAX:,} bytes", "is this the policy file?"
        )
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "", Complaint(Span(1, 1), "the file is UTF-16", "UTF-8", "save it as UTF-8")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError as error:
        span = span_at(raw[: error.start].decode("utf-8"))
        text = raw.decode("utf-8", "replace")
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        return text, Complaint(span, message, "UTF-8", "the file was saved in another encoding: save it as UTF-8")
