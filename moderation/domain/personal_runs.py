"""Long runs that people have begun, kept for a while in memory: a few of each person, so that all have room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

RUNS_MAX = 20
"""Runs that are kept; beyond it the oldest is forgotten."""
RUNS_EACH = 3
"""Runs that are kept of one person."""


class PersonalRun(Protocol):
    """Run of one person."""

    id: str
    owner: str
    unwanted: bool
    """Whether it should end, because no one waits for its result."""


Run = TypeVar("Run", bound=PersonalRun)


class PersonalRuns(Generic[Run]):
    """Runs by id, the oldest first."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Run] = OrderedDict()

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs.values())

    def add(self, run: Run) -> None:
        """Keep a new run; those that its owner began before are unwanted, and the oldest ones are forgotten."""
        own = [earlier for earlier in self if earlier.owner == run.owner]
        for earlier in own:
            earlier.unwanted = True
        for earlier in own[: -RUNS_EACH + 1]:
            del self._runs[earlier.id]
        self._runs[run.id] = run
        while len(self._runs) > RUNS_MAX:
            self._runs.popitem(last=False)[1].unwanted = True

    def find(self, run: str, owner: str) -> Run | None:
        """Return a person's run; None for an unknown one."""
        kept = self._runs.get(run)
        return kept if kept is not None and kept.owner == owner else None
