"""Routes: overrides, hashtags, statements, automated decisions, the audit log."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from moderation.api.access import Guarded, actor_of, may, needs, once
from moderation.api.answers import Json
from moderation.api.bodies import OverrideBody, UndoBody
from moderation.api.desks import Desks
from moderation.api.replays import Answer
from moderation.audit.words import Wanted
from moderation.drafts import Draft, UndoDraft, country_of, expiry_of, surfaces_of, tag_of, words_of
from moderation.statements.hashtag import ever, in_force
from moderation.statements.render import statement_as_dict
from moderation.times import moment_ms
from moderation.view import written_json
from streams.clock import now_ms
from streams.explain.hashtag_report import account_as_dict, decision_as_dict

router = APIRouter(prefix="/v1", route_class=Guarded, default_response_class=Json)
Tag = Annotated[str, Path(min_length=1, max_length=280, description="In any spelling, without #.")]
Country = Annotated[str | None, Query(max_length=20, description="ISO 3166-1 alpha-2, or *.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Key = Annotated[str, Header(alias="Idempotency-Key", description="Fresh for every write; the same for a repetition.")]
State = Literal["in force", "superseded", "expired", "undone", "refused"]


def desks(request: Request) -> Desks:
    """What is behind the API."""
    found: Desks = request.app.state.desks
    return found


@router.get("/overrides", openapi_extra=needs("read"), tags=["overrides"])
async def list_overrides(
    request: Request,
    hashtag: str | None = None,
    country: Country = None,
    state: State | None = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """What people decided and what has become of it, the newest first."""
    at_ms = now_ms()
    tag = tag_of(hashtag).hashtag if hashtag is not None else None
    view = await desks(request).desk.refresh()
    found = view.standings(at_ms, hashtag=tag, country=country_of(country) if country is not None else None)
    chosen = [one.as_dict(at_ms) for one in found if state in (None, one.state)]
    return {"items": chosen[:limit], "more": len(chosen) > limit}


@router.post("/overrides", openapi_extra=needs("decide"), tags=["overrides"], status_code=201)
async def write_override(request: Request, body: OverrideBody, idempotency_key: Key) -> Response:
    """Block, allow or hold a hashtag."""
    who, why = words_of(actor_of(request, body.actor), body.reason)
    behind = desks(request)

    async def work() -> Answer:
        draft = Draft(
            tag=tag_of(body.hashtag),
            action=body.action,
            country=country_of(body.country),
            surfaces=surfaces_of(body.surfaces, behind.surfaces, closed=behind.categories is not None),
            actor=who,
            reason=why,
            expires_at_ms=expiry_of(body.lasts, body.until, "7d", now_ms()),
        )
        [written] = await behind.desk.override([draft], expected=body.if_version)
        return Answer(201, written_json(written, None, draft.tag.notes))

    return await once(request, idempotency_key, work)


@router.post("/overrides/undo", openapi_extra=needs("decide"), tags=["overrides"], status_code=201)
async def undo_override(request: Request, body: UndoBody, idempotency_key: Key) -> Response:
    """Take back the last override in a scope; what stood before it stands again."""
    who, why = words_of(actor_of(request, body.actor), body.reason)
    behind = desks(request)

    async def work() -> Answer:
        named = (
            surfaces_of(body.surfaces, behind.surfaces, closed=behind.categories is not None) if body.surfaces else None
        )
        country = None if body.country is None else country_of(body.country)
        draft = UndoDraft(tag=tag_of(body.hashtag), country=country, surfaces=named, actor=who, reason=why)
        written = await behind.desk.undo(draft, expected=body.if_version)
        return Answer(201, written_json(written, None))

    return await once(request, idempotency_key, work)


@router.get("/hashtags/{hashtag}", openapi_extra=needs("read"), tags=["hashtags"])
async def explain(request: Request, hashtag: Tag, country: Country = None) -> dict[str, Any]:
    """All that is known of a hashtag: where it is shown or hidden, why, by whom, and what happened before."""
    where = country_of(country) if country is not None else None
    account, unseen = await desks(request).account(tag_of(hashtag).hashtag, where)
    told: dict[str, Any] = account_as_dict(account) | {"note": unseen}
    return told if may(request, "orders") else _without_orders(told)


def _without_orders(told: Any) -> Any:
    """The same without what legal orders say of themselves: who acted on them, and why, is for the legal team."""
    if isinstance(told, list):
        return [_without_orders(one) for one in told]
    if not isinstance(told, dict):
        return told
    hidden = {"actor": "", "reason": "", "evidence": {}} if told.get("source") == "legal" else {}
    return {name: hidden[name] if value and name in hidden else _without_orders(value) for name, value in told.items()}


@router.get("/hashtags/{hashtag}/statements", openapi_extra=needs("read"), tags=["hashtags"])
async def statements(request: Request, hashtag: Tag, country: Country = None, history: bool = False) -> dict[str, Any]:
    """The statement of reasons for everything that holds a hashtag back."""
    where = country_of(country) if country is not None else None
    account, unseen = await desks(request).account(tag_of(hashtag).hashtag, where)
    found = ever(account) if history else in_force(account)
    items = [statement_as_dict(one) for one in found]
    return {"items": items if may(request, "orders") else _without_orders(items), "note": unseen}


@router.get("/decisions", openapi_extra=needs("read"), tags=["hashtags"])
async def decisions(
    request: Request, hashtag: str | None = None, country: Country = None, limit: Limit = 100
) -> dict[str, Any]:
    """The latest automated decision of each hashtag and country, the newest first."""
    tag = tag_of(hashtag).hashtag if hashtag is not None else None
    where = country_of(country) if country is not None else None
    reviews = desks(request).reviews
    await reviews.refresh()
    found = [
        said
        for said in reviews.automated.latest.values()
        if tag in (None, said.hashtag) and where in (None, said.country)
    ]
    found.sort(key=lambda said: (said.decided_at_ms, said.hashtag, said.country), reverse=True)
    return {"items": [decision_as_dict(said) for said in found[:limit]], "more": len(found) > limit}


@router.get("/audit", openapi_extra=needs("audit"), tags=["audit"])
async def audit(
    request: Request,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    hashtag: str | None = None,
    actor: Annotated[str | None, Query(max_length=2000)] = None,
    country: Country = None,
    since: Annotated[str | None, Query(max_length=40, description="Logged at or after, ISO 8601.")] = None,
    until: Annotated[str | None, Query(max_length=40, description="Logged before, ISO 8601.")] = None,
    first: Annotated[int, Query(ge=0, lt=2**53, description="From this entry on: `next` of the page before.")] = 0,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Entries of the audit log in words. Whether they are as they were written, `hushtag audit verify` says."""
    wanted = Wanted(
        kind=kind,
        target=tag_of(hashtag).hashtag if hashtag is not None else None,
        actor=actor,
        country=country_of(country) if country is not None else None,
        from_ms=moment_ms(since) if since is not None else None,
        to_ms=moment_ms(until) if until is not None else None,
    )
    rows, following = await desks(request).audit(wanted, first, limit)
    return {"items": rows, "next": following}
