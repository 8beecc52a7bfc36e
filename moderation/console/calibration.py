"""The page of calibration: labels by people, the scale that they give, texts to mark, and the way live and back."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import reader_of
from moderation.access.keys import ALLOWED
from moderation.access.services import services_of
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.domain.appeals.items import NOT_ASSESSED
from moderation.domain.calibration.agreed_labels import MOST_OF_ONE
from moderation.domain.calibration.marked_tweets import unmarked_counts
from moderation.domain.calibration.words import coverage_words, state_words
from moderation.domain.cases.case import HashtagCase

router = page_router()
CASES = 20
"""Cases with texts to mark on the page."""


@router.get("/calibration", openapi_extra=needs("decide"))
async def show_calibration_page(request: Request) -> Response:
    """Show the page; the part with the labels follows, because a fit takes a moment."""
    return page(request, "calibration.html", leads=sorted(ALLOWED["lead"]), cases=await _cases(request))


@router.get("/calibration/scale", openapi_extra=needs("decide"))
async def show_scale(request: Request) -> Response:
    """Show the labels and the scale that they give."""
    preview = await services_of(request).calibration.preview()
    return page(
        request,
        "calibration_part.html",
        live=preview.labels.live,
        labels=preview.labels,
        fit=preview.fit,
        is_live=preview.is_live,
        may_go_live=preview.may_go_live,
        coverage=coverage_words,
        state=state_words,
        most_of_one=MOST_OF_ONE,
        leads=sorted(ALLOWED["lead"]),
    )


@dataclass(frozen=True, slots=True)
class CaseToMark:
    """Case with sampled texts that a person has not marked."""

    id: str
    display: str
    texts: int


async def _cases(request: Request) -> list[CaseToMark]:
    """Return the open cases with sampled texts that the person has not marked, those with most texts first.

    Cases of hashtags that the model does not read are left out: their labels do not count.
    """
    services, person = services_of(request), reader_of(request)
    cases = await services.cases.log.refresh()
    counts = unmarked_counts(await services.markings.refresh(), cases, person)
    cases_to_mark = [
        CaseToMark(case.id, case.display, counts[case.id])
        for case in cases.values()
        if _is_shown(case) and case.id in counts and not services.cases.log.is_blind(case, person)
    ]
    return sorted(cases_to_mark, key=lambda case: (-case.texts, case.display))[:CASES]


def _is_shown(case: HashtagCase) -> bool:
    return any(case_item.item.kind != NOT_ASSESSED for case_item in case.open_items)
