"""Who wrote each text of a hashtag, against a naive search: over panes, countries, merges and compaction."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import MINUTE_MS, PANE_MS
from streams.counting.block_counts import RETWEET
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.windows.open_pane import OpenPane
from streams.windows.pane import merge_panes
from streams.windows.shared_texts import MOST_AGE, MOST_USES, NO_AGE, collect, earlier_ages, uses_of
from streams.windows.window import SlidingWindow
from tests.support.block_counts import Entry, columns
from tests.support.panes import HASHES, Uses, build, obvious_earlier, obvious_sample, random_uses, scored, scores_of

FULL = 2**63


def crowd(rng: random.Random, texts: int, numbers: Iterator[int]) -> Uses:
    """Return uses of one tag whose authors, of these numbers, share some texts."""
    uses: Uses = {}
    for country in ("IN", "US"):
        entries = [
            Entry(
                rng.getrandbits(44) << 20 | next(numbers),
                rng.getrandbits(40),
                rng.randrange(90),
                rng.randrange(2),
                "",
                f"text {text}",
            )
            for text in (rng.randrange(texts) for _ in range(rng.randrange(1, 60)))
        ]
        uses["tag0", country] = (len(entries), entries)
    return uses


def ages_of(window: SlidingWindow, tags: Tags, scope: str) -> tuple[list[int], list[int]]:
    asked = np.array([tags.key("tag0", scope)])
    sample = window.sample(asked)
    return sample.author.tolist(), window.earlier_ages(asked, sample).tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["IN", "US", "*"]), st.sampled_from([3, 40]), st.booleans())
def test_earlier_authors_equal_a_naive_search(seed, scope, texts, by_minute):
    rng, tags, numbers = random.Random(seed), Tags(), count()
    all_uses = [crowd(rng, texts, numbers) if rng.random() < 0.8 else random_uses(rng, tags=2) for _ in range(12)]
    panes = [build(uses, tags, number) for number, uses in enumerate(all_uses)]
    window = SlidingWindow(2 * MINUTE_MS, HASHES)
    if by_minute:
        panes = [merge_panes(panes[at : at + 6], at * PANE_MS, HASHES) for at in (0, 6)]
    for pane in panes:
        window.push(pane)
    authors, ages = ages_of(window, tags, scope)
    entries = {one.author: one for one in obvious_sample(all_uses, "tag0", scope)}
    for author, age in zip(authors, ages, strict=True):
        one = entries[author]
        copied = obvious_earlier(all_uses, "tag0", scope, author, one.text, 6 if by_minute else 1)
        assert age == (NO_AGE if one.flags & RETWEET and author not in writers(all_uses, one) else copied)


def writers(all_uses: list[Uses], one: Entry) -> set[int]:
    """Return the authors who wrote a text themselves."""
    copy = scored(one.text).copy
    entries = [entry for uses in all_uses for (tag, _), (_, its) in uses.items() if tag == "tag0" for entry in its]
    return {entry.author for entry in entries if not entry.flags & RETWEET and scored(entry.text).copy == copy}


@pytest.mark.parametrize("authors", [100, 5_000])
def test_pool_of_texts_is_found_in_a_sample(authors: int):
    """Each of many texts is used twice; the sample has few of them twice."""
    rng, tags, window = random.Random(1), Tags(), SlidingWindow(10 * MINUTE_MS, HASHES)
    texts = [f"text {at // 2}" for at in range(authors)]
    rng.shuffle(texts)
    entries = [Entry(rng.getrandbits(64), tweet, 400, 0, "", text) for tweet, text in enumerate(texts)]
    for number in range(60):
        some = entries[number * authors // 60 : (number + 1) * authors // 60]
        window.push(build({("tag0", "IN"): (len(some), some)}, tags, number))
    _, ages = ages_of(window, tags, "IN")
    assert 0.3 < np.mean(np.array(ages) == 400) < 0.7, "the later half"
    window.expire(10 * MINUTE_MS + 30 * PANE_MS)
    _, later = ages_of(window, tags, "IN")
    assert np.mean(np.array(later) == 400) < np.mean(np.array(ages) == 400), "expired panes have no earlier author"


def test_compacted_pane_keeps_the_texts_of_dropped_entries():
    tags = Tags()
    uses = {("tag0", "IN"): (200, [Entry(at * 2**50 + at, at, 400, 0, "", f"text {at % 70}") for at in range(200)])}
    [(_, entries)] = uses.values()

    def opened() -> OpenPane:
        pane = OpenPane(HASHES, 3)
        pane.add(np.array([tags.key("tag0", "IN")]), np.array([200]), np.array([200]), columns(entries))
        pane.score(np.arange(200), scores_of([entry.text for entry in entries]))
        return pane

    numbers = np.array([tags.key("tag0", "IN")]) >> COUNTRY_BITS
    whole = opened().shared_texts(numbers)
    assert len(whole.uses) == 200
    thinned = opened().compacted([]).compacted([])
    assert len(thinned.entries) < 100
    assert thinned.shared_texts(numbers).uses.tolist() == whole.uses.tolist()
    apart = opened().compacted([0])
    assert apart.shared_texts(numbers).uses.tolist() == whole.uses.tolist()
    apart.void([0])
    assert not len(apart.shared_texts(numbers).uses)


def test_key_has_a_bound_that_keeps_the_smallest_texts():
    n = MOST_USES + 1_000
    text = np.random.default_rng(1).permutation(n).astype(np.uint32) + 1
    uses = uses_of(text, np.arange(n, dtype=np.uint64), np.full(n, 40, np.int32))
    kept = collect(np.array([5, 9]), np.array([0, n - 10, n]), uses, np.arange(n))
    assert np.diff(kept.bounds).tolist() == [MOST_USES, 10]
    assert kept.uses[:MOST_USES].tolist() == sorted(uses[: n - 10].tolist())[:MOST_USES]
    beyond = uses[[int(text[: n - 10].argmax())]]
    assert earlier_ages([kept], np.array([5]), beyond).tolist() == [NO_AGE]


def test_account_of_unknown_age_is_no_young_one():
    uses = uses_of(np.array([7, 7], np.uint32), np.array([1, 2], np.uint64), np.array([-1, 3], np.int32))
    kept = collect(np.array([5]), np.array([0, 2]), uses, np.array([1, 2]))
    assert earlier_ages([kept], np.array([5, 5]), uses).tolist() == [NO_AGE, MOST_AGE]
