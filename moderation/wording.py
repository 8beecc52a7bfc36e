"""Counts and lists as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache


def counted(count: int, noun: str) -> str:
    """A count with its noun, which has a plural in s.

    >>> counted(1, "account"), counted(1_178, "account")
    ('1 account', '1,178 accounts')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def country_words(code: str) -> str:
    """A country's name in English, by its ISO 3166-1 code; the code itself where it has none.

    >>> country_words("IN"), country_words("*")
    ('India', '*')
    """
    return _countries().get(code, code)


@cache
def _countries() -> dict[str, str]:
    from babel import Locale  # here, so that no other command waits for it

    return {str(code): str(name) for code, name in Locale("en").territories.items()}


def listed(parts: Sequence[str]) -> str:
    """Some things in a row.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
