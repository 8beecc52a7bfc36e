"""Parts that show what a policy would change: the progress of a run, and then the hashtags, in words."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Annotated, NamedTuple

from fastapi import Path, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.views.policies import own_job
from moderation.views.policy_reports import ReportReader, report_reader

if TYPE_CHECKING:  # its import takes half a second
    from streams.backtest.comparison import PolicyChange
    from streams.backtest.impact import ImpactReport

router = page_router()
SHOWN = 100
"""Hashtags in the list; the API has all."""


class ChangeRow(NamedTuple):
    """Hashtag on which two policies differ."""

    change: PolicyChange
    case: str
    """Case on which the person who reads owes a first answer; "" where the numbers are shown."""


@router.get("/policy/impacts/{job}", openapi_extra=needs("decide"))
async def show_impact(request: Request, job: Annotated[str, Path(max_length=40)]) -> Response:
    """Show the progress of the person's own run, or its result."""
    run = copy(own_job(request, job))  # it goes on meanwhile
    values = await report_values(request, run.report) if run.report is not None else {}
    return page(request, "policy_impact.html", job=run, **values)


async def report_values(request: Request, report: ImpactReport) -> PageValues:
    """Compute the values of a report for the person who reads."""
    from streams.backtest import text

    reader = await report_reader(request)
    rows, protected = rows_of(report.changes, reader), rows_of(report.protected, reader)
    return {
        "report": report,
        "hidden_hashtags": sorted(reader.hidden_hashtags),
        "say": text,
        "summary": text.summary(reader.seen(report)),
        "rows": rows[:SHOWN],
        "more": max(0, len(rows) - SHOWN),
        "protected": protected[:SHOWN],
        "uncovered": text.uncovered_in_words(report),
    }


def rows_of(changes: Sequence[PolicyChange], reader: ReportReader) -> list[ChangeRow]:
    """Leave out what a person reviews blind, and mark what waits for the first answer."""
    rows = []
    for change in reader.visible(changes):
        case = reader.hidden_numbers.case(change.hashtag)
        rows.append(ChangeRow(change, case.id if case is not None else ""))
    return rows
