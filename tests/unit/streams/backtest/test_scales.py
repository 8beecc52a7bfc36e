"""Another scale tried on the past: the same as if the evidence had been recorded under that scale."""

from __future__ import annotations

import msgspec
import numpy as np

from models.share import Scale, from_bytes
from streams.backtest import Impact
from streams.counting.keys import country_of
from streams.log.evidence import EvidenceRecord, GroupColumns
from tests.support.backtest_cases import LIVE, EvidenceWorld, steady

SHAPE = (1, 3)


def scale_of(clean: float, harmful: float) -> Scale:
    moments = np.broadcast_to([clean, harmful, 0.01, 0.01], (*SHAPE, 4)).copy()
    return Scale(moments, np.full((*SHAPE, 3), 1e-5))


BEFORE, AFTER = scale_of(0.1, 0.95), scale_of(0.05, 0.6)


def recorded_under(records: list[EvidenceRecord], scale: Scale) -> list[EvidenceRecord]:
    """Give the records a scale of one language group."""

    def with_groups(part: GroupColumns | None) -> GroupColumns | None:
        if part is None:
            return None
        scored = np.frombuffer(part.scored, "<u2").astype("u1")
        return msgspec.structs.replace(part, groups=scored.tobytes())

    return [
        msgspec.structs.replace(
            one,
            conditions=msgspec.structs.replace(one.conditions, scale=scale.to_bytes()),
            everyone=with_groups(one.everyone), established=with_groups(one.established), past=with_groups(one.past),
        )
        for one in records
    ]  # fmt: skip


def changes(records: list[EvidenceRecord], scales: dict[bytes, Scale] | None = None) -> Impact:
    found = Impact(LIVE, LIVE, scales=scales)
    for one in records:
        found.add(one)
    found.finish()
    return found


def test_tried_scale_decides_as_evidence_recorded_under_it() -> None:
    records = EvidenceWorld(11).records(120)
    tried = changes(recorded_under(records, BEFORE), {BEFORE.to_bytes(): AFTER})
    expected = changes(recorded_under(records, AFTER))
    live = changes(recorded_under(records, BEFORE))

    def spells(of: Impact, side: int) -> dict[tuple[str, str, tuple[str, str]], list[tuple[int, int]]]:
        return {
            (of.tags.name(key), country_of(key), scope): [(one.from_ms, one.to_ms) for one in found]
            for (key, scope), found in of.recorders[side].until(of.to_ms + 1).items()
        }

    assert spells(tried, 1) == spells(expected, 1), "the tried side"
    assert spells(tried, 0) == spells(live, 0), "the live side keeps its scale"
    assert spells(tried, 0) != spells(tried, 1)


def test_scale_keeps_its_bytes_in_evidence() -> None:
    for scale in (BEFORE, Scale(BEFORE.moments, BEFORE.errors, np.full(3, 0.01))):
        assert from_bytes(scale.to_bytes(), 3).to_bytes() == scale.to_bytes()


def test_evidence_of_another_scale_keeps_it() -> None:
    records = recorded_under(steady(LIVE, {"a": 0.5, "b": 0.2}), BEFORE)
    assert changes(records, {AFTER.to_bytes(): AFTER}).report().changes == []
    newly = changes(records, {BEFORE.to_bytes(): AFTER}).report().changes
    assert [(one.hashtag, one.kind) for one in newly] == [("a", "newly")] * len(newly) and newly
