"""Division of the items of a hashtag into cases. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from moderation.domain.appeals.items import BLIND_KINDS
from moderation.domain.cases.case import CaseItem, HashtagCase
from moderation.domain.cases.fold import CaseFold, CaseProgress
from moderation.domain.cases.records import case_id


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
        return all(end_ms is not None and end_ms < at_ms for end_ms in ends)

    def add(self, part: CaseItem, fold: CaseFold) -> None:
        """Add an item; of two second looks one is kept."""
        if part.item.kind in BLIND_KINDS:
            self.look = part if self.look is None else min(self.look, part, key=lambda look: _look_order(look, fold))
            return
        self.others.append(part)
        if self.others_closed_ms is not None:
            closed_ms = _closed_ms(part)
            self.others_closed_ms = None if closed_ms is None else max(self.others_closed_ms, closed_ms)


def episodes_of(items: Iterable[CaseItem], fold: CaseFold) -> list[HashtagCase]:
    """Divide the items of a hashtag into cases: a new one begins when all before are closed.

    Items that records name under one case stay in it.
    """
    episodes: list[_Episode] = []
    by_id: dict[str, _Episode] = {}
    for part in sorted(items, key=lambda part: (part.item.began_ms, part.item.country, part.item.id)):
        recorded = fold.case_of_item.get(part.item.id)
        last = episodes[-1] if episodes else None
        if recorded is not None and recorded in by_id:
            last = by_id[recorded]
        elif last is None or last.is_over(part.item.began_ms) or (recorded and last.recorded):
            last = _Episode()
            episodes.append(last)
        if recorded is not None:
            last.recorded = recorded
            by_id[recorded] = last
        last.add(part, fold)
    return [_case(episode, fold) for episode in episodes]


def _case(episode: _Episode, fold: CaseFold) -> HashtagCase:
    looks = [episode.look] if episode.look is not None else []
    items = (*episode.others, *looks)
    first = min((part.item for part in items), key=lambda item: item.began_ms)
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


def _closed_ms(part: CaseItem) -> int | None:
    """Return the time from which an item is closed; an answer may be older than the item."""
    return None if part.closed_ms is None else max(part.closed_ms, part.item.began_ms)


def _look_order(part: CaseItem, fold: CaseFold) -> tuple[bool, bool, int, str]:
    """Return the sort key of second looks: judged ones first, then those that a record names, then by beginning."""
    case = fold.case_of_item.get(part.item.id)
    judged = case is not None and part.item.id in fold.cases[case].looks
    return not judged, case is None, part.item.began_ms, part.item.id
