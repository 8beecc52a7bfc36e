"""Division of the items of a hashtag into cases. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from moderation.cases.case import CaseItem, HashtagCase
from moderation.cases.fold import CaseFold, CaseProgress
from moderation.cases.records import case_id
from moderation.review.items import BLIND_KINDS


@dataclass(slots=True)
class _Episode:
    """Items that belong to one case; of its second looks only one counts."""

    recorded: str | None = None
    """Id of the case in the records; None: no record names an item of it."""
    others: list[CaseItem] = field(default_factory=list)
    look: CaseItem | None = None
    others_closed_ms: int | None = 0
    """Time at which all items but the look were closed; None while one is open."""

    def is_over(self, at_ms: int) -> bool:
        """Return whether everything was closed before a time."""
        ends = (self.others_closed_ms, 0 if self.look is None else _closed_ms(self.look))
        return all(one is not None and one < at_ms for one in ends)

    def add(self, one: CaseItem, fold: CaseFold) -> None:
        """Add an item; of two second looks one is kept."""
        if one.item.kind in BLIND_KINDS:
            self.look = one if self.look is None else min(self.look, one, key=lambda look: _look_order(look, fold))
            return
        self.others.append(one)
        if self.others_closed_ms is not None:
            closed_ms = _closed_ms(one)
            self.others_closed_ms = None if closed_ms is None else max(self.others_closed_ms, closed_ms)


def episodes_of(items: Iterable[CaseItem], fold: CaseFold) -> list[HashtagCase]:
    """Divide the items of a hashtag into cases: a new one begins when all before are closed.

    Items that records name under one case stay in it.
    """
    found: list[_Episode] = []
    by_id: dict[str, _Episode] = {}
    for one in sorted(items, key=lambda one: (one.item.began_ms, one.item.country, one.item.id)):
        recorded = fold.case_of_item.get(one.item.id)
        last = found[-1] if found else None
        if recorded is not None and recorded in by_id:
            last = by_id[recorded]
        elif last is None or last.is_over(one.item.began_ms) or (recorded and last.recorded):
            last = _Episode()
            found.append(last)
        if recorded is not None:
            last.recorded = recorded
            by_id[recorded] = last
        last.add(one, fold)
    return [_case(one, fold) for one in found]


def _case(episode: _Episode, fold: CaseFold) -> HashtagCase:
    looks = [episode.look] if episode.look is not None else []
    items = (*episode.others, *looks)
    first = min((one.item for one in items), key=lambda item: item.began_ms)
    name = episode.recorded or case_id(first.hashtag, first.began_ms)
    progress = fold.cases.get(name) or CaseProgress(name, first.hashtag, first.began_ms)
    return HashtagCase(
        id=progress.id,
        hashtag=first.hashtag,
        display=(episode.others or looks)[-1].item.display,
        began_ms=progress.began_ms,
        items=items,
        progress=progress,
    )


def _closed_ms(one: CaseItem) -> int | None:
    """Return the time from which an item is closed; an answer may be older than the item."""
    return None if one.closed_ms is None else max(one.closed_ms, one.item.began_ms)


def _look_order(one: CaseItem, fold: CaseFold) -> tuple[bool, bool, int, str]:
    """Return the sort key of second looks: judged ones first, then those that a record names, then by beginning."""
    case = fold.case_of_item.get(one.item.id)
    judged = case is not None and one.item.id in fold.cases[case].looks
    return not judged, case is None, one.item.began_ms, one.item.id
