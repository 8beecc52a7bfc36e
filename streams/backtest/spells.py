"""Spells of actions on tags, recorded from the changes that a backtest reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.actions import HIDING, WEIGHING
from streams.judging.key_state import Scope
from streams.log.decisions import NOT_ASSESSED, ScopeDecision


@dataclass(frozen=True, slots=True)
class Spell:
    """One action on one tag in one scope, half-open: [from_ms, to_ms)."""

    from_ms: int
    to_ms: int
    """End of the evidence where the action was still in force."""
    decision: ScopeDecision
    """The decision that began it, with evidence and reasons."""

    @property
    def action(self) -> str:
        """Action of the decision that began the spell; `NOT_ASSESSED` for a review whose texts were not read."""
        return NOT_ASSESSED if self.decision.valve == NOT_ASSESSED else self.decision.action

    @property
    def hides(self) -> bool:
        """Whether the action hides the hashtag."""
        return self.decision.action in HIDING

    @property
    def discounts(self) -> bool:
        """Whether the action ranks the hashtag by its established authors alone."""
        return self.decision.action in WEIGHING

    @property
    def minutes(self) -> float:
        """Length of the spell in minutes."""
        return (self.to_ms - self.from_ms) / 60_000


@dataclass(slots=True)
class SpellRecorder:
    """Recorder of spells by (key, scope)."""

    done: dict[tuple[int, Scope], list[Spell]] = field(default_factory=dict)
    _open: dict[tuple[int, Scope], ScopeDecision] = field(default_factory=dict)

    def record(self, tick_ms: int, key: int, decisions: Mapping[Scope, ScopeDecision]) -> None:
        """Record a change of a key's decisions."""
        for scope, decision in decisions.items():
            before = self._open.get((key, scope))
            if before is not None and (before.action, before.since_ms) == (decision.action, decision.since_ms):
                continue
            self._close(key, scope, tick_ms)
            if decision.action != "clear":
                self._open[key, scope] = decision
        for place in [place for place in self._open if place[0] == key and place[1] not in decisions]:
            self._close(*place, tick_ms)

    def _close(self, key: int, scope: Scope, tick_ms: int) -> None:
        decision = self._open.pop((key, scope), None)
        if decision is not None:
            self.done.setdefault((key, scope), []).append(Spell(decision.since_ms, tick_ms, decision))

    def standing(self, end_ms: int) -> dict[tuple[int, Scope], list[Spell]]:
        """Return the spells that have not ended, as if they ended at `end_ms`."""
        return {at: [Spell(decision.since_ms, end_ms, decision)] for at, decision in self._open.items()}

    def until(self, end_ms: int) -> dict[tuple[int, Scope], list[Spell]]:
        """Return all spells of evidence that ends at `end_ms`; more may be recorded later."""
        standing = self.standing(end_ms)
        return {at: [*self.done.get(at, ()), *standing.get(at, ())] for at in {**self.done, **standing}}

    def forget(self, before_ms: int) -> None:
        """Drop the spells that ended by `before_ms`."""
        kept = {at: [spell for spell in spells if spell.to_ms > before_ms] for at, spells in self.done.items()}
        self.done = {at: spells for at, spells in kept.items() if spells}

    def all_keys(self) -> set[int]:
        """Return the keys with any spell."""
        return {key for key, _ in (*self.done, *self._open)}
