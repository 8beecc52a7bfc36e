"""Skipped records of a shard's log: every owner and the reference pause at the same ticks.

The log has two sources. A None is a record that cannot be read and was skipped.
"""

from __future__ import annotations

import random

import pytest

from streams.constants import MINUTE_MS, PANE_MS
from streams.log.decisions import Decision, version_of
from streams.log.partials import Partial
from streams.replay import skipped_spans
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.judge_harness import HASHES, SUPPRESS, JudgeHarness, activation
from tests.support.long_seeds import seeds

WINDOW_MS = 30_000
Log = list[Partial | None]


def random_log(rng: random.Random) -> Log:
    log: Log = [activation(SUPPRESS)]
    at_ms, author = [0, 0], 0
    for block in range(60):
        source = rng.randrange(2)
        at_ms[source] += rng.choice([0, 2_000, 7_000, 12_000])
        pane = at_ms[source] // PANE_MS
        entries = []
        for _ in range(rng.choice([0, 0, 6, 12])):
            author += 1
            text = rng.choice(["bad", "bad", "good"]) if block % 30 < 12 else "good"
            entries.append(Entry(int(HASHES.authors([author])[0]), author, 100, 0, "", f"{text} {author}"))
        counts = [BlockCount("a", "", pane, len(entries), entries, block)] if entries else []
        newest_ms = at_ms[source] + rng.choice([0, 3_000])
        log.append(
            flush(counts, source=source, sources=2, block=block, watermark_ms=at_ms[source], newest_ms=newest_ms)
        )
        if rng.random() < 0.04:
            log.append(None)
    return log


def apply_from(harness: JudgeHarness, log: Log, start: int) -> None:
    harness.offset = start - 1
    for record in log[start:]:
        if record is None:
            harness.offset += 1
            harness.judge.skip(harness.offset)
        else:
            harness.write(record)
            harness.decisions += harness.settle()


def paused(harness: JudgeHarness) -> dict[int, bool]:
    return {one.tick_ms: one.evidence.paused for one in harness.settled if one.evidence is not None}


def settled(harness: JudgeHarness) -> list[tuple[int, object]]:
    return [(one.tick_ms, one.rulings) for one in harness.decisions]


@pytest.mark.parametrize("seed", seeds(12, short=4))
def test_reference_and_next_owners_pause_at_the_same_ticks(seed: int) -> None:
    rng = random.Random(seed)
    log = random_log(rng)
    live = JudgeHarness(None)
    apply_from(live, log, 0)
    reference = JudgeHarness(None)
    reference.judge.state.pause.load(skipped_spans(log, 0, 1))
    apply_from(reference, [one for one in log if one is not None], 0)
    assert paused(reference) == paused(live) and settled(reference) == settled(live)
    if None in log[5:-5]:
        assert any(paused(live).values())
    for _ in range(3):
        after = rng.randrange(len(live.settled))
        said = [one for one in live.decisions if one.settled_ms <= live.settled[after].tick_ms]
        owner = live.successor(said, after=after)
        progress = live.settled[after].progress
        assert progress is not None
        apply_from(owner, log, progress.replay_offset)
        later = {tick: is_paused for tick, is_paused in paused(live).items() if tick > progress.settled_ms}
        assert paused(owner) == later


def test_pause_lasts_a_window_behind_the_first_counts() -> None:
    harness = JudgeHarness()
    for source in (0, 1):
        harness.write(flush(source=source, sources=2, watermark_ms=20_000))
    harness.settle()
    harness.offset += 1
    harness.judge.skip(harness.offset)
    assert harness.judge.state.pause.until_ms == 20_000 + MINUTE_MS + WINDOW_MS, (
        "what it counted may lie a minute ahead"
    )
    harness.write(flush(source=1, sources=2, watermark_ms=20_000, newest_ms=95_000))
    assert harness.judge.state.pause.until_ms == 95_000 + WINDOW_MS
    assert harness.judge.state.position.offset == harness.offset


def flagged() -> JudgeHarness:
    harness = JudgeHarness()
    for pane in range(4):
        harness.count(pane, bad=20, early=False)
        harness.advance((pane + 1) * PANE_MS, early=False)
    return harness


def test_lost_decision_is_written_again_above_the_end_of_the_log() -> None:
    harness = flagged()
    before = [one for one in harness.decisions if one.hashtag == "a"]
    end = harness.offset + 3
    harness.judge.state.decisions.write_again([("a", "*"), ("gone", "IN")], end)
    harness.decisions.clear()
    harness.count(4, bad=20, watermark_ms=0, early=False)
    harness.advance(5 * PANE_MS, early=False)
    written = {one.hashtag: one for one in harness.decisions if one.version > version_of(end, 0)}
    again, gone = written["a"], written["gone"]
    assert again.version > max(one.version for one in before)
    assert [one for one in again.rulings if not one.provisional] == [
        one for one in before[-1].rulings if not one.provisional
    ], "its state is the same"
    assert {(one.surface, one.action, one.provisional) for one in gone.rulings} == {
        (surface, "clear", True) for surface in SUPPRESS.surfaces
    }
    harness.decisions.clear()
    harness.count(5, bad=20, early=False)
    harness.advance(6 * PANE_MS, early=False)
    assert [one for one in harness.decisions if one.hashtag == "gone"] == [], "once"


def test_lost_decision_waits_for_the_end_of_the_log() -> None:
    harness = flagged()
    harness.judge.state.decisions.write_again([("gone", "*")], harness.offset + 100)
    harness.decisions.clear()
    harness.count(4, bad=20, early=False)
    harness.advance(5 * PANE_MS, early=False)
    assert [one for one in harness.decisions if one.hashtag == "gone"] == []


def test_settled_state_after_a_rewrite_equals_the_one_without() -> None:
    """The reference knows nothing of it."""
    found: list[list[Decision]] = []
    for lost in ([], [("a", "*"), ("b", "*")]):
        harness = flagged()
        harness.judge.state.decisions.write_again(lost, 0)
        for pane in range(4, 16):
            harness.count(pane, bad=20 if pane < 6 else 0, good=30, tag="ab"[pane % 2], early=False)
            harness.advance((pane + 1) * PANE_MS, early=False)
        found.append(harness.decisions)
    plain, rewritten = (
        [(one.hashtag, one.settled_ms, [r for r in one.rulings if not r.provisional]) for one in of] for of in found
    )
    last = {(tag, at): rulings for tag, at, rulings in rewritten}
    assert all(last[tag, at] == rulings for tag, at, rulings in plain)
