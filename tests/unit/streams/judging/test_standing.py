"""Standing of sampled authors against naive loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import UNKNOWN_AGE
from streams.counting.block_counts import LINKED, RETWEET
from streams.judging.standing import StandingKeys, established
from tests.support.sampled_authors import AUTHORS, NAN, YOUNG_DAYS, Author, earlier_rows, sample

HARMLESS_BELOW = 0.25


def marked(authors: Sequence[Author], *, young_days: int = YOUNG_DAYS) -> list[bool]:
    """Return which authors are established; each wrote after the ones before."""
    from_hidden, whole = np.array([one.hidden for one in authors], bool), sample(authors)
    return established(whole, StandingKeys(young_days, HARMLESS_BELOW), from_hidden, earlier_rows(whole)).tolist()


def naively_marked(authors: Sequence[Author], young_days: int) -> list[bool]:
    """Compare each author with every earlier one."""

    def is_grown(one: Author) -> bool:
        return one.age_days == UNKNOWN_AGE or one.age_days >= young_days

    found = []
    for at, one in enumerate(authors):
        earlier = [
            other
            for other in authors[:at]
            if (other.tag, other.copy) == (one.tag, one.copy) and is_grown(other) and not other.flags & RETWEET
        ]
        copies = one.copy > 0 and not one.flags & RETWEET and not one.score < HARMLESS_BELOW and len(earlier) > 0
        found.append(is_grown(one) and not one.hidden and not copies)
    return found


def test_young_account_is_not_established():
    assert marked([Author(age_days=age, copy=age) for age in (0, 29, 30)]) == [False, False, True]


def test_account_of_unknown_age_is_established():
    assert marked([Author(age_days=UNKNOWN_AGE)]) == [True]


def test_later_copy_of_a_grown_account_is_not_established():
    assert marked([Author(copy=7), Author(copy=7), Author(copy=8)]) == [True, False, True], "the first wrote it"
    assert marked([Author(tag=0, copy=7), Author(tag=1, copy=7)]) == [True, True], "under another tag it is no copy"


def test_young_accounts_take_no_voice_by_writing_first():
    """New accounts cannot take the voice of an author, also not by repeating the text of one who is at hand."""
    assert marked([Author(copy=7, age_days=3), Author(copy=7), Author(copy=7, age_days=3)]) == [False, True, False]


def test_retweets_and_texts_without_words_are_no_copies():
    for same in (Author(flags=RETWEET), Author(copy=0), Author(flags=RETWEET | LINKED)):
        assert marked([same, same]) == [True, True]
    assert marked([Author(), Author(flags=RETWEET)]) == [True, True]


def test_author_of_a_hidden_tag_is_not_established():
    assert marked([Author(hidden=True), Author(copy=2)]) == [False, True]
    one = sample([Author()])
    keys = StandingKeys(YOUNG_DAYS, HARMLESS_BELOW)
    assert established(one, keys, None, earlier_rows(one)).tolist() == [True], "no tag is hidden"


def test_harmless_copy_costs_no_standing():
    """A slogan is speech; the limit itself is not harmless, and neither is a text that was not read."""
    for score, stands in ((0.0, True), (0.24, True), (0.25, False), (1.0, False), (NAN, False)):
        assert marked([Author(copy=7, score=score), Author(copy=7, score=score)]) == [True, stands], score


@settings(max_examples=200, deadline=None)
@given(AUTHORS, st.sampled_from([0, 1, 30, 400]))
def test_established_equals_naive_comparison(authors, young_days):
    assert marked(authors, young_days=young_days) == naively_marked(authors, young_days)
