"""The case that comes next in the order of the queue. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from moderation.console.queue_entries import QueueEntry
from moderation.domain.cases.queue import claim_word


def free_cases(entries: Iterable[QueueEntry], person: str) -> list[str]:
    """Return the cases of a list that no other person holds, in the order of the list."""
    return [entry.id for entry in entries if entry.kind == "case" and claim_word(entry.claimed_by, person) != "others"]


def following(order: list[str], case: str) -> str:
    """Return the case after another one; "" after the last one and for one that is not in the list.

    >>> following(["a", "b"], "a"), following(["a", "b"], "b"), following(["a"], "c")
    ('b', '', '')
    """
    place = order.index(case) + 1 if case in order else len(order)
    return order[place] if place < len(order) else ""


def next_case(order: list[str], after: str, then: str) -> str:
    """Return the case to work on after another one; "" if none waits.

    Args:
        order: cases that the person can take, in the order of work.
        after: case that the person has finished; it is never the answer.
        then: case that followed it when it was opened; "" for none.

    >>> next_case(["a", "b", "c"], "b", "c"), next_case(["a", "b"], "b", "c"), next_case(["b"], "b", "")
    ('c', 'a', '')
    """
    others = [case for case in order if case != after]
    return then if then in others else others[0] if others else ""
