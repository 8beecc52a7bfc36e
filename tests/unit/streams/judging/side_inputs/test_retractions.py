"""The retractions of a shard against plain sets: any order, any number of times, across restarts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import COUNTRY_BITS, Tags, country_code
from streams.counting.retractions import NO_PANE, OpenRetractions, Retractions, Rows, together
from streams.judging.side_inputs.retractions import AHEAD_MS, Retracted
from streams.log.retractions import are_retractions, decode_retractions, encode_retractions, together_of
from streams.windows.window import Sample
from tests.support.block_counts import flush
from tests.unit.streams.judging.test_shard_judge import Court

TAGS = ["", "a", "b", "c"]
COUNTRIES = ["*", "", "IN", "US"]
Row = tuple[str, str, int, int, int]
"""(hashtag, country, pane, tweet, heard)"""

ROW = st.tuples(
    st.sampled_from(TAGS), st.sampled_from(COUNTRIES), st.integers(0, 9), st.integers(0, 5), st.integers(0, 9)
).map(lambda row: row if row[0] else (*row[:2], NO_PANE, *row[3:]))  # fmt: skip


def wire(rows: list[Row], most_bytes: int = 1_000) -> list[Retractions]:
    """As ingest sends them to the one shard there is."""
    held = OpenRetractions(most_bytes)
    for hashtag, country, pane, tweet, heard in rows:
        held.add(None if not hashtag else 0, hashtag, country, pane, tweet, heard)
    return held.flush(1).get(0, [])


def sample(tags: Tags, tweets: range, keys: list[int]) -> Sample:
    """Every tweet under every key."""
    n = len(keys) * len(tweets)
    zeros = np.zeros(n, np.int64)
    return Sample(
        np.repeat(np.arange(len(keys)), len(tweets)), zeros.astype(np.uint64), np.tile(np.array(tweets), len(keys)),
        zeros.astype(np.int32), zeros.astype(np.uint8), zeros.astype(np.uint32), np.zeros((n, 1), np.float32),
    )  # fmt: skip


def check(state: Retracted, tags: Tags, rows: set[Row], start: int, end: int) -> None:
    """What a state says of a window of panes [start, end)."""
    scopes = [(tag, country) for tag in TAGS[1:] for country in ("*", "IN", "US")]
    keys = np.array([tags.key(*scope) for scope in scopes], np.int64)
    expected = [
        len({
            (of, pane, tweet) for name, of, pane, tweet, heard in rows
            if name == tag and country in ("*", of) and start <= pane < end and heard < end
        })
        for tag, country in scopes
    ]  # fmt: skip
    assert state.counted(keys, start * PANE_MS, end * PANE_MS).tolist() == expected
    left = state.left(sample(tags, range(7), keys.tolist()), keys, start * PANE_MS, end * PANE_MS)
    gone = {
        (scope, tweet)
        for scope in scopes
        for name, of, _, tweet, heard in rows
        if start - AHEAD_MS // PANE_MS <= heard < end
        and (name == scope[0] or (not name and of in ("*", scope[1])))
    }  # fmt: skip
    kept = list(zip((scopes[at] for at in left.group.tolist()), left.tweet.tolist(), strict=True))
    assert kept == [(scope, tweet) for scope in scopes for tweet in range(7) if (scope, tweet) not in gone]


@given(data=st.data())
def test_any_order_and_any_repeats_say_the_same(data):
    rows = data.draw(st.lists(ROW, max_size=25))
    told = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=8)) if rows else rows))
    state, tags = Retracted(), Tags()
    while told:
        some = data.draw(st.integers(1, len(told)))
        for one in wire(told[:some]):
            state.take(one, tags, -1)
        told = told[some:]
    start = data.draw(st.integers(0, 9))
    check(state, tags, set(rows), start, data.draw(st.integers(start, 11)))


@given(data=st.data())
def test_a_successor_has_what_was_kept_beside_the_panes_and_reads_the_rest_again(data):
    """Rows come in the order in which they were heard, with repeats; ticks settle between; a judge dies at any."""
    rows = sorted(data.draw(st.lists(ROW, min_size=1, max_size=25)), key=lambda row: row[-1])
    log = [(row, heard) for heard, row in sorted((row[-1] + data.draw(st.integers(0, 2)), row) for row in rows * 2)]
    state, tags, kept = Retracted(), Tags(), []
    settled, dies_at = -1, data.draw(st.integers(0, 9))
    for row, at in log:
        # A tick settles once nothing can come any more that was heard before its end.
        while settled < min((one[-1] for one, when in log if when >= at), default=99) - 1:
            settled += 1
            kept += encode_retractions(state.settle(settled), tags)
            if settled == dies_at:
                state, tags = Retracted(), Tags()
                assert all(are_retractions(value) for value in kept)
                state.recover(together_of(map(decode_retractions, kept), tags), settled)
                for again in wire([one for one, when in log if when < at]):
                    state.take(again, tags, settled)
        for one in wire([row]):
            state.take(one, tags, settled)
    assert not state.late
    start = data.draw(st.integers(0, 9))
    check(state, tags, set(rows), start, data.draw(st.integers(start, 11)))
    state.settle(20)
    assert state.last_heard == -1


def test_one_that_comes_when_its_tick_has_settled_counts_from_the_next():
    state, tags = Retracted(), Tags()
    row = ("a", "IN", 3, 7, 4)
    assert state.take(wire([row])[0], tags, 5) == [6]
    assert state.late == 1
    keys = np.array([tags.key("a", "IN")])
    assert [state.counted(keys, 0, end * PANE_MS).tolist() for end in (6, 7)] == [[0], [1]]
    assert state.take(wire([row])[0], tags, 8) == [], "it is known"
    assert state.late == 1


def retract(court: Court, rows: list[Row]) -> None:
    """A record of the shard's log with these rows, before anything settles."""
    court.offset += 1
    record = flush(sources=2, block=0, watermark_ms=-1)
    (record.retractions,) = wire(rows)
    court.judge.apply(court.offset, record)


def test_the_replay_offset_is_no_later_than_a_retraction_whose_tick_has_not_settled():
    court = Court()
    court.hear(0, good=3)
    retract(court, [("a", "", 0, 7, 2)])
    first = court.offset
    court.pass_to(20_000)
    assert [len(settled.retracted) for settled in court.settled] == [0, 0]
    assert court.progress.replay_offset == first
    court.pass_to(30_000)
    assert court.settled[-1].retracted.tweets.tolist() == [7]
    assert court.progress.replay_offset == court.offset + 1


def test_a_hashtag_that_is_only_retracted_keeps_its_number_as_long_as_it_is():
    court = Court()
    retract(court, [("gone", "", 0, 7, 0)])
    court.hear(0, good=1)
    court.pass_to(60_000)
    assert court.judge.tags.find("gone", "*")
    court.pass_to(60_000 + AHEAD_MS + 20 * 60_000 + PANE_MS)
    assert not court.judge.tags.find("gone", "*")


def test_uses_that_no_tweet_of_the_pane_had_are_told():
    court = Court()
    court.hear(1, good=3)
    used, yet_to_come = ("a", "", 1, 7, 1), ("a", "", 5, 7, 1)
    elsewhere, other_tag, empty_pane = ("a", "IN", 1, 8, 1), ("b", "", 1, 9, 1), ("a", "", 0, 7, 1)
    retract(court, [used, yet_to_come, elsewhere, other_tag, empty_pane])
    court.pass_to(20_000)
    assert court.settled[-1].unmatched == 3


def test_what_no_window_reaches_is_forgotten():
    state, tags = Retracted(), Tags()
    ahead = AHEAD_MS // PANE_MS
    for one in wire([("a", "IN", 3, 7, 4), ("", "*", NO_PANE, 8, 4), ("b", "IN", 30, 7, 4 + ahead)]):
        state.take(one, tags, -1)
    assert state.tag_numbers() == {tags.number("a"), tags.number("b")}
    state.forget((4 + ahead) * PANE_MS)
    assert state.tag_numbers() == {tags.number("a"), tags.number("b")}, "a notice may have come ahead of its tweet"
    state.forget((5 + ahead) * PANE_MS)
    assert state.tag_numbers() == {tags.number("b")}
    state.forget((31 + ahead) * PANE_MS)
    assert not state
    assert not state.tag_numbers()


def test_records_are_cut_and_come_together_again():
    rows = [("tag" * 50, "IN", pane, tweet, 9) for pane in range(5) for tweet in range(20)]
    pieces = wire(rows, most_bytes=2_000)
    assert len(pieces) > 10
    tags = Tags()
    both = together_of(pieces, tags)
    again = together_of(map(decode_retractions, encode_retractions(both, tags)), tags)
    for name in ("keys", "panes", "tweets", "heard"):
        assert getattr(again, name).tolist() == getattr(both, name).tolist()
    assert sorted(zip(again.panes.tolist(), again.tweets.tolist(), strict=True)) == [row[2:4] for row in rows]
    assert set(again.keys.tolist()) == {tags.number("tag" * 50) << COUNTRY_BITS | country_code("IN")}
    assert len(together([Rows(*[np.arange(3)] * 4), both])) == 3 + len(rows)


def test_uses_are_the_rows_that_leave_counts():
    (record,) = wire([("a", "IN", 3, 7, 4), ("", "*", NO_PANE, 8, 4), ("a", "", 3, 9, 4)])
    assert list(record.uses()) == [("a", "IN", 3, 7), ("a", "", 3, 9)]
