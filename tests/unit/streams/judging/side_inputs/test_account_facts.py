"""Account facts on author samples: against a check of each row, and their effect on the evidence."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.keys import country_code
from streams.counting.sketch import KeyedHash
from streams.judging.evidence import EvidenceTable, tabulate
from streams.judging.log_position import LogPosition
from streams.judging.side_inputs.account_facts import AccountFactStore, NewFact, count_visible_authors
from streams.judging.side_inputs.account_facts_view import AccountFactsView
from streams.judging.standing import StandingKeys
from streams.log.account_facts import AppliedMark, FactsMark
from streams.windows.window import AuthorSample
from tests.support.sampled_authors import earlier_rows

SCOPES = ("*", "IN", "DE")
CODES = np.array([country_code(scope) for scope in SCOPES], np.int64)
HASHES = KeyedHash(b"k")
HASH_OF = [int(one) for one in HASHES.authors(range(100))]
AUTHORS = sorted(range(7), key=HASH_OF.__getitem__)
"""Ids in the order of their hashes."""
begins = st.builds(
    NewFact,
    author_id=st.integers(0, 6),
    kind=st.sampled_from(["hidden", "protected"]),
    scope=st.sampled_from(SCOPES),
    expires_ms=st.none() | st.integers(0, 14),
)
logs = st.lists(st.tuples(st.integers(0, 3), st.lists(begins, max_size=3), st.lists(st.integers(0, 20))), max_size=8)
"""Records: milliseconds since the one before, facts that begin, and numbers (modulo) of the facts that end."""


def sample_of(rows: list[tuple[int, int]]) -> AuthorSample:
    """Make a sample of (group, author id) rows; the score is the row's number."""
    rows = sorted({(group, HASH_OF[author]) for group, author in rows})
    n = len(rows)
    return AuthorSample(
        group=np.array([group for group, _ in rows], np.int64),
        author=np.array([author for _, author in rows], np.uint64),
        tweet=np.arange(n, dtype=np.int64),
        origin=np.arange(n, dtype=np.int64),
        age_days=np.full(n, 100, np.int32),
        flags=np.zeros(n, np.uint8),
        copy=np.arange(1, n + 1, dtype=np.uint32),
        scores=np.arange(n, dtype=np.float32).reshape(n, 1),
        weight=np.ones(n),
        is_further=np.zeros(n, bool),
    )


@settings(deadline=None)
@given(logs, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=20), st.integers(0, 16), st.data())
def test_apply_equals_a_check_of_each_row(
    log: list[tuple[int, list[NewFact], list[int]]], rows: list[tuple[int, int]], tick_ms: int, data: st.DataObject
) -> None:
    upto = data.draw(st.integers(0, len(log)))
    store, now_ms, running = AccountFactStore(HASHES), 0, []
    wanted_facts: list[list[object]] = []  # [fact, from, to]
    for offset, (wait_ms, begun, picks) in enumerate(log):
        now_ms += wait_ms
        ended = sorted({running[pick % len(running)] for pick in picks} if running else ())
        first = store.add(offset, now_ms, ended, begun)
        store.upto = offset + 1
        running = [row for row in running if row not in ended] + list(range(first, first + len(begun)))
        if offset < upto:
            for row in ended:
                wanted_facts[row][2] = now_ms
            wanted_facts += [[one, now_ms, None] for one in begun]
        store.active_at(tick_ms, store.upto)  # its cached answer must not be used for another length of the log
    store.active_at(data.draw(st.integers(0, 16)), upto)  # nor for a tick with other facts
    sample = sample_of(rows)
    got = store.active_at(tick_ms, upto).apply(sample, CODES)
    wanted = []
    for at, (group, author) in enumerate(zip(sample.group.tolist(), sample.author.tolist(), strict=True)):
        of_row = {
            one.kind
            for one, from_ms, to_ms in wanted_facts
            if HASH_OF[one.author_id] == author and one.scope in ("*", SCOPES[group]) and from_ms <= tick_ms
            if all(end is None or tick_ms < end for end in (to_ms, one.expires_ms))
        }
        if "hidden" not in of_row:
            wanted.append((at, "protected" in of_row))
    assert got.tweet.tolist() == [at for at, _ in wanted]
    assert np.isnan(got.scores[:, 0]).tolist() == [protected for _, protected in wanted]
    assert len(got.group) == len(got.author) == len(got.age_days) == len(got.flags) == len(got.copy)
    assert not np.isnan(sample.scores).any(), "the window's own sample is left alone"


def store_of(*begun: NewFact, at_ms: int = 0) -> AccountFactStore:
    store = AccountFactStore(HASHES)
    store.add(0, at_ms, [], begun)
    store.upto = 1
    return store


def test_facts_are_found_again_where_one_begins_or_ends() -> None:
    store = store_of(NewFact(1, "hidden", "*", expires_ms=50), at_ms=10)
    assert store.active_at(20, 1) is store.active_at(49, 1)
    assert store.active_at(50, 1) is not store.active_at(49, 1)


def test_facts_change_authors_and_harmful_share() -> None:
    sample = sample_of([(0, author) for author in range(10)])
    four = set(HASH_OF[:4])
    sample.scores[:] = [[author in four] for author in sample.author.tolist()]
    sample.copy[:] = [7 if author in four else 100 + at for at, author in enumerate(sample.author.tolist())]

    def table(*facts: NewFact) -> EvidenceTable:
        seen = store_of(*facts).active_at(5, 1).apply(sample, np.array([country_code("IN")]))
        keys, tweets, standing = np.array([1]), np.array([99]), StandingKeys(30, 0.25)
        earlier = earlier_rows(sample)
        return tabulate(
            600_000, keys, tweets, seen, 1, standing=standing, earlier=earlier, burst_min_past=1, whole=sample
        )

    def share(*facts: NewFact) -> tuple[int, int, float]:
        found = table(*facts)
        return int(found.authors[0]), int(found.everyone.scored[0]), float(found.everyone.share[0, 0])

    assert share() == (10, 10, 0.4)
    assert share(*(NewFact(n, "hidden", "IN") for n in range(4))) == (6, 6, 0.0)
    assert share(*(NewFact(n, "hidden", "DE") for n in range(4))) == (10, 10, 0.4)
    assert share(*(NewFact(n, "hidden", "*", 5) for n in range(4))) == (10, 10, 0.4), "ended"
    protected = [NewFact(n, "protected", "*") for n in range(4)]
    assert share(*protected) == (10, 6, 0.0)
    assert table(*protected).signals["copies"].tolist() == table().signals["copies"].tolist() == [0.4]


def test_author_estimate_shrinks_by_the_hidden_share() -> None:
    full = sample_of([(0, n) for n in range(64)])
    few = sample_of([(1, n) for n in range(10)])
    both = AuthorSample(*(np.concatenate([getattr(full, f.name), getattr(few, f.name)]) for f in fields(AuthorSample)))
    many = replace(both, author=both.author // np.uint64(100))  # as the smallest of some thousand authors would be
    estimate = int(many.authors(2)[0])
    assert estimate > 5_000
    held = store_of(*(NewFact(n, "hidden", "*") for n in range(16))).active_at(1, 1).apply(both, CODES[:2])
    left = count_visible_authors(many, held, 2)
    assert left.tolist() == [round(estimate * 0.75), 0]
    assert count_visible_authors(many, many, 2).tolist() == many.authors(2).tolist()


def marks_at(facts: AccountFactsView, ticks: range) -> list[int]:
    """Return the offset that counts at ticks given in seconds."""
    return [facts.upto_at(1_000 * tick) for tick in ticks]


def test_mark_counts_above_the_watermarks_before_it() -> None:
    """Marks come after these watermarks:

    watermark, s  10      10      25
    mark       1    2, 3      2        4
    """
    store = AccountFactStore(HASHES)
    for offset in range(4):
        store.add(offset, 10_000 * offset, [], [NewFact(1, "hidden", "*")])
    store.upto = 4
    facts = AccountFactsView(store)
    assert marks_at(facts, range(0, 40, 10)) == [0] * 4
    for watermark_ms, upto in [(-1, 1), (10_000, 2), (10_000, 3), (10_000, 2), (25_000, 4)]:
        facts.apply(FactsMark("", upto), LogPosition(0, watermark_ms))
    assert marks_at(facts, range(0, 40, 5)) == [1, 1, 1, 3, 3, 3, 4, 4]
    assert facts.take_counts() == {"account_facts_late": 1}, "the record of 10 s, but not that of 30 s"
    again = AccountFactsView(store)
    again.load(facts.progress()["facts"])
    again.apply(FactsMark("", 4), LogPosition(0, 25_000))
    again.prune(15_000, 0)
    assert marks_at(again, range(15, 40, 5)) == [3, 3, 3, 4, 4]
    assert again.progress() == {"facts": [AppliedMark("", 3, 10_000), AppliedMark("", 4, 25_000)]}
    again.prune(26_000, 0)
    assert again.progress() == {"facts": [AppliedMark("", 4, 25_000)]}
