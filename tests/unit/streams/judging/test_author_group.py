"""Groups of authors against naive loops: who is established, how many they are, and the harm among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.share import Scale
from streams.constants import UNKNOWN_AGE
from streams.counting.block_counts import LINKED, RETWEET
from streams.counting.sketch import SPACE, K
from streams.judging.author_group import AuthorGroup, established, measure_group
from streams.judging.two_stage_share import ShareCorrection
from streams.windows.window import AuthorSample

NAN = float("nan")
YOUNG_DAYS = 30


class Author(NamedTuple):
    """A sampled author of one tag; a `hidden` one wrote harm under another tag that is hidden."""

    tag: int = 0
    age_days: int = 400
    flags: int = 0
    copy: int = 1
    hidden: bool = False
    score: float = 0.5


def sample(authors: Sequence[Author], hashes: Sequence[int] | None = None) -> AuthorSample:
    n = len(authors)
    return AuthorSample(
        np.array([one.tag for one in authors], np.int64),
        np.array(range(n) if hashes is None else hashes, np.uint64),
        np.arange(n),
        np.arange(n),
        np.array([one.age_days for one in authors], np.int32),
        np.array([one.flags for one in authors], np.uint8),
        np.array([one.copy for one in authors], np.uint32),
        np.array([[one.score, one.score] for one in authors], np.float32).reshape(n, 2),
    )


def marked(authors: Sequence[Author], *, young_days: int = YOUNG_DAYS) -> list[bool]:
    """Return which authors are established."""
    return established(sample(authors), young_days, np.array([one.hidden for one in authors], bool)).tolist()


def naively_marked(authors: Sequence[Author], young_days: int) -> list[bool]:
    """Compare each author with every other one."""

    def grown(one: Author) -> bool:
        return one.age_days == UNKNOWN_AGE or one.age_days >= young_days

    def speaks(one: Author) -> bool:
        return grown(one) and one.copy > 0 and not one.flags & RETWEET

    found = []
    for at, one in enumerate(authors):
        same = [
            other
            for number, other in enumerate(authors)
            if number != at and (other.tag, other.copy) == (one.tag, one.copy) and speaks(other)
        ]
        found.append(grown(one) and not one.hidden and not (speaks(one) and same))
    return found


def test_young_account_is_not_established():
    assert marked([Author(age_days=age, copy=age) for age in (0, 29, 30)]) == [False, False, True]


def test_account_of_unknown_age_is_established():
    assert marked([Author(age_days=UNKNOWN_AGE)]) == [True]


def test_copy_of_a_grown_account_is_not_established():
    assert marked([Author(copy=7), Author(copy=7), Author(copy=8)]) == [False, False, True]
    assert marked([Author(tag=0, copy=7), Author(tag=1, copy=7)]) == [True, True], "under another tag it is no copy"


def test_text_that_young_accounts_copy_stays_established():
    """One new account does not take the voice of an author."""
    assert marked([Author(copy=7), Author(copy=7, age_days=3), Author(copy=7, age_days=3)]) == [True, False, False]


def test_retweets_and_texts_without_words_are_no_copies():
    for same in (Author(flags=RETWEET), Author(copy=0), Author(flags=RETWEET | LINKED)):
        assert marked([same, same]) == [True, True]
    assert marked([Author(), Author(flags=RETWEET)]) == [True, True]


def test_author_of_a_hidden_tag_is_not_established():
    assert marked([Author(hidden=True), Author(copy=2)]) == [False, True]
    assert established(sample([Author()]), YOUNG_DAYS, None).tolist() == [True], "no tag is hidden"


AUTHORS = st.lists(
    st.builds(
        Author,
        tag=st.integers(0, 2),
        age_days=st.sampled_from([UNKNOWN_AGE, 0, 29, 30, 31, 400]),
        flags=st.sampled_from([0, 0, RETWEET, LINKED, RETWEET | LINKED]),
        copy=st.integers(0, 4),
        hidden=st.booleans(),
        score=st.sampled_from([NAN, 0.0, 0.25, 1.0]),
    ),
    max_size=24,
).map(lambda authors: sorted(authors, key=lambda one: one.tag))


@settings(max_examples=200, deadline=None)
@given(AUTHORS, st.sampled_from([0, 1, 30, 400]))
def test_established_equals_naive_comparison(authors, young_days):
    assert marked(authors, young_days=young_days) == naively_marked(authors, young_days)


# ---- measuring a group ----


@settings(max_examples=100, deadline=None)
@given(AUTHORS, st.randoms(use_true_random=False))
def test_measured_group_equals_naive_counts(authors, rng):
    chosen = [rng.random() < 0.5 for _ in authors]
    whole = [rng.randrange(100) for _ in range(3)]
    found = measure_group(sample(authors), np.array(whole), np.array(chosen, bool), 2)
    for tag in range(3):
        of_tag = [at for at, one in enumerate(authors) if one.tag == tag]
        of_kind = [at for at in of_tag if chosen[at]]
        scores = [authors[at].score for at in of_kind if not np.isnan(authors[at].score)]
        assert found.scored[tag] == len(scores)
        assert found.authors[tag] == (round(whole[tag] * len(of_kind) / len(of_tag)) if of_tag else 0)
        assert np.isnan(found.share[tag]).all() if not scores else found.share[tag, 0] == pytest.approx(np.mean(scores))


def test_number_of_established_authors_is_their_part_of_the_estimate():
    """The sample has 64 of a thousand authors; a quarter of them is established."""
    hashes = [(at + 1) * SPACE // 1_000 for at in range(K)]
    authors = [Author(copy=at + 1, age_days=400 if at % 4 == 0 else 3) for at in range(K)]
    drawn = sample(authors, hashes)
    everyone = drawn.authors(1)
    found = measure_group(drawn, everyone, established(drawn, YOUNG_DAYS, None), 2)
    assert 950 < everyone[0] < 1_050
    assert found.authors[0] == round(everyone[0] / 4) and found.scored[0] == K // 4


# ---- parts of a group ----


def group(authors: Sequence[int], scored: Sequence[int], share: Sequence[float], **more: object) -> AuthorGroup:
    shares = np.repeat(np.array(share, float)[:, None], 2, axis=1)
    return AuthorGroup(np.array(authors), np.array(scored), shares, **more)


@settings(max_examples=100, deadline=None)
@given(AUTHORS, st.randoms(use_true_random=False))
def test_group_without_a_part_is_the_rest(authors, rng):
    """The rest is computed from two measured groups, and equals the group of the other authors."""
    chosen = np.array([rng.random() < 0.5 for _ in authors], bool)
    drawn, whole = sample(authors), np.array([60, 60, 60])
    found = measure_group(drawn, whole, None, 2).without(measure_group(drawn, whole, chosen, 2))
    expected = measure_group(drawn, whole, ~chosen, 2)
    some = np.bincount(drawn.group, minlength=3) > 0
    assert found.scored.tolist() == expected.scored.tolist()
    assert abs(found.authors - expected.authors)[some].max(initial=0) <= 1, "each is rounded"
    assert np.isnan(found.share).tolist() == np.isnan(expected.share).tolist()
    assert np.nan_to_num(found.share) == pytest.approx(np.nan_to_num(expected.share), abs=1e-6)


def test_group_without_a_part_has_its_languages():
    whole = group([9], [9], [0.5], scale=SCALE, groups=np.array([[5, 4]]))
    rest = whole.without(group([4], [4], [0.5], scale=SCALE, groups=np.array([[1, 3]])))
    assert rest.groups is not None and rest.groups.tolist() == [[4, 1]] and rest.scale is SCALE


SCALE = Scale(
    np.array([[[0.2, 0.8, 0.02, 0.02]] * 2, [[0.4, 0.5, 0.01, 0.01]] * 2]), np.array([[[1e-4, 0.0, 1e-4]] * 2] * 2)
)


def test_spread_puts_rows_among_empty_ones():
    found = group([5, 6], [3, 4], [0.25, 0.5], scale=SCALE, groups=np.array([[1, 2], [4, 0]])).spread(
        np.array([1, 3]), 4
    )
    assert (found.authors.tolist(), found.scored.tolist()) == ([0, 5, 0, 6], [0, 3, 0, 4])
    assert np.nan_to_num(found.share[:, 0], nan=-1).tolist() == [-1, 0.25, -1, 0.5]
    assert found.groups is not None and found.groups.tolist() == [[0, 0], [1, 2], [0, 0], [4, 0]]
    assert found.bounds(1, 0.95).upper[[0, 2]].tolist() == [1.0, 1.0]


def test_taken_rows_keep_their_correction():
    correction = ShareCorrection(
        np.array([0, 9]), np.array([[0.0, 0.0], [0.01, 0.02]]), ("", "new"), np.array([-1, -1]), ()
    )
    whole = group([5, 6], [30, 40], [0.25, 0.5], correction=correction)
    taken = whole.take(np.array([1]))
    assert taken.bounds(1, 0.95).at(0) == whole.bounds(1, 0.95).at(1)
    plain = replace(whole, correction=None).bounds(1, 0.95).at(1)
    assert taken.bounds(1, 0.95).at(0).lower < plain.lower, "a correction widens the bounds"


def test_bounds_of_row_hold_their_estimate():
    bounds = group([50, 50, 0], [20, 20, 0], [0.0, 0.5, NAN]).bounds(1, 0.95)
    assert bounds.at(0).lower == 0.0 and bounds.at(0).upper < 0.2
    assert bounds.at(1).lower < bounds.at(1).share == 0.5 < bounds.at(1).upper
    assert (bounds.at(2).lower, bounds.at(2).upper) == (0.0, 1.0)
