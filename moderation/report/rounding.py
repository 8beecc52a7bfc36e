"""Small counts are rounded, so that nobody is found by being the only one. Pure.

A count from 1 to one below the threshold is given as `<5`. Where a group has one such cell alone, it could be had by
taking the others from the total: the next smallest is then given to the nearest ten.
"""

from __future__ import annotations

from collections.abc import Mapping

THRESHOLD = 5
Count = int | str


def one(count: int) -> Count:
    """A count on its own.

    >>> one(0), one(4), one(5)
    (0, '<5', 5)
    """
    return f"<{THRESHOLD}" if 0 < count < THRESHOLD else count


def rounded(counts: Mapping[str, int]) -> dict[str, Count]:
    """The counts of a group, the greatest first; no small one can be had from the others.

    >>> rounded({"a": 700, "b": 3, "c": 2}), rounded({"a": 700, "b": 38, "c": 2}), rounded({"a": 9, "b": 0})
    ({'a': 700, 'b': '<5', 'c': '<5'}, {'a': 700, 'b': 'about 40', 'c': '<5'}, {'a': 9, 'b': 0})
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    given: dict[str, Count] = {name: one(count) for name, count in ordered}
    small = [name for name, count in ordered if 0 < count < THRESHOLD]
    others = [(count, name) for name, count in ordered if count >= THRESHOLD]
    if len(small) == 1 and others:
        count, name = min(others)
        given[name] = f"about {max(10, (count + 5) // 10 * 10)}"
    return given


def number(count: Count) -> float:
    """A published count as the length of a bar.

    >>> number(7), number("<5"), number("about 40")
    (7.0, 2.5, 40.0)
    """
    if isinstance(count, str):
        return THRESHOLD / 2 if count.startswith("<") else float(count.split()[-1])
    return float(count)
