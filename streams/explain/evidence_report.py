"""Report on a hashtag's last evidence: its signals against every rule, and the policy lines that set them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from streams.explain.signal_report import (
    BelowFloor,
    SignalReport,
    WindowVolume,
    fault_of,
    row_of,
    signal_reports,
    volumes,
)
from streams.log.decisions import DecisionReason
from streams.log.evidence import EvidenceRecord, decode_evidence_head
from streams.log.evidence_reading import PlacedRecord, evidence_in
from streams.log.policies import PolicyRecord
from streams.policy import Policy
from streams.policy.places import PolicyLine, PolicyLines


class PolicyFiles:
    """Policies that were live, and the lines of their files.

    Args:
        records: by revision, oldest first.
        path: the policy file of this shell.
        text: content of that file; "" where it cannot be read.
    """

    def __init__(self, records: Mapping[str, PolicyRecord], path: Path = Path(), text: str = "") -> None:
        self.records = records
        self._path, self._text = path, text
        self._parsed: dict[str, tuple[Policy, PolicyLines]] = {}

    def policy(self, revision: str) -> Policy | None:
        """Return a policy; None where the topic does not have the revision."""
        parsed = self.parsed(revision)
        return parsed[0] if parsed else None

    def parsed(self, revision: str) -> tuple[Policy, PolicyLines] | None:
        """Return a policy and its lines; None where the topic does not have the revision."""
        if revision not in self._parsed and revision in self.records:
            record = self.records[revision]
            policy = Policy.from_canonical(record.policy)
            self._parsed[revision] = policy, PolicyLines(policy, record.text)
        return self._parsed.get(revision)

    def name(self, revision: str) -> str:
        """Return the path of a policy's file where the path still has this content, else its revision."""
        record = self.records.get(revision)
        return str(self._path) if record is not None and self._text == record.text else f"policy {revision}"

    def line_of(
        self, revision: str, signal: str, category: str, surface: str, country: str
    ) -> tuple[str, PolicyLine] | None:
        """Return the file and the line that set a threshold; None for a default, or where the file is unknown."""
        parsed = self.parsed(revision)
        line = parsed[1].of_signal(signal, category, surface, country) if parsed else None
        return (self.name(revision), line) if line else None


@dataclass(slots=True)
class EvidenceReport:
    """Evidence of a hashtag at a time. Empty where the evidence does not have the hashtag."""

    reports: list[SignalReport] = field(default_factory=list)
    below: list[BelowFloor] = field(default_factory=list)
    """Windows that had the hashtag and no longer do."""
    volume: list[WindowVolume] = field(default_factory=list)
    seen: bool = False
    """Whether the evidence of the last hour has the hashtag at all."""
    revision: str = ""
    """Revision of the policy that the signal reports are computed under."""
    live: str = ""
    """Revision of the policy that decides next; another one where it went live since."""
    protected: bool = False
    """Whether the hashtag is in `never_suppress` of that policy."""
    fault: DecisionReason | None = None
    """Reason why the scorer was not trusted at the last tick."""
    model: str = ""
    """Revision of the model for the texts of that tick; "" where no policy was ever live."""
    policies: PolicyFiles = field(default_factory=lambda: PolicyFiles({}))


class RecentEvidence:
    """Evidence of one shard up to a time, added record by record in the order of the log."""

    def __init__(self, hashtag: str, at_ms: int) -> None:
        self._hashtag, self._needle, self._at_ms = hashtag, hashtag.encode(), at_ms
        self._of_tag: dict[tuple[int, int, int], EvidenceRecord] = {}
        self._last: dict[int, tuple[int, dict[int, PlacedRecord]]] = {}

    def add(self, record: PlacedRecord) -> bool:
        """Add a record; False where it is later than the time, as are all records after it, except repeats.

        One that cannot be read is passed over.
        """
        value = record.value or b""
        try:
            head = decode_evidence_head(value)
        except msgspec.MsgspecError:
            return evidence_in(record) is None
        if head.tick_ms > self._at_ms:
            return evidence_in(record) is None
        last_ms, parts = self._last.get(head.window_ms, (-1, {}))
        if head.tick_ms > last_ms:
            self._last[head.window_ms] = head.tick_ms, {head.part: record}
        elif head.tick_ms == last_ms:
            parts[head.part] = record
        if self._needle in value:
            evidence = evidence_in(record)
            if evidence is not None and self._hashtag in evidence.hashtags:
                self._of_tag[evidence.tick_ms, evidence.window_ms, evidence.part] = evidence
        return True

    def of_tag(self) -> list[EvidenceRecord]:
        """Return the records that have the hashtag, by tick."""
        return [self._of_tag[key] for key in sorted(self._of_tag)]

    def last(self) -> dict[int, list[EvidenceRecord]]:
        """Return the records of the last tick of each window, the shortest window first."""
        return {
            window_ms: [evidence for part in sorted(parts) if (evidence := evidence_in(parts[part])) is not None]
            for window_ms, (_, parts) in sorted(self._last.items())
        }


def evidence_report(
    evidence: RecentEvidence, policies: PolicyFiles, hashtag: str, countries: Sequence[str], at_ms: int
) -> EvidenceReport:
    """Report a hashtag's signals in each country, and its volume in the first of them."""
    report = EvidenceReport(policies=policies)
    of_tag, last = evidence.of_tag(), evidence.last()
    newest = max((records[0] for records in last.values()), key=lambda record: record.tick_ms, default=None)
    report.revision = newest.conditions.policy_revision if newest else ""
    tick_ms = newest.tick_ms if newest else -1
    since = [record.revision for record in policies.records.values() if tick_ms < record.from_tick_ms <= at_ms]
    report.live = since[-1] if since else report.revision
    live, judged_by = policies.policy(report.live), policies.parsed(report.revision)
    if newest is not None:
        report.model = newest.conditions.model_revision
    elif live is not None:
        report.model = policies.records[report.live].model_revision
    report.protected = live is not None and live.is_never_suppressed(hashtag)
    report.volume = volumes(of_tag, hashtag, countries[0])
    report.seen = any(row_of(record, hashtag, country) is not None for record in of_tag for country in countries)
    if newest is None or judged_by is None:
        return report
    policy, lines = judged_by
    windows = {window_ms: last[window_ms] for window_ms in newest.conditions.windows_ms if window_ms in last}
    report.fault = fault_of(windows.get(newest.conditions.windows_ms[0], ()), policy)
    for country in countries:
        here = {
            window_ms: record for window_ms, records in windows.items() for record in records
            if row_of(record, hashtag, country) is not None
        }  # fmt: skip
        report.reports += signal_reports(here, hashtag, country, policy, lines)
        report.below += [
            BelowFloor(country, window_ms, records[0].tick_ms, newest.conditions.evidence_floor)
            for window_ms, records in windows.items() if window_ms not in here
        ]  # fmt: skip
    return report
