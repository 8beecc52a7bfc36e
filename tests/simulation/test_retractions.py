"""Retractions in a replay equal plain sets: late, repeated, before the tweet, from any partition."""

from __future__ import annotations

import json
import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.log.decisions import Decision
from streams.log.lines import read_lines
from streams.policy import parse_policy
from streams.replay import Replay
from streams.scoring import TextScorer
from tests.support.naive_retractions import windows
from tests.support.word_policy import START_MS, WordScorer, history

POLICY = """
serial: 1
surfaces: [trends]
windows: [30s, 2m, 16m]
score_floor: 2
evidence_floor: 2
early_confidence: 0.9
categories:
  hateful_conduct:
    mode: suppress
    windows: [30s, 16m]
    min_tweets: 5
    min_authors: 4
    suppress_at: 0.4
    clear_at: 0.3
    confidence: 0.8
    dwell: 10s
    expiry: 1m
    corroborate: {need: 1, authors: 1}
"""
WINDOWS = (30_000, 120_000, 960_000)


def exact(tweet) -> dict[str, object]:
    """Make the platform's own deletion of a tweet."""
    return {"kind": "delete", **{name: tweet[name] for name in ("id", "created_at_ms", "hashtags", "country")}}


def deletion(tweet, rng: random.Random) -> dict[str, object]:
    """Draw one of the ways to delete a tweet."""
    ident, whole = tweet["id"], exact(tweet)
    return rng.choice([
        whole, whole, whole, whole,
        {**whole, "hashtags": whole["hashtags"][:1]},
        {**whole, "created_at_ms": tweet["created_at_ms"] - rng.choice([7_000_000, 30_000])},
        {"kind": "delete", "id": ident},
        {"kind": "delete", "id": ident, "hashtags": tweet["hashtags"]},
        {"delete": {"status": {"id": int(ident), "id_str": ident}}},
        {"status_withheld": {"id": ident, "withheld_in_countries": rng.choice([["IN"], ["US", "IN"], ["XX"], []])}},
    ])  # fmt: skip


def random_log(seed: int, n: int = 400, partitions: int = 3, mean_ms: int = 120) -> list[dict[str, object]]:
    """Make log lines in which half the tweets are deleted; offsets are assigned at the end."""
    rng = random.Random(seed)
    events, now = [], START_MS
    for number in range(n):
        now += int(rng.expovariate(1 / mean_ms))
        late = rng.choice([0, 100, 4_000, 9_000, -500, -200_000]) if rng.random() < 0.2 else 50
        tag = f"Tag{int(rng.paretovariate(0.8)) % 20}"
        tweet = {
            "id": str(number), "author_id": str(rng.randrange(150)), "created_at_ms": now - late,
            "text": f"{'bad' if rng.random() < 0.7 else 'good'} {number}",
            "country": rng.choice(["IN", "IN", "US", ""]), "hashtags": rng.sample([tag, tag.upper(), "other"], 2),
        }  # fmt: skip
        events.append((now, tweet))
        if rng.random() < 0.03:
            events.append((now + 200, tweet))
        if rng.random() < 0.5:
            after = rng.choice([-3_000, -1, 0, 100, 2_000, 15_000, 40_000, 100_000])
            emitted = deletion(tweet, rng)
            events += [(now + after + rng.randrange(20_000) * again, emitted) for again in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.01:
            events.append((now, {"kind": "delete", "id": "x"}))
    return logged(events, rng, partitions)


def logged(events, rng: random.Random, partitions: int = 3) -> list[dict[str, object]]:
    """Convert (log time, payload) pairs in any order to log lines."""
    offsets, lines = [0] * partitions, []
    for log_ms, payload in sorted(events, key=lambda one: one[0]):
        partition = rng.randrange(partitions)
        lines.append(
            {"partition": partition, "offset": offsets[partition], "log_time_ms": log_ms, "value": json.dumps(payload)}
        )
        offsets[partition] += 1
    return lines


def run(lines, partitions: int = 3, **options):
    """Replay lines; return evidence by window, and decisions."""
    kept = defaultdict(dict)

    def keep(record) -> None:
        columns = [np.frombuffer(one, "<i8").tolist() for one in (record.tweets, record.everyone.authors)]
        for tag, country, *numbers in zip(record.hashtags, record.countries, *columns, strict=True):
            kept[record.window_ms][record.tick_ms, tag, country] = tuple(numbers)

    replay = Replay(
        range(partitions), parse_policy(POLICY, "test.yaml"), TextScorer(WordScorer()), keep_evidence=keep, **options
    )
    emitted = [
        one for one in replay.run(read_lines(json.dumps(line).encode() for line in lines)) if type(one) is Decision
    ]
    assert not replay.counts.late_retractions
    return kept, emitted, replay


def until(found, last_ms):
    return {key: numbers for key, numbers in found.items() if key[0] <= last_ms}


def compare(lines, **options) -> None:
    kept, _, _ = run(lines, **options)
    for window in WINDOWS:
        expected = windows(lines, window, 2)
        last_ms = max((tick for tick, *_ in expected), default=0)
        assert until(kept[window], last_ms) == expected, window


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(3))
def test_window_counts_equal_plain_sets(seed):
    compare(random_log(seed), shards=2)


@pytest.mark.simulation
def test_long_window_counts_equal_plain_sets():
    compare(random_log(9, n=400, mean_ms=4_000), shards=2)


@pytest.mark.simulation
@given(data=st.data())
def test_retractions_commute_and_repeat(data):
    """Draw tweets of two tags and deletions: repeated, early, or of tweets that were never sent."""
    time = st.integers(0, 70_000)
    tweets = [
        {
            "id": str(number), "author_id": str(data.draw(st.integers(0, 5))), "created_at_ms": START_MS + at_ms,
            "text": "bad", "country": data.draw(st.sampled_from(["IN", "US", ""])),
            "hashtags": ["A", "B"][: 1 + at_ms % 2],
        }
        for number, at_ms in enumerate(data.draw(st.lists(time, min_size=1, max_size=14)))
    ]  # fmt: skip
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    events = [(tweet["created_at_ms"] + rng.randrange(4_000), tweet) for tweet in tweets]
    for at_ms, number in data.draw(st.lists(st.tuples(time, st.integers(0, 15)), max_size=20)):
        ghost = {**tweets[0], "id": str(number)}
        events.append((START_MS + at_ms, deletion(tweets[number] if number < len(tweets) else ghost, rng)))
    compare(logged(events, rng), shards=data.draw(st.integers(1, 3)))


@pytest.mark.simulation
def test_shards_flushes_and_early_firings_keep_settled_results():
    lines = random_log(5)
    kept, emitted, _ = run(lines, shards=3)
    other_kept, other, _ = run(lines, shards=5, early=True, flush_ms=100, flush_records=37)
    assert other_kept == kept
    assert any(ruling.provisional for one in other for ruling in one.rulings), "the log has something to see early"
    assert history(other) == history(emitted)
    assert history(run([line for line in lines if "withheld" not in line["value"]], shards=3)[1]) != history(emitted)


def tweets(n: int, at_ms: int = START_MS, **more) -> list[tuple[int, dict[str, object]]]:
    """Make (log time, tweet) of n authors with one tag, a second apart; the id is the time since the start."""
    common = {"text": "bad", "country": "IN", "hashtags": ["Spite"], **more}
    times = [at_ms + 1000 * one for one in range(n)]
    return [
        (log_ms, {"id": str(log_ms - START_MS), "author_id": str(one), "created_at_ms": log_ms, **common})
        for one, log_ms in enumerate(times)
    ]


def test_deleted_campaign_is_cleared():
    """Ten tweets suppress the tag; after eight deletions the flag is not renewed, and expires."""
    campaign, go_on = tweets(10), tweets(1, START_MS + 300_000, hashtags=["other"])
    gone = [(START_MS + 12_000, exact(tweet)) for _, tweet in campaign[:8]]
    kept, emitted, replay = run(logged(campaign + gone + go_on, random.Random(1)), shards=1)
    ticks = [START_MS + at_ms for at_ms in (10_000, 20_000)]
    assert [kept[30_000][tick_ms, "spite", "IN"] for tick_ms in ticks] == [(10, 10), (2, 2)]
    assert [kept[30_000][tick_ms, "spite", "*"] for tick_ms in ticks] == [(10, 10), (2, 2)]
    assert suppressed_at(emitted) == [ticks[0]]
    assert len(suppressed_at(run(logged(campaign + go_on, random.Random(1)), shards=1)[1])) > 1
    assert replay.counts.retractions == {"deletion": 8}


def suppressed_at(emitted) -> list[int]:
    """List the ticks with a new or renewed suppression in IN."""
    return [
        one.tick_ms for one in emitted for ruling in one.rulings if (one.country, ruling.action) == ("IN", "suppress")
    ]


def test_bare_notice_removes_author_not_count():
    events = [*tweets(10), (START_MS + 12_000, {"delete": {"status": {"id_str": "3000", "id": 3000}}})]
    kept, _, _ = run(logged(events, random.Random(1)), shards=2)
    assert kept[30_000][START_MS + 10_000, "spite", "IN"] == (10, 10)
    assert kept[30_000][START_MS + 20_000, "spite", "IN"] == (10, 9)


def test_withheld_tweet_leaves_samples_of_country_only():
    notice = {"status_withheld": {"id": "3000", "withheld_in_countries": ["IN"]}}
    kept, _, replay = run(logged([*tweets(10), (START_MS + 12_000, notice)], random.Random(1)), shards=1)
    assert kept[30_000][START_MS + 20_000, "spite", "IN"] == (10, 9)
    assert kept[30_000][START_MS + 20_000, "spite", "*"] == (10, 10)
    assert replay.counts.retractions == {"tweet_withheld": 1}


def test_count_is_never_negative():
    """Deleting a tweet that was never counted removes another: the residual in the docs."""
    ghost = {"id": "", "created_at_ms": START_MS, "hashtags": ["spite"], "country": "IN"}
    events = tweets(3) + [(START_MS + 11_000, exact({**ghost, "id": str(one)})) for one in range(100, 120)]
    events += tweets(4, START_MS + 15_000, country="US") + tweets(1, START_MS + 45_000, hashtags=["other"])
    kept, _, _ = run(logged(events, random.Random(1)), shards=1)
    assert (START_MS + 20_000, "spite", "IN") not in kept[30_000]
    assert (START_MS + 20_000, "spite", "*") not in kept[30_000], "17 too many of them were deleted"
    assert kept[30_000][START_MS + 20_000, "spite", "US"][0] == 4
    assert kept[30_000][START_MS + 40_000, "spite", "*"][0] == 4, "and gone with their pane"


def test_early_firing_applies_retractions():
    """A campaign deleted before its pane settles is not suppressed early either."""
    campaign = tweets(8)
    rest = tweets(1, START_MS + 9_500, author_id="77")

    def early(events) -> list[int]:
        _, emitted, _ = run(logged(events, random.Random(1), 1), 1, shards=1, early=True, flush_ms=100)
        return [one.decided_at_ms for one in emitted for ruling in one.rulings if ruling.provisional]

    assert early(campaign + rest)
    assert not early(campaign + rest + [(log_ms + 1, exact(tweet)) for log_ms, tweet in campaign[:5]])
    assert early(campaign + rest + [(START_MS + 9_000, exact(tweet)) for _, tweet in campaign[:5]]), "too late for it"
