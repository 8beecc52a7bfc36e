"""Differences of policies with long lists, which the API computes while others wait."""

from __future__ import annotations

from streams.policy.diff import _lists


class Counted(str):
    """Text that counts its comparisons."""

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


def test_names_of_long_lists_are_not_compared_pair_by_pair() -> None:
    names = [f"protected{number}" for number in range(2_000)]
    lines = _lists("never_suppress", map(Counted, names[1:]), map(Counted, names[:-1]))
    assert list(lines) == ["never_suppress: without protected1999", "never_suppress: with protected0"]
    assert 0 < Counted.compared < 10 * len(names)
