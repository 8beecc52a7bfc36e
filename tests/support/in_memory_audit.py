"""Pages of the audit log over records in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from moderation.log.service import ModerationService
from moderation.publiclog.entries import LogEnd
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.rows import AuditFilter, AuditRow, row_of

AuditPage = Callable[[AuditFilter, int, int], Awaitable[tuple[list[AuditRow], int | None]]]


def audit_of_other_records(moderation: ModerationService) -> AuditPage:
    """Build the reader of one page with all records of the `moderation` topic that are no overrides."""

    async def page(wanted: AuditFilter, first: int, most: int) -> tuple[list[AuditRow], int | None]:
        inputs = [
            AuditInput(SourcePosition("moderation", 0, offset, 1), other.key, other.value)
            for offset, other in moderation.view.others
        ]
        return [row_of(entry) for entry in LogEnd().extend(inputs)], None

    return page
