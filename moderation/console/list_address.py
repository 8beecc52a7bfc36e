"""Filters of lists in the address of a page: the address with other filters, and the number of rows. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def list_address(path: str, wanted: DataclassInstance, **changes: str) -> str:
    """Build the address of a list with other filters; those with their default are left out.

    Args:
        path: path of the page.
        wanted: filters, each a text.
        **changes: new values of some filters.
    """
    other = replace(wanted, **changes)
    given = {one.name: getattr(other, one.name) for one in fields(other) if getattr(other, one.name) != one.default}
    return f"{path}?{urlencode(given)}" if given else path


def shown_rows(most: str, *, least: int, greatest: int) -> int:
    """Return the number of rows that an address asks for, within bounds; the least for what is no number.

    >>> [shown_rows(one, least=100, greatest=500) for one in ("", "x", "7", "300", "9" * 5_000)]
    [100, 100, 100, 300, 500]
    """
    return min(max(int(most[:6]), least), greatest) if most.isdecimal() else least
