"""Previews of reports, and published reports."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import Request
from pydantic import Field

from moderation.access.blinding import reader_of
from moderation.access.problems import RefusedCall, http_words
from moderation.access.services import services_of
from moderation.outward.report.folder import FileState
from moderation.outward.report.prepared_report import FILES, TABLE, UPDATE, PreparedReport
from moderation.outward.report.publications import ReportPublished, overlapping
from moderation.outward.report.rounding_notes import rounded_words
from moderation.outward.report.runs import ReportRun
from streams.answers import AnswerModel, Millis

_FIX = "begin it again: POST /v1/reports/preview"


class ReportPreviewAnswer(AnswerModel):
    """Report as it would be published, or the progress of making it."""

    id: str
    state: Literal["waiting", "running", "done", "failed"]
    reading: str = Field(description="What is read now; empty before and after.")
    records: int = Field(description="Records of it so far.")
    detail: str = Field(description="Why it failed, else empty.")
    from_ms: Millis
    to_ms: Millis = Field(description="End of the period, excluded.")
    country: str
    made_at_ms: int | None = Field(description="Moment of every state; null until it is made.")
    complete: bool | None = Field(description="Whether the period had ended by then.")
    unread: str = Field(description="Why the audit log was not read; empty if it was.")
    report: dict[str, Any] | None = Field(description="The numbers, as `hushtag report --json` prints them.")
    update: str = Field(description="Public update, as text.")
    table: str = Field(description="Every number, as CSV.")
    rounded: list[str] = Field(description="What is not given exactly, in words.")
    corrects: str | None = Field(description="Publication of this period and country; then a correction is needed.")
    overlaps: list[str] = Field(
        description="Publications with a day and place in common: the difference of two reports reveals small counts."
    )


class ReportFileAnswer(AnswerModel):
    """File of a publication."""

    name: str
    sha256: str
    state: Literal["kept", "missing", "changed"] = Field(description="State of the file in the folder of reports now.")


class ReportPublicationAnswer(AnswerModel):
    """Report that was published."""

    name: str
    country: str = Field(description="ISO 3166-1 alpha-2; `*`: all.")
    from_ms: Millis
    to_ms: Millis = Field(description="End of the period, excluded.")
    made_at_ms: Millis
    edition: int
    correction: str = Field(description="What a later edition corrects; empty in the first one.")
    files: list[ReportFileAnswer]
    actor: str
    reason: str
    at_ms: Millis


class ReportsAnswer(AnswerModel):
    """Published reports, the newest first."""

    items: list[ReportPublicationAnswer]
    can_publish: bool = Field(description="Whether HUSHTAG_REPORTS names a folder.")


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


async def preview_view(request: Request, run: ReportRun) -> ReportPreviewAnswer:
    """Build the answer about a preview."""
    report, period = run.report, run.period
    files = report.files() if report is not None else {}
    beside = overlapping(period, await services_of(request).reports.publications()) if report is not None else []
    return ReportPreviewAnswer(
        id=run.id,
        state=run.state,
        reading=run.reading if run.state == "running" else "",
        records=run.records,
        detail=http_words(str(run.error)) if run.error else "",
        from_ms=period.from_ms,
        to_ms=period.to_ms,
        country=period.country or "*",
        made_at_ms=report.at_ms if report else None,
        complete=report.at_ms >= period.to_ms if report else None,
        unread=report.unread if report else "",
        report=report.published.facts if report else None,
        update=files[UPDATE].decode() if files else "",
        table=files[TABLE].decode() if files else "",
        rounded=rounded_words(report.published.facts) if report else [],
        corrects=next((publication.target for publication in beside if publication.period == period), None),
        overlaps=[publication.target for publication in beside],
    )


async def publication_views(request: Request, most: int | None = None) -> list[ReportPublicationAnswer]:
    """Build the answers about the publications, the newest first; it reads their files."""
    publications = (await services_of(request).reports.publications())[:most]
    return await asyncio.to_thread(lambda: [publication_view(request, publication) for publication in publications])


def publication_view(request: Request, record: ReportPublished) -> ReportPublicationAnswer:
    """Build the answer about a publication; it reads its files."""
    folder = services_of(request).reports.folder
    names = [*(file for file in FILES if file in record.files), *sorted(record.files.keys() - set(FILES))]

    def state_of(file: str) -> FileState:
        return folder.state(record.target, file, record.files[file]) if folder is not None else "missing"

    return ReportPublicationAnswer(
        name=record.target,
        country=record.country,
        from_ms=record.from_ms,
        to_ms=record.to_ms,
        made_at_ms=record.made_at_ms,
        edition=record.edition,
        correction=record.correction,
        files=[ReportFileAnswer(name=file, sha256=record.files[file], state=state_of(file)) for file in names],
        actor=record.actor,
        reason=record.reason,
        at_ms=record.at_ms,
    )
