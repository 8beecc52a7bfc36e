"""A case: the items of one hashtag in one episode, with what people did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from moderation.domain.appeals.items import BLIND_KINDS, ItemKind, ReviewItem
from moderation.domain.cases.fold import CaseProgress, look_result
from moderation.domain.cases.records import MOST_COVERED, CoveredItem
from streams.errors import CallerMistake


@dataclass(frozen=True, slots=True)
class CaseItem:
    """Item of a case, and what of it is open."""

    item: ReviewItem
    closed_ms: int | None
    """Time at which the last part of it was closed; None while a part is open."""
    open_surfaces: tuple[str, ...] = ()
    """Surfaces on which no person has answered it; empty for appeals and second looks."""

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return self.closed_ms is None


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagCase:
    """Everything that waits for a person about one hashtag, since everything before was closed."""

    id: str
    hashtag: str
    display: str
    began_ms: int
    items: tuple[CaseItem, ...]
    """Items by beginning; a second look last."""
    progress: CaseProgress = field(repr=False)

    @property
    def open_items(self) -> list[CaseItem]:
        """Open items apart from the second look."""
        return [part for part in self.items if part.is_open and part.item.kind not in BLIND_KINDS]

    @property
    def look(self) -> CaseItem | None:
        """Second look of the case, if it is sampled."""
        return next((part for part in self.items if part.item.kind in BLIND_KINDS), None)

    @property
    def is_open(self) -> bool:
        """Whether an item waits for a person."""
        return any(part.is_open for part in self.items)

    @property
    def is_blind(self) -> bool:
        """Whether the second look is all that is open. It waits while the queue shows why the hashtag is there."""
        return self.look is not None and self.look.is_open and not self.open_items

    @property
    def kinds(self) -> tuple[ItemKind, ...]:
        """Reasons why it is in the queue; those of all items once it is closed."""
        return tuple(dict.fromkeys(part.item.kind for part in self.open_items or self.items))

    @property
    def reach(self) -> int:
        """Greatest number of tweets in a window that decided."""
        return max((part.item.reach for part in self.items), default=0)

    @property
    def lapses_ms(self) -> int | None:
        """End of the hold that ends first; None without an open hold."""
        return min((part.item.ends_ms for part in self.open_items if part.item.kind == "hold"), default=None)

    @property
    def appealed_ms(self) -> int | None:
        """Time of the oldest open appeal; None without one."""
        return min((part.item.began_ms for part in self.open_items if part.item.kind == "appeal"), default=None)

    def places(self, items: Sequence[CaseItem]) -> tuple[list[str], list[str], list[str]]:
        """List the countries, open surfaces and categories of some items."""
        countries = sorted({part.item.country for part in items})
        surfaces = sorted({surface for part in items for surface in part.open_surfaces or part.item.surfaces})
        return countries, surfaces, sorted({part.item.category for part in items} - {""})


def covered_items(
    case: HashtagCase, countries: Sequence[str] = (), surfaces: Sequence[str] = (), items: Sequence[str] = ()
) -> tuple[CoveredItem, ...]:
    """Select the open parts of a case that a decision covers; an empty filter selects all.

    Appeals and second looks have decisions of their own, and are never selected.

    Raises:
        CallerMistake: a filter selects nothing, or nothing is open.
    """
    undecided = [part for part in case.open_items if part.item.kind != "appeal"]
    if not undecided:
        fix = "hushtag appeal decide" if case.open_items else "hushtag cases list"
        raise CallerMistake(f"nothing of case {case.id} is open to a decision", fix=fix)
    places = case.places(undecided)
    for option, names, offered in (
        ("--country", countries, places[0]),
        ("--surface", surfaces, places[1]),
        ("--item", items, [part.item.id for part in undecided]),
    ):
        if unknown := [name for name in names if name not in offered]:
            raise CallerMistake(
                f"{unknown[0][:40]!r} is not open in case {case.id}", fix=f"{option} is one of {', '.join(offered)}"
            )
    chosen = [
        CoveredItem(part.item.id, part.item.country, kept)
        for part in undecided
        if (not countries or part.item.country in countries)
        and (not items or part.item.id in items)
        and (kept := tuple(s for s in part.open_surfaces if not surfaces or s in surfaces))
    ]
    if not chosen:
        raise CallerMistake(f"nothing open in case {case.id} matches all of these filters", fix="hushtag cases show")
    if len(chosen) > MOST_COVERED:
        raise CallerMistake(
            f"{len(chosen)} items are too many for one decision", fix=f"at most {MOST_COVERED}: --country"
        )
    return tuple(chosen)


def is_look_open(case: HashtagCase) -> bool:
    """Return whether reviewers still owe verdicts on the second look."""
    look = case.look
    return look is not None and look.is_open and look_result(case.progress.looks.get(look.item.id, ())) is None
