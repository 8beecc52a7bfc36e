"""What orders and the registry say about authors, as intervals that a judge can apply to its windows. Pure.

    hidden     in a country (withheld there) or in `*` (suspended): the author's entries leave the windows of that scope
    protected  in `*`: the author's entries leave numerator and denominator of the harmful share, and count as before

A fact is an interval [from, to) of log time: it begins with the record that makes it so, and it ends with the record
that takes it back, or by itself where an interim decision runs out. Facts of several orders are kept apart, so that
ending one leaves the others. The fold is a function of the log alone: every judge that reads the same records has the
same facts at the same tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from hushtag_client.registers import ACCOUNT, WORLD

from streams.flags.measures import Key, Measures
from streams.log.moderation import OtherRecord
from streams.log.orders import Speaker, decode_case

What = Literal["hidden", "protected"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One interval. `to_ms` None: not ended yet."""

    author_id: int
    what: What
    scope: str
    """A country, or `*`: everywhere."""
    from_ms: int
    to_ms: int | None

    def holds(self, at_ms: int) -> bool:
        """Whether it is in force at a moment of log time."""
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)


class AccountFacts:
    """All facts. Records must come in the order of their offsets, each once."""

    def __init__(self) -> None:
        self._measures = Measures()
        self._ended: list[Fact] = []
        self._running: dict[Key, Fact] = {}
        self._last_ms = 0

    def apply(self, record: OtherRecord, offset: int, log_time_ms: int) -> list[Fact]:
        """Take a record of the moderation topic; give the facts that begin, and those that end now with their end.

        Log times that go back are taken as the latest before them, so that no fact ends before it began.

        Raises:
            ContractError: the record breaks the contract; it changes nothing.
        """
        said = decode_case(record)
        if said is None:
            return []
        at_ms = self._last_ms = max(self._last_ms, log_time_ms)
        if isinstance(said, Speaker):
            self._measures.apply(said, offset)
            return self._speaker(said, at_ms)
        changed: list[Fact] = []
        for change in self._measures.apply(said, offset):
            changed += self._end(change.key, at_ms)
            after = change.after
            if after is not None and after.surfaces == (ACCOUNT,):
                fact = Fact(int(after.target), "hidden", after.country, at_ms, after.expires_at_ms or None)
                if fact.to_ms is None or fact.to_ms > at_ms:
                    self._running[change.key] = fact
                    changed.append(fact)
        return changed

    def facts(self) -> Iterator[Fact]:
        """Every fact that ever was."""
        yield from self._ended
        yield from self._running.values()

    def forget(self, before_ms: int) -> None:
        """Drop what ended before a moment: no window reaches further back."""
        self._ended = [fact for fact in self._ended if fact.to_ms is None or fact.to_ms > before_ms]

    def _speaker(self, said: Speaker, at_ms: int) -> list[Fact]:
        key = f"speaker:{said.account}", 0
        if not said.removed and key in self._running:
            return []
        changed = self._end(key, at_ms)
        if not said.removed:
            self._running[key] = Fact(int(said.account), "protected", WORLD, at_ms, None)
            changed.append(self._running[key])
        return changed

    def _end(self, key: Key, at_ms: int) -> list[Fact]:
        fact = self._running.pop(key, None)
        if fact is None:
            return []
        ended = replace(fact, to_ms=at_ms if fact.to_ms is None else min(fact.to_ms, at_ms))
        if ended.to_ms != ended.from_ms:
            self._ended.append(ended)
        return [ended]


def authors(facts: Iterable[Fact], what: What, country: str, at_ms: int) -> frozenset[int]:
    """The authors of whom something holds for the windows of a country (`*`: the world's) at a moment.

    What holds in a country does not touch the world's windows, where other countries see the author.
    """
    return frozenset(
        fact.author_id for fact in facts if fact.what == what and fact.scope in (country, WORLD) and fact.holds(at_ms)
    )
