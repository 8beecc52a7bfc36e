"""Lines of bytes against `split`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.counting.block_counts import lines_of

texts = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"\x8a")), max_size=20)


@given(texts, st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"\x0b")))
def test_lines_equal_those_of_split(written, rest) -> None:
    """A line may be empty or a multiple of a word, and bytes after the last line break belong to no line."""
    lines = lines_of(bytearray(b"".join([line + b"\n" for line in written]) + rest))
    found = [lines.text[first:end].tobytes() for first, end in zip(lines.ends, lines.ends[1:], strict=False)]
    assert found == [line + b"\n" for line in written] and len(lines) == len(written)
