"""The audit log against its source topics: missing, altered and added records."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from moderation.publiclog.comparison import SourceComparison
from moderation.publiclog.erasures import ERASED_NOTE
from moderation.publiclog.inputs import MAX_RECORD_BYTES, AuditInput, SourcePosition, too_large_note
from moderation.publiclog.sources import CHECKPOINT_NOTE, audit_input, is_kept, lost_records

DECISIONS, MODERATION = "suppression-decisions", "moderation"
Log = list[AuditInput]


def record(offset: int, value: bytes = b"", topic: str = DECISIONS, partition: int = 0) -> AuditInput:
    """Build a source record; by default a decision."""
    value = value or b'{"kind":"decision","n":%d}' % offset
    return AuditInput(SourcePosition(topic, partition, offset, 1_000 + offset), b"k", value)


def progress(offset: int) -> AuditInput:
    return record(offset, b'{"kind":"progress"}')


def compared(
    log: Sequence[AuditInput], source: Sequence[AuditInput], *, begin: int = 0, end: int | None = None, signed: int = 0
) -> SourceComparison:
    """Compare a log with the records that one source partition holds."""
    comparison = SourceComparison()
    for number, one in enumerate(log):
        if number < signed:
            comparison.skip(one)
        else:
            comparison.add(number, one)
    first = log[0].source if log else source[0].source
    partition = comparison.of(first.topic, first.partition)
    partition.set_bounds(begin, end if end is not None else source[-1].source.offset + 1 if source else begin)
    for one in source:
        if one.source.offset >= max(begin, partition.start):
            kept = is_kept(one.source.topic, one.value)
            partition.apply(one.source.offset, audit_input(one.source, one.key, one.value) if kept else None)
    partition.finish()
    return comparison


def found(comparison: SourceComparison) -> list[tuple[str, int, int]]:
    return [(one.kind, one.offset, one.entry) for one in comparison.differences]


SOURCE = [record(0), progress(1), record(2), record(3), progress(4), progress(5), record(6)]
HONEST = [SOURCE[0], SOURCE[2], SOURCE[3], SOURCE[6]]


def test_honest_log_equals_its_source() -> None:
    comparison = compared(HONEST, SOURCE)
    assert (found(comparison), comparison.compared, comparison.gone, comparison.waiting) == ([], 4, 0, 0)


TAMPERINGS: list[tuple[str, Callable[[Log], Log], tuple[str, int, int]]] = [
    ("content", lambda log: [*log[:2], replace(log[2], value=b'{"kind":"decision"}'), log[3]], ("altered", 3, 2)),
    ("key", lambda log: [*log[:3], replace(log[3], key=b"other")], ("altered", 6, 3)),
    ("time", lambda log: [replace(log[0], source=SourcePosition(DECISIONS, 0, 0, 7)), *log[1:]], ("altered", 0, 0)),
    ("tombstone", lambda log: [replace(log[0], value=None), *log[1:]], ("altered", 0, 0)),
    ("left out", lambda log: [log[0], *log[2:]], ("missing", 2, 1)),
    ("beyond the end", lambda log: [*log, record(7)], ("added", 7, 4)),
    ("of progress", lambda log: [log[0], progress(1), *log[1:]], ("added", 1, 1)),
    ("repeated", lambda log: [*log[:2], log[1], *log[2:]], ("added", 2, 2)),
    ("false loss", lambda log: [*log[:1], lost_records(DECISIONS, 0, 1, 4), log[3]], ("missing", 2, 1)),
    ("noted", lambda log: [*log[:3], AuditInput(log[3].source, note="nothing to see")], ("altered", 6, 3)),
    ("checkpoint", lambda log: [*log[:3], AuditInput(log[3].source, note=CHECKPOINT_NOTE)], ("missing", 6, 3)),
    ("too large", lambda log: [*log[:3], AuditInput(log[3].source, note=too_large_note(SOURCE[6].value or b""))],
     ("altered", 6, 3)),
    ("other topic", lambda log: [*log, record(1, topic="tweets")], ("added", 1, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("tamper", "difference"), [row[1:] for row in TAMPERINGS], ids=[row[0] for row in TAMPERINGS])
def test_tampered_record_is_found(tamper: Callable[[Log], Log], difference: tuple[str, int, int]) -> None:
    comparison = compared(tamper(HONEST), SOURCE)
    assert found(comparison)[0] == difference
    assert f"offset {difference[1]}" in str(comparison.differences[0])


def test_notes_of_the_writer_are_no_differences() -> None:
    log = [lost_records(DECISIONS, 0, 0, 2), SOURCE[2], SOURCE[3], AuditInput(SOURCE[5].source, note=CHECKPOINT_NOTE)]
    comparison = compared(log, SOURCE[2:], begin=2)
    assert (found(comparison), comparison.compared, comparison.waiting) == ([], 4, 1)


def test_large_and_personal_records_are_compared_by_hash() -> None:
    large = record(0, b'{"kind":"decision","x":"' + b"x" * MAX_RECORD_BYTES + b'"}')
    kept = AuditInput(large.source, note=too_large_note(large.value or b""))
    assert found(compared([kept], [large])) == []
    speaker = record(0, b'{"kind":"speaker","name":"Name","actor":"lee"}', MODERATION)
    entry = audit_input(speaker.source, speaker.key, speaker.value)
    assert found(compared([entry], [speaker])) == []
    other = record(0, b'{"kind":"speaker","name":"Other","actor":"lee"}', MODERATION)
    assert found(compared([entry], [other])) == [("altered", 0, 0)]


def test_record_removed_from_its_topic_is_counted_as_gone() -> None:
    aged = compared(HONEST, SOURCE[3:], begin=3)
    assert (found(aged), aged.compared, aged.gone, aged.first_gone) == ([], 2, 2, 0)
    log = [record(n, b"{}", MODERATION) for n in (3, 4, 9)]
    compacted = compared(log, [log[0], log[2]])
    assert (found(compacted), compacted.compared, compacted.gone, compacted.first_gone) == ([], 2, 1, 1)


def test_decision_without_record_inside_its_topic_is_added() -> None:
    assert found(compared([record(4)], [progress(3), record(5)], end=6)) == [("added", 4, 0)]


def test_recreated_topic_makes_entries_added() -> None:
    assert found(compared(HONEST, [], begin=0, end=0)) == [("added", n, i) for i, n in enumerate((0, 2, 3, 6))]


def test_comparison_begins_after_signed_entries() -> None:
    forged = [replace(HONEST[0], value=b"signed long ago"), *HONEST[1:3], replace(HONEST[3], value=b"forged")]
    assert found(compared(forged, SOURCE, signed=1)) == [("altered", 6, 3)]
    passed_over = [*HONEST[:2], HONEST[3]]
    assert found(compared(passed_over, SOURCE, signed=2)) == [("missing", 3, 2)]


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_any_difference_after_signed_part_is_found(kinds: list[bool], dice: random.Random) -> None:
    """Reference: the entries of a log and the kept records, as plain lists."""
    source = [record(n) if kept else progress(n) for n, kept in enumerate(kinds)]
    honest = [one for one in source if is_kept(DECISIONS, one.value)]
    log = [one for one in honest if dice.random() < 0.8]
    log = [replace(one, value=b"forged") if dice.random() < 0.2 else one for one in log]
    comparison = compared(log, source, end=len(source)) if log else None
    reached = log[-1].source.offset if log else -1
    same = log == [one for one in honest if one.source.offset <= reached]
    assert comparison is None or (found(comparison) == []) is same
    assert comparison is None or comparison.waiting == sum(one.source.offset > reached for one in honest)


def test_erased_entry_is_no_missing_record() -> None:
    comparison = SourceComparison()
    for number, one in ((0, HONEST[0]), (2, HONEST[2])):
        comparison.add(number, one)
    comparison.erase(DECISIONS, 0, 2)
    partition = comparison.of(DECISIONS, 0)
    partition.set_bounds(0, 7)
    for one in SOURCE[:4]:
        kept = is_kept(DECISIONS, one.value)
        partition.apply(one.source.offset, one if kept else None)
    partition.finish()
    assert found(comparison) == [] and comparison.compared == 2


def test_comparison_begins_at_signed_positions() -> None:
    comparison = SourceComparison()
    comparison.start_at({(DECISIONS, 0): 3, ("policy", 0): 9})
    assert (comparison.of(DECISIONS, 0).start, comparison.of("policy", 0).end) == (3, 9)


def test_decisions_of_an_earlier_incarnation_are_not_compared() -> None:
    """The topics of the shards were created again, so offset 0 is another decision."""
    begins = AuditInput(SourcePosition("policy", 0, 3, 1), b"incarnation", b"{}")
    now = record(0, b'{"kind":"decision","of":"the new topic"}')
    for signed in (0, 3):
        comparison = SourceComparison()
        for number, one in enumerate([record(0), record(40), begins, now]):
            if number < signed:
                comparison.skip(one)
            else:
                comparison.add(number, one)
        partition = comparison.of(DECISIONS, 0)
        partition.set_bounds(0, 1)
        partition.apply(0, now)
        partition.finish()
        assert partition.compared == 1 and not comparison.differences, signed


def test_source_that_ends_before_the_signed_position_is_gone() -> None:
    """The topic was restored empty while the log has an unsigned end."""
    comparison = compared(HONEST, [], end=0, signed=2)
    assert (found(comparison), comparison.gone, comparison.first_gone) == ([], 2, 2)


def test_decisions_created_again_are_not_compared() -> None:
    comparison = SourceComparison()
    for number, one in enumerate(HONEST):
        comparison.add(number, one)
    comparison.begin_decisions_again()
    partition = comparison.of(DECISIONS, 0)
    partition.set_bounds(0, 2)
    partition.apply(0, record(0, b"another"))
    partition.finish()
    assert (found(comparison), comparison.gone, comparison.first_gone, comparison.waiting) == ([], 4, 0, 1)


def test_erased_entry_of_the_unsigned_end_is_gone() -> None:
    comparison = SourceComparison()
    comparison.add(0, record(0))
    comparison.add_erased(1, record(2).source)
    comparison.add(2, record(3))
    partition = comparison.of(DECISIONS, 0)
    partition.set_bounds(0, 4)
    for offset in (0, 2, 3):
        partition.apply(offset, record(offset))
    partition.finish()
    assert (found(comparison), comparison.compared, comparison.gone, comparison.first_gone) == ([], 2, 1, 1)


@pytest.mark.parametrize("ordered", [False, True])
def test_note_of_an_erased_record_needs_its_order(ordered: bool) -> None:
    comparison = SourceComparison()
    comparison.add(0, AuditInput(record(0).source, note=ERASED_NOTE))
    if ordered:
        comparison.erase(DECISIONS, 0, 0)
    partition = comparison.of(DECISIONS, 0)
    partition.set_bounds(0, 1)
    partition.apply(0, record(0))
    assert found(comparison) == ([] if ordered else [("altered", 0, 0)])
