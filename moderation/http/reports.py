"""Routes of transparency reports: what was published, a preview, and the publication of exactly that preview."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of, refuse_while_blind
from moderation.access.bodies import IdempotencyKey
from moderation.access.problems import Fault, RefusedCall, http_words
from moderation.access.rights import check_rights
from moderation.access.services import services_of
from moderation.domain.orders.dates import parse_time
from moderation.domain.tables import BadCell
from moderation.http.report_shapes import (
    ReportPreviewAnswer,
    ReportPreviewBody,
    ReportPublicationAnswer,
    ReportPublishBody,
    ReportsAnswer,
)
from moderation.outward.report.made import FILES, TABLE, UPDATE, MadeReport, Period
from moderation.outward.report.publications import ReportPublished, overlapping
from moderation.outward.report.rounded import rounded_words
from moderation.outward.report.runs import ReportRun
from moderation.publiclog.proving import Wanted, prove

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["reports"])
RunPath = Annotated[str, Path(max_length=40)]
_TYPES = {".html": "text/html", ".csv": "text/csv", ".json": "application/json", ".txt": "text/plain"}
_FIX = "begin it again: POST /v1/reports/preview"


@router.get("/reports", openapi_extra=needs("audit"), response_model=ReportsAnswer)
async def published(request: Request) -> Response:
    """List the published reports, the newest first, and whether their files are still as they were published."""
    reports = services_of(request).reports
    items = await publications_as_dicts(request)
    return JsonReply({"items": items, "can_publish": reports.folder is not None})


@router.post("/reports/preview", openapi_extra=needs("audit"), response_model=ReportPreviewAnswer, status_code=202)
async def begin_preview(request: Request, body: ReportPreviewBody) -> Response:
    """Begin to make a report from the logs; nothing is written. A person has one at a time: a new one ends it."""
    await refuse_while_blind(request)
    run = services_of(request).reports.runs.begin(_period_of(body), reader_of(request))
    return JsonReply(await preview_as_dict(request, run), 202)


@router.get("/reports/preview/{run}", openapi_extra=needs("audit"), response_model=ReportPreviewAnswer)
async def show_preview(request: Request, run: RunPath) -> Response:
    """Return the progress of your preview, and then the report as it would be published."""
    await refuse_while_blind(request)
    return JsonReply(await preview_as_dict(request, own_run(request, run)))


@router.post("/reports", openapi_extra=needs("audit"), response_model=ReportPublicationAnswer, status_code=201)
async def publish(request: Request, body: ReportPublishBody, idempotency_key: IdempotencyKey) -> Response:
    """Publish your preview as it is: its files in the folder of HUSHTAG_REPORTS, and their hashes in the log.

    A report is never replaced. Another one of the same period and country is a corrected edition beside it.
    """

    async def work(actor: str) -> dict[str, Any]:
        await refuse_while_blind(request)
        made = made_of(own_run(request, body.preview))
        check_rights(request, country=made.period.country or "*")
        reports = services_of(request).reports
        record = await reports.publish(made, actor=actor, reason=body.reason, correction=body.correction)
        return await asyncio.to_thread(_publication_as_dict, request, record)

    return await write_once(request, idempotency_key, body.actor, work)


@router.get("/reports/{name}/publication.json", openapi_extra=needs("audit"), response_model=dict[str, Any])
async def prove_publication(request: Request, name: Annotated[str, Path(max_length=100)]) -> Response:
    """Return the proof that the public log has the publication of this report's files, for `hushtag proof report`.

    Put it beside the report: it shows that no number was changed afterwards, also those that no one can count again.
    """
    await refuse_while_blind(request)
    record = await services_of(request).reports.find(name)
    if record is None:
        raise RefusedCall("not_found", "no report with this name was published", "GET /v1/reports lists them")
    wanted = Wanted(("report", record.id), record.at_ms, ("type", "facts"))
    proof = (await prove(services_of(request).public_log, {name: wanted}))[name]
    if proof.proof is None:
        raise RefusedCall("not_found", f"the publication of {name} has no proof: {proof.note}", "try again later")
    return JsonReply(proof.proof, headers={"Content-Disposition": f'attachment; filename="{name}.publication.json"'})


@router.get(
    "/reports/{name}/{file}",
    openapi_extra=needs("audit"),
    response_class=Response,
    responses={200: {"description": "The file, as it was published.", "content": {"text/plain": {}}}},
)
async def read_file(
    request: Request, name: Annotated[str, Path(max_length=100)], file: Annotated[str, Path(max_length=64)]
) -> Response:
    """Download a file of a published report; one that was changed afterwards is refused."""
    await refuse_while_blind(request)
    reports = services_of(request).reports
    record = await reports.find(name)
    if record is None or file not in record.files:
        raise RefusedCall("not_found", "no report with this name and file was published", "GET /v1/reports lists them")
    if reports.folder is None:
        raise RefusedCall("not_found", "this API has no folder for reports", "an operator sets HUSHTAG_REPORTS")
    state, content = await asyncio.to_thread(reports.folder.read, name, file, record.files[file])
    if state != "kept":
        what = "is no longer in the folder" if state == "missing" else "was changed after it was published"
        raise RefusedCall("not_found", f"{file} of {name} {what}", "ask an operator to restore it from a backup")
    kind = next((kind for end, kind in _TYPES.items() if file.endswith(end)), "application/octet-stream")
    disposition = f'attachment; filename="{name}.{file}"'  # its inline styles would be refused here
    return Response(content, media_type=kind, headers={"Content-Disposition": disposition})


def own_run(request: Request, run: str) -> ReportRun:
    """Return a preview that the caller began.

    Raises:
        RefusedCall: there is none: it is no longer kept, or the API was started again (404).
    """
    found = services_of(request).reports.runs.find(run, reader_of(request))
    if found is None:
        raise RefusedCall("not_found", "this preview is no longer kept", _FIX)
    return found


def made_of(run: ReportRun) -> MadeReport:
    """Return the report of a finished run.

    Raises:
        RefusedCall: it is still being made, or could not be made (422).
    """
    if run.made is None:
        what = "could not be made" if run.state == "failed" else "is still being made"
        raise RefusedCall("mistake", f"this report {what}", _FIX if run.state == "failed" else "wait for it")
    return run.made


async def preview_as_dict(request: Request, run: ReportRun) -> dict[str, Any]:
    """Build the JSON of a preview."""
    made, period = run.made, run.period
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


def _period_of(body: ReportPreviewBody) -> Period:
    country = None if body.country == "*" else body.country
    try:
        from_ms, to_ms = parse_time("from", body.from_), parse_time("to", body.to, end=True) + 1
    except BadCell as bad:
        fault = Fault(f"{bad.problem}: {bad.fix}", f"#/{bad.field}")
        raise RefusedCall("mistake", f"{bad.field}: {bad.problem}", bad.fix, errors=[fault]) from None
    if from_ms >= to_ms:
        fault = Fault("the last day is before the first one", "#/to")
        raise RefusedCall("mistake", fault.detail, "exchange `from` and `to`", errors=[fault])
    return Period(from_ms, to_ms, country)
