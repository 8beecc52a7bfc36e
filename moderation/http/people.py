"""Routes of people: groups and their grants, keys, open sessions, and names that look alike."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from moderation.access.access import AccessControl, GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.bodies import IdempotencyKey, WriteBody
from moderation.access.key_making import make_key
from moderation.access.keys import Rights
from moderation.access.problems import RefusedCall
from moderation.access.rights import check_rights
from moderation.access.services import services_of
from moderation.http.people_shapes import NewKeyAnswer, NewKeyBody, SessionEndedAnswer
from moderation.log.session_ends import end_session as write_session_end
from moderation.log.session_ends import handle_of
from moderation.views.people import (
    PeopleAnswer,
    is_own,
    people_view,
    sessions_of,
)

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["people"])


@router.get("/people", openapi_extra=needs("lead"), response_model=PeopleAnswer)
async def people(request: Request) -> Response:
    """List the groups with their grants, the keys without their hashes, the open sessions, and who views cases now."""
    return JsonReply(await people_view(request))


@router.post("/people/keys", openapi_extra=needs("lead"), response_model=NewKeyAnswer)
async def new_key(request: Request, body: NewKeyBody) -> Response:
    """Make a key and its line for the key file, as `hushtag api-key` does. Neither is stored or logged.

    The key works once an operator has added the line to the file of `hushtag api --keys`.
    """
    check_rights(request, country="*", category="")
    access: AccessControl = request.app.state.access
    rights = Rights(
        countries=None if body.countries is None else tuple(body.countries),
        categories=None if body.categories is None else tuple(body.categories),
        longest=body.longest,
    )
    key, line = make_key(
        body.name,
        body.role,
        acts_for_others=body.acts_for_others,
        person=body.person,
        rights=rights,
        beside=access.ring.entries(),
    )
    return JsonReply(NewKeyAnswer(name=body.name, key=key, line=line))


@router.post(
    "/people/sessions/{session}/end", openapi_extra=needs("lead"), response_model=SessionEndedAnswer, status_code=201
)
async def end_session(
    request: Request,
    session: Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")],
    body: WriteBody,
    idempotency_key: IdempotencyKey,
) -> Response:
    """End a browser session that this process of the API has seen; the person must log in again, everywhere.

    It keeps no one out: to do so, remove the person from the groups of the identity provider.
    """
    access: AccessControl = request.app.state.access

    async def work(actor: str) -> SessionEndedAnswer:
        check_rights(request, country="*", category="")
        open_session = {handle_of(seen.id): seen for seen in sessions_of(access)}.get(session)
        if open_session is None or access.sessions is None:
            raise RefusedCall("not_found", "this session is not open", "GET /v1/people lists the open ones")
        record = await write_session_end(
            services_of(request).moderation, open_session.id, target=open_session.name, actor=actor, reason=body.reason
        )
        access.sessions.end(open_session)
        yours = is_own(request, open_session)
        return SessionEndedAnswer(session=session, name=open_session.name, yours=yours, recorded_at_ms=record.at_ms)

    return await write_once(request, idempotency_key, body.actor, work)
