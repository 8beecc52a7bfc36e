"""The crowd of a case: authors by minute, and what happened meanwhile."""

from __future__ import annotations

from fastapi import Request

from moderation.access.services import present_ms, services_of
from moderation.domain.cases.case import HashtagCase
from moderation.domain.crowd.answers import CrowdAnswer
from moderation.domain.crowd.crowd import span_of, step_of
from moderation.domain.crowd.moments import moments_of


async def crowd_of(request: Request, case: HashtagCase, country: str | None = None) -> CrowdAnswer:
    """Describe a case's crowd; the caller checks that the person does not review it blind.

    Args:
        request: request, admitted already.
        case: the case.
        country: country of the counts; None: that of the open item that reaches most.
    """
    services, until_ms = services_of(request), present_ms(request)
    country, since_ms = country or main_country(case), span_of(case.began_ms, until_ms)
    read = await services.crowds.read(case.hashtag, country, since_ms)
    restrictions = services.reviews.automated.restrictions.values()
    return CrowdAnswer(
        case=case.id,
        hashtag=case.hashtag,
        country=country,
        countries=sorted({case_item.item.country for case_item in case.items}),
        since_ms=since_ms,
        until_ms=until_ms,
        step_ms=step_of(since_ms, until_ms),
        window_ms=read.window_ms,
        floor=read.floor,
        newest_at_ms=read.newest_ms or None,
        is_calibrated=read.is_calibrated,
        complete=read.complete,
        points=read.points,
        moments=moments_of(case, restrictions, services.moderation.view, since_ms, until_ms),
    )


def main_country(case: HashtagCase) -> str:
    """Return the country of the open item that reaches most; `*` for a case without items."""
    items = [case_item.item for case_item in case.open_items or case.items]
    return max(items, key=lambda item: (item.reach, item.id)).country if items else "*"
