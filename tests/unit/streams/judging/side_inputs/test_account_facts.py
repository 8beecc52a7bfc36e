"""Facts about authors on author samples: against looking at each row, and what becomes of the signals."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.keys import country_code
from streams.counting.sketch import KeyedHash
from streams.judging.evidence import EvidenceTable, tabulate
from streams.judging.side_inputs.account_facts import Begin, FactBook, authors_left
from streams.judging.side_inputs.account_facts_view import ShardFacts
from streams.log.account_facts import FactsMark, HeardFacts
from streams.windows.window import Sample

SCOPES = ("*", "IN", "DE")
CODES = np.array([country_code(scope) for scope in SCOPES], np.int64)
HASHES = KeyedHash(b"k")
HASH_OF = [int(one) for one in HASHES.authors(range(100))]
AUTHORS = sorted(range(7), key=HASH_OF.__getitem__)
"""Ids in the order of their hashes."""
begins = st.builds(
    Begin,
    author_id=st.integers(0, 6),
    what=st.sampled_from(["hidden", "protected"]),
    scope=st.sampled_from(SCOPES),
    expires_ms=st.none() | st.integers(0, 14),
)
logs = st.lists(st.tuples(st.integers(0, 3), st.lists(begins, max_size=3), st.lists(st.integers(0, 20))), max_size=8)
"""Records: how long after the one before, what begins, and which of what runs ends (by number, modulo)."""


def sample_of(rows: list[tuple[int, int]]) -> Sample:
    """(group, author id) rows; the score says which row it is."""
    rows = sorted({(group, HASH_OF[author]) for group, author in rows})
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
@given(logs, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=20), st.integers(0, 16), st.data())
def test_against_looking_at_each_row(
    log: list[tuple[int, list[Begin], list[int]]], rows: list[tuple[int, int]], tick_ms: int, data: st.DataObject
) -> None:
    upto = data.draw(st.integers(0, len(log)))
    book, now_ms, running = FactBook(HASHES), 0, []
    wanted_facts: list[list[object]] = []  # [what begins, from, to]
    for offset, (wait_ms, begun, picks) in enumerate(log):
        now_ms += wait_ms
        ended = sorted({running[pick % len(running)] for pick in picks} if running else ())
        first = book.enter(offset, now_ms, ended, begun)
        book.upto = offset + 1
        running = [row for row in running if row not in ended] + list(range(first, first + len(begun)))
        if offset < upto:
            for row in ended:
                wanted_facts[row][2] = now_ms
            wanted_facts += [[one, now_ms, None] for one in begun]
        book.in_force(tick_ms, book.upto)  # what is remembered of it must not answer for another length of the log
    sample = sample_of(rows)
    got = book.in_force(tick_ms, upto).apply(sample, CODES)
    wanted = []
    for at, (group, author) in enumerate(zip(sample.group.tolist(), sample.author.tolist(), strict=True)):
        of_row = {
            one.what
            for one, from_ms, to_ms in wanted_facts
            if HASH_OF[one.author_id] == author and one.scope in ("*", SCOPES[group]) and from_ms <= tick_ms
            if all(end is None or tick_ms < end for end in (to_ms, one.expires_ms))
        }
        if "hidden" not in of_row:
            wanted.append((at, "protected" in of_row))
    assert got.tweet.tolist() == [at for at, _ in wanted]
    assert np.isnan(got.scores[:, 0]).tolist() == [silent for _, silent in wanted]
    assert len(got.group) == len(got.author) == len(got.age_days) == len(got.flags) == len(got.copy)
    assert not np.isnan(sample.scores).any(), "the window's own sample is left alone"


def book_of(*begun: Begin, at_ms: int = 0) -> FactBook:
    book = FactBook(HASHES)
    book.enter(0, at_ms, [], begun)
    book.upto = 1
    return book


def test_what_becomes_of_the_signals() -> None:
    sample = sample_of([(0, author) for author in range(10)])
    four = set(HASH_OF[:4])
    sample.scores[:] = [[author in four] for author in sample.author.tolist()]
    sample.copy[:] = [7 if author in four else 0 for author in sample.author.tolist()]

    def table(*said: Begin) -> EvidenceTable:
        seen = book_of(*said).in_force(5, 1).apply(sample, np.array([country_code("IN")]))
        return tabulate(600_000, np.array([1]), np.array([99]), np.array([np.nan]), seen, 1, 30, whole=sample)

    def share(*said: Begin) -> tuple[int, int, float]:
        found = table(*said)
        return int(found.authors[0]), int(found.scored[0]), float(found.share[0, 0])

    assert share() == (10, 10, 0.4)
    assert share(*(Begin(n, "hidden", "IN") for n in range(4))) == (6, 6, 0.0)
    assert share(*(Begin(n, "hidden", "DE") for n in range(4))) == (10, 10, 0.4)
    assert share(*(Begin(n, "hidden", "*", 5) for n in range(4))) == (10, 10, 0.4), "ended"
    protected = [Begin(n, "protected", "*") for n in range(4)]
    assert share(*protected) == (10, 6, 0.0)
    assert table(*protected).copies.tolist() == table().copies.tolist() == [1.0], "of the share alone"


def test_the_estimate_of_a_full_sample_shrinks_by_the_share_that_is_hidden() -> None:
    full = sample_of([(0, n) for n in range(64)])
    few = sample_of([(1, n) for n in range(10)])
    both = Sample(*(np.concatenate([getattr(full, f.name), getattr(few, f.name)]) for f in fields(Sample)))
    many = replace(both, author=both.author // np.uint64(100))  # as the smallest of some thousand authors would be
    estimate = int(many.authors(2)[0])
    assert estimate > 5_000
    held = book_of(*(Begin(n, "hidden", "*") for n in range(16))).in_force(1, 1).apply(both, CODES[:2])
    left = authors_left(many, held, 2)
    assert left.tolist() == [round(estimate * 0.75), 0]
    assert authors_left(many, many, 2).tolist() == many.authors(2).tolist()


def heard(facts: ShardFacts, ticks: range) -> list[int]:
    """By seconds."""
    return [facts.heard_at(1_000 * tick) for tick in ticks]


def test_a_mark_counts_above_what_the_log_had_passed() -> None:
    """
    passed, s     10      10      25
    mark       1    2, 3      2        4
    """
    book = FactBook(HASHES)
    for offset in range(4):
        book.enter(offset, 10_000 * offset, [], [Begin(1, "hidden", "*")])
    book.upto = 4
    facts = ShardFacts(book)
    assert heard(facts, range(0, 40, 10)) == [0] * 4
    for passed_ms, upto in [(-1, 1), (10_000, 2), (10_000, 3), (10_000, 2), (25_000, 4)]:
        facts.passed_ms = passed_ms
        facts.hear(FactsMark("", upto))
    assert heard(facts, range(0, 40, 5)) == [1, 1, 1, 3, 3, 3, 4, 4]
    assert facts.late == 1, "the record of 10 s, when the tick at 10 s was passed; that at 30 s was not"
    again = ShardFacts(book)
    again.recover(facts.to_list(), facts.passed_ms)
    again.hear(FactsMark("", 4))
    again.prune(15_000)
    assert heard(again, range(15, 40, 5)) == [3, 3, 3, 4, 4]
    assert again.to_list() == [HeardFacts("", 3, 10_000), HeardFacts("", 4, 25_000)]
    again.prune(26_000)
    assert again.to_list() == [HeardFacts("", 4, 25_000)]
