"""The queue of all people, kept: it costs what has changed, and renders each changed row once.

`follow` reads on. `listing` then gives one person's list: the shared list of a filter, without the few cases that do
not wait for this person, and with those hidden that the person reviews blind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from moderation.access.services import Services
from moderation.console.queue_entries import QueueEntry, entry_of_case, entry_of_order
from moderation.console.queue_filter import QueueFilter
from moderation.domain.cases.answers import ClosedHow
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.queue import is_waiting
from moderation.domain.cases.records import COMMON_TEAM
from moderation.domain.cases.view import case_view
from streams.constants import MINUTE_MS
from streams.orders.order import open_orders
from streams.policy.look_alikes import visual_form

GONE_MS = 15 * MINUTE_MS
"""Time in which a row that no longer waits is still sent, greyed, to pages that show it."""
MOST_GONE = 200
_CLOSED: Mapping[ClosedHow, str] = {
    "hide": "kept hidden by {by}",
    "show": "shown again by {by}",
    "leave": "left as it is by {by}",
    "uphold": "decision upheld by {by}",
    "overturn": "decision overturned by {by}",
    "second_look": "the second look is done",
    "lapsed": "the hold has lapsed",
    "assessed": "enough of it is read now: the policy decides",
    "cooled": "it has cooled down, or what is read is harmless",
    "ended": "it no longer waits",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Person who looks at the queue."""

    person: str
    cases: bool
    """Whether the person may decide on cases."""
    orders: bool
    """Whether the person may see legal orders."""


@dataclass(frozen=True, slots=True)
class QueueListing:
    """List of one person, in the order of work."""

    entries: list[QueueEntry]
    gone: list[QueueEntry]
    """Entries that no longer wait, the newest last."""


class QueueBoard:
    """Entries of all open cases and orders.

    Args:
        services: services of the API.
        clock: present time, Unix time in ms.
    """

    def __init__(self, services: Services, *, clock: Callable[[], int] | None = None) -> None:
        self._services = services
        self._clock = clock or services.moderation.now_ms
        self.has_read = False
        self._sequence = 0
        self._cases: dict[str, HashtagCase] = {}
        self._entries: dict[str, QueueEntry] = {}
        self._orders: dict[str, QueueEntry] = {}
        self._gone: dict[str, tuple[int, QueueEntry]] = {}
        self._touched: set[str] = set()
        """Open cases that a person has skipped, or that have a second look."""
        self._moving: set[str] = set()
        """Cases whose claim or viewers may change without a record."""
        self._moved: dict[str, int] = {}
        """Times at which cases went to another team."""
        self._shared: dict[tuple[QueueFilter, bool, bool], list[QueueEntry]] = {}
        self._personal: dict[str, dict[str, QueueEntry | None]] = {}

    async def follow(self) -> None:
        """Read on to the present ends.

        Raises:
            DependencyAway: Kafka does not answer.
        """
        log = self._services.cases.log
        sequence, changed = await log.changed_since(self._sequence)
        cases = dict(log.cases)
        self._sequence = max(self._sequence, sequence)
        self.has_read = True
        at_ms = self._clock()
        present = self._services.presence.cases(at_ms)
        fresh = {*changed, *self._moving, *present}
        for case in fresh:
            self._apply(case, cases.get(case), log, present.get(case, ()), at_ms)
        self._cases = cases
        self._moving = {case for case in fresh if case in present or self._is_claimed(case)}
        running = open_orders(self._services.orders.fold.by_id.values())
        orders = {order.id: entry_of_order(order, COMMON_TEAM, at_ms) for order in running}
        if orders != self._orders:
            self._orders = orders
            self._shared.clear()
        self._personal.clear()
        for case, (gone_ms, _) in [*self._gone.items()]:
            if gone_ms + GONE_MS < at_ms or len(self._gone) > MOST_GONE:
                del self._gone[case]
        for case, moved_ms in [*self._moved.items()]:
            if moved_ms + GONE_MS < at_ms or len(self._moved) > MOST_GONE:
                del self._moved[case]

    def listing(self, filters: QueueFilter, viewer: Viewer) -> QueueListing:
        """Return the list of a person under a filter."""
        personal = self._differences(viewer.person)
        entries = [
            entry
            for entry in self._shared_list(filters.shared, viewer)
            if entry.id not in personal and filters.selects_claim(entry, viewer.person)
        ]
        hidden = [entry for entry in personal.values() if entry is not None and not entry.gone]
        if viewer.cases and hidden:
            entries += [
                entry for entry in hidden if filters.selects(entry) and filters.selects_claim(entry, viewer.person)
            ]
            entries.sort(key=lambda entry: entry.place)
        return QueueListing(entries, [*self._gone_for(filters, viewer)] if viewer.cases else [])

    def teams(self) -> list[str]:
        """Return the teams with open cases, and the common one first."""
        return [COMMON_TEAM, *sorted({entry.team for entry in self._entries.values()} - {COMMON_TEAM})]

    def entries(self, cases: Iterable[str], viewer: Viewer) -> list[QueueEntry]:
        """Return the open entries of some cases as a person may see them; others are left out."""
        personal = self._differences(viewer.person)
        entries = (personal.get(case) or self._entries.get(case) for case in cases)
        return [entry for entry in entries if entry is not None and not entry.gone]

    def owes_first_answer(self, name: str, person: str) -> bool:
        """Return whether a person must give a first answer on a case before deciding."""
        case = self._cases.get(name)
        return case is not None and self._services.cases.log.owes_first_answer(case, person)

    def named(self, start: str, most: int) -> list[HashtagCase]:
        """Return cases whose normalised hashtag begins with a text: open and new ones first, one for each hashtag."""
        by_hashtag: dict[str, HashtagCase] = {}
        for case in self._cases.values():
            if case.hashtag.startswith(start):
                earlier = by_hashtag.get(case.hashtag)
                if earlier is None or (earlier.is_open, earlier.began_ms) < (case.is_open, case.began_ms):
                    by_hashtag[case.hashtag] = case
        ordered = sorted(by_hashtag.values(), key=lambda case: (case.hashtag != start, not case.is_open, case.hashtag))
        return [*islice(ordered, most)]

    def _apply(self, name: str, case: HashtagCase | None, log: CaseLog, viewers: Iterable[str], at_ms: int) -> None:
        before = self._entries.get(name)
        if case is None or not case.is_open:
            if before is not None:
                del self._entries[name]
                self._touched.discard(name)
                words = _closing(case, before, log)
                self._gone[name] = at_ms, replace(before, gone=words, viewers=(), claimed_by="", effect="")
                self._shared.clear()
            return
        entry = entry_of_case(case, case_view(case, log, ""), [*viewers])
        if case.progress.skipped or case.look is not None:
            self._touched.add(name)
        self._gone.pop(name, None)
        if before is not None and before.team != entry.team:
            self._moved[name] = at_ms
        if entry != before:
            self._entries[name] = entry
            self._shared.clear()

    def _is_claimed(self, name: str) -> bool:
        entry = self._entries.get(name)
        return entry is not None and bool(entry.claimed_by)

    def _shared_list(self, filters: QueueFilter, viewer: Viewer) -> list[QueueEntry]:
        key = filters, viewer.cases, viewer.orders
        if (entries := self._shared.get(key)) is None:
            if len(self._shared) > 200:
                self._shared.clear()
            every = [*self._entries.values()] if viewer.cases else []
            every += self._orders.values() if viewer.orders else ()
            entries = sorted((entry for entry in every if filters.selects(entry)), key=lambda entry: entry.place)
            self._shared[key] = entries
        return entries

    def _differences(self, person: str) -> dict[str, QueueEntry | None]:
        """Return the cases that a person sees otherwise than most: None for one that does not wait for the person."""
        if (kept := self._personal.get(person)) is not None:
            return kept
        log, at_ms = self._services.cases.log, self._clock()
        differences: dict[str, QueueEntry | None] = {}
        skipper = visual_form(person)
        for name in self._touched:
            case = self._cases.get(name)
            if case is None or not case.is_open:
                continue
            if not is_waiting(case, person, case.progress.team, at_ms):
                skip = case.progress.skipped.get(skipper)
                late = skip is None or skip.at_ms + GONE_MS < at_ms
                differences[name] = None if late else replace(self._entries[name], gone="you skipped it", viewers=())
        if hidden_tags := log.hidden_hashtags(person):
            for name, entry in self._entries.items():
                case = self._cases.get(name)  # a case may be gone before the next `follow` hears of it
                if case is not None and entry.hashtag in hidden_tags and name not in differences:
                    differences[name] = entry_of_case(case, case_view(case, log, person), entry.viewers)
        self._personal[person] = differences
        return differences

    def _gone_for(self, filters: QueueFilter, viewer: Viewer) -> Iterator[QueueEntry]:
        hidden_tags = self._services.cases.log.hidden_hashtags(viewer.person)
        for _, entry in self._gone.values():
            shown = _nothing_of(entry) if entry.hashtag in hidden_tags else entry
            if filters.selects(shown):
                yield shown
        for name in self._moved:
            moved = self._entries.get(name)
            if moved is None or moved.team == filters.team:
                continue
            handed = replace(moved, gone=f"handed to {moved.team}", viewers=())
            shown = _nothing_of(handed) if moved.hashtag in hidden_tags else handed
            if filters.selects(shown, any_team=True):
                yield shown
        for skipped in self._differences(viewer.person).values():
            if skipped is not None and skipped.gone and filters.selects(skipped):
                yield skipped


def _nothing_of(entry: QueueEntry) -> QueueEntry:
    """Return an entry that no longer waits as a person sees it who reviews its hashtag blind."""
    return QueueEntry(
        id=entry.id,
        kind=entry.kind,
        display=entry.display,
        hashtag=entry.hashtag,
        family=entry.family,
        why=("second_look",),
        team=entry.team,
        hidden=True,
        gone="it no longer waits",
    )


def _closing(case: HashtagCase | None, before: QueueEntry, log: CaseLog) -> str:
    """Say why a case no longer waits, without the verdicts of a second look."""
    closing = log.closing(case) if case is not None else None
    if before.hidden:
        return "the second look is done"
    return "it no longer waits" if closing is None else _CLOSED[closing.how].format(by=closing.by)
