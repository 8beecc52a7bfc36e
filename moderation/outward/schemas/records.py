"""Record types by topic, and the bodies of webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from moderation.domain.appeals.records import AppealRecord
from moderation.domain.calibration.records import TextLabel
from moderation.domain.cases.markings import TextMarking
from moderation.domain.cases.records import CaseRecord as ReviewRecord
from moderation.domain.texts.readings import TextReading
from moderation.log.session_ends import SessionEnded
from moderation.outward.notify.changes import HashtagChange
from moderation.outward.notify.outbox import OutboxRecord
from moderation.outward.report.publications import ReportPublished
from moderation.publiclog.erasures import AuditErasure
from moderation.publiclog.state import PublishedCheckpoint, SignedState
from streams.log.decisions import DecisionRecord
from streams.log.flag_repairs import FlagRepair
from streams.log.moderation import TagRecord
from streams.log.policies import NewIncarnation, PolicyRecord, WorkerReport
from streams.log.skips import Skip
from streams.log.topic_specs import AUDIT_CHECKPOINTS, DECISIONS, MODERATION, NOTIFICATIONS, POLICY
from streams.orders.records import LegalRecord

RECORDS: dict[str, tuple[type, ...]] = {
    DECISIONS: get_args(DecisionRecord),
    MODERATION: (
        *get_args(TagRecord), *get_args(LegalRecord), *get_args(ReviewRecord), *get_args(AppealRecord), TextReading,
        TextMarking, TextLabel, ReportPublished, SessionEnded, Skip, FlagRepair,
        AuditErasure,
    ),
    POLICY: (PolicyRecord, WorkerReport, NewIncarnation),
    AUDIT_CHECKPOINTS: (SignedState, PublishedCheckpoint),
    NOTIFICATIONS: get_args(OutboxRecord),
}  # fmt: skip
"""Types of the JSON records of each topic."""


class LapsingHoldItem(msgspec.Struct, kw_only=True):
    """A person's hold that is about to lapse."""

    decision: str
    """Id of the record of the hold."""
    hashtag: str
    display: str
    country: str
    surfaces: tuple[str, ...]
    actor: str
    reason: str
    lapses_at_ms: int


class DueOrderItem(msgspec.Struct, kw_only=True):
    """An order whose deadline, or whose interim decision's end, is near or has passed."""

    order: str
    country: str
    state: str
    due_at_ms: int
    targets: int
    undecided: int
    assignee: str


class DecidedAppealItem(msgspec.Struct, kw_only=True):
    """An appeal that a person has decided."""

    appeal: str
    reference: str
    """Reference in the statement of reasons."""
    target: str
    verdict: str
    decided_at_ms: int


class LapsingHolds(msgspec.Struct):
    """Content of `holds.lapsing`."""

    items: tuple[LapsingHoldItem, ...]


class DueOrders(msgspec.Struct):
    """Content of `orders.due`."""

    items: tuple[DueOrderItem, ...]


class DecidedAppeals(msgspec.Struct):
    """Content of `appeals.decided`."""

    items: tuple[DecidedAppealItem, ...]


class HashtagChanges(msgspec.Struct):
    """Content of `hashtags.decided`."""

    items: tuple[HashtagChange, ...]


WEBHOOKS: Mapping[str, Any] = {
    "holds.lapsing": LapsingHolds,
    "orders.due": DueOrders,
    "appeals.decided": DecidedAppeals,
    "statement.issued": dict[str, Any],
    "hashtags.decided": HashtagChanges,
    "test": dict[str, str],
}
"""Content of the member `data` of a webhook of `hushtag notify`, by its `type`."""
