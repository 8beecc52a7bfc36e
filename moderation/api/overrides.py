"""Routes of overrides and the stop button."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from moderation.api.access import GuardedRoute, needs, write_once
from moderation.api.answers import JsonReply
from moderation.api.bodies import (
    CountryQuery,
    IdempotencyKey,
    LimitQuery,
    OverrideBody,
    PauseBody,
    ResumeBody,
    UndoBody,
)
from moderation.api.services import services_of
from moderation.drafts import STOP, expiry_of, override_draft, undo_draft
from moderation.view import accepted_json
from streams.clock import now_ms
from streams.flags.overrides import OverrideState
from streams.naming import TypedHashtag, country_of, tag_of

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply)


@router.get("/overrides", openapi_extra=needs("read"), tags=["overrides"])
async def list_overrides(
    request: Request,
    hashtag: str | None = None,
    country: CountryQuery = None,
    state: OverrideState | None = None,
    limit: LimitQuery = 100,
) -> dict[str, Any]:
    """List human decisions with their states, newest first."""
    at_ms = now_ms()
    tag = tag_of(hashtag).hashtag if hashtag is not None else None
    history = await services_of(request).moderation.refresh()
    found = history.statuses(at_ms, hashtag=tag, country=country_of(country) if country is not None else None)
    chosen = [one.as_dict(at_ms) for one in found if state in (None, one.state)]
    return {"items": chosen[:limit], "more": len(chosen) > limit}


@router.post("/overrides", openapi_extra=needs("decide"), tags=["overrides"], status_code=201)
async def write_override(request: Request, body: OverrideBody, idempotency_key: IdempotencyKey) -> Response:
    """Block, allow or hold a hashtag."""
    services = services_of(request)

    async def work(actor: str) -> dict[str, Any]:
        draft = override_draft(
            services.names,
            tag_of(body.hashtag),
            body.action,
            country=body.country,
            surfaces=body.surfaces,
            actor=actor,
            reason=body.reason,
            expires_at_ms=expiry_of(body.lasts, body.until, "7d", now_ms()),
        )
        [accepted] = await services.moderation.override([draft], expected=body.if_version)
        return accepted_json(accepted, notes=draft.tag.notes)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/overrides/undo", openapi_extra=needs("decide"), tags=["overrides"], status_code=201)
async def undo_override(request: Request, body: UndoBody, idempotency_key: IdempotencyKey) -> Response:
    """Undo the last override of a scope; the decision below it is in force again."""
    return await _undo(request, body, tag_of(body.hashtag), idempotency_key)


@router.post("/pause", openapi_extra=needs("decide"), tags=["stop button"], status_code=201)
async def pause(request: Request, body: PauseBody, idempotency_key: IdempotencyKey) -> Response:
    """Lift every automated suppression and discount; human decisions and orders stay in force."""
    services = services_of(request)

    async def work(actor: str) -> dict[str, Any]:
        draft = override_draft(
            services.names,
            STOP,
            "allow",
            country=body.country,
            surfaces=body.surfaces,
            actor=actor,
            reason=body.reason,
            expires_at_ms=expiry_of(None if body.until else body.lasts, body.until, "24h", now_ms()),
            category=body.category,
        )
        return accepted_json(await services.moderation.pause(draft, expected=body.if_version))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/resume", openapi_extra=needs("decide"), tags=["stop button"], status_code=201)
async def resume(request: Request, body: ResumeBody, idempotency_key: IdempotencyKey) -> Response:
    """Put the current automated suppressions in force again."""
    return await _undo(request, body, STOP, idempotency_key)


async def _undo(request: Request, body: UndoBody | ResumeBody, tag: TypedHashtag, key: str) -> Response:
    services = services_of(request)

    async def work(actor: str) -> dict[str, Any]:
        draft = undo_draft(
            services.names, tag, country=body.country, surfaces=body.surfaces, actor=actor, reason=body.reason
        )
        return accepted_json(await services.moderation.undo(draft, expected=body.if_version))

    return await write_once(request, key, body.actor, work)
