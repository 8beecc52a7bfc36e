"""The follower of a view gives each record to its fold once, in the order of the log."""

from __future__ import annotations

from moderation.log.follower import Follower
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import OtherRecord


def other(kind: str) -> OtherRecord:
    return OtherRecord(kind=kind, key=b"", value=b"{}")


def test_each_record_is_applied_once_in_order() -> None:
    view, applied = OverrideHistory(), list[tuple[int, str]]()
    follower = Follower(lambda offset, record: applied.append((offset, record.kind)))
    view.others += [(3, other("a")), (7, other("b"))]
    follower.follow(view)
    follower.follow(view)
    view.others.append((8, other("c")))
    follower.follow(view)
    assert applied == [(3, "a"), (7, "b"), (8, "c")]
