"""People who look at a case now, in the memory of the process that serves them.

A heartbeat is not recorded: it shows nothing that a person did, and is outdated within seconds. Another process of
the API has its own. A claim keeps work from being done twice; presence only shows colleagues to each other.
"""

from __future__ import annotations

from streams.policy.look_alikes import visual_form

PRESENCE_MS = 30_000
"""Life of a person's presence after the last heartbeat."""
MOST_CASES = 20_000
MOST_VIEWERS = 100
"""Bounds of the memory; beyond them the oldest presence is dropped."""


class Presence:
    """Last heartbeat by case and person. A person is present in as many cases as they have open."""

    def __init__(self) -> None:
        self._cases: dict[str, dict[str, tuple[int, str]]] = {}
        """Time and name by person; cases and people by last heartbeat, the oldest first."""

    def beat(self, case: str, actor: str, at_ms: int) -> None:
        """Note that an actor looks at a case."""
        people = self._cases.pop(case, {})
        people.pop(person := visual_form(actor), None)
        people[person] = at_ms, actor
        if len(people) > MOST_VIEWERS:
            del people[next(iter(people))]
        self._cases[case] = people
        self._expire(at_ms)

    def viewers(self, case: str, at_ms: int) -> list[str]:
        """Return the names of the people who look at a case at a time, in alphabetical order."""
        return sorted(name for last_ms, name in self._cases.get(case, {}).values() if at_ms < last_ms + PRESENCE_MS)

    def cases(self, at_ms: int) -> dict[str, list[str]]:
        """Return the viewers of all cases that have some at a time."""
        return {case: viewers for case in self._cases if (viewers := self.viewers(case, at_ms))}

    def _expire(self, at_ms: int) -> None:
        while self._cases:
            case, people = next(iter(self._cases.items()))
            newest_ms = max((last_ms for last_ms, _ in people.values()), default=0)
            if len(self._cases) <= MOST_CASES and at_ms < newest_ms + PRESENCE_MS:
                return
            del self._cases[case]
