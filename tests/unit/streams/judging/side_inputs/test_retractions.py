"""The retraction index against plain sets: rows in any order, repeated, and across restarts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.constants import PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.keys import Tags
from streams.counting.retractions import (
    NO_PANE,
    OpenRetractions,
    RetractionRows,
    Retractions,
    join_retractions,
    retraction_rows_of,
)
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.retractions import AHEAD_MS, RetractionIndex
from streams.log.decisions import Progress
from streams.log.retractions import are_retractions, decode_retractions, encode_retractions
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan, WindowStore
from tests.support.block_counts import flush
from tests.support.judge_harness import HASHES, JudgeHarness
from tests.support.samples import every_tweet

TAGS = ["", "a", "b", "c"]
COUNTRIES = ["*", "", "IN", "US"]
Row = tuple[str, str, int, int, int]
"""(hashtag, country, pane, tweet, pane of its log time)"""
STORE = WindowStore(HASHES)

ROW = st.tuples(
    st.sampled_from(TAGS), st.sampled_from(COUNTRIES), st.integers(0, 9), st.integers(0, 5), st.integers(0, 9)
).map(lambda row: row if row[0] else (*row[:2], NO_PANE, *row[3:]))  # fmt: skip


def packed(rows: list[Row], most_bytes: int = 1_000) -> list[Retractions]:
    """Rows as ingest sends them to a single shard."""
    pending = OpenRetractions(most_bytes)
    for hashtag, country, pane, tweet, received in rows:
        pending.add(None if not hashtag else 0, hashtag, country, pane, tweet, received)
    return pending.flush(1).get(0, [])


def record(retractions: Retractions) -> Flush:
    made = flush(watermark_ms=-1)
    made.retractions = retractions
    return made


def apply(index: RetractionIndex, rows: list[Row]) -> list[int]:
    """Apply rows in one or more records; return the panes whose ticks publish them."""
    return [pane for one in packed(rows) for pane in index.apply(record(one), LogPosition())]


def recovered(values: list[bytes], settled: int) -> tuple[RetractionIndex, Tags]:
    """Recover an index after a settled pane."""
    tags = Tags()
    index = RetractionIndex(tags)
    settled_ms = (settled + 1) * PANE_MS
    progress = Progress(shard=0, settled_ms=settled_ms, position=0, replay_offset=0, activations=[])
    index.recover(RecoveredState(progress=progress, side_records=values))
    return index, tags


def filtered(index: RetractionIndex, sample: AuthorSample, keys: np.ndarray, start: int, end: int) -> AuthorSample:
    return index.filter(sample, keys, WindowSpan(start * PANE_MS, end * PANE_MS, 0))


def removed(index: RetractionIndex, keys: np.ndarray, start: int, end: int) -> list[int]:
    return index.count_removed(keys, start * PANE_MS, end * PANE_MS).tolist()


def check(index: RetractionIndex, tags: Tags, rows: set[Row], start: int, end: int) -> None:
    """Compare an index with plain sets for a window of panes [start, end)."""
    scopes = [(tag, country) for tag in TAGS[1:] for country in ("*", "IN", "US")]
    scopes.sort(key=lambda scope: tags.key(*scope))
    keys = np.array([tags.key(*scope) for scope in scopes], np.int64)
    expected = [
        len({
            (of, pane, tweet) for name, of, pane, tweet, received in rows
            if name == tag and country in ("*", of) and start <= pane < end and received < end
        })
        for tag, country in scopes
    ]  # fmt: skip
    assert removed(index, keys, start, end) == expected
    remaining = filtered(index, every_tweet(range(7), keys.tolist()), keys, start, end)
    gone = {
        (scope, tweet)
        for scope in scopes
        for name, of, _, tweet, received in rows
        if start - AHEAD_MS // PANE_MS <= received < end
        and (name == scope[0] or (not name and of in ("*", scope[1])))
    }  # fmt: skip
    kept = list(zip((scopes[at] for at in remaining.group.tolist()), remaining.tweet.tolist(), strict=True))
    assert kept == [(scope, tweet) for scope in scopes for tweet in range(7) if (scope, tweet) not in gone]


@given(data=st.data())
def test_retractions_in_any_order_with_repeats_give_the_same_result(data):
    rows = data.draw(st.lists(ROW, max_size=25))
    sent = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=8)) if rows else rows))
    tags = Tags()
    index = RetractionIndex(tags)
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        apply(index, sent[:size])
        sent = sent[size:]
    start = data.draw(st.integers(0, 9))
    check(index, tags, set(rows), start, data.draw(st.integers(start, 11)))


@given(data=st.data())
def test_recovery_and_replay_restore_all_retractions(data):
    """Rows come in the order of their log time, with repeats; ticks settle between them; the judge dies at any tick."""
    rows = sorted(data.draw(st.lists(ROW, min_size=1, max_size=25)), key=lambda row: row[-1])
    log = [(row, at) for at, row in sorted((row[-1] + data.draw(st.integers(0, 2)), row) for row in rows * 2)]
    tags, published = Tags(), []
    index = RetractionIndex(tags)
    settled, dies_at = -1, data.draw(st.integers(0, 9))
    for row, at in log:
        # A tick settles once no row of an earlier pane can come any more.
        while settled < min((one[-1] for one, when in log if when >= at), default=99) - 1:
            settled += 1
            published += index.settle(settled, STORE)
            if settled == dies_at:
                assert all(are_retractions(value) for value in published)
                index, tags = recovered(published, settled)
                apply(index, [one for one, when in log if when < at])
        apply(index, [row])
    assert not index.take_counts()["retractions_late"]
    start = data.draw(st.integers(0, 9))
    check(index, tags, set(rows), start, data.draw(st.integers(start, 11)))
    index.settle(20, STORE)
    assert index.last_pending_pane == -1


def test_late_retraction_counts_from_the_next_tick():
    index, tags = recovered([], 5)
    row = ("a", "IN", 3, 7, 4)
    assert apply(index, [row]) == [6]
    assert index.take_counts()["retractions_late"] == 1
    keys = np.array([tags.key("a", "IN")])
    assert [removed(index, keys, 0, end) for end in (6, 7)] == [[0], [1]]
    index.settle(8, STORE)
    assert apply(index, [row]) == [], "a repeat"
    assert not index.take_counts()["retractions_late"]


def retract(harness: JudgeHarness, rows: list[Row]) -> None:
    """Write a record with these rows, before anything settles."""
    made = flush(sources=2, block=0, watermark_ms=-1)
    (made.retractions,) = packed(rows)
    harness.write(made)


def tweets_in(values: list[bytes]) -> list[int]:
    records = [decode_retractions(value) for value in values if are_retractions(value)]
    return [tweet for one in records for tweet in np.frombuffer(one.tweets, "<i8").tolist()]


def test_replay_offset_is_not_after_a_pending_retraction():
    harness = JudgeHarness()
    harness.count(0, good=3)
    retract(harness, [("a", "", 0, 7, 2)])
    first = harness.offset
    harness.advance(20_000)
    assert harness.side_records == [[], []]
    assert harness.progress.replay_offset == first
    harness.advance(30_000)
    assert tweets_in(harness.side_records[-1]) == [7]
    assert harness.progress.replay_offset == harness.offset + 1


def test_retracted_hashtag_keeps_its_number_until_pruned():
    harness = JudgeHarness()
    retract(harness, [("gone", "", 0, 7, 0)])
    harness.count(0, good=1)
    harness.advance(60_000)
    assert harness.judge.state.tags.find("gone", "*")
    harness.advance(60_000 + AHEAD_MS + 20 * 60_000 + PANE_MS)
    assert not harness.judge.state.tags.find("gone", "*")


def test_retractions_without_a_counted_tweet_are_unmatched():
    harness = JudgeHarness()
    harness.count(1, good=3)
    used, yet_to_come = ("a", "", 1, 7, 1), ("a", "", 5, 7, 1)
    elsewhere, other_tag, empty_pane = ("a", "IN", 1, 8, 1), ("b", "", 1, 9, 1), ("a", "", 0, 7, 1)
    retract(harness, [used, yet_to_come, elsewhere, other_tag, empty_pane])
    harness.advance(20_000)
    counts = harness.judge.state.take_counts()
    assert (counts["retracted_uses"], counts["retractions_unmatched"]) == (2, 3)


def test_retractions_that_no_window_reaches_are_pruned():
    tags = Tags()
    index = RetractionIndex(tags)
    ahead = AHEAD_MS // PANE_MS
    apply(index, [("a", "IN", 3, 7, 4), ("", "*", NO_PANE, 8, 4), ("b", "IN", 30, 7, 4 + ahead)])
    assert index.tag_numbers() == {*tags.of(["a", "b"]).tolist()}
    index.prune(0, (4 + ahead) * PANE_MS)
    assert index.tag_numbers() == {*tags.of(["a", "b"]).tolist()}, "a notice may come ahead of its tweet"
    index.prune(0, (5 + ahead) * PANE_MS)
    assert index.tag_numbers() == {*tags.of(["b"]).tolist()}
    index.prune(0, (31 + ahead) * PANE_MS)
    assert not index.tag_numbers()


def test_packed_records_hold_all_rows():
    rows = [("tag" * 50, "IN", pane, tweet, 9) for pane in range(5) for tweet in range(20)]
    pieces = packed(rows, most_bytes=2_000)
    assert len(pieces) > 10
    tags = Tags()
    both = join_retractions([retraction_rows_of(piece, tags) for piece in pieces])
    values = encode_retractions(both, tags)
    again = join_retractions([retraction_rows_of(decode_retractions(value), tags) for value in values])
    for name in ("keys", "panes", "tweets", "received"):
        assert getattr(again, name).tolist() == getattr(both, name).tolist()
    assert sorted(zip(again.panes.tolist(), again.tweets.tolist(), strict=True)) == [row[2:4] for row in rows]
    assert set(again.keys.tolist()) == {tags.key("tag" * 50, "IN")}
    assert len(join_retractions([RetractionRows(*[np.arange(3)] * 4), both])) == 3 + len(rows)


def test_uses_are_the_rows_with_a_pane():
    (packed_rows,) = packed([("a", "IN", 3, 7, 4), ("", "*", NO_PANE, 8, 4), ("a", "", 3, 9, 4)])
    assert list(packed_rows.uses()) == [("a", "IN", 3, 7), ("a", "", 3, 9)]
