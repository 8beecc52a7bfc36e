"""Cases of a hashtag, and the one whose first answer is due before the machine's numbers about it are shown."""

from __future__ import annotations

from fastapi import Request

from moderation.access.blinding import reader_of
from moderation.access.numbers import hidden_numbers_for
from moderation.access.services import services_of
from moderation.domain.cases.case import HashtagCase


async def cases_of_tag(request: Request, hashtag: str) -> list[HashtagCase]:
    """Return the cases of a hashtag that are no blind second look, the newest first."""
    log, person = services_of(request).cases.log, reader_of(request)
    cases = [case for case in await log.of_tag(hashtag) if not log.is_blind(case, person)]
    return sorted(cases, key=lambda case: -case.began_ms)


async def case_due(request: Request, hashtag: str) -> str:
    """Return the case of a hashtag whose first answer the reader owes; "" where numbers may be shown."""
    case = (await hidden_numbers_for(request)).case(hashtag)
    return "" if case is None else case.id
