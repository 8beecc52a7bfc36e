"""Presence: who looks at a case now, for thirty seconds, in bounded memory."""

from __future__ import annotations

import pytest

from moderation.domain.cases import presence
from moderation.domain.cases.presence import PRESENCE_MS, Presence


def test_person_is_present_until_heartbeats_stop() -> None:
    found = Presence()
    found.beat("case-1", "zoe", 0)
    found.beat("case-1", "ann", 10)
    found.beat("case-2", "ann", 10)
    assert found.viewers("case-1", 20) == ["ann", "zoe"]
    assert found.viewers("case-1", PRESENCE_MS) == ["ann"]
    assert found.viewers("case-1", PRESENCE_MS + 10) == []


def test_look_alike_names_are_one_viewer() -> None:
    found = Presence()
    for name in ("Ann", "ann"):
        found.beat("case-1", name, 0)
    assert found.viewers("case-1", 1) == ["ann"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MOST_CASES", 3)
    monkeypatch.setattr(presence, "MOST_VIEWERS", 2)
    found = Presence()
    for number in range(10):
        found.beat(f"case-{number}", "ann", number)
        found.beat("case-0", f"person {number}", number)
    assert len(found._cases) == 3
    assert found.viewers("case-0", 10) == ["person 8", "person 9"]
    found.beat("case-late", "ann", 10 + PRESENCE_MS)
    assert list(found._cases) == ["case-late"], "cases without viewers are forgotten"
