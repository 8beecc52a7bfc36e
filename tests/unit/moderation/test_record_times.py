"""Times of records about people's decisions: the broker's, whatever the clock of their writer showed."""

from __future__ import annotations

import pytest

from moderation.domain.appeals.records import Appeal, decode_appeal, encode_appeal
from streams.errors import ContractError
from streams.log.moderation import OtherRecord, Override, Undo, decode_moderation, encode_moderation
from streams.orders.records import OrderStep, decode_legal, encode_legal
from tests.support.wrong_clocks import ERRORS_MS

LOG_MS = 1_611_600_000_000
LASTS_MS = 300_000
DAY_MS = 86_400_000
pytestmark = pytest.mark.parametrize("error_ms", ERRORS_MS)


def _override(error_ms: int, **changes: object) -> Override:
    fields: dict[str, object] = {
        "id": "a", "hashtag": "tag", "display": "tag", "country": "*", "surfaces": ("trends",), "actor": "ann",
        "reason": "seen", "at_ms": LOG_MS + error_ms, "action": "block", "lasts_ms": LASTS_MS,
    }  # fmt: skip
    return Override(**fields | changes)  # type: ignore[arg-type]


def test_duration_of_override_starts_at_log_time(error_ms: int) -> None:
    read = decode_moderation(*encode_moderation(_override(error_ms)), LOG_MS)
    assert isinstance(read, Override)
    assert (read.at_ms, read.expires_at_ms, read.lasts_ms) == (LOG_MS, LOG_MS + LASTS_MS, LASTS_MS)


def test_moment_chosen_by_a_person_stays(error_ms: int) -> None:
    record = _override(error_ms, lasts_ms=0, expires_at_ms=LOG_MS + 7)
    read = decode_moderation(*encode_moderation(record), LOG_MS)
    assert isinstance(read, Override) and read.expires_at_ms == LOG_MS + 7


def test_undo_has_its_log_time(error_ms: int) -> None:
    record = Undo(
        id="a", hashtag="tag", display="tag", country="*", surfaces=("trends",), actor="ann", reason="seen",
        at_ms=LOG_MS + error_ms, undoes=("b",),
    )  # fmt: skip
    read = decode_moderation(*encode_moderation(record), LOG_MS)
    assert isinstance(read, Undo) and read.at_ms == LOG_MS


def test_duration_of_interim_order_starts_at_log_time(error_ms: int) -> None:
    step = OrderStep(
        id="a", order="IN-0123456789", to="interim", lasts_ms=LASTS_MS, actor="ann", reason="seen",
        at_ms=LOG_MS + error_ms, edits="",
    )  # fmt: skip
    other = decode_moderation(*encode_legal(step), LOG_MS)
    assert isinstance(other, OtherRecord)
    read = decode_legal(other)
    assert isinstance(read, OrderStep) and (read.at_ms, read.expires_at_ms) == (LOG_MS, LOG_MS + LASTS_MS)


def test_appeal_begins_at_its_log_time(error_ms: int) -> None:
    appeal = Appeal(
        id="a", case=f"hushtag-{0:024x}", hashtag="tag", deciders=("lee",), actor="ann", reason="no harm",
        at_ms=LOG_MS + error_ms,
    )  # fmt: skip
    other = decode_moderation(*encode_appeal(appeal), LOG_MS)
    assert isinstance(other, OtherRecord)
    read = decode_appeal(other)
    assert isinstance(read, Appeal) and read.at_ms == LOG_MS


def test_record_without_log_time_counts_from_its_writers_clock(error_ms: int) -> None:
    read = decode_moderation(*encode_moderation(_override(error_ms)))
    assert isinstance(read, Override) and read.expires_at_ms == LOG_MS + error_ms + LASTS_MS


def test_duration_of_more_than_a_year_is_refused(error_ms: int) -> None:
    with pytest.raises(ContractError, match="bad_record"):
        decode_moderation(*encode_moderation(_override(error_ms, lasts_ms=367 * DAY_MS)), LOG_MS)


def test_override_without_any_end_is_refused(error_ms: int) -> None:
    with pytest.raises(ContractError, match="endless"):
        decode_moderation(*encode_moderation(_override(error_ms, lasts_ms=0)), LOG_MS)
