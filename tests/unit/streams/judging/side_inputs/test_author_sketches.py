"""Migrated campaigns: the ticks at which sketches count, pruning, and the comparison of two samples."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import comb

import numpy as np
import pytest
from msgspec.structs import replace

from streams.counting.keys import Tags
from streams.counting.sketch import SPACE, K
from streams.judging.side_inputs.author_sketches import DELAY_MS, MOST, AuthorSketchIndex
from streams.judging.side_inputs.migration import CONFIDENCE, lower_bounds
from streams.log.author_sketches import AuthorSketch, ReceivedSketch, decode_received_sketches, encode_received_sketch
from streams.log.panes import pane_records
from streams.log.partials import decode_partial, encode_partial
from streams.replay import received_sketches
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan
from tests.support.block_counts import Entry, flush
from tests.support.judge_harness import HASHES
from tests.support.windows import WindowHarness

Scope = tuple[str, str]
TICK_MS = 600_000
FROM_MS = TICK_MS + DELAY_MS
LATER_MS = FROM_MS + 3_600_000


def sketch(hashtag: str = "old", authors: Sequence[int] = (1, 2, 3), **fields: object) -> AuthorSketch:
    """Make a sketch of a tag from all hashes of its authors."""
    kept = sorted(authors)[:K]
    upto = kept[-1] if len(kept) == K else SPACE - 1
    made = AuthorSketch(hashtag, "*", TICK_MS, LATER_MS, upto, np.array(kept, "<u8").tobytes())
    return replace(made, **fields)


def sample(*tags: Sequence[int]) -> AuthorSample:
    """Sample the authors of some tags as a window does."""
    kept = [sorted(authors)[:K] for authors in tags]
    rows = sum(map(len, kept))
    return AuthorSample(
        group=np.repeat(np.arange(len(kept)), [len(one) for one in kept]),
        author=np.array([author for one in kept for author in one], np.uint64),
        tweet=np.zeros(rows, np.int64),
        origin=np.zeros(rows, np.int64),
        age_days=np.zeros(rows, np.int32),
        flags=np.zeros(rows, np.uint8),
        copy=np.zeros(rows, np.uint32),
        scores=np.zeros((rows, 1), np.float32),
        weight=np.ones(rows),
        is_further=np.zeros(rows, bool),
    )


class SketchShard:
    """A sketch index, and the tags of its shard by name."""

    def __init__(self, *sketches: AuthorSketch, passed_ms: int = -1, tags: Tags | None = None) -> None:
        self.tags = tags or Tags()
        self.index = AuthorSketchIndex(self.tags)
        for one in sketches:
            self.index.add(one, passed_ms)

    def hidden(self, tick_ms: int = FROM_MS, kept_from_ms: int = 0, country: str = "*") -> list[str]:
        """Return the hidden tags whose authors count."""
        return [hashtag for hashtag, _, _ in self.campaigns(tick_ms, kept_from_ms, country)]

    def campaigns(self, tick_ms: int, kept_from_ms: int = 0, country: str = "*") -> list[tuple[str, list[int], int]]:
        """Return the hidden tags whose authors count, each with its authors and the hash up to which it has all."""
        found = self.index.campaigns(country, tick_ms, kept_from_ms)
        if found is None:
            return []
        authors = [found.author[found.owner == number].tolist() for number in range(len(found.hashtags))]
        return list(zip(found.hashtags, authors, found.upto.tolist(), strict=True))

    def match(self, tags: dict[str, Sequence[int]], country: str = "*") -> dict[str, tuple[float, str]]:
        """Return the signal of each tag, and the hidden tag that it matches."""
        found = self.matches({(name, country): authors for name, authors in tags.items()})
        return {name: (lower, of) for (name, _), (lower, of, _) in found.items()}

    def matches(self, tags: dict[Scope, Sequence[int]]) -> dict[Scope, tuple[float, str, set[int]]]:
        """Return of each tag and country the signal, the hidden tag, and the authors that are marked."""
        keys = {self.tags.key(*scope): scope for scope in tags}
        order = sorted(keys)
        rows = sample(*(tags[keys[key]] for key in order))
        found = self.index.annotate(rows, np.array(order, np.int64), WindowSpan(0, FROM_MS, 0))
        assert found is not None
        return {
            keys[key]: (
                float(found.lower[at]),
                found.of[at],
                set(rows.author[found.from_hidden & (rows.group == at)].tolist()),
            )
            for at, key in enumerate(order)
        }


# ---- the ticks at which a sketch counts ----


def test_sketch_counts_from_its_delay_until_its_flag_expires():
    shard = SketchShard(sketch(until_ms=FROM_MS + 20_000), passed_ms=TICK_MS + 5_000)
    assert [shard.hidden(tick_ms) for tick_ms in (FROM_MS - 10_000, FROM_MS, FROM_MS + 10_000, FROM_MS + 20_000)] == [
        [], ["old"], ["old"], []
    ]  # fmt: skip
    assert shard.index.take_counts()["sketches_late"] == 0


def test_late_sketch_changes_no_passed_tick():
    shard = SketchShard(sketch(), passed_ms=FROM_MS + 20_000)
    assert [shard.hidden(FROM_MS + after_ms) for after_ms in (0, 20_000, 30_000)] == [[], [], ["old"]]
    assert shard.index.take_counts()["sketches_late"] == 1


def test_repeated_sketch_counts_from_its_first_record():
    early, late = ReceivedSketch(sketch(), FROM_MS), ReceivedSketch(sketch(), FROM_MS + 60_000)
    for order in ([early, late], [late, early]):
        shard = SketchShard()
        shard.index.load(order)
        assert shard.hidden() == ["old"]
    shard = SketchShard(sketch(), sketch())
    assert len(shard.index.take_unpublished()) == 1 and shard.index.take_unpublished() == []
    shard.index.add(sketch(), FROM_MS * 2)
    assert shard.index.take_unpublished() == [] and not shard.index.take_counts()["sketches_late"]


def test_sketches_of_one_tag_are_merged():
    older, newer = sketch(authors=[1, 5, 9]), sketch(authors=[2, 5], tick_ms=TICK_MS + 20_000, upto=6)
    for order in ([older, newer], [newer, older]):
        shard = SketchShard(*order)
        at = [shard.campaigns(FROM_MS + after_ms)[0] for after_ms in (0, 10_000, 20_000)]
        assert [authors for _, authors, _ in at] == [[1, 5, 9], [1, 5, 9], [1, 2, 5]]
        assert [upto for _, _, upto in at] == [SPACE - 1, SPACE - 1, 6], "the newer one is not complete above"


def test_newest_sketch_ends_all_sketches_of_its_tag():
    shard = SketchShard(sketch(until_ms=LATER_MS), sketch(tick_ms=TICK_MS + 10_000, until_ms=FROM_MS + 30_000))
    assert [shard.hidden(FROM_MS + after_ms) for after_ms in (0, 20_000, 30_000)] == [["old"], ["old"], []]


def test_sketches_before_a_release_do_not_count_again():
    gone = sketch(authors=[], tick_ms=TICK_MS + 10_000, until_ms=0)
    shard = SketchShard(sketch(authors=[1]), gone, sketch(authors=[2], tick_ms=TICK_MS + 20_000))
    assert shard.campaigns(FROM_MS + 20_000) == [("old", [2], SPACE - 1)]


def test_released_tag_matches_no_other_tag():
    gone = sketch(authors=[], tick_ms=TICK_MS + 20_000, until_ms=0)
    shard = SketchShard(sketch(), gone)
    assert [shard.hidden(FROM_MS + after_ms) for after_ms in (10_000, 20_000)] == [["old"], []]
    shard.index.prune(FROM_MS + 30_000, 0)
    shard.index.add(sketch(), FROM_MS + 30_000)  # sent again by a zombie
    assert shard.hidden(FROM_MS + 60_000) == []


def test_sketch_older_than_the_kept_panes_does_not_count():
    assert SketchShard(sketch()).hidden(kept_from_ms=TICK_MS) == ["old"]
    assert SketchShard(sketch()).hidden(kept_from_ms=TICK_MS + 1) == []


def test_each_country_has_its_own_sketches():
    shard = SketchShard(sketch("world"), sketch("india", country="IN"))
    assert (shard.hidden(), shard.hidden(country="IN"), shard.hidden(country="US")) == (["world"], ["india"], [])
    authors = [1, 2, 3]
    assert shard.match({"new": authors}, "IN")["new"][1] == "india"
    assert shard.match({"new": authors}, "US")["new"] == (0.0, "")


def test_only_the_newest_sketches_count():
    shard = SketchShard(*(sketch(f"tag{n}", tick_ms=TICK_MS + n) for n in range(MOST + 3)))
    live = shard.hidden(LATER_MS - 1)
    assert len(live) == MOST and "tag2" not in live and "tag3" in live
    shard.index.prune(LATER_MS - 1, 0)
    assert shard.hidden(LATER_MS - 1) == live and shard.index.take_counts()["sketches_given_up"] == 3


@pytest.mark.parametrize("seed", range(40))
def test_pruning_changes_no_later_answer(seed, monkeypatch):
    """Compare an index that is pruned at every tick with one that keeps everything."""
    monkeypatch.setattr("streams.judging.side_inputs.author_sketches.MOST", 5)
    rng = random.Random(seed)
    pruned, whole = SketchShard(), SketchShard()
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
            for shard in (pruned, whole):
                shard.index.add(one, passed_ms)
        for country in ("*", "IN"):
            asked = [tick_ms, tick_ms // 60_000 * 60_000]  # a short window, and a long one within its minute
            for at_ms in asked:
                mine, theirs = (one.campaigns(at_ms, oldest_ms, country) for one in (pruned, whole))
                assert mine == theirs, (tick_ms, at_ms)
        pruned.index.prune(tick_ms // 60_000 * 60_000, oldest_ms)
    assert sent


# ---- comparing two samples ----


def naive(old: Sequence[int], new: Sequence[int]) -> float:
    """Count with whole sets the new tag's authors, up to the lower of the two greatest hashes, that the old one had."""
    cuts = [sorted(one)[K - 1] for one in (old, new) if len(one) >= K]
    upto = min(cuts, default=SPACE)
    known = [author for author in new if author <= upto]
    shared = len(set(known) & set(old))
    return float(lower_bounds()[len(known), shared])


def test_lower_bound_matches_binomial_tail():
    """At the bound, this many shared authors or more have the probability 1 - confidence."""
    for n in (1, 2, 7, 64):
        for hits in range(n + 1):
            bound = float(lower_bounds()[n, hits])
            tail = sum(comb(n, at) * bound**at * (1 - bound) ** (n - at) for at in range(hits, n + 1))
            assert (bound == 0.0) if not hits else tail == pytest.approx(1 - CONFIDENCE, rel=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_share_bounds_equal_those_of_whole_sets(seed):
    rng = random.Random(seed)
    people = [rng.getrandbits(64) for _ in range(rng.choice([40, 150, 600]))]
    crowd = {f"t{n}": rng.sample(people, rng.randrange(0, len(people))) for n in range(8)}
    old = {f"o{n}": rng.sample(people, rng.randrange(1, len(people))) for n in range(4)}
    old["t3"] = crowd["t3"]  # hidden already: it does not match itself
    shard = SketchShard(*(sketch(name, authors, tick_ms=TICK_MS - n) for n, (name, authors) in enumerate(old.items())))
    found = shard.match(crowd)
    for name, authors in crowd.items():
        bounds = {other: naive(theirs, authors) for other, theirs in old.items() if other != name}
        lower, of = found[name]
        assert lower == pytest.approx(max(bounds.values()), abs=1e-12)
        assert of == (next(other for other, bound in bounds.items() if bound == max(bounds.values())) if lower else "")


def test_tag_does_not_match_itself():
    assert SketchShard(sketch("a", range(30))).match({"a": range(30), "b": range(30)}) == {
        "a": (0.0, ""), "b": (pytest.approx(0.005 ** (1 / 30)), "a")
    }  # fmt: skip


def test_campaign_inside_a_crowd_gives_a_low_bound():
    """All thirty of its authors are among three hundred others."""
    dice = random.Random(1)
    old = [dice.getrandbits(64) for _ in range(30)]
    crowd = old + [dice.getrandbits(64) for _ in range(300)]
    assert SketchShard(sketch(authors=old)).match({"crowd": crowd})["crowd"][0] < 0.25


def test_few_shared_authors_give_a_low_bound():
    found = SketchShard(sketch(authors=range(40))).match({"two": [1, 2], "ten": range(10)})
    assert found["two"][0] < 0.1 and found["ten"][0] > 0.5


# ---- authors of hidden tags ----


def marked(shard: SketchShard, tags: dict[Scope, Sequence[int]]) -> dict[Scope, set[int]]:
    return {scope: authors for scope, (_, _, authors) in shard.matches(tags).items()}


def test_authors_of_a_hidden_tag_are_marked_under_other_tags():
    shard = SketchShard(sketch("old", [1, 2, 3]))
    tags = {("old", "*"): [1, 2, 9], ("new", "*"): [2, 3, 4], ("else", "*"): [5]}
    assert marked(shard, tags) == {("old", "*"): set(), ("new", "*"): {2, 3}, ("else", "*"): set()}


def test_author_of_two_hidden_tags_is_marked_under_both():
    shard = SketchShard(sketch("a", [1, 2]), sketch("b", [2, 3]))
    assert marked(shard, {("a", "*"): [1, 2, 3], ("b", "*"): [1, 2, 3]}) == {("a", "*"): {2, 3}, ("b", "*"): {1, 2}}


def test_authors_are_marked_in_the_country_that_hides_alone():
    shard = SketchShard(sketch("old", [1], country="IN"))
    tags = {("new", country): [1, 2] for country in ("*", "IN", "US")}
    assert marked(shard, tags) == {("new", "*"): set(), ("new", "IN"): {1}, ("new", "US"): set()}
    shard.index.add(sketch("world", [2]), -1)
    assert marked(shard, tags) == {("new", "*"): {2}, ("new", "IN"): {1}, ("new", "US"): set()}


def test_authors_of_a_released_tag_are_not_marked():
    gone = sketch(authors=[], tick_ms=TICK_MS - 10_000, until_ms=0)
    shard = SketchShard(sketch(authors=[1], tick_ms=TICK_MS - 20_000), gone, sketch("b", [2]))
    assert marked(shard, {("new", "*"): [1, 2]}) == {("new", "*"): {2}}


@pytest.mark.parametrize("seed", range(30))
def test_marked_authors_equal_those_of_whole_sets(seed):
    rng = random.Random(seed)
    people = [rng.getrandbits(64) for _ in range(rng.choice([20, 90, 400]))]
    scopes = [(f"t{n}", country) for n in range(4) for country in ("*", "IN")]
    tags = {scope: rng.sample(people, rng.randrange(len(people))) for scope in scopes}
    old = {
        (rng.choice(["t0", "t1", "o0", "o1"]), rng.choice(["*", "IN"])): rng.sample(
            people, rng.randrange(1, len(people))
        )
        for _ in range(5)
    }
    shard = SketchShard(*(sketch(name, authors, country=country) for (name, country), authors in old.items()))
    for (name, country), found in marked(shard, tags).items():
        theirs = [sorted(authors)[:K] for (other, place), authors in old.items() if other != name and place == country]
        assert found == {author for author in sorted(tags[name, country])[:K] if any(author in one for one in theirs)}


def test_nothing_is_matched_while_no_tag_is_hidden():
    shard = SketchShard()
    keys = np.array([shard.tags.key("a", "*")])
    assert shard.index.annotate(sample([1, 2]), keys, WindowSpan(0, FROM_MS, 0)) is None


@pytest.mark.simulation
@pytest.mark.parametrize(("old_size", "new_size", "share"), [(30, 20, 0.3), (200, 60, 0.5), (500, 2_000, 0.1)])
def test_bound_holds_at_its_confidence(old_size, new_size, share):
    """The true share lies below the bound in at most one of 200 runs."""
    dice = np.random.default_rng(7)
    shared = round(share * new_size)
    old_only = max(old_size - shared, 0)
    wrong, runs = 0, 1_500
    for _ in range(runs):
        people = dice.integers(0, 2**64, old_only + new_size, dtype=np.uint64)
        old, new = people[: old_only + shared], people[old_only:]
        shard = SketchShard(sketch(authors=old.tolist()))
        wrong += shard.match({"new": new.tolist()})["new"][0] > shared / new_size
    assert wrong <= 15, "three standard deviations above 7.5"


def test_long_window_uses_the_sketches_of_its_last_whole_minute():
    """The next owner counts it again within the minute, and must find the sketches of the minute's end."""
    old, tags = HASHES.authors(list(range(9))).tolist(), Tags()

    def index() -> AuthorSketchIndex:
        return SketchShard(sketch(authors=old, tick_ms=70_000 - DELAY_MS), tags=tags).index

    harness = WindowHarness([30_000, 1_200_000], side_inputs=[index()], tags=tags)
    for author in old:
        harness.push({("tag0", "IN"): (1, [Entry(author, author % 2**60, 5, 0, "", "text 1")])})
        harness.evidence.tables()
    for evidence in (harness.evidence, harness.restarted([index()])):
        short, long = (evidence.tables()[window_ms].signals["successor"] for window_ms in (30_000, 1_200_000))
        assert short.max() > 0.1 and not long.any()


# ---- records ----


def test_sketch_is_encoded_and_decoded_in_both_topics():
    one = sketch(authors=[0, 2**64 - 1])
    assert decode_partial(encode_partial(one)) == one
    assert one.hashes().tolist() == [0, 2**64 - 1]
    received = ReceivedSketch(one, FROM_MS)
    record = encode_received_sketch(received)
    assert list(decode_received_sketches([record])) == [received] and not list(pane_records([record]))


def test_received_sketches_are_read_from_a_log():
    log = [flush(watermark_ms=FROM_MS + 5_000), sketch(), flush(watermark_ms=FROM_MS), sketch("other"), sketch()]
    assert [(one.sketch.hashtag, one.from_ms) for one in received_sketches(log)] == [
        ("old", FROM_MS + 5_001), ("other", FROM_MS + 5_001)
    ]  # fmt: skip
