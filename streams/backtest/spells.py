"""What a walk said, as spells: from when to when which action stood on a tag, and what began it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.judging.key_state import Scope
from streams.log.decisions import HIDING, Ruling


@dataclass(frozen=True, slots=True)
class Spell:
    """One action on one tag in one scope, half-open: [from_ms, to_ms)."""

    from_ms: int
    to_ms: int
    """The end of the evidence, where it still stood then."""
    ruling: Ruling
    """As it began, with evidence and reasons."""

    @property
    def action(self) -> str:
        return self.ruling.action

    @property
    def hides(self) -> bool:
        return self.ruling.action in HIDING

    @property
    def minutes(self) -> float:
        return (self.to_ms - self.from_ms) / 60_000


@dataclass(slots=True)
class SpellBook:
    """Spells by (key, scope), written by a walk as it goes."""

    done: dict[tuple[int, Scope], list[Spell]] = field(default_factory=dict)
    _open: dict[tuple[int, Scope], Ruling] = field(default_factory=dict)

    def said(self, tick_ms: int, key: int, rulings: Mapping[Scope, Ruling]) -> None:
        """A key's rulings have changed."""
        for scope, ruling in rulings.items():
            before = self._open.get((key, scope))
            if before is not None and (before.action, before.since_ms) == (ruling.action, ruling.since_ms):
                continue
            self._close(key, scope, tick_ms)
            if ruling.action != "clear":
                self._open[key, scope] = ruling
        for known, scope in [one for one in self._open if one[0] == key and one[1] not in rulings]:
            self._close(known, scope, tick_ms)

    def _close(self, key: int, scope: Scope, tick_ms: int) -> None:
        ruling = self._open.pop((key, scope), None)
        if ruling is not None:
            self.done.setdefault((key, scope), []).append(Spell(ruling.since_ms, tick_ms, ruling))

    def standing(self, end_ms: int) -> dict[tuple[int, Scope], list[Spell]]:
        """What stands when the evidence ends: it has stood until then."""
        return {at: [Spell(ruling.since_ms, end_ms, ruling)] for at, ruling in self._open.items()}

    def until(self, end_ms: int) -> dict[tuple[int, Scope], list[Spell]]:
        """All spells of evidence that ends then; more may come."""
        standing = self.standing(end_ms)
        return {at: [*self.done.get(at, ()), *standing.get(at, ())] for at in {**self.done, **standing}}

    def forget(self, before_ms: int) -> None:
        """Drop the spells that ended by then."""
        kept = {at: [one for one in spells if one.to_ms > before_ms] for at, spells in self.done.items()}
        self.done = {at: spells for at, spells in kept.items() if spells}

    def known(self) -> set[int]:
        """Those of which anything is known."""
        return {key for key, _ in (*self.done, *self._open)}
