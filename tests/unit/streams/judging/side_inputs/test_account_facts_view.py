"""What a judge has heard of accounts at each tick: the same for whoever judges, wherever they began to read."""

from __future__ import annotations

import pytest

from streams.judging.side_inputs.account_facts import Begin, FactBook
from streams.judging.side_inputs.account_facts_view import ShardFacts
from streams.log.account_facts import FactsMark, HeardFacts
from streams.log.decisions import Progress, decode_record, encode_record
from tests.support.block_counts import Entry
from tests.unit.streams.judging.test_shard_judge import HASHES, Court
from tests.unit.streams.judging.test_window_store import Shard, rows

FIRST = 1_001
"""The first author that a `Court` makes up."""


def hiding(count: int, from_ms: int = 0, expires_ms: int | None = None, scope: str = "*") -> FactBook:
    """A log of one record, by which the first authors of a court are hidden."""
    book = FactBook(HASHES)
    book.enter(0, from_ms, [], [Begin(FIRST + n, "hidden", scope, expires_ms) for n in range(count)])
    book.upto = 1
    return book


def test_a_fact_counts_from_its_log_time_on_and_until_its_end() -> None:
    court = Court(book=hiding(4, from_ms=15_000, expires_ms=30_000))
    court.mark(1)
    court.hear(0, bad=10)
    court.pass_to(30_000)
    assert court.authors_seen == {10_000: 10, 20_000: 6, 30_000: 10}


def test_what_is_withheld_in_a_country_counts_in_the_world() -> None:
    court = Court(book=hiding(4, scope="IN"))
    court.mark(1)
    court.hear(0, bad=10)
    court.pass_to(10_000)
    assert court.authors_seen == {10_000: 10}


def test_an_early_look_obeys_the_same_facts() -> None:
    for hidden, early in ((0, 1), (12, 0)):
        court = Court(book=hiding(hidden))
        court.mark(1)
        court.pass_to(10_000)
        assert len(court.hear(1, bad=12)) == early


@pytest.mark.parametrize("begun_again", [False, True])
def test_late_news_touch_no_tick_that_may_have_settled(begun_again: bool) -> None:
    """One source is at 20 s when the mark comes, the other at 10 s: the tick at 20 s is judged without it."""
    court = Court(book=hiding(4))
    court.hear(0, bad=10, look=False)
    court.hear(0, watermark_ms=10_000, source=1)
    court.hear(0, watermark_ms=20_000)
    assert court.progress.passed_ms == 20_000
    if begun_again:
        court = court.successor()
        court.hear(0, watermark_ms=10_000)  # all that is left of that source behind the replay point
    court.mark(1)
    court.mark(1)
    court.pass_to(30_000)
    assert [court.authors_seen[tick_ms] for tick_ms in (20_000, 30_000)] == [10, 6]
    assert court.judge.facts.late == 1
    assert court.progress.facts == [HeardFacts("", 1, 20_000)]


def test_a_successor_has_heard_what_its_predecessor_had() -> None:
    court = Court(book=hiding(4))
    court.mark(1)
    court.hear(0, bad=10)
    court.pass_to(20_000)
    heir = court.successor()
    heir.pass_to(30_000)
    assert heir.authors_seen == {30_000: 6}


def test_a_long_window_is_of_the_facts_of_its_last_whole_minute() -> None:
    """Whoever takes over within the minute counts it anew, and must find what stood at the minute's end."""
    book = hiding(4, from_ms=70_000)
    shard = Shard([30_000, 1_200_000])

    def heard() -> ShardFacts:
        facts = ShardFacts(book)
        facts.hear(FactsMark("", 1))
        return facts

    shard.views._facts = heard()
    authors = HASHES.authors([FIRST + n for n in range(9)]).tolist()
    seen = []
    for author in authors:
        shard.push({("tag0", "IN"): (1, [Entry(author, author % 2**60, 5, 0, "", "text 1")])})
        seen = rows(shard.views)
    heir = shard.restarted()
    heir._facts = heard()
    assert rows(heir) == seen
    key = shard.tags.key("tag0", "*")
    tables = shard.views.tables()
    assert [int(tables[window].authors[tables[window].keys.tolist().index(key)]) for window in tables] == [3, 6]


def test_progress_of_before_has_heard_nothing() -> None:
    old = b'{"kind":"progress","shard":0,"settled_ms":0,"position":0,"replay_offset":0,"activations":[]}'
    read = decode_record(old)
    assert isinstance(read, Progress) and (read.facts, read.passed_ms) == ([], -1)
    assert decode_record(encode_record(read)) == read
