"""Early looks against the obvious way: which tags are worth one, and what it sees."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import Tags
from streams.counting.sketch import K, KeyedHash, estimate_authors
from streams.judging.early_trigger import Looked, LookJob, Looks
from streams.judging.evidence import EvidenceTable
from streams.judging.window_store import Views
from streams.windows.open_panes import OpenPanes
from streams.windows.scores import Scores
from tests.support.block_counts import Entry, Register, flush, smallest
from tests.unit.streams.windows.test_pane import COLUMNS, Uses, build, random_uses, scored, scores_of
from tests.unit.streams.windows.test_window import obvious_counts, obvious_sample

HASHES = KeyedHash(b"k")
WINDOW_MS = 3 * PANE_MS
SETTLED = 5


def score(lines: bytes) -> Scores:
    return scores_of(lines.decode().split("\n")[:-1])


class Shard:
    """Five settled panes, three of them in the window, and two open ones to which records are added. A look's window
    ends with the newest of these."""

    def __init__(self, rng: random.Random, floor: int) -> None:
        self.rng, self.floor = rng, floor
        self.tags = Tags()
        self.open = OpenPanes(self.tags, HASHES, COLUMNS)
        self.views = Views(HASHES, COLUMNS)
        self.views.arrange([WINDOW_MS], floor, 30, 1)
        self.looks = Looks(self.open, self.views)
        self.panes: list[tuple[int, Uses]] = []
        for number in range(SETTLED):
            uses = random_uses(rng, authors=300, most=40)
            self.panes.append((number, uses))
            self.views.push(build(uses, self.tags, number))
        self.open.settled_pane = SETTLED - 1
        self.touched: set[tuple[str, str]] = set()
        self._block = 0

    def hear(self) -> None:
        """A record of a block of its own."""
        self._block += 1
        uses, pane = random_uses(self.rng, authors=300, most=40), SETTLED + self.rng.randrange(2)
        told = [Register(*scope, pane, count, entries, self._block) for scope, (count, entries) in uses.items()]
        self.looks.touch(self.open.apply(flush(told, block=self._block)))
        self.panes.append((pane, uses))
        self.touched |= {(tag, scope) for tag, country in uses for scope in {country, "*"} - {""}}

    @property
    def said(self) -> list[Uses]:
        """What is in the window."""
        newest = max(number for number, _ in self.panes)
        return [uses for number, uses in self.panes if number > newest - 3]

    def next(self, least_share: float) -> LookJob | None:
        window = self.views.shortest
        assert window is not None
        return self.looks.next(window, window.floor, least_share)

    def see(self, job: LookJob) -> EvidenceTable:
        window = self.views.shortest
        assert window is not None
        return self.looks.see(job, score(job.texts), window)


def assert_table(shard: Shard, table: EvidenceTable, asked: list[tuple[str, str]]) -> None:
    counts = obvious_counts(shard.said)
    assert table.keys.tolist() == [shard.tags.key(*scope) for scope in asked]
    for row, scope in enumerate(asked):
        sample = obvious_sample(shard.said, *scope)
        shares = np.mean([scored(one.text).probabilities for one in sample], axis=0, dtype=np.float64)
        assert table.tweets[row] == counts[scope]
        assert table.authors[row] == estimate_authors(len(sample), sample[-1].author)
        assert table.scored[row] == len(sample)
        assert table.share[row].tolist() == pytest.approx(shares.tolist())
        assert table.sampled[row][: len(sample)].tolist() == [one.tweet for one in sample[:10]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 40, 90]), st.sampled_from([0.0, 0.4, 0.6]))
def test_a_look_sees_what_has_settled_and_what_is_open_of_the_tags_that_have_grown(seed, floor, least_share):
    rng = random.Random(seed)
    shard = Shard(rng, floor)
    last: dict[tuple[str, str], tuple[int, float]] = {}
    for _ in range(4):
        for _ in range(rng.randrange(3)):
            shard.hear()
        counts = obvious_counts(shard.said)
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
        job = shard.next(least_share)
        assert (job is None) == (not expected)
        if job is None:
            continue
        assert job.tick_ms == (max(shard.open.panes) + 1) * PANE_MS
        assert_table(shard, table := shard.see(job), expected)
        for row, scope in enumerate(expected):
            last[scope] = (int(table.tweets[row]), float(table.share[row].max()))
        again = shard.next(least_share)
        assert again is None, "nothing was touched since"
        taken = {one.tweet for scope in expected for one in obvious_sample(shard.said, *scope)}
        for part in job.parts:
            assert part.pane.unscored(part.narrowed.entries).tolist() == []
            assert set(part.pane.entries["tweet"][part.narrowed.entries].tolist()) <= taken, "no other is scored"


def obviously_grown(tweets: int, before: int, share: float, least_share: float) -> bool:
    """By a tenth, and, if all who are new are harmful, up to the share."""
    return tweets >= 1.1 * before and (share * before + 1.0 * (tweets - before)) / tweets >= least_share


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
def test_growth_by_a_tenth_and_a_share_that_can_be_reached(before, share, tweets, least_share, expected):
    last = looked({7: (before, share), 9: (10**6, 0.0)})
    assert last.grown(np.array([7]), np.array([tweets]), least_share).tolist() == [expected]


def looked(found: dict[int, tuple[int, float]]) -> Looked:
    keys = sorted(found)
    return Looked(np.array(keys), np.array([found[key][0] for key in keys]), np.array([found[key][1] for key in keys]))


def test_what_was_looked_at_later_takes_the_place_of_what_was_before():
    last = looked({3: (100, 0.0), 5: (100, 0.0)}).then(looked({1: (10, 0.0), 5: (150, 0.0)}))
    assert (last.keys.tolist(), last.tweets.tolist()) == ([1, 3, 5], [10, 100, 150])
    asked = np.array([1, 2, 3, 5, 9])
    assert last.grown(asked, np.array([100, 1, 167, 167, 1]), 0.4).tolist() == [True, True, True, False, True]


def test_a_look_asks_for_the_scores_of_what_is_new():
    shard = Shard(random.Random(1), 1)
    entries = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(1, 4)]
    for block, texts in ((1, b"text 1\ntext 2\n"), (2, b"text 3\n")):
        new = entries[:2] if block == 1 else entries[2:]
        shard.looks.touch(shard.open.apply(flush([Register("new", "", 5, len(new), new, block)], block=block)))
        job = shard.next(0.0)
        assert job is not None and job.texts == texts
        table = shard.see(job)
    assert (table.tweets.tolist(), table.scored.tolist()) == ([3], [3])


def test_texts_that_no_sample_takes_are_not_scored():
    shard = Shard(random.Random(1), 1)
    rows = [Entry(author, author, 1, 0, "", f"text {author}") for author in range(1, 2 * K + 1)]
    for block, country in ((1, "IN"), (2, "US")):
        here = smallest(rows[block - 1 :: 2], HASHES)
        told = [Register("new", country, 5, len(here), here, block)]
        shard.looks.touch(shard.open.apply(flush(told, block=block)))
    asked = np.array([shard.tags.key("new", "*")])
    total = shard.open.panes[5].sum()
    (kept,) = shard.views.windows[WINDOW_MS].narrowed(asked, [total])
    expected = {entry.text for entry in smallest(rows, HASHES)}
    texts = shard.open.panes[5].texts(kept.entries).decode().splitlines()
    assert sorted(texts) == sorted(expected) and len(total.entries) > K
    assert (kept.keys.tolist(), kept.counts.tolist()) == (total.keys.tolist(), total.counts.tolist())
    assert np.diff(kept.bounds).tolist() == [sum(entry.text in expected for entry in rows[at::2]) for at in range(2)]


def test_what_was_touched_and_passed_over_is_not_looked_at():
    shard = Shard(random.Random(1), 1)
    shard.hear()
    shard.looks.pass_over()
    assert shard.next(0.0) is None


def test_a_settled_tick_counts_as_a_look():
    shard = Shard(random.Random(2), 1)
    shard.hear()
    job = shard.next(0.0)
    assert job is not None
    table = shard.see(job)
    for settled, expected in (
        (table, None),
        (shard.views.table(shard.views.windows[WINDOW_MS], np.zeros(0, np.int64)), job.keys.tolist()),
    ):
        shard.looks.settled(settled)
        shard.looks.touch(job.keys)
        again = shard.next(0.0)
        assert (again and again.keys.tolist()) == expected, (
            "a tag that a tick did not see is as if it was never looked at"
        )


def test_spellings_are_the_commonest_of_each_open_pane_and_country():
    shard = Shard(random.Random(3), 1)
    spelt = {("IN", 5): ["New", "New", "NEW"], ("US", 5): ["neW"], ("IN", 6): ["NEW"], ("", 6): [""]}
    for block, ((country, pane), displays) in enumerate(spelt.items(), 1):
        entries = [Entry(author, author, 1, 0, display, "text 1") for author, display in enumerate(displays, 1)]
        told = [Register("new", country, pane, len(entries), entries, block)]
        shard.looks.touch(shard.open.apply(flush(told, block=block)))
    job = shard.next(0.0)
    assert job is not None
    assert job.displays(shard.tags.key("new", "*")) == ["New", "neW", "NEW"]
    assert job.displays(shard.tags.key("new", "IN")) == ["New", "NEW"]
    assert job.displays(shard.tags.key("new", "FR")) == []
