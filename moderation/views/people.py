"""People: groups and their grants, keys, open sessions, and names that look alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import get_args

import msgspec
from fastapi import Request
from pydantic import Field

from moderation.access.access import AccessControl
from moderation.access.keys import Rights, Role
from moderation.access.login_settings import read_groups
from moderation.access.rights import Grant
from moderation.access.services import present_ms, services_of
from moderation.access.sessions import Session
from moderation.log.session_ends import handle_of
from streams.answers import AnswerModel, Millis
from streams.errors import CallerMistake
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import OtherRecord
from streams.policy.look_alikes import visual_form


class LimitsAnswer(AnswerModel):
    """Limits of a group or a key; null: no limit."""

    countries: list[str] | None
    categories: list[str] | None
    longest: str | None


class GroupAnswer(AnswerModel):
    """Group of the identity provider, with its grant."""

    name: str
    role: Role
    limits: LimitsAnswer


class KeyAnswer(AnswerModel):
    """API key, without its hash."""

    name: str
    role: Role
    person: str = Field(description="Actor in every record that the key writes.")
    acts_for_others: bool
    limits: LimitsAnswer


class SessionAnswer(AnswerModel):
    """Open browser session that this process of the API has seen."""

    session: str = Field(description="Handle of the session; it opens nothing.")
    name: str
    groups: list[str]
    began_at_ms: Millis
    ends_at_ms: Millis
    yours: bool = Field(description="Whether it is the session of this call.")


class ViewingAnswer(AnswerModel):
    """Person who has cases open now."""

    name: str
    cases: int


class PeopleAnswer(AnswerModel):
    """People and services that may write, and what they may."""

    groups: list[GroupAnswer]
    groups_note: str = Field(description="Where the grants come from, or why they cannot be read.")
    keys: list[KeyAnswer]
    keys_note: str = Field(description="What it means that there are no keys; else empty.")
    sessions: list[SessionAnswer]
    viewing: list[ViewingAnswer]
    look_alikes: list[list[str]] = Field(description="Names that look alike: as a second person they count as one.")


class _Signed(msgspec.Struct):
    actor: str = ""


_actor = msgspec.json.Decoder(_Signed)


async def people_view(request: Request) -> PeopleAnswer:
    """Build the answer about people, keys and sessions."""
    access: AccessControl = request.app.state.access
    services = services_of(request)
    history = await services.moderation.refresh()
    keys = access.ring.entries()
    sessions = [session for session in sessions_of(access) if not await services.session_ends.has(session.id)]
    groups, groups_note = _groups(access)
    names = {key.writes_as for key in keys} | {session.name for session in sessions} | await _actors(history)
    viewing = Counter(name for viewers in services.presence.cases(present_ms(request)).values() for name in viewers)
    return PeopleAnswer(
        groups=[
            GroupAnswer(name=name, role=grant.role, limits=_limits(grant.rights)) for name, grant in groups.items()
        ],
        groups_note=groups_note,
        keys=[
            KeyAnswer(
                name=key.name,
                role=key.role,
                person=key.writes_as,
                acts_for_others=key.acts_for_others,
                limits=_limits(key.rights),
            )
            for key in keys
        ],
        keys_note="" if keys else "This API has no keys: people log in.",
        sessions=[
            SessionAnswer(
                session=handle_of(session.id),
                name=session.name,
                groups=list(session.groups),
                began_at_ms=access.sessions.began_ms(session) if access.sessions is not None else 0,
                ends_at_ms=session.ends_ms,
                yours=is_own(request, session),
            )
            for session in sessions
        ],
        viewing=[ViewingAnswer(name=name, cases=count) for name, count in sorted(viewing.items())],
        look_alikes=look_alikes(names),
    )


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    """Group different names that look alike.

    >>> look_alikes(["asha", "ásha", "ben"])
    [['asha', 'ásha']]
    """
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(visual_form(name), set()).add(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


async def _actors(view: OverrideHistory) -> set[str]:
    """Return everyone who has acted, by the log."""
    history, others = list(view.history), list(view.others)
    orders = {record.actor for order in view.fold.orders.by_id.values() for _, record in order.history}
    return orders | await asyncio.to_thread(
        lambda: {record.actor for _, record in history} | {name for _, other in others if (name := _signed_by(other))}
    )


def _signed_by(other: OtherRecord) -> str:
    try:
        return _actor.decode(other.value).actor
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def sessions_of(access: AccessControl) -> list[Session]:
    """List the open browser sessions that this process has seen."""
    return access.sessions.open_now() if access.sessions is not None else []


def is_own(request: Request, session: Session) -> bool:
    """Return whether a session is that of the call."""
    own: Session | None = getattr(request.state, "session", None)
    return own is not None and own.id == session.id


def _groups(access: AccessControl) -> tuple[dict[str, Grant], str]:
    if access.sessions is None:
        return {}, "No login is configured: people use keys."
    path = access.sessions.config.rights_file
    if path is None:
        return {role: Grant(role=role) for role in get_args(Role)}, "No file of rights is set: groups are role names."
    try:
        return read_groups(path), "From the file of HUSHTAG_OIDC_RIGHTS, as it is now."
    except CallerMistake:  # its words name files of the server
        return {}, "The file of HUSHTAG_OIDC_RIGHTS cannot be used: an operator must correct it. No one can log in."


def _limits(rights: Rights) -> LimitsAnswer:
    return LimitsAnswer(
        countries=None if rights.countries is None else list(rights.countries),
        categories=None if rights.categories is None else list(rights.categories),
        longest=rights.longest or None,
    )
