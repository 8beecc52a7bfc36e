"""Corrections by stage 2: the tick from which each counts, the entries that it corrects, and recovery."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from msgspec.structs import replace

from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.judging.log_position import LogPosition
from streams.judging.side_inputs.corrections import CorrectionIndex
from streams.judging.two_stage_share import LEAST
from streams.log.corrections import are_corrections, decode_corrections
from streams.windows.window_store import WindowSpan
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.judge_harness import HASHES, SCORER, SUPPRESS, JudgeHarness, activation
from tests.support.samples import CORRECTION_COLUMNS, corrections, every_tweet


def correct(harness: JudgeHarness, tweets: list[int], by: float = -0.5, **more: str) -> None:
    """Write a record of stage 2."""
    harness.write(corrections(tweets, by, **more))


def stage_2_reads(harness: JudgeHarness) -> dict[int, tuple[int, float]]:
    """Return (texts that stage 2 has read, harmful share) of the only tag, by settled tick."""
    found = {}
    for one in harness.settled:
        assert one.evidence is not None
        table = one.evidence.tables[min(one.evidence.tables)]
        for row in range(len(table.keys)):
            n = 0 if table.everyone.correction is None else int(table.everyone.correction.looked[row])
            found[one.tick_ms] = (n, round(float(table.everyone.share[row, 0]), 3))
    return found


def published(values: list[bytes]) -> int:
    """Count the rows of corrections among side records."""
    return sum(len(decode_corrections(value).hashtags) for value in values if are_corrections(value))


def tweets_of(harness: JudgeHarness) -> list[int]:
    """Return the tweets in the shortest window of the only tag."""
    window = harness.judge.state.store.shortest
    assert window is not None
    return sorted({tweet for pane in window.panes for tweet in pane.tweet.tolist()})


def after_ten(harness: JudgeHarness) -> list[int]:
    """Settle a tick with ten authors, and return their tweets."""
    harness.count(0, bad=10, early=False)
    harness.advance(10_000)
    return tweets_of(harness)


def test_correction_counts_from_the_next_tick() -> None:
    harness = JudgeHarness()
    tweets = after_ten(harness)
    correct(harness, tweets)
    harness.advance(20_000)
    reads = stage_2_reads(harness)
    assert reads[10_000][0] == 0 and reads[20_000][0] == 10
    assert reads[20_000][1] == pytest.approx(reads[10_000][1] - 0.5, abs=1e-3)


@pytest.mark.parametrize("corrected", [False, True])
def test_early_decision_uses_settled_corrections(corrected: bool) -> None:
    harness = JudgeHarness()
    harness.count(0, bad=5, early=False)
    harness.advance(10_000)
    if corrected:
        correct(harness, tweets_of(harness), by=-0.875)
    harness.advance(20_000)
    assert bool(harness.count(2, bad=5)) != corrected


def test_decision_reports_the_texts_read_by_stage_2() -> None:
    harness = JudgeHarness()
    tweets = after_ten(harness)
    (before,) = {ruling.evidence for one in harness.decisions for ruling in one.rulings}
    assert before is not None and (before.looked, before.stage_2) == (0, "")
    for at_ms in range(20_000, 130_000, 10_000):  # until it is renewed
        correct(harness, tweets, by=-0.0625)
        harness.count(at_ms // PANE_MS - 1, bad=4, early=False)
        harness.advance(at_ms)
        tweets = tweets_of(harness)
    evidence = [ruling.evidence for one in harness.decisions for ruling in one.rulings if ruling.evidence]
    renewed = [one for one in evidence if one.looked]
    assert renewed and {one.stage_2 for one in renewed} == {"new"}
    assert all(one.lower <= one.share <= one.upper for one in evidence)


def test_too_few_corrections_change_nothing() -> None:
    harness = JudgeHarness()
    tweets = after_ten(harness)
    correct(harness, tweets[: LEAST - 1])
    harness.advance(20_000)
    assert stage_2_reads(harness)[20_000] == stage_2_reads(harness)[10_000]


@pytest.mark.parametrize("repeated", ["the record", "a row of it", "by another revision"])
def test_repeated_corrections_count_once(repeated: str) -> None:
    harness = JudgeHarness()
    tweets = after_ten(harness)
    if repeated == "a row of it":
        correct(harness, tweets + tweets)
    else:
        correct(harness, tweets)
        again = partial(correct, harness, tweets)
        again() if repeated == "the record" else again(by=-0.25, revision="newer")
    harness.advance(20_000)
    reads = stage_2_reads(harness)
    assert reads[20_000][0] == 10
    assert reads[20_000][1] == pytest.approx(reads[10_000][1] - 0.5, abs=1e-3)
    assert sum(map(published, harness.side_records)) == 10
    assert harness.judge.state.take_counts()["corrections"] == 10


def test_correction_of_an_author_s_earlier_tweet_has_no_effect() -> None:
    """A second tweet of each author has a smaller hash, so it represents the author from then on."""
    harness = JudgeHarness()
    authors = sorted(HASHES.authors(range(1, 11)).tolist())
    pairs = {
        author: sorted((1_000 + n, 2_000 + n), key=lambda tweet: int(HASHES.orders(np.array([tweet]))[0]))
        for n, author in enumerate(authors)
    }

    def tweet(pane: int, which: int, watermark_ms: int) -> None:
        entries = [Entry(author, both[which], 100, 0, "", f"bad {both[which]}") for author, both in pairs.items()]
        register = BlockCount("a", "", pane, len(entries), entries, pane)
        harness.write(flush([register], sources=2, block=pane, watermark_ms=watermark_ms))

    tweet(0, 1, 0)
    harness.advance(10_000)
    correct(harness, [both[1] for both in pairs.values()])
    harness.advance(20_000)
    assert stage_2_reads(harness)[20_000][0] == 10
    tweet(2, 0, 20_000)
    harness.advance(30_000)
    assert stage_2_reads(harness)[30_000][0] == 0


def test_correction_under_another_hashtag_has_no_effect() -> None:
    harness = JudgeHarness()
    tweets = after_ten(harness)
    correct(harness, tweets[6:], tag="b")
    correct(harness, tweets[:6])
    harness.advance(20_000)
    assert stage_2_reads(harness)[20_000][0] == 6


def test_correction_of_another_model_or_column_count_is_ignored() -> None:
    harness = JudgeHarness()
    tweets = after_ten(harness)
    correct(harness, tweets, model="another")
    harness.write(replace(corrections(tweets), differences=np.zeros((10, 9), "<f4").tobytes()))
    harness.advance(20_000)
    assert stage_2_reads(harness)[20_000][0] == 0
    assert harness.judge.state.take_counts()["corrections_of_other_columns"] == 10


def test_late_correction_changes_no_passed_tick() -> None:
    """One source is at 20 s when the record comes, the other at 10 s, so the tick at 20 s is judged without it."""
    harness = JudgeHarness()
    tweets = after_ten(harness)
    harness.count(0, watermark_ms=20_000)
    correct(harness, tweets)
    harness.advance(30_000)
    reads = stage_2_reads(harness)
    assert [reads[tick_ms][0] for tick_ms in (20_000, 30_000)] == [0, 10]


def test_next_owner_replays_pending_corrections_with_their_watermark() -> None:
    """The next owner finds the same tick, though the previous owner has read later watermarks."""
    harness = JudgeHarness()
    tweets = after_ten(harness)
    harness.count(0, watermark_ms=25_000)
    at = harness.offset + 1
    correct(harness, tweets)
    harness.count(0, watermark_ms=45_000)
    harness.count(0, watermark_ms=20_000, source=1)
    progress = harness.progress
    assert (progress.replay_offset, progress.replay_passed_ms, progress.passed_ms) == (at, 25_000, 45_000)
    assert not published(harness.side_records[-1])
    after = harness.successor()
    after.offset = at - 1
    correct(after, tweets)
    harness.advance(30_000)
    after.advance(45_000)
    assert stage_2_reads(after)[30_000] == stage_2_reads(harness)[30_000] and stage_2_reads(after)[30_000][0] == 10


def test_next_owner_recovers_settled_corrections() -> None:
    harness = JudgeHarness()
    correct(harness, after_ten(harness))
    harness.advance(20_000)
    after = harness.successor()
    harness.side_records = []
    bare = harness.successor()
    for one in (harness, after, bare):
        one.advance(30_000)
    assert stage_2_reads(after)[30_000] == stage_2_reads(harness)[30_000] and stage_2_reads(after)[30_000][0] == 10
    assert stage_2_reads(bare)[30_000][0] == 0


def test_corrections_outside_every_window_are_pruned() -> None:
    harness = JudgeHarness()
    correct(harness, after_ten(harness))
    harness.advance(20_000)
    assert harness.judge.state.corrections.tag_numbers()
    for at_ms in range(70_000, 2_000_000, 600_000):
        harness.advance(at_ms)
    assert not harness.judge.state.corrections.tag_numbers() and len(harness.judge.state.tags) == 0


def test_annotate_equals_a_search_through_all_rows() -> None:
    tags, dice = Tags(), np.random.default_rng(3)
    index = CorrectionIndex(CORRECTION_COLUMNS, SCORER.revision, tags)
    first: dict[tuple[str, int], tuple[int, float]] = {}
    for at in range(40):
        tag, tweets = "abc"[dice.integers(3)], dice.integers(0, 30, 4).tolist()
        by = float(np.float32(dice.uniform(-1, 1)))
        index.apply(corrections(tweets, by, tag=tag), LogPosition(at, at * 7_000))
        for tweet in tweets:
            first.setdefault((tag, tweet), (at * 7_000 // PANE_MS, by))
    keys = np.array([tags.key(tag, country) for tag in "abc" for country in ("*", "IN")], np.int64)
    whole = every_tweet(range(32), keys.tolist())
    for start, end in ((0, 5), (3, 20), (10, 40)):
        found = index.annotate(whole, keys, WindowSpan(start * PANE_MS, end * PANE_MS, 0))
        for row, (group, tweet) in enumerate(zip(whole.group.tolist(), whole.tweet.tolist(), strict=True)):
            pane, by = first.get((tags.name(int(keys[group])), tweet), (-1, 0.0))
            expected = [by if start <= pane < end else None] * CORRECTION_COLUMNS
            is_read = found is not None and found.revisions[row] >= 0
            assert (found.differences[row].tolist() if is_read else [None] * CORRECTION_COLUMNS) == expected


def test_correction_before_the_model_was_in_force_is_ignored() -> None:
    """Another model scored the tweets, so the differences from this model's scores do not apply to them."""
    harness = JudgeHarness()
    tweets = after_ten(harness)
    correct(harness, tweets, model="later")
    harness.write(replace(activation(SUPPRESS, 1, 20_000), model_revision="later"))
    harness.advance(30_000)
    assert harness.judge.state.timeline.model_revision == "later"
    assert [stage_2_reads(harness)[tick_ms][0] for tick_ms in (20_000, 30_000)] == [0, 0]
