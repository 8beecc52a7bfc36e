"""Records of the `policy` topic for tests."""

from __future__ import annotations

from msgspec.structs import replace

from streams.log.policies import PolicyRecord
from tests.support.shells import NOW_MS
from tests.support.word_policy import POLICY, make_policy


def record_of(serial: int = 1, **more: object) -> PolicyRecord:
    """Return the record of the word policy with a serial."""
    policy = make_policy(POLICY.replace("serial: 1", f"serial: {serial}"))
    plain = PolicyRecord(
        revision=policy.revision, serial=serial, policy=policy.canonical, model_revision="f" * 12, from_tick_ms=0,
        proposed_at_ms=NOW_MS, proposed_by="w",
    )  # fmt: skip
    return replace(plain, **more)
