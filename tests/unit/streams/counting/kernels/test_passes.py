"""Compiled passes of ingest against one-line references."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.kernels.hashes import siphash
from streams.counting.kernels.lines import write_lines
from streams.counting.keys import Sharding
from tests.support import siphash as plain

WORDS = st.integers(0, 2**64 - 1)


@given(st.lists(WORDS, max_size=5), WORDS, WORDS)
def test_siphash_equals_the_plain_one(numbers: list[int], k0: int, k1: int) -> None:
    found = siphash(np.array(numbers, np.uint64), np.array([k0, k1], np.uint64))
    assert found.tolist() == [plain.siphash(number, k0, k1) for number in numbers]


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=9), max_size=9), st.integers(1, 4_096))
def test_shards_of_lines_equal_those_of_single_hashtags(names: list[str], shards: int) -> None:
    names = [name.encode("utf-8", "replace").decode() for name in names]
    found = Sharding(shards).of_lines("".join([f"{name}\n" for name in names]).encode())
    assert found.tolist() == [Sharding(shards).of(name) for name in names]


@given(st.binary(max_size=20), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=6))
def test_lines_are_parts_of_the_arena(data: bytes, ranges: list[tuple[int, int]]) -> None:
    pairs = [(min(a, b, len(data)), min(max(a, b), len(data))) for a, b in ranges]
    begins, ends = (np.array([pair[at] for pair in pairs], np.int64) for at in (0, 1))
    lines, places = write_lines(np.array(bytearray(data), np.uint8), begins, ends)
    assert lines.tobytes() == b"".join(data[a:b] + b"\n" for a, b in pairs)
    assert places.tolist() == [sum(b - a + 1 for a, b in pairs[:n]) for n in range(len(pairs) + 1)]
