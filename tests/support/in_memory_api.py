"""Everything behind the HTTP API, on a log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moderation.api.desks import Desks
from moderation.audit.chain import Chain, Heard, Source
from moderation.audit.words import Wanted, row_of
from moderation.orders.desk import OrdersDesk
from moderation.review.desk import ReviewDesk
from streams.clock import now_ms
from streams.explain.hashtag_report import Account
from streams.log.decisions import Decision
from tests.support.in_memory_log import Paper, PaperFollower, paper_desk


def paper_desks(paper: Paper, decisions: Sequence[Decision] = (), *, share: float = 1.0) -> Desks:
    """Everything behind the API, on paper."""
    desk = paper_desk(paper)
    follower = PaperFollower(decisions, share=share, secret=b"s")

    async def account(hashtag: str, country: str | None) -> tuple[Account, str]:
        await desk.refresh()
        return Account(hashtag, decisions, desk.view, None, now_ms(), country), ""

    async def audit(wanted: Wanted, first: int, most: int) -> tuple[list[dict[str, Any]], int | None]:
        heard = [Heard(Source("moderation", 0, line.offset, 1), line.key, line.value) for line in paper.lines]
        entries = [entry for entry in Chain().extend(heard) if entry.seq >= first]
        found = [row.as_dict() for entry in entries if wanted.takes(entry, row := row_of(entry))]
        return found[:most], found[most]["seq"] if len(found) > most else None

    return Desks(desk, OrdersDesk(desk), ReviewDesk(desk, follower), account, audit, ("search", "trends"), ("abuse",))
