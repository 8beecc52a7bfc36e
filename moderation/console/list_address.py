"""Filters of lists in the address of a page: the address with other filters, and the number of rows. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def list_address(path: str, filters: DataclassInstance, **changes: str) -> str:
    """Build the address of a list with other filters; those with their default are left out.

    Args:
        path: path of the page.
        filters: filters, each a text.
        **changes: new values of some filters.
    """
    other = replace(filters, **changes)
    texts = [(field.name, getattr(other, field.name), field.default) for field in fields(other)]
    query = {name: text for name, text, default in texts if text != default}
    return f"{path}?{urlencode(query)}" if query else path


def shown_rows(most: str, *, least: int, greatest: int) -> int:
    """Return the number of rows that an address asks for, within bounds; the least for what is no number.

    >>> [shown_rows(most, least=100, greatest=500) for most in ("", "x", "7", "300", "9" * 5_000)]
    [100, 100, 100, 300, 500]
    """
    return min(max(int(most[:6]), least), greatest) if most.isdecimal() else least
