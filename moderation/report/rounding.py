"""Small counts are not told, and cannot be had by taking the others from the total, which is always known. Pure.

A count from 1 to one below the threshold is given as `<5`. Where the total would still tell a small count (it is the
only one of its group; or all of them must be 1, or all 4), the next smallest count is given as a range, the one that
the total leaves open. Where the other counts would narrow that down, it and the small ones get one label, such as
`<10`: any of them may then be any of the others. Whoever knows the total and these rules is left with at least two
numbers for every small count (a test tries all groups), unless there are as many counts as the total: then each is 1.
"""

from __future__ import annotations

from collections.abc import Mapping

THRESHOLD = 5
Count = int | str
_ROUND = tuple(digit * 10**power for power in range(1, 12) for digit in (1, 2, 5))


def one(count: int) -> Count:
    """A count on its own.

    >>> one(0), one(4), one(5)
    (0, '<5', 5)
    """
    return f"<{THRESHOLD}" if 0 < count < THRESHOLD else count


def rounded(counts: Mapping[str, int], *, rest: int = 0) -> dict[str, Count]:
    """The counts of a group, the greatest first; no small one can be had from the others and their total.

    Args:
        rest: what belongs to the total and is not told; it must not be had either.

    >>> rounded({"a": 700, "b": 3, "c": 2}), rounded({"a": 700, "b": 38, "c": 2}), rounded({"a": 9, "b": 0})
    ({'a': 700, 'b': '<5', 'c': '<5'}, {'a': 700, 'b': '36 to 39', 'c': '<5'}, {'a': 9, 'b': 0})
    """
    ordered: list[tuple[str | None, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if rest:
        ordered = [*ordered, (None, rest)]
    given = {name: one(count) for name, count in ordered}
    small = [count for _, count in ordered if 0 < count < THRESHOLD]
    others = sorted(count for _, count in ordered if count >= THRESHOLD)
    least, most = len(small), len(small) * (THRESHOLD - 1)
    if small and sum(small) + sum(others) >= THRESHOLD and (len(small) == 1 or sum(small) in (least, most)):
        blurred = others[0] if others else 0
        left = sum(small) + blurred
        if others and left - most >= THRESHOLD and (len(others) == 1 or left - least < others[1]):
            told = f"{left - most:,} to {left - least:,}"
            given |= {name: told for name, count in ordered if count == blurred}
        else:
            bound = next(round_ for round_ in _ROUND if round_ > max(blurred, THRESHOLD))
            given |= {name: f"<{bound:,}" for name, count in ordered if 0 < count <= max(blurred, THRESHOLD - 1)}
    return {name: count for name, count in given.items() if name is not None}


def split(whole: Count, counts: Mapping[str, int], *, rest: int = 0) -> dict[str, Count]:
    """The parts of a count that is told as `whole`: they tell no more of it than that does.

    >>> split(60, {"a": 57, "b": 3}), split("36 to 39", {"a": 38}), split("36 to 39", {"a": 30, "b": 8})
    ({'a': '56 to 59', 'b': '<5'}, {'a': '36 to 39'}, {'a': '<50', 'b': '<50'})
    """
    if isinstance(whole, int):
        return rounded(counts, rest=rest)
    parts = sorted((name for name, count in counts.items() if count), key=lambda name: (-counts[name], name))
    if whole.startswith("<") or (len(parts) == 1 and not rest):
        return dict.fromkeys(parts, whole)
    most = int(whole.rpartition(" to ")[2].replace(",", ""))
    return dict.fromkeys(parts, f"<{next(round_ for round_ in _ROUND if round_ > most):,}")


def number(count: Count) -> float:
    """A published count as the length of a bar.

    >>> number(7), number("<5"), number("1,036 to 1,039")
    (7.0, 2.5, 1037.5)
    """
    if isinstance(count, int):
        return float(count)
    if count.startswith("<"):
        return int(count[1:].replace(",", "")) / 2
    least, most = (int(part.replace(",", "")) for part in count.split(" to "))
    return (least + most) / 2
