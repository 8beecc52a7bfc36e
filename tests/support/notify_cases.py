"""Configurations and logs for tests of notifications."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from moderation.domain.appeals.records import Appeal, AppealOutcome, encode_appeal
from moderation.outward.notify.config import NotifyConfig, load_notify_config
from moderation.outward.notify.outbox import Outbox, OutboxRecord, encode_outbox
from moderation.outward.notify.planning import new_marks, new_messages
from moderation.outward.notify.state import NotifyState
from streams.constants import HOUR_MS
from streams.log.decisions import version_of
from streams.log.moderation import Override, Undo, encode_moderation

NOW_MS = 1_800_000_000_000
REFERENCE = "hushtag-" + "a" * 24
KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" + "AAAAAAAA"
CONFIG = """
from: hushtag@example.org
channels:
  mail:
    email: [mods@example.org]
    sends:
      holds: {before: [4h, 30m], digest: 10m}
      deadlines: {before: [24h, 0m], digest: 0s}
      appeals: {digest: 1h}
  platform:
    webhook: http://127.0.0.1:1/hook
    sends:
      statements: {digest: 1m}
      appeals: {digest: 0s}
"""


def config_of(tmp_path: Path, text: str = CONFIG) -> NotifyConfig:
    path = tmp_path / "notify.yaml"
    path.write_text(text, "utf-8")
    return load_notify_config(path)


def hold(ident: str = "h1", **changes: Any) -> Override:
    fields: dict[str, Any] = {
        "id": ident, "hashtag": "rumour", "display": "Rumour", "country": "*", "surfaces": ("search", "trends"),
        "actor": "ann", "reason": "is it true?", "at_ms": NOW_MS, "action": "hold",
        "expires_at_ms": NOW_MS + 8 * HOUR_MS,
    }  # fmt: skip
    return Override(**fields | changes)


def undo(ident: str, *undoes: str, at_ms: int = NOW_MS) -> Undo:
    return Undo(
        id=ident, hashtag="rumour", display="Rumour", country="*", surfaces=("search", "trends"), actor="ben",
        reason="done", at_ms=at_ms, undoes=undoes,
    )  # fmt: skip


def appeal(ident: str = "a1") -> Appeal:
    return Appeal(
        id=ident, case=REFERENCE, hashtag="rumour", deciders=("ann",), actor="desk", reason="it is a joke", at_ms=NOW_MS
    )


def outcome(ident: str = "a1", *, write: str = "", verdict: Any = "overturn", at_ms: int = NOW_MS) -> AppealOutcome:
    return AppealOutcome(
        id=write or f"o{ident}", appeal=ident, case=REFERENCE, hashtag="rumour", verdict=verdict, actor="ben",
        reason="r", at_ms=at_ms,
    )  # fmt: skip


class NotifyWorld:
    """A state and an outbox in memory: what is planned is written at once."""

    def __init__(self, config: NotifyConfig) -> None:
        self.config, self.state, self.outbox = config, NotifyState(), Outbox()
        self.records: list[tuple[bytes | None, bytes]] = []
        """Records of the topic `notifications`."""
        self._offset = 0

    def log(self, *records: Any) -> None:
        for record in records:
            if isinstance(record, Override | Undo):
                edits = version_of(self._offset - 1, 0) if self._offset else ""
                self.log_raw(*encode_moderation(msgspec.structs.replace(record, edits=edits)))
            else:
                self.log_raw(*encode_appeal(record))

    def log_raw(self, value: bytes, key: bytes) -> None:
        self.state.apply_moderation(self._offset, key, value)
        self._offset += 1

    def write(self, *records: OutboxRecord) -> None:
        for record in records:
            value, key = encode_outbox(record)
            self.records.append((value, key))
            self.outbox.apply(key, value)

    def plan(self, now_ms: int, *events: str) -> list[tuple[str, str, list[str]]]:
        """Plan and write; return channel, event and notices of each new message, of these events or all."""
        self.write(*new_marks(self.config, self.outbox, now_ms))
        messages = list(new_messages(self.config, self.state, self.outbox, now_ms))
        self.write(*messages)
        return [(one.channel, one.event, list(one.notices)) for one in messages if one.event in (events or one.event)]

    def restarted(self) -> Outbox:
        outbox = Outbox()
        for value, key in self.records:
            outbox.apply(key, value)
        return outbox
