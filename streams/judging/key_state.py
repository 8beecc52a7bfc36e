"""What a shard has said: settled rulings per key, early rulings laid over them, and how both are read back.

Settled rulings never depend on early ones: they equal the reference's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streams.log.decisions import Decision, Ruling

Scope = tuple[str, str]
"""(category, surface)"""


@dataclass(slots=True)
class KeyState:
    """Everything in force for one (hashtag, country)."""

    settled: dict[Scope, Ruling] = field(default_factory=dict)
    early: dict[Scope, Ruling] = field(default_factory=dict)
    """Provisional rulings; `since_ms` is the end of the newest pane that each counted."""
    barred: dict[Scope, Ruling] = field(default_factory=dict)
    """Withdrawn early rulings: no new one for a dwell."""
    decided_ms: int = -1
    """Recovered: ticks up to this one are already in `settled`."""
    said: str = ""
    """Recovered: the version up to which all has been said of the key."""

    @property
    def empty(self) -> bool:
        return not (self.settled or self.early or self.barred)

    def rulings(self) -> tuple[Ruling, ...]:
        """As one record carries them, in a fixed order."""
        parts = (self.settled, self.early, self.barred)
        return tuple(part[scope] for part in parts for scope in sorted(part))

    def adopt(self, decision: Decision) -> None:
        """Lay the early rulings that somebody else said of this key over what is in force, to be answered like ours."""
        for ruling in decision.rulings:
            if ruling.provisional and ruling.action != "clear":
                self.early.setdefault((ruling.category, ruling.surface), ruling)

    @classmethod
    def read_back(cls, decision: Decision) -> KeyState:
        """The state that a record tells."""
        state = cls(decided_ms=decision.settled_ms, said=decision.version)
        for ruling in decision.rulings:
            scope = (ruling.category, ruling.surface)
            if not ruling.provisional:
                state.settled[scope] = ruling
            elif ruling.action == "clear":
                state.barred[scope] = ruling
            else:
                state.early[scope] = ruling
        return state


def greatest(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """Of each (hashtag, country) the decision with the greatest version, never the last record."""
    best: dict[tuple[str, str], Decision] = {}
    for decision in decisions:
        key = (decision.hashtag, decision.country)
        known = best.get(key)
        if known is None or decision.version > known.version:
            best[key] = decision
    return iter(best.values())
