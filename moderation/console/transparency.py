"""Transparency: make a report from the logs, read it as it would be published, and publish it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from fastapi import Query, Request
from markupsafe import Markup
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import reader_of, refuse_while_blind
from moderation.access.rights import why_not_here
from moderation.access.services import present_ms, services_of
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.console.words import named_countries, place_words
from moderation.outward.report import page as report_page
from moderation.outward.report.publications import NAME
from moderation.outward.report.runs import ReportRun
from moderation.views.reports import ReportPublicationAnswer, own_run, preview_view, publication_views
from moderation.wording import day_words
from streams.countries import COUNTRIES

router = page_router()
SHOWN = 100
"""Publications on the page; the API has all."""
REASONS = ("Monthly report", "Half-yearly report", "Answer to a public question", "Correction of an earlier report")
"""Templates of the reason; free text goes, too."""
_WORDS = {
    "report.html": "Page",
    "report.csv": "Table (CSV)",
    "report.json": "Numbers (JSON)",
    "update.txt": "Update",
    "correction.txt": "Correction",
    "openings.jsonl": "Openings",
}


class Preset(NamedTuple):
    """Period that one button chooses."""

    words: str
    first: date
    last: date


@router.get("/transparency", openapi_extra=needs("audit"))
async def show_transparency(
    request: Request,
    preview: str = Query("", max_length=40),
    published: str = Query("", pattern=f"({NAME})|^$", max_length=100),
) -> Response:
    """Show the form of a report, the preview that the person has begun, and what was published."""
    await refuse_while_blind(request)
    reports = services_of(request).reports
    run = reports.runs.find(preview, reader_of(request))
    months = presets(datetime.fromtimestamp(present_ms(request) / 1000, UTC).date())
    chosen = months[0] if run is None else Preset("", *days_of(run.period.from_ms, run.period.to_ms))
    items = await publication_views(request, SHOWN + 1)
    return page(
        request,
        "transparency.html",
        presets=months,
        chosen=chosen,
        country="*" if run is None else run.period.country or "*",
        countries=named_countries(COUNTRIES),
        forgotten=bool(preview) and run is None,
        just_published=next((report for report in items if published and report.name == published), None),
        items=items[:SHOWN],
        newest={publication.name: newest_edition(publication, items) for publication in items},
        days_words=days_words,
        more=len(items) > SHOWN,
        file_words=_WORDS,
        **(
            {"can_publish": reports.folder is not None, "run": None} if run is None else await part_values(request, run)
        ),
    )


@router.get("/transparency/previews/{run}", openapi_extra=needs("audit"))
async def show_preview(request: Request, run: str) -> Response:
    """Show the progress of the person's preview, and then the report."""
    await refuse_while_blind(request)
    return page(request, "transparency_part.html", **await part_values(request, own_run(request, run)))


async def part_values(request: Request, run: ReportRun) -> PageValues:
    """Compute the values of a preview."""
    preview = await preview_view(request, run)
    body = report_page.body(run.report.published, run.report.at_ms) if run.report is not None else ""
    return {
        "run": run,
        "preview": preview,
        "where": "all countries" if preview.country == "*" else place_words(preview.country),
        "days": days_words(preview.from_ms, preview.to_ms),
        "body": Markup(body),
        "rows": list(csv.reader(io.StringIO(preview.table)))[1:],
        "beyond": why_not_here(request, preview.country),
        "can_publish": services_of(request).reports.folder is not None,
        "reasons": REASONS,
    }


def presets(today: date) -> list[Preset]:
    """List periods to choose from: whole months, the last quarter and half-year, and the month so far.

    >>> [(preset.words, str(preset.first), str(preset.last)) for preset in presets(date(2021, 3, 5))][:2]
    [('February 2021', '2021-02-01', '2021-02-28'), ('January 2021', '2021-01-01', '2021-01-31')]
    """
    months = [_month(today, back) for back in range(3)]
    periods = [Preset(f"{first:%B %Y}", first, last) for first, last in months[1:]]
    for words, length in (("Last quarter", 3), ("Last half-year", 6)):
        since = (today.month - 1) // length * length
        last = date(today.year, since + 1, 1) - timedelta(days=1)
        first = _month(last, length - 1)[0]
        periods.append(Preset(words, first, last))
    return [*periods, Preset("This month so far", months[0][0], today)]


def newest_edition(publication: ReportPublicationAnswer, items: Sequence[ReportPublicationAnswer]) -> str:
    """Return the name of the newest publication of the same period and country; `items` has the newest first."""
    place = publication.from_ms, publication.to_ms, publication.country
    return next(other.name for other in items if (other.from_ms, other.to_ms, other.country) == place)


def days_of(from_ms: int, to_ms: int) -> tuple[date, date]:
    """Return the first and the last day of a period, in UTC."""
    first, last = (datetime.fromtimestamp(at_ms / 1000, UTC).date() for at_ms in (from_ms, to_ms - 1))
    return first, last


def days_words(from_ms: int, to_ms: int) -> str:
    """Write a period as its first and last day.

    >>> days_words(1_612_137_600_000, 1_614_556_800_000)
    '1 February 2021 to 28 February 2021'
    """
    first, last = day_words(from_ms), day_words(to_ms - 1)
    return first if first == last else f"{first} to {last}"


def _month(day: date, back: int) -> tuple[date, date]:
    """Return the first and last day of the month of a day, or of one some months before."""
    number = day.year * 12 + day.month - 1 - back
    first = date(number // 12, number % 12 + 1, 1)
    return first, date((number + 1) // 12, (number + 1) % 12 + 1, 1) - timedelta(days=1)
