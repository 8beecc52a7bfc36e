"""Packed entries of a comparison: each comes back as it was added, and takes little memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.logged_entries import LoggedEntries, LoggedEntry

numbers = st.integers(0, 2**53)
entries = st.lists(st.builds(LoggedEntry, numbers, numbers, st.binary(min_size=32, max_size=32), st.text(max_size=5)))


@given(entries)
def test_entries_return_as_they_were_added(added: list[LoggedEntry]) -> None:
    packed = LoggedEntries()
    for one in added:
        packed.append(one)
    assert (len(packed), list(packed)) == (len(added), added)
    if added:
        assert packed[-1] == added[-1]
    with pytest.raises(IndexError):
        packed[len(added)]


def test_entry_takes_less_than_100_bytes() -> None:
    tracemalloc.start()
    try:
        packed = LoggedEntries()
        for n in range(20_000):
            packed.append(LoggedEntry(n, n, n.to_bytes(32, "big"), ""))
        assert tracemalloc.get_traced_memory()[0] < 100 * 20_000
    finally:
        tracemalloc.stop()
