"""Automated restrictions by reference in the audit log, which outlasts the topic of decisions.

Decisions leave their topic after days; a statement can be appealed for months. The audit log has every decision with
each renewal, so a restriction that ended within the appeal period has an entry in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass

from moderation.domain.restrictions.collection import decision_restrictions
from moderation.domain.restrictions.restriction import Restriction
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.proving import PublicLog
from moderation.publiclog.rows import input_in
from streams.constants import DAY_MS
from streams.errors import TopicsError
from streams.log.decisions import decision_in
from streams.log.topic_specs import DECISIONS

_LONGEST_RULING_MS = 8 * DAY_MS
"""Upper bound of the time from a decision's last record to its end: the longest `max_automated_hours`, and a day."""


@dataclass(frozen=True, slots=True)
class AuditedRestrictions:
    """Restrictions of the audit log that ended within the appeal period."""

    log: PublicLog
    appeal_days: int

    async def find(self, reference: str, now_ms: int) -> Restriction | None:
        """Find an automated restriction as of its last renewal; None if the log has none, or it ended too long ago.

        Raises:
            AuditBroken: an entry is missing or was changed.
            DependencyAway: Kafka does not answer.
        """
        open_since_ms = now_ms - self.appeal_days * DAY_MS
        last: Restriction | None = None
        try:
            async with aclosing(self.log.batches(max(0, open_since_ms - _LONGEST_RULING_MS))) as batches:
                async for batch in batches:
                    last = await asyncio.to_thread(_last_in, batch, reference) or last
        except TopicsError:  # this platform keeps no audit log
            return None
        return last if last is not None and last.ends_ms >= open_since_ms else None


def _last_in(batch: Iterable[AuditEntry], reference: str) -> Restriction | None:
    last: Restriction | None = None
    for entry in batch:
        source = input_in(entry)
        if source is None or source.value is None or source.source.topic != DECISIONS:
            continue
        if (decision := decision_in(source.value)) is None:
            continue
        for restriction in decision_restrictions(decision):
            if restriction.reference == reference:
                last = restriction
    return last
