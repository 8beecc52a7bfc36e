"""The account facts that count at each tick, the same for every judge and wherever it began to read."""

from __future__ import annotations

import pytest

from streams.judging.log_position import LogPosition
from streams.judging.side_inputs.account_facts import AccountFactStore, NewFact
from streams.judging.side_inputs.account_facts_view import AccountFactsView
from streams.log.account_facts import AppliedMark, FactsMark
from tests.support.block_counts import Entry
from tests.support.judge_harness import HASHES, JudgeHarness
from tests.support.windows import WindowHarness, rows

FIRST = 1_001
"""The first author of a `JudgeHarness`."""


def hiding(count: int, from_ms: int = 0, expires_ms: int | None = None, scope: str = "*") -> AccountFactStore:
    """A log of one record that hides the first authors of a harness."""
    store = AccountFactStore(HASHES)
    store.add(0, from_ms, [], [NewFact(FIRST + n, "hidden", scope, expires_ms) for n in range(count)])
    store.upto = 1
    return store


def test_fact_counts_from_its_log_time_until_its_end() -> None:
    harness = JudgeHarness(fact_store=hiding(4, from_ms=15_000, expires_ms=30_000))
    harness.mark(1)
    harness.count(0, bad=10)
    harness.advance(30_000)
    assert harness.counted_authors == {10_000: 10, 20_000: 6, 30_000: 10}


def test_author_withheld_in_a_country_counts_in_the_world() -> None:
    harness = JudgeHarness(fact_store=hiding(4, scope="IN"))
    harness.mark(1)
    harness.count(0, bad=10)
    harness.advance(10_000)
    assert harness.counted_authors == {10_000: 10}


def test_early_decision_applies_the_same_facts() -> None:
    for hidden, early in ((0, 1), (12, 0)):
        harness = JudgeHarness(fact_store=hiding(hidden))
        harness.mark(1)
        harness.advance(10_000)
        assert len(harness.count(1, bad=12)) == early


@pytest.mark.parametrize("recovered", [False, True])
def test_late_mark_changes_no_passed_tick(recovered: bool) -> None:
    """One source is at 20 s when the mark comes, the other at 10 s, so the tick at 20 s is judged without it."""
    harness = JudgeHarness(fact_store=hiding(4))
    harness.count(0, bad=10, early=False)
    harness.count(0, watermark_ms=10_000, source=1)
    harness.count(0, watermark_ms=20_000)
    assert harness.progress.passed_ms == 20_000
    if recovered:
        harness = harness.successor()
        harness.count(0, watermark_ms=10_000)  # the only record of that source behind the replay point
    harness.mark(1)
    harness.mark(1)
    harness.advance(30_000)
    assert [harness.counted_authors[tick_ms] for tick_ms in (20_000, 30_000)] == [10, 6]
    assert harness.judge.state.take_counts()["account_facts_late"] == 1
    assert harness.progress.facts == [AppliedMark("", 1, 20_000)]


def test_mark_after_lost_records_changes_no_passed_tick() -> None:
    """The records that the next owner should replay are lost, and with them the watermark of 20 s."""
    harness = JudgeHarness(fact_store=hiding(4))
    harness.count(0, bad=10, early=False)
    harness.count(5, good=1, early=False)
    harness.count(0, watermark_ms=10_000, source=1)
    harness.count(0, watermark_ms=20_000)
    assert (harness.progress.replay_passed_ms, harness.progress.passed_ms) == (0, 20_000)
    after = harness.successor()
    after.count(0, watermark_ms=10_000)
    after.mark(1)
    after.advance(30_000)
    assert [after.counted_authors[tick_ms] for tick_ms in (20_000, 30_000)] == [10, 6]


def test_next_owner_recovers_the_marks() -> None:
    harness = JudgeHarness(fact_store=hiding(4))
    harness.mark(1)
    harness.count(0, bad=10)
    harness.advance(20_000)
    after = harness.successor()
    after.advance(30_000)
    assert after.counted_authors == {30_000: 6}


def test_long_window_uses_the_facts_of_its_last_whole_minute() -> None:
    """The next owner counts it again within the minute, and must find the facts of the minute's end."""

    def view() -> AccountFactsView:
        facts = AccountFactsView(hiding(4, from_ms=70_000))
        facts.apply(FactsMark("", 1), LogPosition())
        return facts

    harness = WindowHarness([30_000, 1_200_000], side_inputs=[view()])
    authors = HASHES.authors([FIRST + n for n in range(9)]).tolist()
    running: dict[int, list[object]] = {}
    for author in authors:
        harness.push({("tag0", "IN"): (1, [Entry(author, author % 2**60, 5, 0, "", "text 1")])})
        running = rows(harness.evidence)
    assert rows(harness.restarted([view()])) == running
    key = harness.tags.key("tag0", "*")
    tables = harness.evidence.tables()
    assert [int(tables[window].authors[tables[window].keys.tolist().index(key)]) for window in tables] == [3, 6]
