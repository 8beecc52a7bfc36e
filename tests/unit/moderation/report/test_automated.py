"""Automated decisions from their topic and the audit log: all numbers are right, or a hole is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.audit.chain import Chain, Heard, Source
from moderation.audit.sources import kept, lost_records
from moderation.report.automated import Gathered, Hole, LogsDisagree
from moderation.report.episodes import episodes
from moderation.report.facts import gather
from streams.flags.overrides import PeopleView
from streams.log.decisions import Decision, Progress, Ruling, encode_record, version_of

FROM_MS, TO_MS = 1_000, 2_000
PARTITIONS = 2


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    at_ms: int
    value: bytes


def decision(tag: str, at_ms: int, action: str, lasts_ms: int) -> Decision:
    ruling = Ruling(
        category="hate", surface="trends", action=action, since_ms=at_ms, expires_at_ms=at_ms + lasts_ms  # type: ignore[arg-type]
    )  # fmt: skip
    return Decision(
        hashtag=tag, display=tag, country="IN", version=version_of(at_ms, at_ms), tick_ms=at_ms, settled_ms=at_ms,
        decided_at_ms=at_ms, policy_revision="p", model_revision="m", rulings=(ruling,),
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Two tags in each of two partitions, decisions and progress in rising time, from before the report to after it."""
    records, offsets, at_ms = [], [0] * PARTITIONS, 600
    for _ in range(draw(st.integers(1, 25))):
        at_ms += draw(st.integers(1, 150))
        partition = draw(st.integers(0, PARTITIONS - 1))
        tag = f"{draw(st.sampled_from('ab'))}{partition}"
        said: Decision | Progress = decision(
            tag, at_ms, draw(st.sampled_from(["suppress", "clear", "review"])), draw(st.integers(1, 500))
        )
        if draw(st.integers(0, 4)) == 0:
            said = Progress(shard=partition, settled_ms=at_ms, position=1, replay_offset=1, activations=[])
        records.append(Record(partition, offsets[partition], at_ms, encode_record(said)))
        offsets[partition] += 1
    return records


def gathered(records: Sequence[Record], begins: dict[int, int], audited: Sequence[Heard]) -> Gathered:
    found = Gathered(begins, FROM_MS, TO_MS)
    for one in records:
        if one.offset >= begins[one.partition]:
            found.hear_record(one.partition, one.offset, one.at_ms, one.value)
    for entry in Chain().extend(audited):
        found.hear_entry(entry)
    return found


def as_audited(records: Sequence[Record]) -> list[Heard]:
    return [
        kept(Source("suppression-decisions", one.partition, one.offset, one.at_ms), b"k", one.value)
        for one in records
        if b'"kind":"decision"' in one.value
    ]


def all_of(records: Sequence[Record]) -> list[Decision]:
    return gathered(records, dict.fromkeys(range(PARTITIONS), 0), []).decisions()


@pytest.mark.simulation
@given(histories(), st.data())
def test_whatever_retention_took_the_numbers_are_those_of_all(records: list[Record], data: st.DataObject) -> None:
    """The audit log has everything up to some moment, the topic everything from an earlier one on."""
    until = data.draw(st.integers(0, len(records)))
    begins = {
        partition: data.draw(st.integers(0, sum(one.partition == partition for one in records[:until])))
        for partition in range(PARTITIONS)
    }
    found = gathered(records, begins, as_audited(records[:until]))
    assert episodes(found.decisions(), FROM_MS, TO_MS) == episodes(all_of(records), FROM_MS, TO_MS)
    both = gather(PeopleView(), found.decisions(), FROM_MS, TO_MS, now_ms=TO_MS)
    alone = gather(PeopleView(), all_of(records), FROM_MS, TO_MS, now_ms=TO_MS)
    assert (both.suppressed, both.suppressed_for_ms, both.durations_ms) == (
        alone.suppressed, alone.suppressed_for_ms, alone.durations_ms,
    )  # fmt: skip


@given(histories(), st.data())
def test_what_no_log_has_lies_in_a_hole_that_is_told(records: list[Record], data: st.DataObject) -> None:
    """The audit log was behind when retention went over it, perhaps twice."""
    until, since = sorted((data.draw(st.integers(0, len(records))), data.draw(st.integers(0, len(records)))))
    begins = {p: sum(one.partition == p for one in records[:since]) for p in range(PARTITIONS)}
    found = gathered(records, begins, as_audited(records[:until]))
    known = {(one.hashtag, one.version) for one in found.decisions()}
    for one in all_of(records):
        inside = FROM_MS <= one.decided_at_ms < TO_MS
        if inside and (one.hashtag, one.version) not in known:
            assert any(hole.from_ms <= one.decided_at_ms < hole.to_ms for hole in found.holes())


def test_holes_are_joined_cut_to_the_report_and_absent_where_all_is_there() -> None:
    moments = enumerate((500, 1_200, 1_500, 1_700, 1_900))
    records = [Record(0, n, at, encode_record(decision("a", at, "suppress", 50))) for n, at in moments]
    audited = as_audited(records)
    assert gathered(records, {0: 0}, []).holes() == []
    assert gathered(records, {0: 4}, audited[:4]).holes() == []
    assert gathered(records, {0: 3}, []).holes() == [Hole(FROM_MS, 1_700)]
    assert gathered(records, {0: 3}, audited[:2]).holes() == [Hole(1_200, 1_700)]
    assert gathered(records, {0: 5}, audited[:2]).holes() == [Hole(1_200, TO_MS)]
    lost = [*audited[:2], lost_records("suppression-decisions", 0, 2, 3), audited[3]]
    assert gathered(records, {0: 4}, lost).holes() == [Hole(1_200, 1_700)]
    assert gathered(records, {0: 5}, lost).holes() == [Hole(1_200, TO_MS)]
    unread = [*audited[:2], Heard(Source("suppression-decisions", 0, 3, 1_700), note="read up to here")]
    assert gathered(records, {0: 4}, unread).holes() == []


def test_a_record_that_differs_between_the_two_is_refused() -> None:
    [record] = [Record(0, 0, 1_200, encode_record(decision("a", 1_200, "suppress", 50)))]
    other = encode_record(decision("a", 1_200, "clear", 50))
    with pytest.raises(LogsDisagree, match=r"entry 0 .* suppression-decisions\[0\] has at offset 0"):
        gathered([record], {0: 0}, as_audited([Record(0, 0, 1_200, other)]))


def test_other_topics_and_what_is_no_decision_count_for_nothing() -> None:
    found = Gathered({0: 0}, FROM_MS, TO_MS)
    for value in (b"{", b"\xff", b'{"kind":"decision"}', None):
        found.hear_record(0, 0, 1_200, value)
    for entry in Chain().extend([Heard(Source("moderation", 0, 1, 1), b"k", b"v"),
                                 Heard(Source("suppression-decisions", 7, 1, 1), b"k", b"v")]):  # fmt: skip
        found.hear_entry(entry)
    assert (found.decisions(), found.holes()) == ([], [])


def test_of_what_was_decided_before_only_what_may_count_is_kept() -> None:
    """A suppression that began before the report's time and was cleared before it does not lend it its beginning."""
    said = [decision("a", 800, "suppress", 900), decision("a", 900, "clear", 0), decision("a", 1_100, "suppress", 100)]
    records = [Record(0, n, one.decided_at_ms, encode_record(one)) for n, one in enumerate(said)]
    found = gathered(records, {0: 0}, [])
    assert [one.decided_at_ms for one in found.decisions()] == [900, 1_100]
    assert [(one.from_ms, one.to_ms) for one in episodes(found.decisions(), FROM_MS, TO_MS)] == [(1_100, 1_200)]
