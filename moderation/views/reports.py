"""Previews of reports, and published reports."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request

from moderation.access.blinding import reader_of
from moderation.access.problems import RefusedCall, http_words
from moderation.access.services import services_of
from moderation.outward.report.prepared_report import FILES, TABLE, UPDATE, PreparedReport
from moderation.outward.report.publications import ReportPublished, overlapping
from moderation.outward.report.rounding_notes import rounded_words
from moderation.outward.report.runs import ReportRun

_FIX = "begin it again: POST /v1/reports/preview"


def own_run(request: Request, run: str) -> ReportRun:
    """Return a preview that the caller began.

    Raises:
        RefusedCall: there is none: it is no longer kept, or the API was started again (404).
    """
    own = services_of(request).reports.runs.find(run, reader_of(request))
    if own is None:
        raise RefusedCall("not_found", "this preview is no longer kept", _FIX)
    return own


def made_of(run: ReportRun) -> PreparedReport:
    """Return the report of a finished run.

    Raises:
        RefusedCall: it is still being made, or could not be made (422).
    """
    if run.report is None:
        what = "could not be made" if run.state == "failed" else "is still being made"
        raise RefusedCall("mistake", f"this report {what}", _FIX if run.state == "failed" else "wait for it")
    return run.report


async def preview_as_dict(request: Request, run: ReportRun) -> dict[str, Any]:
    """Build the JSON of a preview."""
    report, period = run.report, run.period
    files = report.files() if report is not None else {}
    beside = overlapping(period, await services_of(request).reports.publications()) if report is not None else []
    return {
        "id": run.id,
        "state": run.state,
        "reading": run.reading if run.state == "running" else "",
        "records": run.records,
        "detail": http_words(str(run.error)) if run.error else "",
        "from_ms": period.from_ms,
        "to_ms": period.to_ms,
        "country": period.country or "*",
        "made_at_ms": report.at_ms if report else None,
        "complete": report.at_ms >= period.to_ms if report else None,
        "unread": report.unread if report else "",
        "report": report.published.facts if report else None,
        "update": files[UPDATE].decode() if files else "",
        "table": files[TABLE].decode() if files else "",
        "rounded": rounded_words(report.published.facts) if report else [],
        "corrects": next((publication.target for publication in beside if publication.period == period), None),
        "overlaps": [publication.target for publication in beside],
    }


async def publications_as_dicts(request: Request, most: int | None = None) -> list[dict[str, Any]]:
    """Build the JSON of the publications, the newest first; it reads their files."""
    publications = (await services_of(request).reports.publications())[:most]
    return await asyncio.to_thread(lambda: [_publication_as_dict(request, publication) for publication in publications])


def _publication_as_dict(request: Request, record: ReportPublished) -> dict[str, Any]:
    folder = services_of(request).reports.folder
    names = [*(file for file in FILES if file in record.files), *sorted(record.files.keys() - set(FILES))]

    def state_of(file: str) -> str:
        return folder.state(record.target, file, record.files[file]) if folder is not None else "missing"

    return {
        "name": record.target,
        "country": record.country,
        "from_ms": record.from_ms,
        "to_ms": record.to_ms,
        "made_at_ms": record.made_at_ms,
        "edition": record.edition,
        "correction": record.correction,
        "files": [{"name": file, "sha256": record.files[file], "state": state_of(file)} for file in names],
        "actor": record.actor,
        "reason": record.reason,
        "at_ms": record.at_ms,
    }
