"""Absurd values in every field of the records that judges read: a lawful reading, or a record that cannot be read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streams.constants import DAY_MS, MINUTE_MS, PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.keys import Tags, country_of
from streams.counting.retractions import OpenRetractions, Retractions
from streams.errors import ContractError
from streams.judging.recovered_state import RecoveredState
from streams.log.account_facts import AppliedMark, FactsMark
from streams.log.author_sketches import AuthorSketch, ReceivedSketch
from streams.log.corrections import are_corrections
from streams.log.decisions import (
    Decision,
    LanguageCoverage,
    LanguageTexts,
    Progress,
    ScopeDecision,
    StoppedShard,
    version_of,
)
from streams.log.pane_assembly import assemble
from streams.log.panes import PaneRecord, decode_pane_record, encode_pane
from streams.log.partials import Partial
from streams.log.sense import MOST_SOURCES
from streams.log.topic_specs import DECISIONS, PANES, PARTIALS
from streams.log.unreadable import fault_in, read_record
from streams.windows.corrections import Corrections
from streams.windows.open_panes import OpenPanes
from tests.support.absurd_values import absurd_variants
from tests.support.block_counts import NEW_TOPIC_ID, TOPIC_ID, BlockCount, Entry, entries_of, flush
from tests.support.judge_harness import HASHES, SUPPRESS, JudgeHarness, activation
from tests.support.panes import build
from tests.support.plain_open_panes import PlainOpenPanes
from tests.support.shells import Kept

LOG_MS = 100 * PANE_MS
NOW = LOG_MS // PANE_MS
SKETCH = AuthorSketch("a", "*", LOG_MS, LOG_MS + PANE_MS, 5, b"\x01" + b"\0" * 7)
"""Times begin at 0 here, so that no time is ahead of a log time by more than a day."""


def counted(pane: int = NOW - 1) -> Flush:
    entries = [Entry(9, 8, 100, 0, "A", "good text"), Entry(10, 7, -1, 1, "", "bad text", 7)]
    record = flush(
        [BlockCount("a", "IN", pane, 2, entries, 3), BlockCount("b", "", pane, 1, [], 4)],
        source=1, sources=2, watermark_ms=pane * PANE_MS, newest_ms=(pane + 1) * PANE_MS,
    )  # fmt: skip
    pending = OpenRetractions(1_000)
    pending.add(0, "a", "IN", pane, 8, pane)
    pending.add(0, "", "*", -1, 7, pane)
    (record.retractions,) = pending.flush(1)[0]
    return record


def kept(kind: bytes, plain: Any, log_ms: int = LOG_MS) -> Kept:
    return Kept(0, log_ms, None, kind + msgspec.msgpack.encode(plain))


PARTIAL_KINDS: dict[str, tuple[bytes, msgspec.Struct]] = {
    "counts": (b"f", counted()),
    "activation": (b"a", activation(SUPPRESS, 3, LOG_MS)),
    "mark": (b"m", FactsMark("", 0)),
    "sketch": (b"s", SKETCH),
    "corrections": (b"c", Corrections("new", "one", ["a"], b"\x08" + b"\0" * 7, b"\0" * 8)),
}


@pytest.mark.parametrize("kind", PARTIAL_KINDS)
def test_absurd_partial_is_lawful_or_unreadable(kind: str) -> None:
    """A judge takes a lawful one, and settles the next ticks."""
    letter, record = PARTIAL_KINDS[kind]
    refused = 0
    for what, plain in absurd_variants(record):
        at = kept(letter, plain)
        try:
            decoded = read_record(PARTIALS, 0, at)
        except ContractError:
            is_fault = fault_in(PARTIALS, 0, at) is not None
            assert is_fault is not are_corrections(at.value or b""), what
            refused += 1
            continue
        if not (isinstance(decoded, FactsMark) and decoded.topic_id == "" and decoded.upto > 0):
            check_judge(decoded, what)
    assert refused > 10


def check_judge(record: Partial, what: str) -> None:
    """Check that a judge counts a record as the naive reference does, and settles later ticks."""
    harness = JudgeHarness()
    harness.count(NOW - 1, good=2, watermark_ms=LOG_MS - PANE_MS)
    harness.count(NOW - 1, good=2, watermark_ms=LOG_MS - PANE_MS, source=1)
    if isinstance(record, Flush):
        tags, plain = Tags(), PlainOpenPanes(HASHES)
        panes = OpenPanes(tags, HASHES, 2)
        for one in (counted(), record):
            panes.apply_all([one])
            plain.apply(one)
        for number, pane in panes.panes.items():
            total = pane.sum()
            its = entries_of(pane._take(total.entries))
            assert {
                (tags.name(key), country_of(key)): (count, its[first:last])
                for key, count, (first, last) in zip(
                    total.keys.tolist(), total.counts.tolist(), pairwise(total.bounds.tolist()), strict=True
                )
            } == plain.sums(number), what
    harness.write(record)
    harness.settle()
    before = harness.judge.state.settled_ms
    if isinstance(record, Flush) and (record.sources > 2 or record.source_id != TOPIC_ID):
        return  # lawful: the judge waits for partitions that were added, or for a topic that was created again
    for pane in range(NOW, NOW + 9):
        for source in (0, 1):
            harness.count(pane, good=1, watermark_ms=pane * PANE_MS, source=source)
    assert harness.judge.state.settled_ms >= max(before, LOG_MS + 8 * PANE_MS), what


@pytest.mark.parametrize("sources", [1, 2, MOST_SOURCES])
def test_shard_settles_two_minutes_after_a_false_topic_id(sources: int) -> None:
    """A judge with a false record settles what one without it does, and so does the next owner."""
    harnesses = JudgeHarness(), JudgeHarness()
    for pane in range(NOW, NOW + 30):
        for harness in harnesses:
            harness.count(pane, good=1, bad=pane % 3, watermark_ms=pane * PANE_MS)
            harness.count(pane, good=2, watermark_ms=pane * PANE_MS, source=1)
        held, free = (one.judge.state.settled_ms for one in harnesses)
        assert held == (free if pane < NOW + 9 or pane > NOW + 20 else (NOW + 8) * PANE_MS), pane
        if pane == NOW + 8:
            held_records = flush(source_id=NEW_TOPIC_ID, sources=sources, watermark_ms=(NOW - 1) * PANE_MS)
            at = kept(b"f", held_records, (NOW + 8) * PANE_MS)
            harnesses[0].write(read_record(PARTIALS, 0, at))
    settled, expected = (
        {one.tick_ms: [(pane.start_ms, pane.counts.tolist()) for pane in one.panes] for one in harness.settled}
        for harness in harnesses
    )
    assert settled == expected
    successor = harnesses[0].successor()
    successor.advance((NOW + 33) * PANE_MS)
    assert successor.judge.state.settled_ms == (NOW + 33) * PANE_MS


def test_next_owner_stays_with_the_topic_that_was_created_again() -> None:
    """It reads two minutes of the former topic again, and then records of the new one that go on slowly."""
    harness, log = JudgeHarness(), list[Flush]()

    def write(pane: int, topic_id: str, block: int) -> None:
        for source in (0, 1):
            counts = [BlockCount("a", "", pane, 1, [], block), BlockCount("a", "", NOW + 90, 1, [], block)]
            at_ms = pane * PANE_MS
            log.append(flush(counts, source_id=topic_id, source=source, sources=2, watermark_ms=at_ms))
            harness.write(log[-1])
        harness.settle()

    for pane in range(NOW, NOW + 20):
        write(pane, TOPIC_ID, pane)
    for pane in range(NOW + 20, NOW + 23):
        write(pane, NEW_TOPIC_ID, pane)
    progress = harness.progress
    assert progress.settled_ms == (NOW + 22) * PANE_MS and progress.replay_offset == 1, "all is read again"
    judge = harness.new_judge()
    judge.state.recover(harness.recovered_state(judge))
    for offset, record in enumerate(log, 1):
        judge.apply(offset, record)
    zombie = flush(source=0, sources=2, watermark_ms=(NOW + 40) * PANE_MS)
    judge.apply(len(log) + 1, zombie)
    assert judge.state.open.watermark_ms == (NOW + 22) * PANE_MS and judge.state.open.returns == 0


def pane_of(number: int = 6) -> PaneRecord:
    tags = Tags()
    entries = [Entry(9, 8, 100, 0, "A", "text 1"), Entry(10, 7, 100, 0, "A", "text 2", 7)]
    (value,) = encode_pane(build({("a", "IN"): (2, entries), ("b", ""): (1, [])}, tags, number), 0, tags)
    return decode_pane_record(value)


SETTLED_KINDS: dict[str, tuple[bytes, msgspec.Struct]] = {
    "pane": (b"", pane_of()),
    "retractions": (b"r", counted().retractions or Retractions([], b"", b"", b"", b"")),
    "corrections": (b"c", Corrections("new", "one", ["a"], b"\x08" + b"\0" * 7, b"\0" * 12, b"\x07" + b"\0" * 7)),
    "sketch": (b"s", ReceivedSketch(SKETCH, LOG_MS + MINUTE_MS)),
}


@pytest.mark.parametrize("kind", SETTLED_KINDS)
def test_absurd_settled_record_is_lawful_or_unreadable(kind: str) -> None:
    """A judge recovers from a lawful one, and settles the next ticks."""
    letter, record = SETTLED_KINDS[kind]
    refused = 0
    for what, plain in absurd_variants(record):
        at = kept(letter, plain)
        try:
            decoded = read_record(PANES, 0, at)
        except ContractError:
            assert fault_in(PANES, 0, at) is not None, what
            refused += 1
            continue
        check_recovery(decoded, at.value or b"", what)
    assert refused > 10


def check_recovery(decoded: object, value: bytes, what: str) -> None:
    harness = JudgeHarness()
    harness.count(NOW - 1, good=2)
    harness.advance(LOG_MS + PANE_MS)
    judge = harness.new_judge()
    state: RecoveredState = harness.recovered_state(judge)
    if isinstance(decoded, PaneRecord):
        assemble([decoded], judge.state.tags)
    else:
        state.side_records.append(value)
    judge.state.recover(state)
    again = JudgeHarness(None, judge=judge, offset=harness.offset)
    again.advance(LOG_MS + 9 * PANE_MS)
    assert judge.state.settled_ms >= LOG_MS + 9 * PANE_MS, what


RULING = ScopeDecision(
    category="hateful_conduct",
    surface="trends",
    action="discount",
    since_ms=LOG_MS,
    expires_at_ms=2 * LOG_MS,
    weight=0.5,
)
DECISION = Decision(
    hashtag="a", display="A", country="IN", rulings=(RULING,), version=version_of(3, LOG_MS), tick_ms=LOG_MS,
    settled_ms=LOG_MS, decided_at_ms=LOG_MS, policy_revision="0" * 12, model_revision="0" * 12,
)  # fmt: skip
PROGRESS = Progress(
    shard=0, settled_ms=LOG_MS, position=9, replay_offset=8, activations=[replace(activation(SUPPRESS), policy="")],
    blocks={f"{TOPIC_ID}/0": 2}, minutes_from_ms=MINUTE_MS, facts=[AppliedMark("", 0, 1)], passed_ms=LOG_MS,
    texts=(LanguageTexts("en", 2, 1),), surfaces=("trends",),
)  # fmt: skip
DECISION_KINDS: dict[str, msgspec.Struct] = {
    "decision": DECISION,
    "progress": PROGRESS,
    "stopped": StoppedShard(shard=0, topic=PANES, partition=0, offset=1, reason="empty"),
    "coverage": LanguageCoverage(shard=0, from_ms=0, to_ms=1, languages=(LanguageTexts("en", 2, 1),)),
}


@pytest.mark.parametrize("kind", DECISION_KINDS)
def test_absurd_decision_record_is_lawful_or_unreadable(kind: str) -> None:
    refused = 0
    for what, plain in absurd_variants(DECISION_KINDS[kind]):
        try:
            value = msgspec.json.encode(plain)
        except TypeError:
            continue
        try:
            decoded = read_record(DECISIONS, 0, Kept(0, LOG_MS, None, value))
        except ContractError:
            refused += 1
            continue
        is_recovered = isinstance(decoded, Decision | Progress)  # of the other kinds a judge needs nothing
        if is_recovered and not (isinstance(decoded, Progress) and any(one.upto for one in decoded.facts)):
            check_decision(decoded, what)
    assert refused > 10


def check_decision(decoded: object, what: str) -> None:
    harness = JudgeHarness()
    harness.count(NOW - 1, good=2)
    harness.advance(LOG_MS + PANE_MS)
    judge = harness.new_judge()
    state = harness.recovered_state(judge, [decoded] if isinstance(decoded, Decision) else None)
    if isinstance(decoded, Progress):
        with_policy = [replace(one, policy=SUPPRESS.canonical) for one in decoded.activations]
        state.progress = replace(decoded, activations=with_policy)
    judge.state.recover(state)
    again = JudgeHarness(None, judge=judge, offset=harness.offset)
    end_ms = max(judge.state.settled_ms, LOG_MS) + 9 * PANE_MS
    again.advance(end_ms)
    assert judge.state.settled_ms >= end_ms // PANE_MS * PANE_MS, what


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": 10**9}, "source"), ({"sources": 10**9}, "sources"), ({"source": -1}, "source"),
        ({"source": 2}, "source"), ({"source_id": ""}, "source_id"), ({"source_id": "foreign"}, "source_id"),
        ({"watermark_ms": LOG_MS + 10 * MINUTE_MS + 1}, "watermark_ms"),
        ({"watermark_ms": LOG_MS + DAY_MS, "newest_ms": LOG_MS + DAY_MS}, "watermark_ms"),
        ({"newest_ms": LOG_MS + DAY_MS + 1, "watermark_ms": -1}, "newest_ms"),
        ({"block": 9}, "block"), ({"reached": 5 * 256}, "block"), ({"newest_ms": LOG_MS - PANE_MS - 1}, "panes"),
        ({"counts": b"\1\1\0\0\1\0\0\0"}, "counts"), ({"flags": b"\x10\0"}, "flags"),
    ],
)  # fmt: skip
def test_absurd_counts_name_their_field(changes: dict[str, Any], field: str) -> None:
    record = replace(counted(), **changes)
    fault = fault_in(PARTIALS, 0, kept(b"f", record))
    assert fault is not None and (fault.reason, fault.field) == ("absurd", field)


@pytest.mark.parametrize(
    "changes",
    [
        {"rules": 9}, {"source_id": NEW_TOPIC_ID}, {"sources": 3}, {"watermark_ms": LOG_MS},
        {"watermark_ms": LOG_MS + 10 * MINUTE_MS}, {"newest_ms": LOG_MS + DAY_MS, "watermark_ms": -1},
    ],
)  # fmt: skip
def test_upgrades_and_new_topics_are_lawful(changes: dict[str, Any]) -> None:
    assert read_record(PARTIALS, 0, kept(b"f", replace(counted(), **changes))) == replace(counted(), **changes)


def test_records_of_another_shard_are_absurd() -> None:
    fault = fault_in(PANES, 1, kept(b"", pane_of()))
    assert fault is not None and (fault.reason, fault.field) == ("absurd", "shard")
