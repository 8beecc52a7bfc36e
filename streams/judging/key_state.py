"""State of one key: its settled decisions, early decisions laid over them, and its recovery from a decision record.

Settled decisions never depend on early ones: they equal the reference's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.actions import ACTIONS
from streams.log.decisions import Decision, ScopeDecision

Scope = tuple[str, str]
"""Scope of a decision: (category, surface)."""


@dataclass(slots=True)
class KeyState:
    """Everything in force for one (hashtag, country)."""

    settled: dict[Scope, ScopeDecision] = field(default_factory=dict)
    early: dict[Scope, ScopeDecision] = field(default_factory=dict)
    """Provisional decisions; `since_ms` is the end of the newest pane that each counted."""
    barred: dict[Scope, ScopeDecision] = field(default_factory=dict)
    """Withdrawn early decisions: there is no new one for a dwell."""
    decided_ms: int = -1
    """Recovered: ticks up to this one are already in `settled`."""
    published: str = ""
    """Recovered: the greatest version that was published for the key."""

    @property
    def empty(self) -> bool:
        """Return whether nothing is in force or barred, so that the key may be dropped."""
        return not (self.settled or self.early or self.barred)

    def rulings(self) -> tuple[ScopeDecision, ...]:
        """Return the decisions as one record carries them, in a fixed order."""
        parts = (self.settled, self.early, self.barred)
        return tuple(part[scope] for part in parts for scope in sorted(part))

    @classmethod
    def read_back(cls, decision: Decision) -> KeyState:
        """Recover the state from a record; an action of a later version is none here, and ends when it expires."""
        state = cls(decided_ms=decision.settled_ms, published=decision.version)
        for ruling in decision.rulings:
            scope = (ruling.category, ruling.surface)
            if ruling.action not in ACTIONS:
                continue
            if not ruling.provisional:
                state.settled[scope] = ruling
            elif ruling.action == "clear":
                state.barred[scope] = ruling
            else:
                state.early[scope] = ruling
        return state


def greatest(decisions: Iterable[Decision]) -> dict[tuple[str, str], Decision]:
    """Return the decision with the greatest version by (hashtag, country); the last record may not be it."""
    best: dict[tuple[str, str], Decision] = {}
    for decision in decisions:
        key = (decision.hashtag, decision.country)
        best[key] = max(best.get(key, decision), decision, key=lambda item: item.version)
    return best
