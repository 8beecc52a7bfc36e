"""Previews of reports, and published reports."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request

from moderation.access.blinding import reader_of
from moderation.access.problems import RefusedCall, http_words
from moderation.access.services import services_of
from moderation.outward.report.made import FILES, TABLE, UPDATE, PreparedReport
from moderation.outward.report.publications import ReportPublished, overlapping
from moderation.outward.report.rounded import rounded_words
from moderation.outward.report.runs import ReportRun

_FIX = "begin it again: POST /v1/reports/preview"


def own_run(request: Request, run: str) -> ReportRun:
    """Return a preview that the caller began.

    Raises:
        RefusedCall: there is none: it is no longer kept, or the API was started again (404).
    """
    found = services_of(request).reports.runs.find(run, reader_of(request))
    if found is None:
        raise RefusedCall("not_found", "this preview is no longer kept", _FIX)
    return found


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
    made, period = run.report, run.period
    files = made.files() if made is not None else {}
    beside = overlapping(period, await services_of(request).reports.publications()) if made is not None else []
    return {
        "id": run.id,
        "state": run.state,
        "reading": run.reading if run.state == "running" else "",
        "records": run.records,
        "detail": http_words(str(run.error)) if run.error else "",
        "from_ms": period.from_ms,
        "to_ms": period.to_ms,
        "country": period.country or "*",
        "made_at_ms": made.at_ms if made else None,
        "complete": made.at_ms >= period.to_ms if made else None,
        "unread": made.unread if made else "",
        "report": made.published.facts if made else None,
        "update": files[UPDATE].decode() if files else "",
        "table": files[TABLE].decode() if files else "",
        "rounded": rounded_words(made.published.facts) if made else [],
        "corrects": next((one.target for one in beside if one.period == period), None),
        "overlaps": [one.target for one in beside],
    }


async def publications_as_dicts(request: Request, most: int | None = None) -> list[dict[str, Any]]:
    """Build the JSON of the publications, the newest first; it reads their files."""
    found = (await services_of(request).reports.publications())[:most]
    return await asyncio.to_thread(lambda: [_publication_as_dict(request, one) for one in found])


def _publication_as_dict(request: Request, record: ReportPublished) -> dict[str, Any]:
    folder = services_of(request).reports.folder
    names = [*(one for one in FILES if one in record.files), *sorted(record.files.keys() - set(FILES))]

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
        "files": [{"name": one, "sha256": record.files[one], "state": state_of(one)} for one in names],
        "actor": record.actor,
        "reason": record.reason,
        "at_ms": record.at_ms,
    }
