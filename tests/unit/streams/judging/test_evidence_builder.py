"""Evidence tables: the same after a recovery, a tag's past, open panes, and removed tweets."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import MINUTE_MS, PANE_MS, SHORT_WINDOW_MS
from streams.counting.block_counts import Ints
from streams.counting.keys import Tags
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.log_position import LogPosition
from streams.judging.side_inputs.base import SideInput
from streams.judging.side_inputs.retractions import RetractionIndex
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan
from tests.support.block_counts import Entry, flush
from tests.support.panes import Uses, build, obvious_earlier, obvious_sample, random_uses, scored
from tests.support.windows import WindowHarness, evidence_over, one_use, rows


def burst_of(table, key: int) -> float:
    return float(table.signals["burst"][table.find(key)])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(60, 80))
def test_tables_are_the_same_after_a_recovery(seed, ticks):
    rng = random.Random(seed)
    harness = WindowHarness([30_000, 2 * MINUTE_MS, 16 * MINUTE_MS], floor=3)
    for _ in range(ticks):
        harness.push(random_uses(rng) if rng.random() < 0.4 else {})
    restarted = harness.restarted()
    assert rows(restarted) == rows(harness.evidence)
    assert restarted.store.minutes_from_ms == harness.store.minutes_from_ms
    uses = random_uses(rng)
    for store in (restarted.store, harness.store):
        for number in range(ticks, ticks + 7):
            store.expire_short((number + 1) * PANE_MS)
            store.push(build(uses, harness.tags, number))
    starts = [[pane.start_ms for pane in store.rollups.panes] for store in (restarted.store, harness.store)]
    assert starts[0] == starts[1]
    assert rows(restarted) == rows(harness.evidence)


def test_burst_is_equal_after_recovery_within_minute():
    harness = WindowHarness([16 * MINUTE_MS, 60 * MINUTE_MS], floor=1)
    for number in range(34 * 6 + 3):
        harness.push(one_use(1 + number % 5))
        harness.evidence.tables()  # as a judge does at every tick
    burst = harness.evidence.tables()[16 * MINUTE_MS].signals["burst"]
    assert not np.isnan(burst).any(), "it has a past"
    assert rows(harness.restarted()) == rows(harness.evidence)


def test_recovery_has_no_more_of_the_past_than_was_kept():
    """A policy with longer windows, in force from the next tick on, must be judged the same after a recovery."""
    harness = WindowHarness([30_000])
    for number in range(10 * 6 + 2):
        harness.push(one_use(1 + number % 3))
    restarted = harness.restarted()
    for evidence in (harness.evidence, restarted):
        evidence.store.arrange([30_000, 20 * MINUTE_MS], 1)
        evidence.drop_tables()
    assert rows(restarted) == rows(harness.evidence)


@pytest.mark.parametrize("begin", range(6))
def test_burst_does_not_depend_on_its_start_within_the_minute(begin):
    """The longest window ends with a whole minute, and a short one counts on."""
    harness, counts = WindowHarness([2 * MINUTE_MS, 10 * MINUTE_MS], burst_min_past=12), []
    key = harness.tags.key("tag0", "*")
    for number in range(10 * 6 + begin + 6):
        counts.append(20 if number >= 10 * 6 + begin else 2)
        harness.push(one_use(counts[-1]))
        if number >= 10 * 6:
            past = counts[max(0, len(counts) // 6 * 6 - 60) : -12]
            expected = (sum(counts[-12:]) / 12) / (sum(past) / len(past))
            assert burst_of(harness.evidence.tables()[2 * MINUTE_MS], key) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([5, 9, 16]), st.integers(70, 110))
def test_past_equals_naive_recount_before_the_shortest_window(seed, minutes, ticks):
    """The longest window ends with its last whole minute where it is longer than fifteen minutes."""
    rng = random.Random(seed)
    harness = WindowHarness([MINUTE_MS, minutes * MINUTE_MS], floor=2)
    for _ in range(ticks):
        harness.push(random_uses(rng) if rng.random() < 0.5 else {})
    table = harness.evidence.tables()[MINUTE_MS]
    shares = np.nan_to_num(np.hstack([table.everyone.estimates(), table.established.estimates()])).max(
        axis=1, initial=0.0
    )
    acted_on = shares >= 0.5
    if not acted_on.any():
        assert table.past is None
        return
    assert table.past is not None
    first = max(0, ticks - 6 * minutes) if minutes < 16 else max(0, ticks // 6 * 6 - 6 * minutes)
    last = ticks - 6 if minutes < 16 else (ticks - 6) // 6 * 6
    names = {
        harness.tags.key(f"tag{n}", country): (f"tag{n}", country) for n in range(4) for country in ("IN", "US", "*")
    }
    for row, key in enumerate(table.keys.tolist()):
        uses = harness.uses[first:last]
        entries = obvious_sample(uses, *names[key]) if acted_on[row] else []
        own = [one for one in entries if is_established(uses, names[key], one, 1 if minutes < 16 else 6)]
        assert table.past.scored[row] == len(own) == table.past.authors[row], "fewer than a full sample"
        shares = np.mean([scored(one.text).probabilities for one in own], axis=0) if own else [-1.0] * 3
        assert np.nan_to_num(table.past.share[row], nan=-1.0) == pytest.approx(shares)


def is_established(uses: list[Uses], scope: tuple[str, str], one: Entry, panes_each: int) -> bool:
    """Compare an author of one tag with the earlier ones; young accounts are below 30 days."""
    if one.flags & 1 or scored(one.text).probabilities[0] < 0.25:
        return one.age_days >= 30
    return one.age_days >= 30 > obvious_earlier(uses, *scope, one.author, one.text, panes_each)


def test_longest_window_alone_has_no_past():
    harness = WindowHarness([2 * MINUTE_MS])
    for _ in range(24):
        harness.push(one_use(6))
    assert harness.evidence.tables()[2 * MINUTE_MS].past is None


def test_side_inputs_apply_to_the_past():
    harness = WindowHarness([30_000, 5 * MINUTE_MS], side_inputs=[_HalfOfAll()])
    for _ in range(7):
        entries = [Entry(author, author, 99, 0, "", "text 6") for author in range(1, 9)]
        entries += [Entry(author, author, 99, 1, "", "text 6") for author in range(11, 19)]
        harness.push({("tag0", "IN"): (16, entries)})
    past = harness.evidence.tables()[30_000].past
    assert past is not None and past.authors.tolist() == [5, 5], "half of the retweets, and the first of the others"


def test_burst_is_rate_against_longest_window():
    harness = WindowHarness([MINUTE_MS, 10 * MINUTE_MS], burst_min_past=12)
    key = harness.tags.key("tag0", "*")

    def burst() -> float:
        return burst_of(harness.evidence.tables()[MINUTE_MS], key)

    for _ in range(6):
        harness.push(one_use(1))
    assert np.isnan(burst()), "the window is all there is"
    for _ in range(6):
        harness.push(one_use(5))
    assert np.isnan(burst()), "6 tweets are too few for a past"
    for _ in range(6):
        harness.push(one_use(7))
    assert burst() == pytest.approx((42 / 1) / (36 / 2))
    assert np.isnan(harness.evidence.tables()[10 * MINUTE_MS].signals["burst"]).all(), "the longest has no past"
    for _ in range(9 * 6):
        harness.push({})
    for _ in range(6):
        harness.push(one_use(4))
    assert np.isnan(burst()), "expired tweets are no past"


def test_table_adds_open_panes():
    harness = WindowHarness([30_000])
    harness.push(one_use(5))
    key, window = harness.tags.key("tag0", "*"), harness.store.windows[30_000]
    extra = build({("tag0", "US"): (2, [Entry(77, 1, 1, 0, "", "text 1")])}, harness.tags, 1)
    table = harness.evidence.table(window, np.array([key]), [extra])
    assert (table.tweets.tolist(), table.authors.tolist()) == ([7], [2])


def test_new_tables_are_taken_once():
    harness = WindowHarness([30_000, 16 * MINUTE_MS])
    for number in range(7):
        harness.push(one_use(1))
        harness.evidence.tables()
        new = harness.evidence.take_new_tables()
        assert sorted(new) == ([30_000, 16 * MINUTE_MS] if number in (0, 5) else [30_000])
    assert harness.evidence.take_new_tables() == {}


class _HalfOfAll(SideInput):
    """A side input that removes one tweet of each key and every author of even hash, and notes the keys."""

    def apply(self, record, position):
        return ()

    def count_removed(self, keys: Ints, start_ms: int, end_ms: int) -> Ints:
        return np.ones(len(keys), np.int64)

    def filter(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> AuthorSample:
        return sample.take(sample.author % np.uint64(2) == 1)


def test_side_inputs_apply_one_after_the_other():
    harness = WindowHarness([30_000], side_inputs=[_HalfOfAll(), _HalfOfAll()])
    harness.push({("tag0", "IN"): (9, [Entry(author, author, 5, 0, "", "text 1") for author in range(1, 5)])})
    (table,) = harness.evidence.tables().values()
    assert (table.tweets.tolist(), table.everyone.scored.tolist()) == ([7, 7], [2, 2])
    assert harness.evidence.sample(harness.store.windows[30_000], table.keys).author.tolist() == [1, 3, 1, 3]


def retractions(tags: Tags, *retracted: tuple[str, str, int, int, int]) -> RetractionIndex:
    """Make an index of (hashtag, country, pane, tweet, pane of its log time)."""
    from streams.counting.retractions import OpenRetractions

    index, pending = RetractionIndex(tags), OpenRetractions(1 << 20)
    for row in retracted:
        pending.add(0, *row)
    record = flush(watermark_ms=-1)
    (record.retractions,) = pending.flush(1)[0]
    index.apply(record, LogPosition())
    return index


def with_retractions(harness: WindowHarness, evidence: EvidenceBuilder, *rows: tuple[str, str, int, int, int]):
    return evidence_over(evidence.store, [retractions(harness.tags, *rows)])


def test_counts_never_fall_below_zero():
    harness = WindowHarness([60_000])
    harness.push(one_use(2))
    evidence = with_retractions(harness, harness.evidence, *(("tag0", "IN", 0, tweet, 0) for tweet in (901, 902, 903)))
    keys = np.array([harness.tags.key("tag0", country) for country in ("*", "IN", "US")])
    window = harness.store.windows[60_000]
    assert evidence.count_remaining(window.counts.of(keys), window, keys).tolist() == [0, 0, 0]
    assert not len(evidence.tables()[60_000].keys)


def test_long_window_ignores_retractions_after_its_last_minute():
    """A long window is judged as of its last whole minute, also after a recovery; a short one as of its last pane."""
    long_ms = SHORT_WINDOW_MS + MINUTE_MS
    harness = WindowHarness([60_000, long_ms])
    for _ in range(6):
        harness.push(one_use(10))
    retracted = [("tag0", "IN", 3, 901, 5), ("tag0", "IN", 3, 902, 6), ("tag0", "IN", 3, 903, 7)]
    running = with_retractions(harness, harness.evidence, *retracted)
    running.tables()
    harness.push(one_use(10))
    key = harness.tags.key("tag0", "IN")
    for evidence in (running, with_retractions(harness, harness.restarted(), *retracted)):
        tables = evidence.tables()
        assert [int(tables[one].tweets[tables[one].find(key)]) for one in (60_000, long_ms)] == [58, 59]
