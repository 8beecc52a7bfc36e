"""Copied texts: a fingerprint that other tags, links, names, numbers, emoji and punctuation do not change."""

from __future__ import annotations

from zlib import crc32

_AROUND = ".,;:!?…'\"()[]{}<>*_~-–—|/\\"


def fingerprint(text: str) -> int:
    """CRC-32 of the text's words, in [1, 2**32); the same for copies.

    >>> fingerprint("Go now! #a http://t.co/x") == fingerprint("go NOW 7 #b")
    True
    """
    words = [
        word
        for whole in text.casefold().split()
        if (word := whole.strip(_AROUND)) and word[0].isalpha() and not word.startswith("http")
    ]
    return crc32(" ".join(words).encode("utf-8", "replace")) or 1
