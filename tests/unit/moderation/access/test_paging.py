"""Tests of pages: every row once and in order, also while rows come and go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.access.paging import page_of, position_of, write_cursor
from moderation.access.problems import RefusedCall

Rows = list[tuple[int, str]]
KEYS = st.lists(st.tuples(st.integers(0, 9), st.text(max_size=3)), unique=True, max_size=30)


def pages(rows: Rows, size: int, *, descending: bool) -> list[Rows]:
    found, cursor = list[Rows](), None
    while True:
        page, cursor = page_of(rows, key=lambda row: row, order="o", cursor=cursor, size=size, descending=descending)
        found.append(page)
        if cursor is None:
            return found


@given(KEYS, st.integers(1, 7), st.booleans())
def test_pages_hold_each_row_once_in_order(rows: Rows, size: int, descending: bool) -> None:
    found = pages(rows, size, descending=descending)
    assert [row for page in found for row in page] == sorted(rows, reverse=descending)
    assert all(len(page) == size for page in found[:-1])


@given(KEYS, KEYS, st.integers(1, 7))
def test_new_rows_move_no_row_to_another_page(rows: Rows, new: Rows, size: int) -> None:
    page, cursor = page_of(rows, key=lambda row: row, order="o", cursor=None, size=size)
    if cursor is not None:
        rest, _ = page_of({*rows, *new}, key=lambda row: row, order="o", cursor=cursor, size=1_000)
        assert set(rows) - set(page) <= set(rest)
        assert not set(page) & set(rest)


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "WyJvIl0=", write_cursor("other", (1, "a")), write_cursor("o", ("a", 1)), "W10", "bnVsbA"]
)
def test_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(RefusedCall) as refused:
        page_of([(1, "a")], key=lambda row: row, order="o", cursor=cursor, size=1)
    assert refused.value.body["errors"] == [{"detail": "not a cursor of this list", "parameter": "cursor"}]


def test_cursor_of_a_log_returns_its_position() -> None:
    assert position_of("audit", write_cursor("audit", (7,))) == 7
    assert position_of("audit", None) == 0


@pytest.mark.parametrize("key", [(), ("7",), (-1,), (2**53,), (1, 2)], ids=str)
def test_forged_cursor_of_a_log_is_refused(key: tuple[int, ...]) -> None:
    with pytest.raises(RefusedCall):
        position_of("audit", write_cursor("audit", key))
