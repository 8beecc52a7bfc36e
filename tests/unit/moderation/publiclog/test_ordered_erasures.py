"""Erasures that were ordered before the log reached their records."""

from __future__ import annotations

import pytest

from moderation.publiclog.erasures import ERASED_NOTE, AuditErasure
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.ordered_erasures import OrderedErasures


def ordered(at_ms: int, now_ms: int = 1_000) -> OrderedErasures:
    found = OrderedErasures(now_ms)
    found.add(AuditErasure(id="a", entry=9, topic="policy", partition=0, offset=4, actor="x", reason="r", at_ms=at_ms))
    return found


def record(offset: int, log_time_ms: int) -> AuditInput:
    return AuditInput(SourcePosition("policy", 0, offset, log_time_ms), b"k", b"secret")


def test_record_whose_erasure_was_ordered_becomes_a_note() -> None:
    one = ordered(at_ms=50).left_out(record(4, 40))
    assert (one.source, one.key, one.value, one.note) == (record(4, 40).source, None, None, ERASED_NOTE)
    assert ordered(at_ms=50).left_out(record(5, 40)) == record(5, 40)


@pytest.mark.parametrize("at_ms", [50, 9_000_000], ids=["record is later", "order is of the future"])
def test_order_does_not_leave_out_a_later_record(at_ms: int) -> None:
    assert ordered(at_ms).left_out(record(4, 1_001)) == record(4, 1_001)
