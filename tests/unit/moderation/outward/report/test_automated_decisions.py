"""Automated decisions merged from their topic and the audit log, and the gaps that neither covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from moderation.outward.report.automated_decisions import AutomatedDecisions, CoverageGap, LogsDisagree
from moderation.outward.report.episodes import episodes
from moderation.outward.report.facts import count_facts
from moderation.outward.report.texts_read import texts_read
from moderation.publiclog.entries import LogEnd
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.sources import audit_input, lost_records
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import (
    Decision,
    Evidence,
    LanguageCoverage,
    LanguageTexts,
    Progress,
    SampledAt,
    ScopeDecision,
    encode_record,
    version_of,
)

FROM_MS, TO_MS = 1_000, 2_000
PARTITIONS = 2


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    at_ms: int
    value: bytes


def decision(tag: str, at_ms: int, action: str, lasts_ms: int) -> Decision:
    ruling = ScopeDecision(
        category="hate", surface="trends", action=action, since_ms=at_ms, expires_at_ms=at_ms + lasts_ms  # type: ignore[arg-type]
    )  # fmt: skip
    return Decision(
        hashtag=tag, display=tag, country="IN", version=version_of(at_ms, at_ms), tick_ms=at_ms, settled_ms=at_ms,
        decided_at_ms=at_ms, policy_revision="p", model_revision="m", rulings=(ruling,),
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Draw decisions and progress of two tags in each partition, from before the report's period to after it."""
    records, offsets, at_ms = [], [0] * PARTITIONS, 600
    for _ in range(draw(st.integers(1, 25))):
        at_ms += draw(st.integers(1, 150))
        partition = draw(st.integers(0, PARTITIONS - 1))
        tag = f"{draw(st.sampled_from('ab'))}{partition}"
        value: Decision | Progress = decision(
            tag, at_ms, draw(st.sampled_from(["suppress", "discount", "clear", "review"])), draw(st.integers(1, 500))
        )
        if draw(st.integers(0, 4)) == 0:
            value = Progress(shard=partition, settled_ms=at_ms, position=1, replay_offset=1, activations=[])
        records.append(Record(partition, offsets[partition], at_ms, encode_record(value)))
        offsets[partition] += 1
    return records


def gathered(records: Sequence[Record], begins: dict[int, int], audited: Sequence[AuditInput]) -> AutomatedDecisions:
    found = AutomatedDecisions(begins, FROM_MS, TO_MS)
    for one in records:
        if one.offset >= begins[one.partition]:
            found.apply_record(one.partition, one.offset, one.at_ms, one.value)
    for entry in LogEnd().extend(audited):
        found.apply_entry(entry)
    return found


def as_audited(records: Sequence[Record]) -> list[AuditInput]:
    return [
        audit_input(SourcePosition("suppression-decisions", one.partition, one.offset, one.at_ms), b"k", one.value)
        for one in records
        if b'"kind":"decision"' in one.value
    ]


def all_of(records: Sequence[Record]) -> list[Decision]:
    return gathered(records, dict.fromkeys(range(PARTITIONS), 0), []).decisions()


@pytest.mark.simulation
@given(histories(), st.data())
def test_facts_are_complete_if_the_logs_overlap(records: list[Record], data: st.DataObject) -> None:
    """The audit log holds all records up to a moment, the topic all records since an earlier one."""
    until = data.draw(st.integers(0, len(records)))
    begins = {
        partition: data.draw(st.integers(0, sum(one.partition == partition for one in records[:until])))
        for partition in range(PARTITIONS)
    }
    found = gathered(records, begins, as_audited(records[:until]))
    assert episodes(found.decisions(), FROM_MS, TO_MS) == episodes(all_of(records), FROM_MS, TO_MS)
    both = count_facts(OverrideHistory(), found.decisions(), FROM_MS, TO_MS, now_ms=TO_MS)
    alone = count_facts(OverrideHistory(), all_of(records), FROM_MS, TO_MS, now_ms=TO_MS)
    assert both == alone


@given(histories(), st.data())
def test_decisions_in_neither_log_lie_in_a_gap(records: list[Record], data: st.DataObject) -> None:
    """Retention removed records of the topic before the audit log copied them."""
    until, since = sorted((data.draw(st.integers(0, len(records))), data.draw(st.integers(0, len(records)))))
    begins = {p: sum(one.partition == p for one in records[:since]) for p in range(PARTITIONS)}
    found = gathered(records, begins, as_audited(records[:until]))
    known = {(one.hashtag, one.version) for one in found.decisions()}
    for one in all_of(records):
        inside = FROM_MS <= one.decided_at_ms < TO_MS
        if inside and (one.hashtag, one.version) not in known:
            assert any(gap.from_ms <= one.decided_at_ms < gap.to_ms for gap in found.gaps())


def test_gaps_are_merged_and_cut_to_the_period() -> None:
    moments = enumerate((500, 1_200, 1_500, 1_700, 1_900))
    records = [Record(0, n, at, encode_record(decision("a", at, "suppress", 50))) for n, at in moments]
    audited = as_audited(records)
    assert gathered(records, {0: 0}, []).gaps() == []
    assert gathered(records, {0: 4}, audited[:4]).gaps() == []
    assert gathered(records, {0: 3}, []).gaps() == [CoverageGap(FROM_MS, 1_700)]
    assert gathered(records, {0: 3}, audited[:2]).gaps() == [CoverageGap(1_200, 1_700)]
    assert gathered(records, {0: 5}, audited[:2]).gaps() == [CoverageGap(1_200, TO_MS)]
    lost = [*audited[:2], lost_records("suppression-decisions", 0, 2, 3), audited[3]]
    assert gathered(records, {0: 4}, lost).gaps() == [CoverageGap(1_200, 1_700)]
    assert gathered(records, {0: 5}, lost).gaps() == [CoverageGap(1_200, TO_MS)]
    unread = [*audited[:2], AuditInput(SourcePosition("suppression-decisions", 0, 3, 1_700), note="read up to here")]
    assert gathered(records, {0: 4}, unread).gaps() == []


def test_record_that_differs_between_logs_is_refused() -> None:
    [record] = [Record(0, 0, 1_200, encode_record(decision("a", 1_200, "suppress", 50)))]
    other = encode_record(decision("a", 1_200, "clear", 50))
    with pytest.raises(LogsDisagree, match=r"entry 0 .* suppression-decisions\[0\] at offset 0"):
        gathered([record], {0: 0}, as_audited([Record(0, 0, 1_200, other)]))


def test_positions_of_tweets_make_no_difference_between_logs() -> None:
    evidence = Evidence(
        window_ms=600_000, tweets=9, authors=9, scored=9, share=0.9, lower=0.8, upper=1.0, sampled=("7",),
        sampled_at=(SampledAt(partition=1, offset=2, lang="en"),), highest=("7",),
        highest_at=(SampledAt(partition=1, offset=2, lang="en"),),
    )  # fmt: skip
    one = decision("a0", 1_100, "suppress", 500)
    one = replace(one, rulings=(replace(one.rulings[0], evidence=evidence),))
    record = Record(0, 0, 1_100, encode_record(one))
    assert b"sampled_at" in record.value
    found = gathered([record], {0: 0, 1: 0}, as_audited([record]))
    assert [kept.hashtag for kept in found.decisions()] == ["a0"]


def test_other_topics_and_malformed_records_are_ignored() -> None:
    found = AutomatedDecisions({0: 0}, FROM_MS, TO_MS)
    for value in (b"{", b"\xff", b'{"kind":"decision"}', None):
        found.apply_record(0, 0, 1_200, value)
    others = [SourcePosition("moderation", 0, 1, 1), SourcePosition("suppression-decisions", 7, 1, 1)]
    for entry in LogEnd().extend([AuditInput(source, b"k", b"v") for source in others]):
        found.apply_entry(entry)
    assert (found.decisions(), found.gaps()) == ([], [])


def coverage(shard: int, from_ms: int, texts: int) -> LanguageCoverage:
    languages = (LanguageTexts("en", texts, texts), LanguageTexts("ta", 9, 0))
    return LanguageCoverage(shard=shard, from_ms=from_ms, to_ms=from_ms + 100, languages=languages)


def test_hours_of_the_period_count_once_from_both_logs() -> None:
    """Each shard repeats an hour, and the topic has lost the records that the audit log has."""
    hours = [
        coverage(0, 900, 70),
        coverage(0, 1_000, 7),
        coverage(0, 1_000, 7),
        coverage(0, 1_900, 8),
        coverage(0, 2_000, 9),
    ]
    records = [Record(0, n, one.to_ms, encode_record(one)) for n, one in enumerate(hours)]
    others = [Record(1, n, 1_100, encode_record(coverage(1, 1_000, 20))) for n in range(2)]
    audited = [
        AuditInput(SourcePosition("suppression-decisions", one.partition, one.offset, one.at_ms), b"k", one.value)
        for one in (*records, *others)
    ]
    for begins in ({0: 0, 1: 0}, {0: 3, 1: 2}, {0: 9, 1: 9}):
        found = gathered([*records, *others], begins, audited).coverage()
        assert sorted((one.shard, one.from_ms) for one in found) == [(0, 1_000), (0, 1_900), (1, 1_000)]
        texts = texts_read(found)
        assert (texts.hours, texts.read, texts.unread) == (2, {"en": 35}, {"ta": 27})


def test_kept_decision_tells_discount_from_suppression() -> None:
    decisions = [decision("a", 1_100, "discount", 100), decision("b", 1_100, "hold", 100)]
    records = [Record(0, n, one.decided_at_ms, encode_record(one)) for n, one in enumerate(decisions)]
    kept = gathered(records, {0: 0}, []).decisions()
    assert [(one.hashtag, one.rulings[0].action) for one in kept] == [("a", "discount"), ("b", "suppress")]


def test_only_the_last_earlier_decision_is_kept() -> None:
    """An episode that was cleared before the period does not extend one within it."""
    decisions = [
        decision("a", 800, "suppress", 900),
        decision("a", 900, "clear", 0),
        decision("a", 1_100, "suppress", 100),
    ]
    records = [Record(0, n, one.decided_at_ms, encode_record(one)) for n, one in enumerate(decisions)]
    found = gathered(records, {0: 0}, [])
    assert [one.decided_at_ms for one in found.decisions()] == [900, 1_100]
    assert [(one.from_ms, one.to_ms) for one in episodes(found.decisions(), FROM_MS, TO_MS)] == [(1_100, 1_200)]
