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
from moderation.access.problems import Fault, RefusedCall
from moderation.access.rights import check_rights
from moderation.access.services import services_of
from moderation.domain.orders.dates import parse_time
from moderation.domain.tables import BadCell
from moderation.http.report_shapes import ReportPreviewBody, ReportPublishBody
from moderation.outward.report.prepared_report import Period
from moderation.publiclog.proving import NeededEntry, prove
from moderation.views.reports import (
    ReportPreviewAnswer,
    ReportPublicationAnswer,
    ReportsAnswer,
    made_of,
    own_run,
    preview_view,
    publication_view,
    publication_views,
)

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["reports"])
RunPath = Annotated[str, Path(max_length=40)]
_TYPES = {".html": "text/html", ".csv": "text/csv", ".json": "application/json", ".txt": "text/plain"}


@router.get("/reports", openapi_extra=needs("audit"), response_model=ReportsAnswer)
async def published(request: Request) -> Response:
    """List the published reports, the newest first, and whether their files are still as they were published."""
    reports = services_of(request).reports
    items = await publication_views(request)
    return JsonReply(ReportsAnswer(items=items, can_publish=reports.folder is not None))


@router.post("/reports/preview", openapi_extra=needs("audit"), response_model=ReportPreviewAnswer, status_code=202)
async def begin_preview(request: Request, body: ReportPreviewBody) -> Response:
    """Begin to make a report from the logs; nothing is written. A person has one at a time: a new one ends it."""
    await refuse_while_blind(request)
    run = services_of(request).reports.runs.begin(_period_of(body), reader_of(request))
    return JsonReply(await preview_view(request, run), 202)


@router.get("/reports/preview/{run}", openapi_extra=needs("audit"), response_model=ReportPreviewAnswer)
async def show_preview(request: Request, run: RunPath) -> Response:
    """Return the progress of your preview, and then the report as it would be published."""
    await refuse_while_blind(request)
    return JsonReply(await preview_view(request, own_run(request, run)))


@router.post("/reports", openapi_extra=needs("audit"), response_model=ReportPublicationAnswer, status_code=201)
async def publish(request: Request, body: ReportPublishBody, idempotency_key: IdempotencyKey) -> Response:
    """Publish your preview as it is: its files in the folder of HUSHTAG_REPORTS, and their hashes in the log.

    A report is never replaced. Another one of the same period and country is a corrected edition beside it.
    """

    async def work(actor: str) -> ReportPublicationAnswer:
        await refuse_while_blind(request)
        report = made_of(own_run(request, body.preview))
        check_rights(request, country=report.period.country or "*")
        reports = services_of(request).reports
        record = await reports.publish(report, actor=actor, reason=body.reason, correction=body.correction)
        return await asyncio.to_thread(publication_view, request, record)

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
    entry = NeededEntry(("report", record.id), record.at_ms, ("type", "facts"))
    proof = (await prove(services_of(request).public_log, {name: entry}))[name]
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
