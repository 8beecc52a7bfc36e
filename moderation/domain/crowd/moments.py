"""Moments of decisions about a hashtag, to be marked in its crowd. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from moderation.domain.appeals.items import BLIND_KINDS
from moderation.domain.cases.case import HashtagCase
from moderation.domain.restrictions.restriction import Restriction
from streams.actions import ACTION_OF_VERB, ACTIONS, ROW_OF_MEASURE
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override

if TYPE_CHECKING:
    What = str
else:
    What = Literal[(*(row.moment for row in ROW_OF_MEASURE.values()), "sent_to_people", "shown", "undone")]


class Moment(NamedTuple):
    """Decision of the pipeline or of a person."""

    at_ms: int
    source: Literal["automated", "human"]
    what: What
    country: str
    """ISO 3166-1 alpha-2 code, or `*`."""
    surfaces: tuple[str, ...]
    actor: str
    """Person who decided; "" for the pipeline."""

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain JSON."""
        return self._asdict() | {"surfaces": list(self.surfaces)}


def moments_of(
    case: HashtagCase,
    restrictions: Iterable[Restriction],
    history: OverrideHistory,
    since_ms: int,
    until_ms: int,
) -> list[Moment]:
    """List the decisions about the hashtag of a case in a time, each once, oldest first.

    While a second look of the case is open, the result does not say whether the pipeline hid the hashtag.

    Args:
        case: the case.
        restrictions: automated ones, of any hashtag.
        history: decisions of people.
        since_ms: beginning of the time, inclusive.
        until_ms: end of the time, inclusive.
    """
    moments = {
        Moment(
            restriction.began_ms,
            "automated",
            ROW_OF_MEASURE[restriction.measure].moment,
            restriction.country,
            restriction.surfaces,
            "",
        )
        for restriction in restrictions
        if restriction.target == case.hashtag and restriction.source == "automated"
    }
    if case.look is not None and case.look.is_open:
        moments = {moment for moment in moments if moment.what != "hidden"}
    for item in (part.item for part in case.items if part.item.kind not in BLIND_KINDS):
        if item.kind == "review" and not item.by:
            moments.add(Moment(item.began_ms, "automated", "sent_to_people", item.country, item.surfaces, ""))
    for offset, record in history.history:
        if record.hashtag == case.hashtag and record.source == "human" and offset not in history.fold.stale:
            what = ACTIONS[ACTION_OF_VERB[record.action]].moment if isinstance(record, Override) else "undone"
            moments.add(Moment(record.at_ms, "human", what, record.country, tuple(record.surfaces), record.actor))
    return sorted(moment for moment in moments if since_ms <= moment.at_ms <= until_ms)
