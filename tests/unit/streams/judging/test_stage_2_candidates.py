"""Of which tags stage 2 reads texts, and which: the least certain, then the hottest; the first authors of each."""

from __future__ import annotations

import pytest

from streams.judging.side_inputs.account_facts import Begin, FactBook
from streams.judging.stage_2_candidates import MOST_TAGS, Candidate, doubts
from streams.judging.two_stage_share import SUBSAMPLE
from tests.support.block_counts import Entry, Register, flush
from tests.unit.streams.judging.side_inputs.test_corrections import read
from tests.unit.streams.judging.test_shard_judge import HASHES, SUPPRESS, Court

COLUMNS = {"hateful_conduct": 1}


def hear(court: Court, pane: int, said: dict[str, tuple[int, int]], country: str = "") -> dict[str, list[int]]:
    """So many (bad, good) authors of each tag; their tweets, by author hash."""
    court.offset += 1
    registers, found = [], {}
    for number, (tag, (bad, good)) in enumerate(said.items()):
        entries = []
        for at, word in enumerate(["bad"] * bad + ["good"] * good):
            tweet = 100_000 * (number + 1) + 1_000 * pane + at
            entries.append(Entry(int(HASHES.authors([tweet])[0]), tweet, 100, 0, "", f"{word} {tweet}"))
        found[tag] = [one.tweet for one in sorted(entries, key=lambda one: one.author)]
        registers.append(Register(tag, country, pane, len(entries), entries, court.offset))
    court.judge.apply(court.offset, flush(registers, sources=2, block=court.offset))
    return found


def chosen(court: Court) -> dict[str, Candidate]:
    return {one.hashtag: one for one in court.judge.candidates()}


def test_the_least_certain_come_first_and_of_these_the_hottest() -> None:
    court = Court()
    hear(court, 0, {"clean": (0, 60), "harmful": (50, 0), "mixed": (6, 9), "larger": (12, 18)})
    court.pass_to(10_000)
    found = court.judge.candidates()
    assert [(one.hashtag, one.unsure) for one in found] == [
        ("larger", True), ("mixed", True), ("clean", False), ("harmful", False),
    ]  # fmt: skip
    assert [one.heat for one in found] == [30, 15, 60, 50]
    assert [one.rank for one in found] == sorted((one.rank for one in found), reverse=True)


def test_of_each_the_first_authors_are_asked_for_and_nobody_twice() -> None:
    court = Court()
    tweets = hear(court, 0, {"a": (20, 30)})["a"]
    court.pass_to(10_000)
    assert chosen(court)["a"].tweets == tuple(tweets[:SUBSAMPLE])
    read(court, tweets[:7])
    assert chosen(court)["a"].tweets == tuple(tweets[7:SUBSAMPLE]), "before it counts, too"
    read(court, tweets[7:SUBSAMPLE])
    assert chosen(court) == {}


def test_from_tick_to_tick_they_are_mostly_the_same() -> None:
    """A tag that doubles: of its first authors half are new, the rest were read."""
    court = Court()
    first = hear(court, 0, {"a": (20, 20)})["a"]
    court.pass_to(10_000)
    read(court, list(chosen(court)["a"].tweets))
    second = hear(court, 1, {"a": (20, 20)})["a"]
    court.pass_to(20_000)
    both = sorted(first + second, key=lambda tweet: int(HASHES.authors([tweet])[0]))[:SUBSAMPLE]
    assert chosen(court)["a"].tweets == tuple(tweet for tweet in both if tweet in second)
    assert 0 < len(chosen(court)["a"].tweets) < SUBSAMPLE


def test_a_tag_far_below_the_floors_is_left_alone() -> None:
    rule = SUPPRESS.rule("hateful_conduct", "trends", "*")
    near = max(rule.min_tweets, rule.min_authors) // 2
    court = Court()
    hear(court, 0, {"small": (near - 1, 0), "near": (near + 1, 0)})
    court.pass_to(10_000)
    assert set(chosen(court)) == {"near"}


def test_a_country_that_is_uncertain_makes_its_tag_so() -> None:
    court = Court()
    hear(court, 0, {"a": (6, 9)}, country="IN")
    hear(court, 0, {"a": (0, 60)}, country="US")
    court.pass_to(10_000)
    assert chosen(court)["a"].unsure


def test_of_who_is_hidden_nothing_is_read() -> None:
    """Who comes behind them in the sample is read in their place."""
    book = FactBook(HASHES)
    court = Court(book=book)
    tweets = hear(court, 0, {"a": (20, 20)})["a"]
    book.enter(0, 0, [], [Begin(author, "hidden", "*", None) for author in tweets[:5]])
    book.upto = 1
    court.mark(1)
    court.pass_to(10_000)
    assert chosen(court)["a"].tweets == tuple(tweets[5 : 5 + SUBSAMPLE])


def test_no_more_than_can_be_read_are_named() -> None:
    court = Court()
    hear(court, 0, {f"tag{n}": (6, 9) for n in range(MOST_TAGS + 10)})
    court.pass_to(10_000)
    assert len(court.judge.candidates()) == MOST_TAGS


def test_nothing_is_asked_for_without_a_policy_or_while_a_predecessor_has_said_it_all() -> None:
    court = Court(None)
    hear(court, 0, {"a": (20, 20)})
    court.pass_to(10_000)
    assert court.judge.candidates() == []
    court = Court()
    hear(court, 0, {"a": (20, 20)})
    court.pass_to(10_000)
    assert court.successor().judge.candidates() == []


@pytest.mark.parametrize(("bad", "good", "unsure"), [(0, 60, False), (60, 0, False), (10, 15, True)])
def test_a_threshold_in_the_interval_is_what_makes_a_tag_uncertain(bad: int, good: int, unsure: bool) -> None:
    court = Court()
    hear(court, 0, {"a": (bad, good)})
    court.pass_to(10_000)
    (table,) = court.judge.views.tables().values()
    worth, open_to_doubt = doubts(SUPPRESS, COLUMNS, table)
    assert worth.all() and open_to_doubt.all() == unsure
