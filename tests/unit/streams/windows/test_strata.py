"""Samples by strata: a flood of accounts of one stratum leaves room for the others, and weights make up for it."""

from __future__ import annotations

import random

import numpy as np
import pytest

from streams.constants import DAY_MS, PANE_MS
from streams.counting.keys import Tags
from streams.counting.sketch import K
from streams.counting.strata import LEAST, STRATA, STRATUM_SHIFT, UNKNOWN, strata_of, stratum_of
from streams.windows.window import AuthorSample, SlidingWindow
from tests.support.block_counts import Entry
from tests.support.panes import HASHES, build


def sample_of(*sizes: int, seed: int = 0, panes: int = 3) -> AuthorSample:
    """Sample a tag with these numbers of authors, by stratum, whose tweets are spread over some panes."""
    rng, tags, window = random.Random(seed), Tags(), SlidingWindow(panes * PANE_MS, HASHES)
    entries = [
        Entry(rng.getrandbits(64), rng.getrandbits(40), 400, stratum << STRATUM_SHIFT, "", "text 1")
        for stratum, size in enumerate(sizes)
        for _ in range(size)
    ]
    rng.shuffle(entries)
    for number in range(panes):
        part = entries[number::panes]
        window.push(build({("tag", "IN"): (len(part), part)}, tags, number))
    return window.sample(np.array([tags.key("tag", "IN")]))


def sizes_of(sample: AuthorSample) -> list[int]:
    return np.bincount(strata_of(sample.flags), minlength=STRATA).tolist()


def test_strata_are_years_of_creation():
    year_ms = 365 * DAY_MS
    assert [stratum_of(born) for born in (-1, 0, year_ms - 1, year_ms, 2 * year_ms, 3 * year_ms)] == [
        UNKNOWN,
        1,
        1,
        2,
        3,
        1,
    ]


@pytest.mark.parametrize("seed", range(4))
def test_flood_of_one_stratum_leaves_room_for_the_others(seed: int):
    assert sizes_of(sample_of(0, 3_000, 12, 9, seed=seed))[2:] == [12, 9]
    assert min(sizes_of(sample_of(40, 3_000, 200, 100, seed=seed))) == LEAST


@pytest.mark.parametrize("sizes", [(0, 3_000, 0, 0), (50, 0, 0, 0), (10, 20, 20, 13)])
def test_sample_without_a_flood_has_equal_weights(sizes: tuple[int, ...]):
    sample = sample_of(*sizes)
    assert len(sample.author) == min(K, sum(sizes))
    assert set(sample.weight.tolist()) == {1.0}
    assert not sample.is_further.any()


def test_further_authors_change_no_number_of_authors():
    sample = sample_of(0, 3_000, 12, 9)
    smallest = sample.without_further()
    assert len(smallest.author) == K < len(sample.author)
    assert sample.authors(1).tolist() == smallest.authors(1).tolist()
    assert (sample.author[sample.is_further] > smallest.author[-1]).all()


def test_weights_estimate_the_part_of_a_stratum():
    parts = []
    for seed in range(60):
        sample = sample_of(0, 900, 60, 40, seed=seed)
        is_small = strata_of(sample.flags) > 1
        parts.append(sample.weight[is_small].sum() / sample.weight.sum())
    assert np.mean(parts) == pytest.approx(0.1, abs=0.012)
    assert np.std(parts) < 0.8 * np.sqrt(0.1 * 0.9 / K), "a sample by strata varies less"


@pytest.mark.parametrize("seed", range(4))
def test_weights_never_claim_more_than_was_sampled(seed: int):
    sample = sample_of(0, 3_000, 12, 9, seed=seed)
    assert sample.weight.max() == 1.0, "the crowd's authors stand for themselves"
    assert sample.weight[sample.is_further].max() < 1.0
    assert sample.weight.sum() == pytest.approx(K, abs=5)


def test_authors_of_which_none_is_left_out_have_equal_weights():
    sample = sample_of(0, 3_000, LEAST - 1, 9)
    weights = sample.weight[strata_of(sample.flags) > 1]
    assert len(set(weights.tolist())) == 1, "all eleven and all nine are sampled"
    assert weights[0] == pytest.approx(K / 3_020, rel=0.4)
