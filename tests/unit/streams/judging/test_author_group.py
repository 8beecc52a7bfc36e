"""Groups of authors against naive loops: who is established, how many they are, and the harm among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.share import Scale
from streams.counting.sketch import SPACE, K
from streams.judging.author_group import AuthorGroup, measure_group
from streams.judging.standing import StandingKeys, established
from streams.judging.two_stage_share import ShareCorrection
from tests.support.sampled_authors import AUTHORS, NAN, YOUNG_DAYS, Author, earlier_rows, sample


@settings(max_examples=100, deadline=None)
@given(AUTHORS, st.randoms(use_true_random=False))
def test_measured_group_equals_naive_counts(authors, rng):
    chosen = [rng.random() < 0.5 for _ in authors]
    whole = [rng.randrange(100) for _ in range(3)]
    found = measure_group(sample(authors), np.array(whole), np.array(chosen, bool), 2)
    for tag in range(3):
        of_tag = [at for at, one in enumerate(authors) if one.tag == tag]
        of_kind = [at for at in of_tag if chosen[at]]
        looked = [authors[at] for at in of_kind if not np.isnan(authors[at].score)]
        scores = [one.score for one in looked if one.copy > 0]
        assert found.scored[tag] == len(scores)
        assert (0 if found.silent is None else found.silent[tag]) == len(looked) - len(scores)
        assert found.authors[tag] == (round(whole[tag] * len(of_kind) / len(of_tag)) if of_tag else 0)
        assert np.isnan(found.share[tag]).all() if not scores else found.share[tag, 0] == pytest.approx(np.mean(scores))


def test_number_of_established_authors_is_their_part_of_the_estimate():
    """The sample has 64 of a thousand authors; a quarter of them is established."""
    hashes = [(at + 1) * SPACE // 1_000 for at in range(K)]
    authors = [Author(copy=at + 1, age_days=400 if at % 4 == 0 else 3) for at in range(K)]
    drawn = sample(authors, hashes)
    everyone = drawn.authors(1)
    own = established(drawn, StandingKeys(YOUNG_DAYS, 0.25), None, earlier_rows(drawn))
    found = measure_group(drawn, everyone, own, 2)
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
    silent = [np.zeros(3) if one.silent is None else one.silent for one in (found, expected)]
    assert silent[0].tolist() == silent[1].tolist()
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
