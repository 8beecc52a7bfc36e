"""Tail trimming: the smallest tags are dropped, the same for every judge, and never one at the floor."""

from __future__ import annotations

import random
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.counting.block_counts import Trimmed
from streams.counting.keys import Tags, country_of
from streams.counting.sketch import KeyedHash
from streams.log.pane_assembly import assemble
from streams.log.panes import decode_pane_record, encode_pane
from streams.windows.pane import Pane, merge_panes
from streams.windows.tail_trimmer import TailTrimmer
from tests.support.block_counts import Entry
from tests.support.panes import HASHES, Uses, build

COUNTRIES = ["IN", "US", ""]
Counts = dict[tuple[str, str], int]


def pane_of(counts: Counts, tags: Tags, number: int = 0) -> Pane:
    """Make a pane in which each tag has a number of authors."""
    uses: Uses = {}
    for (tag, country), count in counts.items():
        first = 1 + (hash_of(f"{tag}/{country}") << 8)
        uses[tag, country] = (
            count,
            [Entry(author * 2**16, author, 9, 0, "", f"text {author}") for author in range(first, first + count)],
        )
    return build(uses, tags, number)


def hash_of(text: str) -> int:
    return crc32(text.encode())


def by_name(pane: Pane, tags: Tags) -> Counts:
    return {
        (tags.name(key), country_of(key)): count
        for key, count in zip(pane.keys.tolist(), pane.counts.tolist(), strict=True)
    }


def obvious(counts: Counts, most_tags: int, floor: int, hashes: KeyedHash) -> tuple[Counts, Trimmed]:
    """Drop the smallest tag under the floor, one after the other, until few enough remain."""
    tweets: dict[str, int] = {}
    for (tag, _), count in counts.items():
        tweets[tag] = tweets.get(tag, 0) + count
    rank = {tag: (count, int(hashes.names([tag])[0])) for tag, count in tweets.items()}
    gone: list[str] = []
    for tag in sorted((tag for tag in tweets if tweets[tag] < floor), key=rank.__getitem__):
        if len(tweets) - len(gone) <= most_tags:
            break
        gone.append(tag)
    lost = [tweets[tag] for tag in gone]
    kept = {key: count for key, count in counts.items() if key[0] not in gone}
    return kept, Trimmed(len(gone), sum(lost), max(lost, default=0))


def cut(pane: Pane, tags: Tags, most_tags: int, floor: int) -> Pane:
    tail = TailTrimmer(tags, HASHES)
    tail.most_tags, tail.floor = most_tags, floor
    return tail.cut_pane(pane)


@given(
    counts=st.dictionaries(
        st.tuples(st.sampled_from([f"tag{n}" for n in range(12)]), st.sampled_from(COUNTRIES)), st.integers(1, 6),
        min_size=1,
    ),
    most_tags=st.integers(1, 12),
    floor=st.integers(1, 8),
    seed=st.integers(0, 9),
)  # fmt: skip
@example(counts={(f"tag{n}", "IN"): 1 for n in range(12)}, most_tags=4, floor=8, seed=0)
def test_smallest_tags_are_dropped_then_the_first_by_hash(counts, most_tags, floor, seed):
    tags = Tags()
    shuffled = random.Random(seed).sample([*counts], len(counts))
    whole = pane_of({key: counts[key] for key in shuffled}, tags)
    kept = cut(whole, tags, most_tags, floor)
    expected, trimmed = obvious(counts, most_tags, floor, HASHES)
    assert by_name(kept, tags) == expected
    assert kept.trimmed == trimmed
    assert int(kept.counts.sum()) + kept.trimmed.tweets == sum(counts.values()), "all that is missing is sent"


def test_remaining_tags_keep_counts_and_samples():
    tags = Tags()
    counts = {(f"tag{n}", country): 1 + n % 4 for n in range(40) for country in ("IN", "US")}
    whole = pane_of(counts, tags)
    kept = cut(whole, tags, 10, 9)
    rows = {key: row for row, key in enumerate(whole.keys.tolist())}
    for row, key in enumerate(kept.keys.tolist()):
        entries, before = (slice(*one.bounds[at : at + 2]) for one, at in ((kept, row), (whole, rows[key])))
        for name in ("author", "tweet", "origin", "age_days", "flags", "copy"):
            assert np.array_equal(getattr(kept, name)[entries], getattr(whole, name)[before])
    assert len({key >> 10 for key in kept.keys.tolist()}) == 10


def test_tags_at_the_floor_are_never_dropped():
    tags = Tags()
    kept = cut(pane_of({(f"tag{n}", "IN"): 5 for n in range(30)}, tags), tags, 3, 5)
    assert len(kept.keys) == 30 and kept.trimmed == Trimmed()


def test_equally_small_tags_stay_in_every_pane():
    """A tag has the same hash in every pane, so it stays exact in a window too."""
    tags = Tags()
    flood = [pane_of({(f"tag{n}", "IN"): 1 for n in range(50)}, tags, number) for number in range(3)]
    kept = [by_name(cut(pane, tags, 10, 5), tags) for pane in flood]
    assert kept[0] == kept[1] == kept[2]


def test_remaining_tags_depend_on_the_key():
    names = [f"tag{n}" for n in range(100)]
    assert not np.array_equal(np.argsort(KeyedHash(b"a").names(names)), np.argsort(KeyedHash(b"b").names(names)))


def test_minute_adds_up_trimmed_counts():
    tags = Tags()
    panes = [cut(pane_of({(f"tag{n + number}", "IN"): 1 for n in range(5)}, tags, number), tags, 4, 5)
             for number in range(3)]  # fmt: skip
    minute = cut(merge_panes(panes, 0, HASHES), tags, 2, 5)
    assert int(minute.counts.sum()) + minute.trimmed.tweets == 15
    assert minute.trimmed.most >= 4, "one of each pane, and what the minute gave up"


@pytest.mark.parametrize("trimmed", [Trimmed(), Trimmed(3, 4, 2)])
def test_trimmed_counts_are_encoded_with_the_pane(trimmed):
    tags = Tags()
    pane = pane_of({("tag", "IN"): 3, ("other", "US"): 1}, tags)
    written = encode_pane(replace(pane, trimmed=trimmed), 0, tags)
    (again,) = assemble(map(decode_pane_record, written), tags)
    assert again.trimmed == trimmed
