"""Lines of bytes found and gathered by compiled passes, against `split`."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.block_counts import lines_of
from streams.counting.kernels.lines import gather_lines

texts = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"\x8a")), max_size=20)


@given(texts, st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"\x0b")), st.randoms())
def test_lines_equal_those_of_split(written, rest, rng) -> None:
    """A line may be empty or a multiple of a word, and bytes after the last line break belong to no line."""
    lines = lines_of(bytearray(b"".join([line + b"\n" for line in written]) + rest), len(written))
    found = [lines.text[first:end].tobytes() for first, end in zip(lines.ends, lines.ends[1:], strict=False)]
    assert found == [line + b"\n" for line in written] and len(lines) == len(written)
    asked = rng.choices(range(len(written)), k=9) if written else []
    gathered = gather_lines(lines.text, lines.ends, np.array(asked, np.int64)).tobytes()
    assert gathered == b"".join([written[row] + b"\n" for row in asked])


def test_missing_lines_are_empty() -> None:
    assert lines_of(bytearray(b"a\nb"), 3).ends.tolist() == [0, 2, 2, 2]
