"""The services behind the HTTP API, on a log in memory."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.api.services import Services
from moderation.audit.chain import AuditInput, Chain, SourcePosition
from moderation.audit.rows import AuditFilter, AuditRow, row_of
from moderation.drafts import PolicyNames
from moderation.orders.service import OrderService
from moderation.review.service import ReviewService
from streams.clock import now_ms
from streams.explain.hashtag_report import HashtagReport
from streams.log.decisions import Decision
from tests.support.in_memory_log import FixedDecisions, InMemoryLog, in_memory_service


def in_memory_services(log: InMemoryLog, decisions: Sequence[Decision] = (), *, share: float = 1.0) -> Services:
    """Build the services on a log, with fixed automated decisions."""
    moderation = in_memory_service(log)
    follower = FixedDecisions(decisions, share=share, secret=b"s")

    async def report(hashtag: str, country: str | None) -> tuple[HashtagReport, str]:
        await moderation.refresh()
        return HashtagReport(hashtag, decisions, moderation.view, None, now_ms(), country), ""

    async def audit_page(wanted: AuditFilter, first: int, most: int) -> tuple[list[AuditRow], int | None]:
        inputs = [AuditInput(SourcePosition("moderation", 0, one.offset, 1), one.key, one.value) for one in log.records]
        entries = [entry for entry in Chain().extend(inputs) if entry.seq >= first]
        rows = [row for entry in entries if wanted.matches(entry, row := row_of(entry))]
        return rows[:most], rows[most].seq if len(rows) > most else None

    return Services(
        moderation,
        OrderService(moderation),
        ReviewService(moderation, follower),
        report,
        audit_page,
        PolicyNames(("search", "trends"), ("abuse",)),
    )
