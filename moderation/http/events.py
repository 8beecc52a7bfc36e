"""Route of the event stream: server-sent events about what people and the policy change."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from moderation.access.access import AccessControl, GuardedRoute, may, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_hashtags_for
from moderation.access.event_streams import RECHECK_SECONDS, counted_stream
from moderation.access.feed import EventKind
from moderation.access.problems import RefusedCall
from moderation.access.services import services_of
from streams.answers import AnswerModel
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["events"])
RETRY_MS = 1_000
HIDDEN_SECONDS = 0.5
"""Age up to which a stream that catches up does not read again what its viewer reviews blind."""
EVENT_DATA = {"$ref": "#/components/schemas/EventAnswer"}
"""Schema of the data of each event: OpenAPI 3.1 has no place for it."""


class EventAnswer(AnswerModel):
    """Data of one event; its type is the kind, its id is for `Last-Event-ID`."""

    record: str | None = Field(None, description="Kind of the record in the log.")
    hashtag: str | None = None
    country: str | None = None
    surfaces: list[str] | None = None
    order: str | None = None
    appeal: str | None = None
    case: str | None = None
    actor: str | None = None
    action: str | None = None
    verdict: str | None = Field(None, description="Of an appeal.")
    to: str | None = Field(None, description="New state of an order.")
    at_ms: int | None = None
    revision: str | None = Field(None, description="Of the live policy.")
    serial: int | None = None


@router.get(
    "/events",
    openapi_extra=needs("read"),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "x-data": EVENT_DATA}}}},
)
async def events(
    request: Request,
    kinds: Annotated[Sequence[EventKind] | None, Query(description="Only these kinds; `reset` always comes.")] = None,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=80, description="Resume after this event.")
    ] = None,
) -> Response:
    """Stream changes as server-sent events: override, case, appeal, order, policy, stop.

    An event names what changed; read it again for its state. `reset` asks to read everything again, because the stream
    cannot resume after the given event, or was read too slowly. A stream ends when its key or session does.
    """
    return counted_stream(request, _stream(request, frozenset(kinds or ()), last_event_id))


async def _stream(request: Request, kinds: frozenset[str], last_id: str | None) -> AsyncGenerator[bytes, None]:
    access: AccessControl = request.app.state.access
    checked, covered, hidden_at, hidden_tags = monotonic_seconds(), -1, 0.0, frozenset[str]()
    yield f"retry: {RETRY_MS}\n\n".encode()
    try:
        async with aclosing(services_of(request).feed.stream(last_id)) as feed:
            async for event in feed:
                if monotonic_seconds() - checked > RECHECK_SECONDS:
                    request.state.caller = await access.identify(request)  # with its present roles
                    if not may(request, "read"):
                        return
                    checked = monotonic_seconds()
                if event is None:
                    yield KEEPALIVE_COMMENT
                    continue
                if event.against_order and not may(request, "orders"):
                    continue
                if event.kind != "reset" and kinds and event.kind not in kinds:
                    continue
                if event.moderation > covered or monotonic_seconds() - hidden_at > HIDDEN_SECONDS:
                    covered, hidden_at = max(event.moderation, services_of(request).feed.position), monotonic_seconds()
                    hidden_tags = await hidden_hashtags_for(request)
                if event.data.get("hashtag") in hidden_tags:
                    continue
                yield format_sse_event(data_str=_json(event.data), event=event.kind, id=event.id)
    except (RefusedCall, DependencyAway):
        return  # the browser connects again, and then gets the refusal


def _json(data: dict[str, Any]) -> str:
    return bytes(JsonReply(data).body).decode()
