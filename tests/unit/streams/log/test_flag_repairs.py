"""Repairs of registers: their codec."""

from __future__ import annotations

import pytest

from streams.errors import ContractError
from streams.flags.moderation_fold import ModerationFold
from streams.log.flag_repairs import FlagRepair, decode_repair, encode_repair
from streams.log.moderation import OtherRecord, decode_moderation
from streams.log.unreadable import sha256_of

REPAIR = FlagRepair(
    id="1a", field="trends|*|automated|a|b", version="9.9", sha256=sha256_of(b"{}"), actor="ann",
    reason="written by a script", at_ms=5,
)  # fmt: skip


def decoded(value: bytes, key: bytes) -> FlagRepair | None:
    record = decode_moderation(value, key)
    assert isinstance(record, OtherRecord)
    return decode_repair(record)


def test_repair_codec_round_trip() -> None:
    assert decoded(*encode_repair(REPAIR)) == REPAIR
    assert encode_repair(REPAIR)[1] == b"register:trends|*|automated|a|b|repair|1a|*"
    assert decoded(b'{"kind": "order"}', b"k") is None


def test_repair_changes_no_register_of_people() -> None:
    value, key = encode_repair(REPAIR)
    assert ModerationFold(max_broker_skew_ms=500).apply(decode_moderation(value, key), 0) == []


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        (b'{"kind": "flag_repair"}', b"k", "bad_record"),
        (encode_repair(REPAIR)[0], b"register:other|repair|1a|*", "bad_key"),
    ],
)
def test_malformed_repair_is_refused(value: bytes, key: bytes, reason: str) -> None:
    with pytest.raises(ContractError) as caught:
        decoded(value, key)
    assert caught.value.reason == reason
