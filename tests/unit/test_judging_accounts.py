"""Facts about authors on author samples: against looking at each row, and what becomes of the signals."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.window import Sample
from streams.judging.accounts import AuthorFact, AuthorFacts, authors_left
from streams.judging.evidence import tabulate

SCOPES = ("*", "IN", "DE")
facts = st.lists(
    st.builds(
        AuthorFact,
        author=st.integers(0, 6),
        what=st.sampled_from(["hidden", "protected"]),
        scope=st.sampled_from(SCOPES),
        from_ms=st.integers(0, 10),
        to_ms=st.none() | st.integers(0, 12),
    ),
    max_size=12,
)


def sample_of(rows: list[tuple[int, int]]) -> Sample:
    """(group, author) rows; the score says which row it is."""
    rows = sorted(set(rows))
    n = len(rows)
    return Sample(
        group=np.array([group for group, _ in rows], np.int64),
        author=np.array([author for _, author in rows], np.uint64),
        tweet=np.arange(n, dtype=np.int64),
        age_days=np.full(n, 100, np.int32),
        flags=np.zeros(n, np.uint8),
        copy=np.zeros(n, np.uint32),
        scores=np.arange(n, dtype=np.float32).reshape(n, 1),
    )


@settings(deadline=None)
@given(facts, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=20), st.integers(0, 12), st.randoms())
def test_against_looking_at_each_row(
    said: list[AuthorFact], rows: list[tuple[int, int]], tick_ms: int, dice: object
) -> None:
    known: dict[tuple[object, ...], AuthorFact] = {}
    for fact in said:  # of two ends of one beginning the earlier stands
        key = (fact.author, fact.what, fact.scope, fact.from_ms)
        other = known.get(key)
        if other is None or other.to_ms is None or (fact.to_ms is not None and fact.to_ms < other.to_ms):
            known[key] = fact
    sample = sample_of(rows)
    again = said + said[: len(said) // 2]
    dice.shuffle(again)  # type: ignore[attr-defined]
    got = AuthorFacts(again).apply(sample, SCOPES, tick_ms)
    wanted = []
    for at, (group, author) in enumerate(sorted(set(rows))):
        of_row = [f for f in known.values()
                  if f.author == author and f.scope in ("*", SCOPES[group]) and f.holds(tick_ms)]  # fmt: skip
        if not any(fact.what == "hidden" for fact in of_row):
            wanted.append((at, any(fact.what == "protected" for fact in of_row)))
    assert got.tweet.tolist() == [at for at, _ in wanted]
    assert np.isnan(got.scores[:, 0]).tolist() == [silent for _, silent in wanted]
    assert len(got.group) == len(got.author) == len(got.age_days) == len(got.flags) == len(got.copy)


def test_what_becomes_of_the_signals() -> None:
    sample = sample_of([(0, author) for author in range(10)])
    sample.scores[:] = 0.0
    sample.scores[:4] = 1.0

    def share(*said: AuthorFact) -> tuple[int, int, float]:
        seen = AuthorFacts(said).apply(sample, ("IN",), 5)
        table = tabulate(600_000, np.array([1]), np.array([99]), np.array([np.nan]), seen, 1, 30)
        return int(table.authors[0]), int(table.scored[0]), float(table.share[0, 0])

    assert share() == (10, 10, 0.4)
    assert share(*(AuthorFact(n, "hidden", "IN", 0, None) for n in range(4))) == (6, 6, 0.0)
    assert share(*(AuthorFact(n, "hidden", "DE", 0, None) for n in range(4))) == (10, 10, 0.4)
    assert share(*(AuthorFact(n, "hidden", "*", 0, 5) for n in range(4))) == (10, 10, 0.4), "ended"
    assert share(*(AuthorFact(n, "protected", "*", 0, None) for n in range(4))) == (10, 6, 0.0)


def test_the_estimate_of_a_full_sample_shrinks_by_the_share_that_is_hidden() -> None:
    rng = np.random.default_rng(5)
    hashes = np.sort(rng.integers(0, 2**63, 64, dtype=np.uint64) // np.uint64(100))
    full = replace(sample_of([(0, n) for n in range(64)]), author=hashes)
    few = sample_of([(1, n) for n in range(10)])
    both = Sample(*(np.concatenate([getattr(full, f.name), getattr(few, f.name)]) for f in fields(Sample)))
    estimate = int(both.authors(2)[0])
    assert estimate > 5_000
    held = AuthorFacts([AuthorFact(int(h), "hidden", "*", 0, None) for h in [*hashes[:16], 0, 1]])
    left = authors_left(both, held.apply(both, ("IN", "IN"), 1), 2)
    assert left.tolist() == [round(estimate * 0.75), 8]
    assert authors_left(both, both, 2).tolist() == both.authors(2).tolist()


def test_what_is_over_is_forgotten() -> None:
    held = AuthorFacts([AuthorFact(1, "hidden", "*", 0, 10), AuthorFact(2, "hidden", "*", 0, None)])
    held.forget(9)
    assert len(held) == 2
    held.forget(10)
    assert len(held) == 1
