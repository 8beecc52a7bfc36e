"""Sampled authors of a few tags, for tests of standing and of groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from streams.constants import UNKNOWN_AGE
from streams.counting.block_counts import LINKED, RETWEET
from streams.windows.shared_texts import MOST_AGE, NO_AGE
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
        np.ones(n),
        np.zeros(n, bool),
    )


def earlier_rows(whole: AuthorSample) -> Callable[[AuthorSample], np.ndarray[Any, Any]]:
    """Find earlier authors among the rows of a sample, whose tweets ascend in time; see `established`."""

    def ages(some: AuthorSample) -> np.ndarray[Any, Any]:
        found = []
        for at in range(len(some.group)):
            same = (whole.group == some.group[at]) & (whole.copy == some.copy[at]) & (whole.flags & RETWEET == 0)
            ages = whole.age_days[same & (whole.tweet < some.tweet[at])]
            found.append(max([MOST_AGE if age < 0 else age for age in ages.tolist()], default=NO_AGE))
        return np.array(found, np.int64)

    return ages


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
