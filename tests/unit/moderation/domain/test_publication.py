"""Publication of a legal order's record: the two times, and the reasons why surfaces do not have it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hushtag_client.registers import Register

from moderation.domain import publication
from moderation.domain.publication import OrderPublishedAnswer, wait_order_published, wait_published
from moderation.log.drafts import AcceptedRecord
from streams.errors import FlagStoreUnavailable
from streams.flags import lookup, publish_time
from streams.flags.moderation_fold import ModerationFold
from streams.settings import Settings
from tests.support.statement_builders import override
from tests.support.wrong_clocks import ERRORS_MS, MINUTE_MS

RECORDED_MS = 1_612_785_785_000
"""Time of the record, 2021-02-08 12:03:05 UTC."""


class FakeLookup:
    """Lookup whose publisher advances by one record a poll."""

    def __init__(
        self, offsets: list[int], heartbeat_ms: int | None = None, fault: Exception | None = None, beats_ms: int = 0
    ) -> None:
        self.offsets, self.heartbeat_ms, self.fault, self.polls = offsets, heartbeat_ms, fault, 0
        self.registers: list[Register] = []
        self.beats_ms = beats_ms
        """Time between two heartbeats; 0: no publisher is running."""

    async def published_offset(self) -> int:
        if self.fault is not None:
            raise self.fault
        self.polls += 1
        return self.offsets.pop(0) if len(self.offsets) > 1 else self.offsets[0]

    async def for_scope(self, *_: object) -> list[Register]:
        return self.registers

    async def heartbeats(self) -> dict[bytes, int]:
        if self.heartbeat_ms is None:
            return {}
        self.heartbeat_ms += self.beats_ms
        return {b"0": self.heartbeat_ms}

    async def __aenter__(self) -> FakeLookup:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None


def waited(fake: FakeLookup, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> OrderPublishedAnswer:
    monkeypatch.setattr(lookup, "FlagLookup", lambda *_, **__: fake)
    monkeypatch.setattr(publication, "now_ms", lambda: RECORDED_MS + 1_000)
    monkeypatch.setattr(publication, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(publish_time, "NEXT_HEARTBEAT_SECONDS", 0.0)
    given: dict[str, Any] = {"recorded_ms": RECORDED_MS, "changes": True, "wait_seconds": 0.05} | changes
    given |= {"clock": lambda: RECORDED_MS + 1_000}
    return asyncio.run(wait_order_published(Settings(), 7, **given))


def test_record_is_on_surfaces_once_publish_is_past_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLookup([6, 7, 8])
    found = waited(fake, monkeypatch, wait_seconds=5.0)
    assert fake.polls == 3
    assert found.words() == "recorded 12:03:05 UTC, on surfaces 12:03:06 UTC"
    assert found.members() == {
        "recorded_ms": RECORDED_MS, "on_surfaces_ms": RECORDED_MS + 1_000, "published": True, "note": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fake", "note"),
    [
        (FakeLookup([7]), "publish is not running: no worker has ever reported to this Redis"),
        (FakeLookup([7], RECORDED_MS - 29_000), "publish is not running: the last worker reported 30 s ago"),
        (FakeLookup([7], RECORDED_MS), "publish is running and has not applied it yet"),
        *(
            (FakeLookup([7], RECORDED_MS + error_ms, beats_ms=1_000), "publish is running and has not applied it yet")
            for error_ms in ERRORS_MS
        ),
        (FakeLookup([7], fault=FlagStoreUnavailable("Redis is away")), "it is not known whether surfaces see it"),
    ],
)
def test_absent_publication_has_a_reason(fake: FakeLookup, note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = waited(fake, monkeypatch)
    assert note in found.note
    assert found.words() == "recorded 12:03:05 UTC, not on surfaces yet"
    assert (found.published, found.on_surfaces_ms) == (False, None)


def test_record_without_effect_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLookup([0])
    found = waited(fake, monkeypatch, changes=False)
    assert (fake.polls, found.published) == (0, None)
    assert found.words() == "recorded 12:03:05 UTC; nothing changes on surfaces"
    assert "--wait 0" in waited(fake, monkeypatch, wait_seconds=0.0).words()


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_effect_of_a_new_block_is_told_by_the_brokers_time(monkeypatch: pytest.MonkeyPatch, error_ms: int) -> None:
    record = override(at_ms=RECORDED_MS, expires_at_ms=RECORDED_MS + MINUTE_MS)
    fake = FakeLookup([8])
    fake.registers = ModerationFold(max_broker_skew_ms=0).apply(record, 0)
    monkeypatch.setattr(lookup, "FlagLookup", lambda *_, **__: fake)
    monkeypatch.setattr(publication, "now_ms", lambda: RECORDED_MS + error_ms)
    [status] = asyncio.run(wait_published(Settings(), [AcceptedRecord(record, 0)]))
    assert status.published and [one.shown for one in status.verdicts] == [False, False]
