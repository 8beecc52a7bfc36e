"""Successors of hidden tags: what a shard has heard counts from when, what is forgotten, and what two samples say."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from streams.counting.keys import Tags
from streams.counting.sketch import SPACE, K
from streams.judging.bounds import exact_lower
from streams.judging.side_inputs.author_sketches import CONFIDENCE, DELAY_MS, MOST, ShardSketches, heard_in
from streams.log.author_sketches import AuthorSketch, HeardSketch, encode_heard, heard_records
from streams.log.panes import pane_records
from streams.log.partials import decode_partial, encode_partial
from streams.windows.window import Sample
from tests.support.block_counts import Entry, flush
from tests.unit.streams.judging.test_shard_judge import HASHES
from tests.unit.streams.judging.test_window_store import Shard as Panes

TICK_MS = 600_000
FROM_MS = TICK_MS + DELAY_MS
LATER_MS = FROM_MS + 3_600_000


def sketch(hashtag: str = "old", authors: Sequence[int] = (1, 2, 3), **fields: object) -> AuthorSketch:
    """Of all authors of a tag, whose hashes these are."""
    kept = sorted(authors)[:K]
    upto = kept[-1] if len(kept) == K else SPACE - 1
    made = AuthorSketch(hashtag, "*", TICK_MS, LATER_MS, upto, np.array(kept, "<u8").tobytes())
    return replace(made, **fields)


def sample(*tags: Sequence[int]) -> Sample:
    """Of some tags the authors that a window samples."""
    kept = [sorted(authors)[:K] for authors in tags]
    rows = sum(map(len, kept))
    return Sample(
        group=np.repeat(np.arange(len(kept)), [len(one) for one in kept]),
        author=np.array([author for one in kept for author in one], np.uint64),
        tweet=np.zeros(rows, np.int64),
        age_days=np.zeros(rows, np.int32),
        flags=np.zeros(rows, np.uint8),
        copy=np.zeros(rows, np.uint32),
        scores=np.zeros((rows, 1), np.float32),
    )


class Shard:
    """Sketches, and the tags of a shard by name."""

    def __init__(self, *heard: AuthorSketch, passed_ms: int = -1) -> None:
        self.tags = Tags()
        self.sketches = ShardSketches(self.tags)
        self.sketches.asked = True
        for one in heard:
            self.sketches.hear(one, passed_ms)

    def live(self, tick_ms: int = FROM_MS, oldest_ms: int = 0, country: str = "*") -> list[str]:
        return [one.hashtag for one in self.sketches.live(country, tick_ms, oldest_ms)]

    def find(self, tags: dict[str, Sequence[int]], country: str = "*") -> dict[str, tuple[float, str]]:
        """The signal of each tag, and its predecessor."""
        keys = np.array([self.tags.key(name, country) for name in tags], np.int64)
        order = np.argsort(keys)
        found = self.sketches.find(sample(*(list(tags.values())[at] for at in order)), keys[order], FROM_MS, 0)
        assert found is not None
        told = zip([list(tags)[at] for at in order], found.lower.tolist(), found.of, strict=True)
        return {name: (lower, of) for name, lower, of in told}


# ---- from when, and until when ----


def test_a_sketch_counts_a_minute_after_its_tick_until_its_flag_expires():
    shard = Shard(sketch(until_ms=FROM_MS + 20_000), passed_ms=TICK_MS + 5_000)
    assert [shard.live(tick_ms) for tick_ms in (FROM_MS - 10_000, FROM_MS, FROM_MS + 10_000, FROM_MS + 20_000)] == [
        [], ["old"], ["old"], []
    ]  # fmt: skip
    assert shard.sketches.late == 0


def test_one_that_comes_late_touches_no_tick_that_may_have_settled():
    shard = Shard(sketch(), passed_ms=FROM_MS + 20_000)
    assert [shard.live(FROM_MS + after_ms) for after_ms in (0, 20_000, 30_000)] == [[], [], ["old"]]
    assert shard.sketches.late == 1


def test_of_repeats_the_first_counts_in_whatever_order_they_are_known():
    early, late = HeardSketch(sketch(), FROM_MS), HeardSketch(sketch(), FROM_MS + 60_000)
    for order in ([early, late], [late, early]):
        shard = Shard()
        shard.sketches.recover(order)
        assert shard.live() == ["old"]
    shard = Shard(sketch(), sketch())
    assert len(shard.sketches.take_fresh()) == 1 and shard.sketches.take_fresh() == []
    shard.sketches.hear(sketch(), FROM_MS * 2)
    assert shard.sketches.take_fresh() == [] and shard.sketches.late == 0


def test_those_of_one_tag_count_together_each_from_its_own_tick_on():
    older, newer = sketch(authors=[1, 5, 9]), sketch(authors=[2, 5], tick_ms=TICK_MS + 20_000, upto=6)
    for order in ([older, newer], [newer, older]):
        shard = Shard(*order)
        at = [shard.sketches.live("*", FROM_MS + after_ms, 0)[0] for after_ms in (0, 10_000, 20_000)]
        assert [one.authors.tolist() for one in at] == [[1, 5, 9], [1, 5, 9], [1, 2, 5]]
        assert [one.upto for one in at] == [SPACE - 1, SPACE - 1, 6], "what lies above, the newer one does not tell"


def test_the_newest_ones_expiry_ends_all():
    shard = Shard(sketch(until_ms=LATER_MS), sketch(tick_ms=TICK_MS + 10_000, until_ms=FROM_MS + 30_000))
    assert [shard.live(FROM_MS + after_ms) for after_ms in (0, 20_000, 30_000)] == [["old"], ["old"], []]


def test_what_was_told_before_a_tag_was_let_go_does_not_come_back_with_it():
    gone = sketch(authors=[], tick_ms=TICK_MS + 10_000, until_ms=0)
    shard = Shard(sketch(authors=[1]), gone, sketch(authors=[2], tick_ms=TICK_MS + 20_000))
    assert shard.sketches.live("*", FROM_MS + 20_000, 0)[0].authors.tolist() == [2]


def test_a_tag_that_is_not_hidden_any_more_is_nobodys_predecessor():
    gone = sketch(authors=[], tick_ms=TICK_MS + 20_000, until_ms=0)
    shard = Shard(sketch(), gone)
    assert [shard.live(FROM_MS + after_ms) for after_ms in (10_000, 20_000)] == [["old"], []]
    shard.sketches.prune(FROM_MS + 30_000, 0)
    shard.sketches.hear(sketch(), FROM_MS + 30_000)  # sent again by a worker that should be dead
    assert shard.live(FROM_MS + 60_000) == []


def test_no_campaign_counts_that_is_older_than_the_panes_kept():
    assert Shard(sketch()).live(oldest_ms=TICK_MS) == ["old"]
    assert Shard(sketch()).live(oldest_ms=TICK_MS + 1) == []


def test_a_country_has_its_own():
    shard = Shard(sketch("world"), sketch("india", country="IN"))
    assert (shard.live(), shard.live(country="IN"), shard.live(country="US")) == (["world"], ["india"], [])
    authors = [1, 2, 3]
    assert shard.find({"new": authors}, "IN")["new"][1] == "india"
    assert shard.find({"new": authors}, "US")["new"] == (0.0, "")


def test_so_many_count_and_the_newest_do():
    shard = Shard(*(sketch(f"tag{n}", tick_ms=TICK_MS + n) for n in range(MOST + 3)))
    live = shard.live(LATER_MS - 1)
    assert len(live) == MOST and "tag2" not in live and "tag3" in live
    shard.sketches.prune(LATER_MS - 1, 0)
    assert shard.live(LATER_MS - 1) == live and shard.sketches.given_up == 3


@pytest.mark.parametrize("seed", range(40))
def test_forgetting_changes_nothing_that_is_asked_later(seed, monkeypatch):
    """One judge forgets as it goes, another knows all that was ever heard: both answer alike."""
    monkeypatch.setattr("streams.judging.side_inputs.author_sketches.MOST", 5)
    rng = random.Random(seed)
    forgetful, whole = Shard(), Shard()
    sent: list[AuthorSketch] = []
    for tick_ms in range(TICK_MS, TICK_MS + 900_000, 10_000):
        oldest_ms = (tick_ms - 300_000) // 60_000 * 60_000
        for _ in range(rng.choice([0, 0, 1, 2])):
            hidden = rng.random() < 0.8
            one = sketch(
                rng.choice("abcdef"), rng.sample(range(9), 4) if hidden else [], country=rng.choice(["*", "IN"]),
                tick_ms=tick_ms,
                until_ms=tick_ms + rng.choice([60_000, 200_000, 500_000]) if hidden else 0,
            )  # fmt: skip
            known = [other for other in sent if (other.hashtag, other.country, other.tick_ms) ==
                     (one.hashtag, one.country, one.tick_ms)]  # fmt: skip
            sent += [] if known else [one]
        for one in rng.sample(sent, min(len(sent), rng.choice([0, 1, 4]))):  # some late, some again
            passed_ms = tick_ms + rng.choice([0, 0, 90_000])
            for shard in (forgetful, whole):
                shard.sketches.hear(one, passed_ms)
        for country in ("*", "IN"):
            asked = [tick_ms, tick_ms // 60_000 * 60_000]  # a short window, and a long one within its minute
            for at_ms in asked:
                mine, theirs = (
                    [(found.hashtag, found.authors.tolist(), found.upto) for found in live]
                    for live in (one.sketches.live(country, at_ms, oldest_ms) for one in (forgetful, whole))
                )
                assert mine == theirs, (tick_ms, at_ms)
        forgetful.sketches.prune(tick_ms // 60_000 * 60_000, oldest_ms)
    assert sent


# ---- what two samples say ----


def naive(old: Sequence[int], new: Sequence[int]) -> float:
    """By whole sets: of the authors under the new tag up to the lower of the two greatest hashes, those of the old."""
    cuts = [sorted(one)[K - 1] for one in (old, new) if len(one) >= K]
    upto = min(cuts, default=SPACE)
    told = [author for author in new if author <= upto]
    shared = len(set(told) & set(old))
    return float(exact_lower(np.array([shared]), np.array([len(told)]), CONFIDENCE)[0])


@pytest.mark.parametrize("seed", range(30))
def test_against_whole_sets(seed):
    rng = random.Random(seed)
    people = [rng.getrandbits(64) for _ in range(rng.choice([40, 150, 600]))]
    crowd = {f"t{n}": rng.sample(people, rng.randrange(0, len(people))) for n in range(8)}
    old = {f"o{n}": rng.sample(people, rng.randrange(1, len(people))) for n in range(4)}
    old["t3"] = crowd["t3"]  # hidden already: it is no predecessor of itself
    shard = Shard(*(sketch(name, authors, tick_ms=TICK_MS - n) for n, (name, authors) in enumerate(old.items())))
    found = shard.find(crowd)
    for name, authors in crowd.items():
        bounds = {other: naive(theirs, authors) for other, theirs in old.items() if other != name}
        lower, of = found[name]
        assert lower == pytest.approx(max(bounds.values()), abs=1e-12)
        assert of == (next(other for other, bound in bounds.items() if bound == max(bounds.values())) if lower else "")


def test_a_tag_is_no_successor_of_itself():
    assert Shard(sketch("a", range(30))).find({"a": range(30), "b": range(30)}) == {
        "a": (0.0, ""), "b": (pytest.approx(0.005 ** (1 / 30)), "a")
    }  # fmt: skip


def test_a_campaign_that_joins_a_crowd_does_not_make_the_crowd_its_own():
    """All thirty of them, among three hundred others."""
    dice = random.Random(1)
    old = [dice.getrandbits(64) for _ in range(30)]
    crowd = old + [dice.getrandbits(64) for _ in range(300)]
    assert Shard(sketch(authors=old)).find({"crowd": crowd})["crowd"][0] < 0.25


def test_a_few_authors_are_not_enough_however_alike():
    found = Shard(sketch(authors=range(40))).find({"two": [1, 2], "ten": range(10)})
    assert found["two"][0] < 0.1 and found["ten"][0] > 0.5


def test_nobody_asks_nobody_pays():
    shard = Shard(sketch())
    shard.sketches.asked = False
    assert shard.sketches.find(sample([1, 2]), np.array([shard.tags.key("a", "*")]), FROM_MS, 0) is None


@pytest.mark.simulation
@pytest.mark.parametrize(("old_size", "new_size", "share"), [(30, 20, 0.3), (200, 60, 0.5), (500, 2_000, 0.1)])
def test_the_bound_holds_as_often_as_it_says(old_size, new_size, share):
    """The share of the new tag's authors who were the old one's lies below the bound in at most one of 200."""
    dice = np.random.default_rng(7)
    shared = round(share * new_size)
    old_only = max(old_size - shared, 0)
    wrong, runs = 0, 1_500
    for _ in range(runs):
        people = dice.integers(0, 2**64, old_only + new_size, dtype=np.uint64)
        old, new = people[: old_only + shared], people[old_only:]
        shard = Shard(sketch(authors=old.tolist()))
        wrong += shard.find({"new": new.tolist()})["new"][0] > shared / new_size
    assert wrong <= 15, "three standard deviations above 7.5"


def test_a_long_window_is_of_the_sketches_of_its_last_whole_minute():
    """Whoever takes over within the minute counts it anew, and must find what counted at the minute's end."""
    old = HASHES.authors(list(range(9))).tolist()
    shard = Panes([30_000, 1_200_000])

    def heard() -> ShardSketches:
        sketches = Shard(sketch(authors=old, tick_ms=70_000 - DELAY_MS)).sketches
        sketches._tags = shard.tags
        return sketches

    shard.views._sketches = heard()
    for author in old:
        shard.push({("tag0", "IN"): (1, [Entry(author, author % 2**60, 5, 0, "", "text 1")])})
        shard.views.tables()
    heir = shard.restarted()
    heir._sketches = heard()
    for views in (shard.views, heir):
        short, long = (views.tables()[window_ms] for window_ms in (30_000, 1_200_000))
        assert short.successor.max() > 0.1 and not long.successor.any()


# ---- records ----


def test_a_sketch_survives_both_logs():
    one = sketch(authors=[0, 2**64 - 1])
    assert decode_partial(encode_partial(one)) == one
    assert one.hashes().tolist() == [0, 2**64 - 1]
    heard = HeardSketch(one, FROM_MS)
    assert list(heard_records([encode_heard(heard)])) == [heard] and not list(pane_records([encode_heard(heard)]))


def test_what_was_heard_is_read_off_a_log():
    log = [flush(watermark_ms=FROM_MS + 5_000), sketch(), flush(watermark_ms=FROM_MS), sketch("other"), sketch()]
    assert [(one.sketch.hashtag, one.from_ms) for one in heard_in(log)] == [
        ("old", FROM_MS + 5_001), ("other", FROM_MS + 5_001)
    ]  # fmt: skip
