"""Means that stage 2 corrected are read on its own scale, and others on stage 1's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.share import Scale, plain
from streams.judging.author_group import AuthorGroup
from streams.judging.row_scales import RowScales
from streams.judging.two_stage_share import ShareCorrection

COLUMNS = 2


def scale_of(clean: float, harmful: float, groups: int = 1) -> Scale:
    moments = np.broadcast_to([clean, harmful, 0.01, 0.02], (groups, COLUMNS, 4)).copy()
    return Scale(moments, np.full((groups, COLUMNS, 3), 1e-5))


ONE, TWO = scale_of(0.3, 0.6), scale_of(0.1, 0.8)


def corrected(rows: list[bool], scale: Scale = TWO) -> ShareCorrection:
    read = np.array(rows)
    names = tuple("new" if one else "" for one in rows)
    variance = np.zeros((len(rows), COLUMNS))
    return ShareCorrection(read * 20, variance, names, read.astype(np.int64) - 1, (scale.to_bytes(),))


def group(share: list[float], correction: ShareCorrection | None, n: int = 64) -> AuthorGroup:
    means = np.repeat(np.array(share)[:, None], COLUMNS, axis=1)
    scored = np.full(len(share), n)
    return AuthorGroup(scored, scored, means, correction, ONE, scored[:, None])


def test_corrected_mean_is_read_on_stage_2_scale() -> None:
    read = group([0.45, 0.45], corrected([False, True]))
    assert read.estimates()[:, 0] == pytest.approx([0.5, 0.5])
    assert group([0.45, 0.625], corrected([False, True])).estimates()[:, 1] == pytest.approx([0.5, 0.75])


@pytest.mark.parametrize("column", range(COLUMNS))
def test_bounds_equal_those_of_either_scale(column: int) -> None:
    found = group([0.45, 0.625], corrected([False, True])).bounds(column, 0.9)
    for row, (scale, mean) in enumerate(((ONE, 0.45), (TWO, 0.625))):
        alone = scale.bounds(np.array([mean]), np.array([64]), np.ones((1, 1)), column, 0.9)
        assert found.at(row) == tuple(float(one[0]) for one in alone)


def test_error_of_correction_is_read_on_stage_2_scale() -> None:
    one = corrected([True])
    wide = ShareCorrection(one.looked, np.full((1, COLUMNS), 0.01), one.revisions, one.scale_of, one.scales)
    narrow, wider = (group([0.45], of).bounds(0, 0.9) for of in (one, wide))
    added = (wider.share - wider.lower) ** 2 - (narrow.share - narrow.lower) ** 2
    assert added[0] == pytest.approx(1.6449**2 * 0.01 / 0.7**2, rel=1e-3)


def test_scale_of_other_groups_is_ignored() -> None:
    correction = corrected([True], scale_of(0.0, 1.0, groups=3))
    assert group([0.45], correction).estimates()[0, 0] == pytest.approx(0.5)
    scales = RowScales(plain(COLUMNS), np.ones((1, 1)), correction, COLUMNS)
    assert scales.line(0)[1].tolist() == [1.0]


@given(st.booleans(), st.booleans(), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_authors_without_part_have_the_rest_of_the_share(whole_read: bool, part_read: bool, own: float, rest: float):
    """Each of both groups may be corrected or not."""

    def mean(share: float, read: bool) -> float:
        scale = TWO if read else ONE
        clean, harmful = scale.moments[0, 0, :2]
        return float(clean + share * (harmful - clean))

    share = (24 * own + 40 * rest) / 64
    everyone = group([mean(share, whole_read)], corrected([whole_read]))
    part = group([mean(own, part_read)], corrected([part_read]), n=24)
    assert everyone.without(part).estimates()[0, 0] == pytest.approx(rest, abs=1e-9)
