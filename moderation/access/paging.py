"""Pages of sorted lists: `{"items": [...], "next": cursor or null}`. Pure.

A cursor holds the sort key of the last row of its page. The next page begins after that key, so rows that appear or
vanish between two calls move no other row to another page. Callers treat cursors as opaque.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from moderation.access.problems import Fault, RefusedCall

Row = TypeVar("Row")
SortKey = tuple[str | int | bool, ...]
"""Key of a row: unique in its list, and of the same types for every row; no floats and no None."""
CursorQuery = Annotated[str | None, Query(max_length=2_000, description="`next` of the previous page.")]
PageSize = Annotated[int, Query(alias="limit", ge=1, le=1000, description="Items of a page.")]


def page_of(
    rows: Iterable[Row],
    *,
    key: Callable[[Row], SortKey],
    order: str,
    cursor: str | None,
    size: int,
    descending: bool = False,
) -> tuple[list[Row], str | None]:
    """Sort rows and cut out the page after a cursor.

    Args:
        rows: all rows that match the filters.
        key: sort key of a row.
        order: name of the list and its order; a cursor of another order is refused.
        cursor: `next` of the previous page; None for the first page.
        size: items of a page.
        descending: whether the greatest key comes first.

    Returns:
        The rows of the page, and the cursor of the next page.

    Raises:
        RefusedCall: the cursor is not one of this list (422).
    """
    keyed = sorted(((key(row), place, row) for place, row in enumerate(rows)), reverse=descending)
    if cursor is not None:
        after = _read(cursor, order)
        if keyed and [type(part) for part in keyed[0][0]] != [type(part) for part in after]:
            raise _unusable()
        keyed = [row for row in keyed if (row[0] < after if descending else row[0] > after)]
    page = keyed[:size]
    following = write_cursor(order, page[-1][0]) if len(keyed) > size else None
    return [row for _, _, row in page], following


def write_cursor(order: str, key: SortKey) -> str:
    """Encode the sort key of a row as a cursor."""
    return base64.urlsafe_b64encode(json.dumps([order, *key], separators=(",", ":")).encode()).decode().rstrip("=")


def position_of(order: str, cursor: str | None) -> int:
    """Decode a cursor of a list that is read in order, such as a log; 0 for its beginning.

    Raises:
        RefusedCall: the cursor is not one of this list (422).
    """
    if cursor is None:
        return 0
    match _read(cursor, order):
        case (int(position),) if 0 <= position < 2**53:
            return position
    raise _unusable()


def _read(cursor: str, order: str) -> SortKey:
    try:
        parts: Any = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _unusable() from None
    if not isinstance(parts, list) or parts[:1] != [order] or not all(isinstance(p, str | int) for p in parts[1:]):
        raise _unusable()
    return tuple(parts[1:])


def _unusable() -> RefusedCall:
    return RefusedCall(
        "mistake",
        "`cursor` is not one of this list and order",
        "start without `cursor`, with the same `sort` on every page",
        errors=[Fault("not a cursor of this list", parameter="cursor")],
    )


def page_answer(items: Sequence[Any], following: str | None, **more: Any) -> dict[str, Any]:
    """Build the body of a list."""
    return {"items": list(items), "next": following} | more
