"""Routes of the stop button: its state, pause and resume."""

from __future__ import annotations

from fastapi import APIRouter, Request
from hushtag_client.registers import ANY_HASHTAG
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.bodies import IdempotencyKey, PauseBody, ResumeBody
from moderation.access.rights import check_rights
from moderation.access.services import services_of
from moderation.domain.override_answers import OverrideWrittenAnswer, written_answer
from moderation.log.drafts import STOP, end_of, override_draft, undo_draft
from moderation.views.pauses import PausedAnswer, pauses_in_force, stop_version
from streams.answers import AnswerModel

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["stop button"])


class StopAnswer(AnswerModel):
    """State of the stop button."""

    paused: bool
    version: str = Field(description="Version that the next pause or resume everywhere must name.")
    items: list[PausedAnswer]


@router.get("/stop", openapi_extra=needs("read"), response_model=StopAnswer)
async def stop_state(request: Request) -> Response:
    """Return where automation is paused, by whom, why and until when."""
    moderation = services_of(request).moderation
    history = await moderation.refresh()
    items = pauses_in_force(history, moderation.now_ms())
    return JsonReply(StopAnswer(paused=bool(items), version=stop_version(history), items=items))


@router.post("/pause", openapi_extra=needs("decide"), response_model=OverrideWrittenAnswer, status_code=201)
async def pause(request: Request, body: PauseBody, idempotency_key: IdempotencyKey) -> Response:
    """Lift every automated suppression and discount; human decisions and orders stay in force."""
    services = services_of(request)

    async def work(actor: str) -> OverrideWrittenAnswer:
        at_ms = services.moderation.now_ms()
        end = end_of(body.lasts, body.until, "24h", at_ms)
        check_rights(request, country=body.country, category=body.category, lasts_ms=end.duration_ms(at_ms))
        draft = override_draft(
            await services.names(),
            STOP,
            "allow",
            country=body.country,
            surfaces=body.surfaces,
            actor=actor,
            reason=body.reason,
            end=end,
            category=body.category,
        )
        return written_answer(await services.moderation.pause(draft, expected=body.if_version))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/resume", openapi_extra=needs("decide"), response_model=OverrideWrittenAnswer, status_code=201)
async def resume(request: Request, body: ResumeBody, idempotency_key: IdempotencyKey) -> Response:
    """Put the current automated suppressions in force again."""
    services = services_of(request)

    async def work(actor: str) -> OverrideWrittenAnswer:
        history = await services.moderation.refresh()
        paused = [record for _, record in history.in_force(services.moderation.now_ms(), history.scopes(ANY_HASHTAG))]
        categories = {record.category for record in paused if body.country in (None, record.country)}
        check_rights(request, country=body.country or "*", categories=categories)
        draft = undo_draft(
            await services.names(), STOP, country=body.country, surfaces=body.surfaces, actor=actor, reason=body.reason
        )
        return written_answer(await services.moderation.undo(draft, expected=body.if_version))

    return await write_once(request, idempotency_key, body.actor, work)
