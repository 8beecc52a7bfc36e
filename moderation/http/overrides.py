"""Routes of overrides: people's blocks, allows and holds of hashtags."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_hashtags_for, refuse_hidden
from moderation.access.bodies import (
    BulkBody,
    BulkRow,
    CountryQuery,
    HashtagQuery,
    IdempotencyKey,
    OverrideBody,
    UndoBody,
)
from moderation.access.paging import CursorQuery, PageSize, page_of
from moderation.access.problems import RefusedCall, problem_of
from moderation.access.rights import Caller, check_rights
from moderation.access.services import services_of
from moderation.answers import HiddenList, NextCursor
from moderation.domain.override_answers import OverrideWrittenAnswer, written_answer
from moderation.log.drafts import end_of, override_draft, undo_draft
from streams.answers import AnswerModel, JsonObject
from streams.errors import HushtagError
from streams.flags.override_answers import OverrideAnswer, override_answer
from streams.flags.overrides import OverrideState
from streams.naming import recordable_tag

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["overrides"])


class OverridesAnswer(AnswerModel):
    """Page of overrides that match the filters."""

    items: list[OverrideAnswer]
    next: NextCursor
    blinded: HiddenList


class BulkRowAnswer(AnswerModel):
    """Result of one row of a bulk decision."""

    hashtag: str
    status: int = Field(description="201: written; else the status of `problem`.")
    written: OverrideWrittenAnswer | None = None
    problem: JsonObject | None = Field(default=None, description="Refusal of the row, as a problem.")


class BulkAnswer(AnswerModel):
    """Results of a bulk decision, in the order of its rows."""

    written: int
    refused: int
    items: list[BulkRowAnswer]


@router.get("/overrides", openapi_extra=needs("read"), response_model=OverridesAnswer)
async def list_overrides(
    request: Request,
    hashtag: HashtagQuery = None,
    country: CountryQuery = None,
    state: OverrideState | None = None,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    sort: Annotated[Literal["at", "-at"], Query(description="By time; `-` for the latest first.")] = "-at",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List human decisions with their states, newest first."""
    at_ms = services_of(request).moderation.now_ms()
    hidden_tags = await hidden_hashtags_for(request)
    history = services_of(request).moderation.view
    matches = [
        status
        for status in history.statuses(at_ms, hashtag=hashtag, country=country)
        if state in (None, status.state)
        and actor in (None, status.record.actor)
        and status.record.hashtag not in hidden_tags
    ]
    page, following = page_of(
        matches,
        key=lambda status: (status.offset, status.state, ",".join(status.surfaces)),
        order=f"overrides {sort}",
        cursor=cursor,
        size=limit,
        descending=sort == "-at",
    )
    items = [override_answer(status, at_ms) for status in page]
    return JsonReply(OverridesAnswer(items=items, next=following, blinded=sorted(hidden_tags)))


@router.post("/overrides", openapi_extra=needs("decide"), response_model=OverrideWrittenAnswer, status_code=201)
async def write_override(request: Request, body: OverrideBody, idempotency_key: IdempotencyKey) -> Response:
    """Block, allow or hold a hashtag."""

    async def work(actor: str) -> OverrideWrittenAnswer:
        return await _write(request, body, actor, body.reason)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/overrides/undo", openapi_extra=needs("decide"), response_model=OverrideWrittenAnswer, status_code=201)
async def undo_override(request: Request, body: UndoBody, idempotency_key: IdempotencyKey) -> Response:
    """Undo the last override of a scope; the decision below it is in force again."""
    services, tag = services_of(request), recordable_tag(body.hashtag)

    async def work(actor: str) -> OverrideWrittenAnswer:
        await refuse_hidden(request, tag.hashtag, actor)
        categories = await _categories(request, tag.hashtag, body.country or "*")
        check_rights(request, country=body.country or "*", categories=categories)
        draft = undo_draft(
            await services.names(), tag, country=body.country, surfaces=body.surfaces, actor=actor, reason=body.reason
        )
        return written_answer(await services.moderation.undo(draft, expected=body.if_version))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/overrides/bulk", openapi_extra=needs("decide"), response_model=BulkAnswer)
async def write_bulk(request: Request, body: BulkBody, idempotency_key: IdempotencyKey) -> Response:
    """Decide on up to 500 hashtags, each by itself: a refused row does not stop the others.

    The answer is 200 with the result of every row, in their order.
    """

    async def work(actor: str) -> BulkAnswer:
        rows: list[BulkRowAnswer] = []
        away: JsonObject | None = None
        for row in body.items:  # once Kafka is away, no row waits for it again
            rows.append(await _row(request, row, actor, body.reason) if away is None else _refused(row, away))
            if rows[-1].status == 503:
                away = rows[-1].problem
        written = sum(row.status == 201 for row in rows)
        return BulkAnswer(written=written, refused=len(rows) - written, items=rows)

    return await write_once(request, idempotency_key, body.actor, work, status=200)


async def _row(request: Request, row: BulkRow, actor: str, reason: str) -> BulkRowAnswer:
    try:
        written = await _write(request, row, actor, reason)
    except RefusedCall as refused:
        return _refused(row, refused.body)
    except HushtagError as error:
        return _refused(row, problem_of(error))
    return BulkRowAnswer(hashtag=row.hashtag, status=201, written=written)


def _refused(row: BulkRow, problem: JsonObject) -> BulkRowAnswer:
    return BulkRowAnswer(hashtag=row.hashtag, status=problem["status"], problem=problem)


async def _write(request: Request, body: OverrideBody | BulkRow, actor: str, reason: str) -> OverrideWrittenAnswer:
    at_ms = services_of(request).moderation.now_ms()
    tag, end = recordable_tag(body.hashtag), end_of(body.lasts, body.until, "7d", at_ms)
    await refuse_hidden(request, tag.hashtag, actor)
    check_rights(
        request,
        country=body.country,
        categories=await _categories(request, tag.hashtag, body.country),
        lasts_ms=end.duration_ms(at_ms),
    )
    draft = override_draft(
        await services_of(request).names(),
        tag,
        body.action,
        country=body.country,
        surfaces=body.surfaces,
        actor=actor,
        reason=reason,
        end=end,
    )
    [accepted] = await services_of(request).moderation.override([draft], expected=body.if_version)
    return written_answer(accepted, notes=tag.notes)


async def _categories(request: Request, hashtag: str, country: str) -> set[str]:
    """Return the categories of the automated decisions that a decision of a person overrides."""
    caller: Caller = request.state.caller
    if all(grant.rights.categories is None for grant in caller.grants):
        return set()
    reviews = services_of(request).reviews
    await reviews.refresh()
    return {
        scope.category
        for decision in reviews.automated.latest_of_tag(hashtag)
        if "*" in (country, decision.country) or country == decision.country
        for scope in decision.rulings
    }
