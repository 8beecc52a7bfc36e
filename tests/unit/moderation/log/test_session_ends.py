"""Ended sessions by the log: in the process that ended one, and in every other one."""

from __future__ import annotations

import pytest

from moderation.log.session_ends import FRESH_SECONDS, SessionEnded, SessionEnds, encode_session_end, handle_of
from tests.support.in_memory_log import InMemoryLog, in_memory_service


async def test_end_counts_in_an_idle_process(monkeypatch: pytest.MonkeyPatch) -> None:
    log, at_seconds = InMemoryLog(), 100.0
    monkeypatch.setattr("moderation.log.session_ends.monotonic_seconds", lambda: at_seconds)
    log.send([(b"{}", b"begin")])
    other = SessionEnds(in_memory_service(log))
    assert not await other.has("secret")
    record = SessionEnded(id="1", session=handle_of("secret"), target="asha", actor="ann", reason="lost", at_ms=1)
    log.send([encode_session_end(record)])
    at_seconds += FRESH_SECONDS + 0.1
    assert await other.has("secret"), "though no other call has read the log"
    assert not await other.has("another")
