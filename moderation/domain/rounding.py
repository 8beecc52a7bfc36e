"""Hide small counts so that they cannot be computed from the other counts and their total, which is always known. Pure.

A count from 1 to THRESHOLD - 1 is published as `<5`. The total reveals a small count if it is the only one of its
group, or if all small ones must be 1, or all 4. Then the next smallest count becomes a range: the one that the total
leaves open. If the other counts narrow that range to one value, it and the small counts share a label, such as `<10`.
Every other count is exact: of two counts of 10, only one becomes a range.

A reader who knows the total and these rules is left with at least two values for every small count (a test tries all
groups). The exception is a total that equals the number of counts: then each count is 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

THRESHOLD = 5
Count = int | str
_ROUND = tuple(digit * 10**power for power in range(1, 12) for digit in (1, 2, 5))


def round_count(count: int) -> Count:
    """Round a count that belongs to no group.

    >>> round_count(0), round_count(4), round_count(5)
    (0, '<5', 5)
    """
    return f"<{THRESHOLD}" if 0 < count < THRESHOLD else count


def round_group(counts: Mapping[str, int], *, rest: int = 0) -> dict[str, Count]:
    """Round the counts of a group, the greatest first, so that the total reveals no small count.

    Args:
        counts: exact count by name.
        rest: a count that belongs to the total and is not published; it must not be revealed either.

    >>> round_group({"a": 700, "b": 3, "c": 2}), round_group({"a": 700, "b": 38, "c": 2}), round_group({"a": 9, "b": 0})
    ({'a': 700, 'b': '<5', 'c': '<5'}, {'a': 700, 'b': '36 to 39', 'c': '<5'}, {'a': 9, 'b': 0})
    """
    ordered: list[tuple[str | None, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if rest:
        ordered = [*ordered, (None, rest)]
    rounded = {name: round_count(count) for name, count in ordered}
    small = [count for _, count in ordered if 0 < count < THRESHOLD]
    others = sorted((item for item in ordered[::-1] if item[1] >= THRESHOLD), key=lambda item: item[1])
    total, least, most = sum(count for _, count in ordered), len(small), len(small) * (THRESHOLD - 1)
    if small and total >= THRESHOLD and (len(small) == 1 or sum(small) in (least, most)):
        span = _span(sum(small), least, most, others) if others else None
        if span is not None:
            rounded[others[0][0]] = f"{span[0]:,} to {span[1]:,}"
        else:
            greatest = others[_hidden_with(sum(small), most, others)][1] if others else 0
            bound = next(round_ for round_ in _ROUND if round_ > max(greatest, THRESHOLD))
            rounded |= {name: f"<{bound:,}" for name, count in ordered if 0 < count <= max(greatest, THRESHOLD - 1)}
    return {name: count for name, count in rounded.items() if name is not None}


def _span(small: int, least: int, most: int, others: Sequence[tuple[str | None, int]]) -> tuple[int, int] | None:
    """Return the range of the smallest other count that the total leaves open; None if it leaves one value.

    The reader knows that it is the smallest: the next one bounds the range.
    """
    blurred = others[0][1]
    low, high = small + blurred - most, small + blurred - least
    if len(others) > 1:
        next_name, next_count = others[1]
        if least > 1 and high >= next_count:
            return None
        high = min(high, next_count if str(others[0][0]) > str(next_name) else next_count - 1)
    return (low, high) if low >= THRESHOLD and low < high and blurred <= high else None


def _hidden_with(small: int, most: int, others: Sequence[tuple[str | None, int]]) -> int:
    """Return the place of the greatest count that shares the label of the small ones."""
    return int(len(others) > 1 and most < THRESHOLD and small + others[0][1] - most >= THRESHOLD)


def round_parts(whole: Count, counts: Mapping[str, int], *, rest: int = 0) -> dict[str, Count]:
    """Round the parts of a count that is published as `whole`, so that they reveal no more of it.

    >>> round_parts(60, {"a": 57, "b": 3}), round_parts("36 to 39", {"a": 30, "b": 8})
    ({'a': '56 to 59', 'b': '<5'}, {'a': '<50', 'b': '<50'})
    """
    if isinstance(whole, int):
        return round_group(counts, rest=rest)
    parts = sorted((name for name, count in counts.items() if count), key=lambda name: (-counts[name], name))
    if whole.startswith("<") or (len(parts) == 1 and not rest):
        return dict.fromkeys(parts, whole)
    most = int(whole.rpartition(" to ")[2].replace(",", ""))
    return dict.fromkeys(parts, f"<{next(round_ for round_ in _ROUND if round_ > most):,}")


def bar_length(count: Count) -> float:
    """Convert a published count to the length of a bar.

    >>> bar_length(7), bar_length("<5"), bar_length("1,036 to 1,039")
    (7.0, 2.5, 1037.5)
    """
    if isinstance(count, int):
        return float(count)
    if count.startswith("<"):
        return int(count[1:].replace(",", "")) / 2
    least, most = (int(part.replace(",", "")) for part in count.split(" to "))
    return (least + most) / 2
