"""Standing of sampled authors against naive loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import UNKNOWN_AGE
from streams.counting.block_counts import LINKED, RETWEET
from streams.judging.standing import StandingKeys, established
from tests.support.sampled_authors import AUTHORS, NAN, YOUNG_DAYS, Author, sample

HARMLESS_BELOW = 0.25


def marked(authors: Sequence[Author], *, young_days: int = YOUNG_DAYS) -> list[bool]:
    """Return which authors are established."""
    from_hidden = np.array([one.hidden for one in authors], bool)
    return established(sample(authors), StandingKeys(young_days, HARMLESS_BELOW), from_hidden).tolist()


def naively_marked(authors: Sequence[Author], young_days: int) -> list[bool]:
    """Compare each author with every other one."""

    def has_standing(one: Author) -> bool:
        return (one.age_days == UNKNOWN_AGE or one.age_days >= young_days) and not one.hidden

    def speaks(one: Author) -> bool:
        harmless = one.score < HARMLESS_BELOW
        return has_standing(one) and not harmless and one.copy > 0 and not one.flags & RETWEET

    found = []
    for at, one in enumerate(authors):
        same = [
            other
            for number, other in enumerate(authors)
            if number != at and (other.tag, other.copy) == (one.tag, one.copy) and speaks(other)
        ]
        found.append(has_standing(one) and not (speaks(one) and same))
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
    assert established(sample([Author()]), StandingKeys(YOUNG_DAYS, HARMLESS_BELOW), None).tolist() == [True], (
        "no tag is hidden"
    )


def test_harmless_copy_costs_no_standing():
    """A slogan is speech; the limit itself is not harmless, and neither is a text that was not read."""
    for score, stands in ((0.0, True), (0.24, True), (0.25, False), (1.0, False), (NAN, False)):
        assert marked([Author(copy=7, score=score), Author(copy=7, score=score)]) == [stands, stands], score


def test_copy_from_a_hidden_tag_costs_no_standing():
    assert marked([Author(copy=7), Author(copy=7, hidden=True)]) == [True, False]


@settings(max_examples=200, deadline=None)
@given(AUTHORS, st.sampled_from([0, 1, 30, 400]))
def test_established_equals_naive_comparison(authors, young_days):
    assert marked(authors, young_days=young_days) == naively_marked(authors, young_days)
