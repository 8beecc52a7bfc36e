"""Merge automated decisions from their topic, which is kept for days, and from the audit log. Pure.

A record that both logs hold must have the same bytes, but for what the audit log leaves out; otherwise one of them was
changed and no count can be trusted.
Periods that neither log covers are known as coverage gaps, and the report names them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern

import msgspec

from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.sources import kept_decision, loss_of
from streams.actions import FLAGGING, HIDING
from streams.errors import EXIT_NO, HushtagError
from streams.log.decisions import Action, Decision, LanguageCoverage, ScopeDecision, record_in
from streams.log.topic_specs import DECISIONS

ALWAYS_MS = 0
"""Start of a coverage gap whose real start is unknown."""


class LogsDisagree(HushtagError):
    """The audit log and the decision topic hold different records at the same offset."""

    exit_code = EXIT_NO


@dataclass(frozen=True, slots=True)
class CoverageGap:
    """A period [from_ms, to_ms) in which automated decisions may be missing."""

    from_ms: int
    to_ms: int


@dataclass(slots=True)
class _Partition:
    first_offset: int
    """First offset that the topic retains when it is read."""
    next_offset: int = 0
    """First offset after those in the audit log."""
    audited_ms: int = ALWAYS_MS
    """Log time of the last record in the audit log."""
    first_ms: int | None = None
    """Log time of the first record that the topic retains."""
    lost: bool = False


class AutomatedDecisions:
    """Automated decisions of a report, merged from two logs.

    Apply all records of the topic first, then all entries of the audit log, each log in its order. Then read
    `decisions`, `coverage` and `gaps`.

    Args:
        begins: partition → the first offset that the topic retains.
        from_ms, to_ms: the report's period. To fit a month into memory, only the last earlier decision of each key is
            kept, and only the counted fields of each decision.
    """

    def __init__(self, begins: Mapping[int, int], from_ms: int, to_ms: int) -> None:
        self._partitions = {partition: _Partition(begin) for partition, begin in begins.items()}
        self._from_ms, self._to_ms = from_ms, to_ms
        self._digests: dict[tuple[int, int, int], bytes] = {}
        """(partition, offset, log time) → digest of the topic's record."""
        self._within: dict[tuple[str, str, str], Decision] = {}
        self._before: dict[tuple[str, str], Decision] = {}
        self._coverage: dict[tuple[int, int], LanguageCoverage] = {}
        """Hours that begin in the period, by shard and start; a record may repeat."""
        self._gaps: list[CoverageGap] = []

    def apply_record(self, partition: int, offset: int, log_time_ms: int, value: bytes | None) -> None:
        """Apply a record of the topic."""
        part = self._partitions[partition]
        if part.first_ms is None:
            part.first_ms = log_time_ms
        self._digests[partition, offset, log_time_ms] = _digest(kept_decision(value))
        self._take(value)

    def apply_entry(self, entry: AuditEntry) -> None:
        """Apply an entry of the audit log; an erased one is passed over.

        Raises:
            LogsDisagree: the topic holds other bytes at this offset.
        """
        logged = entry.input
        part = None if logged is None else self._partitions.get(logged.source.partition)
        if logged is None or logged.source.topic != DECISIONS or part is None:
            return
        source, value = logged.source, logged.value
        part.next_offset = source.offset + 1
        if loss_of(logged.note):
            part.lost = True
            return
        if part.lost:
            self._gaps.append(CoverageGap(part.audited_ms, source.log_time_ms))
        part.audited_ms, part.lost = source.log_time_ms, False
        if logged.note:
            return
        digest = self._digests.get((source.partition, source.offset, source.log_time_ms))
        if digest is None:
            self._take(value)
        elif digest != _digest(value):
            raise LogsDisagree(
                f"entry {entry.number} of the audit log differs from {DECISIONS}[{source.partition}] at offset "
                f"{source.offset}: one of them was changed",
                fix="run hushtag audit verify to check the audit log; until then trust neither",
            )

    def decisions(self) -> list[Decision]:
        """List each decision once, including earlier ones that may count in the report's period."""
        return [*self._before.values(), *self._within.values()]

    def coverage(self) -> list[LanguageCoverage]:
        """List the texts by language of each shard and hour that begins in the report's period, each once."""
        return [*self._coverage.values()]

    def gaps(self) -> list[CoverageGap]:
        """List the coverage gaps within the report's period, in order, without overlaps."""
        gaps = list(self._gaps)
        for part in self._partitions.values():
            if part.lost or part.first_offset > part.next_offset:
                gaps.append(CoverageGap(part.audited_ms, self._to_ms if part.first_ms is None else part.first_ms))
        merged: list[CoverageGap] = []
        for gap in sorted(gaps, key=lambda gap: gap.from_ms):
            gap = CoverageGap(max(gap.from_ms, self._from_ms), min(gap.to_ms, self._to_ms))
            if merged and gap.from_ms <= merged[-1].to_ms:
                merged[-1] = CoverageGap(merged[-1].from_ms, max(merged[-1].to_ms, gap.to_ms))
            elif gap.from_ms < gap.to_ms:
                merged.append(gap)
        return merged

    def _take(self, value: bytes | None) -> None:
        decision = record_in(value)
        if isinstance(decision, LanguageCoverage) and self._from_ms <= decision.from_ms < self._to_ms:
            self._coverage.setdefault((decision.shard, decision.from_ms), decision)
        if not isinstance(decision, Decision) or decision.decided_at_ms >= self._to_ms:
            return
        if decision.decided_at_ms >= self._from_ms:
            self._within.setdefault((decision.hashtag, decision.country, decision.version), _slim(decision))
            return
        key = decision.hashtag, decision.country
        if key not in self._before or self._before[key].version < decision.version:
            self._before[key] = _slim(decision)


def _slim(decision: Decision) -> Decision:
    """Reduce a decision to the fields that a report counts: the flags by category and surface, and their ends."""
    ends: dict[tuple[str, str, Action], int] = {}
    for ruling in decision.rulings:
        if ruling.action in FLAGGING:
            action: Action = "suppress" if ruling.action in HIDING else ruling.action
            scope = intern(ruling.category), intern(ruling.surface), action
            ends[scope] = max(ruling.expires_at_ms, ends.get(scope, 0))
    rulings = tuple(
        ScopeDecision(category=category, surface=surface, action=action, since_ms=0, expires_at_ms=end_ms)
        for (category, surface, action), end_ms in ends.items()
    )
    names = {"hashtag": intern(decision.hashtag), "country": intern(decision.country), "display": ""}
    return msgspec.structs.replace(decision, rulings=rulings, policy_revision="", model_revision="", **names)


def _digest(value: bytes | None) -> bytes:
    return hashlib.blake2b(value or b"", digest_size=16).digest()
