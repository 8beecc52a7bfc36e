"""Automated decisions, folded for cases and appeals and followed from the topic."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, Self

from moderation.domain.appeals.items import DEFAULT_SHARE, ReviewItem, is_not_assessed, items_of
from moderation.domain.restrictions.collection import decision_restrictions
from moderation.domain.restrictions.restriction import Restriction
from moderation.log.changes import ChangeMemory
from streams.actions import FLAGGING
from streams.log.decisions import Decision, decision_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS
from streams.settings import Settings

KEPT_MS = 7 * 86_400_000
"""Time after its end in which a restriction can still be reviewed and appealed against."""
_PRUNE_MS = 3_600_000


Outcome = Literal["assessed", "cooled", "lapsed"]
"""End of an item by a decision: it acts on the category by texts that were read, it asks no longer, or it has asked as
long as it may."""


@dataclass(slots=True)
class _ItemEnd:
    """Last decision with an item, and the first one after it that lacks the item; records come in any order."""

    present: str = ""
    """Greatest version of a decision with the item."""
    absent: str = ""
    """Least version above it of a decision without the item; "" for none."""
    absent_ms: int = 0
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """Outcomes by category in the decision without it, as in `_LastDecision`."""

    def note_present(self, version: str) -> None:
        if version > self.present:
            self.present = version
            if self.absent <= version:
                self.absent = ""

    def note_absent(self, last: _LastDecision) -> None:
        if last.version > self.present and (not self.absent or last.version < self.absent):
            self.absent, self.absent_ms, self.outcomes = last.version, last.at_ms, last.outcomes


class _LastDecision(NamedTuple):
    """Newest decision of a key, in short."""

    version: str = ""
    at_ms: int = 0
    items: frozenset[str] = frozenset()
    outcomes: Mapping[str, Outcome] = MappingProxyType({})
    """Outcome of a review that is over by category; without one it has `cooled`."""


class AutomatedFold:
    """Restrictions and items of the automated decisions; records may repeat and come in any order. Pure.

    Args:
        share: share of suppressions to sample, in [0, 1].
        secret: makes the sample unpredictable.
    """

    def __init__(self, *, share: float = DEFAULT_SHARE, secret: bytes = b"") -> None:
        self.latest: dict[tuple[str, str], Decision] = {}
        """Latest decision by (hashtag, country)."""
        self.restrictions: dict[str, Restriction] = {}
        """Restrictions by reference, each as last renewed."""
        self.items: dict[str, ReviewItem] = {}
        self.flagged: dict[str, int] = {}
        """End of the last automated flag, by hashtag; a hashtag with one is no control."""
        self.changes = ChangeMemory()
        """Hashtags in the order of their last change."""
        self._countries: dict[str, set[str]] = {}
        self._ends: dict[str, _ItemEnd] = {}
        self._last: dict[tuple[str, str], _LastDecision] = {}
        self._items_of_key: dict[tuple[str, str], set[str]] = {}
        self._versions: dict[str, str] = {}
        self._share = share
        self._secret = secret

    def apply(self, decision: Decision) -> None:
        """Apply one decision record."""
        key = decision.hashtag, decision.country
        self.changes.note(decision.hashtag)
        self._countries.setdefault(decision.hashtag, set()).add(decision.country)
        if key not in self.latest or self.latest[key].version < decision.version:
            self.latest[key] = decision
        for restriction in decision_restrictions(decision):
            if self._versions.get(restriction.reference, "") <= decision.version:
                self._versions[restriction.reference] = decision.version
                self.restrictions[restriction.reference] = restriction
        flags = [ruling.expires_at_ms for ruling in decision.rulings if ruling.action in FLAGGING]
        if flags:
            self.flagged[decision.hashtag] = max(*flags, self.flagged.get(decision.hashtag, 0))
        if not decision.provisional:
            self._apply_items(decision, key)

    def end_ms(self, item: ReviewItem) -> int:
        """Return the time at which an item ended or ends: its expiry, or the first decision without it."""
        end = self._ends.get(item.id)
        return item.ends_ms if end is None or not end.absent else min(item.ends_ms, end.absent_ms)

    def outcome(self, item: ReviewItem) -> Outcome | None:
        """Return the way in which a decision ended an item; None where none did."""
        end = self._ends.get(item.id)
        return None if end is None or not end.absent else end.outcomes.get(item.category, "cooled")

    def hashtags(self) -> Collection[str]:
        """Return the hashtags with a decision or an item."""
        return self._countries.keys()

    def items_of_tag(self, hashtag: str) -> Iterator[ReviewItem]:
        """Yield the items of one hashtag."""
        for country in self._countries.get(hashtag, ()):
            for name in self._items_of_key.get((hashtag, country), ()):
                yield self.items[name]

    def latest_of_tag(self, hashtag: str) -> Iterator[Decision]:
        """Yield the latest decision on a hashtag in each country."""
        for country in self._countries.get(hashtag, ()):
            if (decision := self.latest.get((hashtag, country))) is not None:
                yield decision

    def _apply_items(self, decision: Decision, key: tuple[str, str]) -> None:
        items = {item.id: item for item in items_of(decision, share=self._share, secret=self._secret)}
        names = self._items_of_key.setdefault(key, set())
        last = self._last.get(key, _LastDecision())
        new = _LastDecision(decision.version, decision.decided_at_ms, frozenset(items), _outcomes(decision))
        for item in items.values():
            if item.id not in self.items or item.ends_ms >= self.items[item.id].ends_ms:
                self.items[item.id] = item
            end = self._ends.setdefault(item.id, _ItemEnd())
            end.note_present(decision.version)
            if item.id not in names and item.id not in last.items:
                end.note_absent(last)
        for name in names - items.keys() if not decision.is_renewal else ():
            self._ends[name].note_absent(new)
        names.update(items)
        if decision.version > last.version and not decision.is_renewal:
            self._last[key] = new

    def prune(self, now_ms: int) -> None:
        """Remove everything that ended more than `KEPT_MS` ago."""
        before = now_ms - KEPT_MS
        for reference, restriction in [pair for pair in self.restrictions.items() if pair[1].ends_ms < before]:
            del self.restrictions[reference], self._versions[reference]
            self.changes.note(restriction.target)
        for item in [item for item in self.items.values() if item.ends_ms < before]:
            del self.items[item.id]
            self._ends.pop(item.id, None)
            self.changes.note(item.hashtag)
        for key in [key for key, decision in self.latest.items() if decision.decided_at_ms < before]:
            del self.latest[key]
            self._last.pop(key, None)
            self.changes.note(key[0])
        for hashtag in [tag for tag, ends_ms in self.flagged.items() if ends_ms < before]:
            del self.flagged[hashtag]
            self.changes.note(hashtag)
        kept = {key: names & self.items.keys() for key, names in self._items_of_key.items()}
        self._items_of_key = {key: names for key, names in kept.items() if names}
        self._countries = {}
        for hashtag, country in (*self.latest, *self._items_of_key):
            self._countries.setdefault(hashtag, set()).add(country)


def _outcomes(decision: Decision) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {ruling.category: "lapsed" for ruling in decision.rulings if ruling.lapsed}
    acting = (
        ruling.category for ruling in decision.rulings if ruling.action != "clear" and not is_not_assessed(ruling)
    )
    return outcomes | dict.fromkeys(acting, "assessed")


class AutomatedSource(Protocol):
    """Provider of the folded automated decisions."""

    async def refresh(self, now_ms: int) -> AutomatedFold:
        """Read to the present end and return the fold."""


class DecisionsFollower:
    """`AutomatedFold` kept up to date from Kafka: an async context manager that raises the errors of `LogReader`."""

    def __init__(self, settings: Settings, *, share: float = DEFAULT_SHARE) -> None:
        secret = settings.hash_key.get_secret_value().encode()
        self._fold = AutomatedFold(share=share, secret=secret)
        self._reader = LogReader(connection(settings), settings.topic(DECISIONS))
        self._next_offsets: dict[int, int | None] = {}
        self._pruned_at_ms = 0
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        self._next_offsets = dict.fromkeys(self._reader.partitions, None)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._reader.__aexit__(None, None, None)

    async def refresh(self, now_ms: int) -> AutomatedFold:
        """Read on to the present end and return the fold."""
        async with self._lock:
            async for batch in self._reader.to_end(self._next_offsets):
                for record in batch:
                    self._apply(record.value)
                self._next_offsets[batch[-1].partition] = batch[-1].offset + 1
            if now_ms - self._pruned_at_ms > _PRUNE_MS:
                self._pruned_at_ms = now_ms
                self._fold.prune(now_ms)
        return self._fold

    def _apply(self, value: bytes | None) -> None:
        if value is not None and b'"kind":"decision"' in value and (decision := decision_in(value)) is not None:
            self._fold.apply(decision)
