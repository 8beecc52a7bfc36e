"""Early firings against the obvious way: the tags that fire, and their evidence."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.counting.sketch import K, KeyedHash, estimate_authors
from streams.judging.early_trigger import EarlyFiring, EarlyTrigger, LastFiring
from streams.judging.evidence import EvidenceTable
from streams.windows.open_pane import Scores
from streams.windows.open_panes import OpenPanes
from streams.windows.window import SlidingWindow
from streams.windows.window_store import WindowStore
from tests.support.block_counts import BlockCount, Entry, flush, smallest
from tests.support.panes import (
    COLUMNS,
    Uses,
    build,
    obvious_counts,
    obvious_sample,
    obvious_weights,
    random_uses,
    scored,
    scores_of,
)
from tests.support.windows import evidence_over

HASHES = KeyedHash(b"k")
WINDOW_MS = 3 * PANE_MS
SETTLED = 5


def score(lines: bytes) -> Scores:
    return scores_of(lines.decode().split("\n")[:-1])


class EarlyShard:
    """Five settled panes, three of them in the window, and two open ones to which records are added.

    The window of a firing ends with the newest of these.
    """

    def __init__(self, rng: random.Random, floor: int, least_share: float = 0.0) -> None:
        self.rng, self.floor = rng, floor
        self.tags = Tags()
        self.open = OpenPanes(self.tags, HASHES, COLUMNS)
        self.store = WindowStore(HASHES)
        self.store.arrange([WINDOW_MS], floor)
        self.evidence = evidence_over(self.store)
        self.trigger = EarlyTrigger(self.open, self.evidence)
        policy: Any = SimpleNamespace(
            rule_table={at: SimpleNamespace(min_tweets=floor + at) for at in (1, 0)}, least_suppress_at=least_share
        )
        self.trigger.follow(policy)
        self.panes: list[tuple[int, Uses]] = []
        for number in range(SETTLED):
            uses = random_uses(rng, authors=300, most=40, is_mixed=False)
            self.panes.append((number, uses))
            self.store.push(build(uses, self.tags, number))
        self.open.settled_pane = SETTLED - 1
        self.touched: set[tuple[str, str]] = set()
        self._block = 0

    @property
    def window(self) -> SlidingWindow:
        return self.store.windows[WINDOW_MS]

    def apply(self, counts: list[BlockCount], block: int) -> None:
        self.trigger.touch(self.open.apply_all([flush(counts, block=block)]))

    def count(self) -> None:
        """Apply a record that begins a new block."""
        self._block += 1
        uses, pane = random_uses(self.rng, authors=300, most=40, is_mixed=False), SETTLED + self.rng.randrange(2)
        self.apply([BlockCount(*scope, pane, n, its, self._block) for scope, (n, its) in uses.items()], self._block)
        self.panes.append((pane, uses))
        self.touched |= {(tag, scope) for tag, country in uses for scope in {country, "*"} - {""}}

    @property
    def uses(self) -> list[Uses]:
        """Uses in the window."""
        newest = max(number for number, _ in self.panes)
        return [uses for number, uses in self.panes if number > newest - 3]

    def next(self) -> EarlyFiring | None:
        return self.trigger.next(lambda _: "")

    def fire(self, firing: EarlyFiring) -> EvidenceTable:
        return self.trigger.fire(firing, score(lines_of(firing)))


def lines_of(firing: EarlyFiring) -> bytes:
    return b"".join(one.lines for one in firing.batches)


def assert_table(shard: EarlyShard, table: EvidenceTable, asked: list[tuple[str, str]]) -> None:
    counts = obvious_counts(shard.uses)
    assert table.keys.tolist() == [shard.tags.key(*scope) for scope in asked]
    for row, scope in enumerate(asked):
        sample, weights = obvious_sample(shard.uses, *scope), obvious_weights(shard.uses, *scope)
        probabilities = np.array([scored(one.text).probabilities for one in sample], np.float64)
        shares = np.average(probabilities, axis=0, weights=weights)
        assert table.tweets[row] == counts[scope]
        assert table.authors[row] == estimate_authors(min(len(sample), K), sample[:K][-1].author)
        assert table.everyone.scored[row] == round(sum(weights))
        assert table.everyone.share[row].tolist() == pytest.approx(shares.tolist())
        assert table.shown.tweets[row][: len(sample)].tolist() == [one.tweet for one in sample[:10]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 40, 90]), st.sampled_from([0.0, 0.4, 0.6]))
def test_firing_counts_settled_and_open_panes_of_grown_tags(seed, floor, least_share):
    rng = random.Random(seed)
    shard = EarlyShard(rng, floor, least_share)
    last: dict[tuple[str, str], tuple[int, float]] = {}
    for _ in range(4):
        for _ in range(rng.randrange(3)):
            shard.count()
        counts = obvious_counts(shard.uses)
        expected = sorted(
            (
                scope
                for scope in shard.touched
                if counts[scope] >= floor
                and (scope not in last or obviously_grown(counts[scope], *last[scope], least_share))
            ),
            key=lambda scope: shard.tags.key(*scope),
        )
        shard.touched = set()
        firing = shard.next()
        assert (firing is None) == (not expected)
        if firing is None:
            continue
        assert firing.tick_ms == (max(shard.open.panes) + 1) * PANE_MS
        assert_table(shard, table := shard.fire(firing), expected)
        for row, scope in enumerate(expected):
            last[scope] = (int(table.tweets[row]), float(table.everyone.share[row].max()))
        again = shard.next()
        assert again is None, "no key was touched since"
        taken = {one.tweet for scope in expected for one in obvious_sample(shard.uses, *scope)}
        for part in firing.panes:
            assert part.texts.pane.unscored(part.sampled.entries).tolist() == []
            assert set(part.texts.pane.entries["tweet"][part.sampled.entries].tolist()) <= taken, (
                "only sampled texts are scored"
            )


def obviously_grown(tweets: int, before: int, share: float, least_share: float) -> bool:
    """Check for growth by a tenth, and for a share that can be reached if all new tweets are harmful."""
    return tweets >= 1.1 * before and share * before + tweets - before >= least_share * tweets  # one rounding


@pytest.mark.parametrize(
    ("before", "share", "tweets", "least_share", "expected"),
    [
        (100, 0.9, 109, 0.4, False),
        (100, 0.9, 111, 0.4, True),
        (100, 0.0, 166, 0.4, False),
        (100, 0.0, 167, 0.4, True),
        (100, 0.25, 120, 0.4, False),
        (100, 0.25, 125, 0.4, True),
        (100, 1.0, 100, 0.4, False),
        (0, 1.0, 1, 0.4, True),
    ],
)
def test_tag_fires_again_after_growth_to_a_reachable_share(before, share, tweets, least_share, expected):
    last = fired({7: (before, share), 9: (10**6, 0.0)})
    assert last.may_fire(np.array([7]), np.array([tweets]), least_share).tolist() == [expected]


def fired(found: dict[int, tuple[int, float]]) -> LastFiring:
    keys = sorted(found)
    return LastFiring(
        np.array(keys), np.array([found[key][0] for key in keys]), np.array([found[key][1] for key in keys])
    )


def test_later_firing_replaces_the_earlier_one():
    last = fired({3: (100, 0.0), 5: (100, 0.0)}).updated(fired({1: (10, 0.0), 5: (150, 0.0)}))
    assert (last.keys.tolist(), last.tweets.tolist()) == ([1, 3, 5], [10, 100, 150])
    asked = np.array([1, 2, 3, 5, 9])
    assert last.may_fire(asked, np.array([100, 1, 167, 167, 1]), 0.4).tolist() == [True, True, True, False, True]


def test_firing_scores_only_new_texts():
    shard = EarlyShard(random.Random(1), 1)
    entries = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(1, 4)]
    for block, texts in ((1, b"text 1\ntext 2\n"), (2, b"text 3\n")):
        new = entries[:2] if block == 1 else entries[2:]
        shard.apply([BlockCount("new", "", 5, len(new), new, block)], block)
        firing = shard.next()
        assert firing is not None and lines_of(firing) == texts
        table = shard.fire(firing)
    assert (table.tweets.tolist(), table.everyone.scored.tolist()) == ([3], [3])


def test_unsampled_texts_are_not_scored():
    shard = EarlyShard(random.Random(1), 1)
    rows = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(1, 2 * K + 1)]
    for block, country in ((1, "IN"), (2, "US")):
        here = smallest(rows[block - 1 :: 2], HASHES)
        shard.apply([BlockCount("new", country, 5, len(here), here, block)], block)
    asked = np.array([shard.tags.key("new", "*")])
    total = shard.open.panes[5].sum()
    (kept,) = shard.window.narrowed(asked, [total])
    expected = {entry.text for entry in smallest(rows, HASHES)}
    texts = shard.open.panes[5].texts(kept.entries).decode().splitlines()
    assert sorted(texts) == sorted(expected) and len(total.entries) > K
    assert (kept.keys.tolist(), kept.counts.tolist()) == (total.keys.tolist(), total.counts.tolist())
    assert np.diff(kept.bounds).tolist() == [sum(entry.text in expected for entry in rows[at::2]) for at in range(2)]


def test_skipped_keys_do_not_fire():
    shard = EarlyShard(random.Random(1), 1)
    shard.count()
    shard.trigger.skip()
    assert shard.next() is None


def test_settled_tick_counts_as_a_firing():
    shard = EarlyShard(random.Random(2), 1)
    shard.count()
    firing = shard.next()
    assert firing is not None
    table = shard.fire(firing)
    for settled, expected in (
        (table, None),
        (shard.evidence.table(shard.window, np.zeros(0, np.int64)), firing.keys.tolist()),
    ):
        shard.trigger.settle(settled)
        shard.trigger.touch(firing.keys)
        again = shard.next()
        assert (again and again.keys.tolist()) == expected, "a tag outside the settled table has never fired"


def test_displays_are_the_commonest_of_each_open_pane_and_country():
    shard = EarlyShard(random.Random(3), 1)
    spelt = {("IN", 5): ["New", "New", "NEW"], ("US", 5): ["neW"], ("IN", 6): ["NEW"], ("", 6): [""]}
    for block, ((country, pane), displays) in enumerate(spelt.items(), 1):
        entries = [Entry(author, author, 1, 0, display, "text 1") for author, display in enumerate(displays, 1)]
        shard.apply([BlockCount("new", country, pane, len(entries), entries, block)], block)
    firing = shard.next()
    assert firing is not None
    assert firing.displays(shard.tags.key("new", "*")) == ["New", "neW", "NEW"]
    assert firing.displays(shard.tags.key("new", "IN")) == ["New", "NEW"]
    assert firing.displays(shard.tags.key("new", "FR")) == []
