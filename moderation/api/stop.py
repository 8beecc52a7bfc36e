"""Routes: the stop button."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from moderation.api.access import Guarded, actor_of, needs, once
from moderation.api.answers import Json
from moderation.api.bodies import PauseBody, ResumeBody
from moderation.api.people import Key, desks
from moderation.api.replays import Answer
from moderation.drafts import Draft, UndoDraft, country_of, expiry_of, surfaces_of, words_of
from moderation.pause import STOP, refuse_another_category
from moderation.view import written_json
from streams.clock import now_ms
from streams.errors import CallerMistake

router = APIRouter(prefix="/v1", route_class=Guarded, default_response_class=Json, tags=["stop button"])


@router.post("/pause", openapi_extra=needs("decide"), status_code=201)
async def pause(request: Request, body: PauseBody, idempotency_key: Key) -> Response:
    """Lift every automated suppression at the surfaces; decisions by people and orders stand."""
    who, why = words_of(actor_of(request, body.actor), body.reason)
    behind = desks(request)

    async def work() -> Answer:
        if body.category and behind.categories is not None and body.category not in behind.categories:
            raise CallerMistake(
                f"the policy has no category {body.category[:40]!r}", fix=f"one of {', '.join(behind.categories)}"
            )
        lasts = None if body.until else body.lasts
        draft = Draft(
            tag=STOP,
            action="allow",
            country=country_of(body.country),
            surfaces=surfaces_of(body.surfaces, behind.surfaces, closed=behind.categories is not None),
            actor=who,
            reason=why,
            expires_at_ms=expiry_of(lasts, body.until, "24h", now_ms()),
            category=body.category,
        )
        await behind.desk.refresh()
        refuse_another_category(behind.desk, draft)
        [written] = await behind.desk.override([draft], expected=body.if_version)
        return Answer(201, written_json(written, None))

    return await once(request, idempotency_key, work)


@router.post("/resume", openapi_extra=needs("decide"), status_code=201)
async def resume(request: Request, body: ResumeBody, idempotency_key: Key) -> Response:
    """Let automated suppressions hide again: those that stand now."""
    who, why = words_of(actor_of(request, body.actor), body.reason)
    behind = desks(request)

    async def work() -> Answer:
        closed = behind.categories is not None
        named = surfaces_of(body.surfaces, behind.surfaces, closed=closed) if body.surfaces else None
        country = None if body.country is None else country_of(body.country)
        draft = UndoDraft(tag=STOP, country=country, surfaces=named, actor=who, reason=why)
        return Answer(201, written_json(await behind.desk.undo(draft, expected=body.if_version), None))

    return await once(request, idempotency_key, work)
