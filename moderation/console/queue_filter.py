"""Filters of the queue, as the address of the page holds them. Pure but for requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query
from hushtag_client.normalise import normalise

from moderation.console.queue_entries import QueueEntry
from moderation.domain.cases.queue import Claimed, claim_word
from moderation.domain.cases.records import COMMON_TEAM

CLAIMED: dict[Claimed, str] = {"free": "free", "mine": "mine", "others": "other people's"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Filters of the queue; "" selects all."""

    team: str = COMMON_TEAM
    why: str = ""
    country: str = ""
    category: str = ""
    language: str = ""
    claimed: str = ""
    q: str = ""
    """Part of the hashtag."""

    @property
    def query(self) -> str:
        """The filters as a query string, without those that select all."""
        kept = {name: value for name, value in asdict(self).items() if value}
        return urlencode({name: value for name, value in kept.items() if (name, value) != ("team", COMMON_TEAM)})

    @property
    def shared(self) -> QueueFilter:
        """The same filter without what depends on the person who reads."""
        return replace(self, claimed="")

    def selects(self, entry: QueueEntry, *, any_team: bool = False) -> bool:
        """Return whether the filter selects an entry, apart from its claim."""
        return (
            (any_team or entry.team == self.team)
            and (not self.why or self.why in entry.why)
            and (not self.country or self.country in entry.countries)
            and (not self.category or self.category in entry.categories)
            and (not self.language or any(self.language == unread.language for unread in entry.languages))
            and (not self.q or _normalised(self.q) in (entry.hashtag or _normalised(entry.display)))
        )

    def selects_claim(self, entry: QueueEntry, person: str) -> bool:
        """Return whether the filter selects an entry by its claim."""
        return not self.claimed or self.claimed == claim_word(entry.claimed_by, person)


@lru_cache(maxsize=1_000)
def _normalised(text: str) -> str:
    return normalise(text.lstrip("#＃"))


def queue_filter(
    team: Annotated[str, Query(max_length=40)] = COMMON_TEAM,
    why: Annotated[str, Query(max_length=20)] = "",
    country: Annotated[str, Query(max_length=2)] = "",
    category: Annotated[str, Query(max_length=80)] = "",
    language: Annotated[str, Query(max_length=20)] = "",
    claimed: Literal["", Claimed] = "",
    q: Annotated[str, Query(max_length=280)] = "",
) -> QueueFilter:
    """Return the filter of an address; a dependency of routes."""
    return QueueFilter(
        team=team or COMMON_TEAM,
        why=why,
        country=country.upper(),
        category=category,
        language=language,
        claimed=claimed,
        q=q.strip(),
    )


FilterQuery = Annotated[QueueFilter, Depends(queue_filter)]
