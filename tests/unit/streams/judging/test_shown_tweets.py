"""The tweets that a decision names, against plain sorts of its sample."""

from __future__ import annotations

from math import isnan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.origins import origin_parts
from streams.judging.shown_tweets import MOST_HIGHEST, MOST_RANDOM, shown_tweets
from streams.windows.window import AuthorSample

NAN = float("nan")
Scores = tuple[float, float]
scores = st.tuples(st.sampled_from([NAN, 0.0, 0.5, 0.9]), st.sampled_from([0.0, 0.25, 1.0]))
samples = st.lists(st.lists(scores, max_size=14), min_size=1, max_size=4)


def sample(tags: list[list[Scores]]) -> AuthorSample:
    """Sample authors with these scores; a tweet is its row's number plus 100, and its offset the number."""
    rows = [(tag, one) for tag, of_tag in enumerate(tags) for one in of_tag]
    n = len(rows)
    return AuthorSample(
        np.array([tag for tag, _ in rows], np.int64), np.arange(n, dtype=np.uint64), np.arange(100, 100 + n),
        np.arange(n) << 8, np.zeros(n, np.int32), np.zeros(n, np.uint8), np.zeros(n, np.uint32),
        np.array([one for _, one in rows], np.float32).reshape(n, 2), np.ones(n), np.zeros(n, bool),
    )  # fmt: skip


@given(samples, st.data())
def test_choices_equal_plain_sorts(tags: list[list[Scores]], data: st.DataObject):
    rows = data.draw(st.sets(st.integers(0, len(tags) - 1)).map(sorted))
    drawn = sample(tags)
    shown = shown_tweets(drawn, len(tags)).with_scores(drawn, np.array(rows, np.int64))
    at = data.draw(st.permutations(range(len(tags))))
    taken = shown.take(np.array(at))
    first = np.cumsum([0, *map(len, tags)]).tolist()
    for row, tag in enumerate(at):
        tweets = list(range(100 + first[tag], 100 + first[tag + 1]))
        ids, positions = taken.random(row)
        assert ids == tuple(map(str, tweets[:MOST_RANDOM]))
        assert [one.offset for one in positions] == [tweet - 100 for tweet in tweets[:MOST_RANDOM]]
        assert taken.sizes[row] == len(tags[tag])
        for column in range(2):
            found = [(-of[column], tweet) for of, tweet in zip(tags[tag], tweets, strict=True) if not isnan(of[column])]
            best = [tweet for _, tweet in sorted(found)][:MOST_HIGHEST] if tag in rows else []
            ids, positions = taken.highest(row, column)
            assert ids == tuple(map(str, best))
            assert [one.offset for one in positions] == [tweet - 100 for tweet in best]


def test_unknown_origin_gives_unknown_position():
    one = sample([[(0.5, 0.5)]])
    one.origin[:] = -1
    ((position,),) = [shown_tweets(one, 1).random(0)[1]]
    assert (position.partition, position.offset, position.lang) == origin_parts(-1)
