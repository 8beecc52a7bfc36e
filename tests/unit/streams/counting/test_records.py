"""Records as columns: copies, joins and parts keep offsets, times, keys and values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.counting.records import RecordColumns, SourceRow

values = st.none() | st.binary(max_size=5)
logs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**60), values, values), max_size=12).map(
    lambda rows: [SourceRow(offset + 10 * at, ms, key, value) for at, (offset, ms, key, value) in enumerate(rows)]
)


@given(logs, st.integers(0, 12), st.integers(0, 120))
def test_columns_keep_what_the_records_have(log: list[SourceRow], cut: int, offset: int) -> None:
    columns = RecordColumns.of(log)
    assert list(columns) == log
    assert RecordColumns.of(columns) is columns
    assert list(columns.part(0, cut)) == log[:cut]
    assert list(columns.since(offset)) == [one for one in log if one.offset >= offset]
    assert list(RecordColumns.joined([RecordColumns.of(log[:cut]), RecordColumns.of(log[cut:])])) == log
    assert columns.value_bytes == sum(len(one.value or b"") for one in log)
