"""Route of the caller: who am I, and what may I do."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.keys import ALLOWED, Permission, Role
from moderation.access.rights import Caller
from moderation.access.sessions import Session
from streams.answers import AnswerModel

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["caller"])


class GrantAnswer(AnswerModel):
    """Role with its limits; a write needs one grant that covers it whole."""

    role: Role
    countries: list[str] | None = Field(description="ISO 3166-1 codes; null: all. Decisions everywhere need `*`.")
    categories: list[str] | None = Field(description="Categories of the policy; null: all.")
    longest: str | None = Field(description="Longest duration of a decision; null: as long as any.")


class MeAnswer(AnswerModel):
    """Caller with their roles and limits."""

    name: str
    writes_as: str = Field(description="Actor of every record that you write.")
    acts_for_others: bool = Field(description="Whether you may name other actors.")
    reads_as: str = Field(description="Person whose blind second looks hide numbers from these answers.")
    how: Literal["key", "session"]
    grants: list[GrantAnswer]
    may: list[Permission] = Field(description="Permissions of the roles; `x-permission` of an operation names its own.")
    csrf: str | None = Field(description="Give it as X-CSRF-Token with every write of a browser session.")
    session_ends_at_ms: int | None = Field(description="End of the session; null for a key.")


@router.get("/me", openapi_extra=needs("read"), response_model=MeAnswer)
async def me(request: Request) -> Response:
    """Return who the caller is, with roles, limits and permissions."""
    caller: Caller = request.state.caller
    session: Session | None = getattr(request.state, "session", None)
    grants = [
        {
            "role": grant.role,
            "countries": None if grant.rights.countries is None else list(grant.rights.countries),
            "categories": None if grant.rights.categories is None else list(grant.rights.categories),
            "longest": grant.rights.longest or None,
        }
        for grant in caller.grants
    ]
    return JsonReply(
        {
            "name": caller.name,
            "writes_as": caller.writes_as,
            "acts_for_others": caller.acts_for_others,
            "reads_as": reader_of(request),
            "how": "key" if session is None else "session",
            "grants": grants,
            "may": [permission for permission in ALLOWED if caller.may(permission)],
            "csrf": None if session is None else session.csrf,
            "session_ends_at_ms": None if session is None else session.ends_ms,
        }
    )
