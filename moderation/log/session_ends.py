"""Browser sessions that their person or an admin ended: records in the `moderation` topic, and so in the audit log.

A record holds a hash of the session's id, which opens nothing. Every process of the API reads the records, so that an
ended session stays ended, also in a process that is started later.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from contextlib import suppress
from typing import Annotated

import msgspec

from moderation.log.service import ModerationService
from streams.clock import monotonic_seconds
from streams.errors import ContractError
from streams.log.moderation import Id, Ms, RecordCodec, Text

KIND = "session_ended"
FRESH_SECONDS = 1.0
"""Age up to which what is known counts."""


class SessionEnded(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """End of a session: a log-out by its person, or the end by an admin."""

    id: Id
    session: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
    """Public handle of the session."""
    target: Text
    """Person whose session it was."""
    actor: Text
    reason: Text
    at_ms: Ms


_codec: RecordCodec[SessionEnded] = RecordCodec(
    SessionEnded, lambda end: f"session:{end.session}|people|{end.id}|*".encode()
)
encode_session_end = _codec.encode
decode_session_end = _codec.decode


async def end_session(
    service: ModerationService, session_id: str, *, target: str, actor: str, reason: str
) -> SessionEnded:
    """Record the end of a session, which every process then refuses.

    Args:
        service: writer of the record.
        session_id: the session's id, of which the record has a hash.
        target: person whose session it is.
        actor: person who ends it.
        reason: the actor's reason.

    Raises:
        DependencyAway: Kafka does not answer; the session goes on.
    """
    record = SessionEnded(
        id=secrets.token_hex(8),
        session=handle_of(session_id),
        target=target,
        actor=actor,
        reason=reason,
        at_ms=service.now_ms(),
    )
    await service.transact(lambda view: [encode_session_end(record)])
    return record


def handle_of(session_id: str) -> str:
    """Return the public handle of a session: the first 16 digits of the SHA-256 of its id."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:16]


class SessionEnds:
    """Ended sessions by the log, as far as a moderation service has read it."""

    def __init__(self, service: ModerationService) -> None:
        self._service = service
        self._read_seconds = -math.inf
        self._folded = 0
        self._handles: set[str] = set()

    async def has(self, session_id: str) -> bool:
        """Return whether a session was ended.

        The log is read on at most once in `FRESH_SECONDS`, so that an end counts in every process, also an idle one.

        Raises:
            DependencyAway: Kafka does not answer.
        """
        view = self._service.view
        if monotonic_seconds() - self._read_seconds > FRESH_SECONDS:
            view = await self._service.refresh()
            self._read_seconds = monotonic_seconds()
        for _, other in view.others[self._folded :]:
            with suppress(ContractError):
                if (record := decode_session_end(other)) is not None:
                    self._handles.add(record.session)
        self._folded = len(view.others)
        return handle_of(session_id) in self._handles
