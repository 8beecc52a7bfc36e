"""Entries of the queue: what a row shows of a case or of a legal order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from moderation.domain.cases.answers import CaseRowAnswer, UnreadLanguageAnswer
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.work_order import OTHER, WorkPlace, order_place, work_order
from moderation.wording import counted, listed
from streams.orders.order import Order
from streams.policy.look_alikes import skeleton

_EFFECTS = {
    "hold": "hidden",
    "appeal": "appealed",
    "contested": "ranked lower",
    "not_assessed": "still shown",
    "review": "still shown",
    "paused": "still shown",
}
"""Effect of an item on the hashtag, by its kind; of a case, the first kind in this list counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """Row of the queue. It holds no number of the machine: only counts of tweets, and times."""

    id: str
    kind: Literal["case", "order"]
    display: str
    """Hashtag as written, or the authority of an order."""
    hashtag: str = ""
    family: str = ""
    """Skeleton of the hashtag, equal for look-alikes."""
    countries: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    effect: str = ""
    """Present state of the hashtag and its surfaces, in words."""
    categories: tuple[str, ...] = ()
    languages: tuple[UnreadLanguageAnswer, ...] = ()
    """Languages that the model does not read, of many sampled authors."""
    ends_ms: int | None = None
    """Lapse of the hold, or the deadline of the order."""
    began_ms: int = 0
    reach: int | None = None
    """Tweets in the window that decided; None where it is not shown."""
    size: str = ""
    """Size of an order, in words."""
    team: str = ""
    claimed_by: str = ""
    viewers: tuple[str, ...] = ()
    version: str = ""
    hidden: bool = False
    place: WorkPlace = (OTHER, 0, 0, "")
    gone: str = ""
    """Why it no longer waits, in words; "" while it does."""

    @property
    def href(self) -> str:
        """Address of its page."""
        return f"/console/{self.kind}s/{self.id}"


def entry_of_case(case: HashtagCase, shown: CaseRowAnswer, viewers: Sequence[str]) -> QueueEntry:
    """Build the entry of a case from its answer to the reader (`case_view`)."""
    return QueueEntry(
        id=case.id,
        kind="case",
        display=shown.display,
        hashtag=shown.hashtag,
        family=_family(shown.hashtag),
        countries=tuple(shown.countries),
        why=tuple(shown.why),
        effect=_effect(shown.why, shown.surfaces or ()),
        categories=tuple(shown.categories or ()),
        languages=tuple(shown.languages or ()),
        ends_ms=shown.lapses_ms,
        began_ms=shown.began_ms or 0,
        reach=shown.reach,
        team=shown.team,
        claimed_by=shown.claimed_by or "",
        viewers=tuple(viewers),
        version=shown.version or "",
        hidden=shown.blinded,
        place=work_order(case, hidden=shown.blinded),
    )


def entry_of_order(order: Order, team: str, at_ms: int) -> QueueEntry:
    """Build the entry of an open legal order at a time."""
    return QueueEntry(
        id=order.id,
        kind="order",
        display=order.received.authority,
        countries=(order.received.country,),
        why=("order",),
        effect=order.state.replace("_", " "),
        ends_ms=order.due_ms,
        began_ms=order.received.received_ms,
        size=counted(len(order.rows), "target"),
        team=team,
        claimed_by=order.assignee,
        place=order_place(order, at_ms),
    )


def _effect(why: Sequence[str], surfaces: Sequence[str]) -> str:
    words = next((_EFFECTS[kind] for kind in _EFFECTS if kind in why), "")
    return f"{words} on {listed(surfaces)}" if words and surfaces else words


@lru_cache(maxsize=20_000)
def _family(hashtag: str) -> str:
    return skeleton(hashtag)
