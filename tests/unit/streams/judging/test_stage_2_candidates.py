"""The texts that stage 2 should read: uncertain tags first, then the hottest; the first authors of each."""

from __future__ import annotations

import pytest

from streams.judging.side_inputs.account_facts import AccountFactStore, NewFact
from streams.judging.stage_2_candidates import MOST_TAGS, Candidate, near_and_uncertain
from streams.judging.two_stage_share import SUBSAMPLE
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.judge_harness import HASHES, SUPPRESS, JudgeHarness
from tests.support.samples import corrections

COLUMNS = {"hateful_conduct": 1}


def write(
    harness: JudgeHarness, pane: int, authors: dict[str, tuple[int, int]], country: str = ""
) -> dict[str, list[int]]:
    """Write tweets of (bad, good) authors of each tag, and return the tweets by author hash."""
    counts, found = [], {}
    for number, (tag, (bad, good)) in enumerate(authors.items()):
        entries = []
        for at, word in enumerate(["bad"] * bad + ["good"] * good):
            tweet = 100_000 * (number + 1) + 1_000 * pane + at
            entries.append(Entry(int(HASHES.authors([tweet])[0]), tweet, 100, 0, "", f"{word} {tweet}"))
        found[tag] = [one.tweet for one in sorted(entries, key=lambda one: one.author)]
        counts.append(BlockCount(tag, country, pane, len(entries), entries, harness.offset + 1))
    harness.write(flush(counts, sources=2, block=harness.offset + 1))
    return found


def chosen(harness: JudgeHarness) -> dict[str, Candidate]:
    return {one.hashtag: one for one in harness.judge.state.stage_2_candidates()}


def test_uncertain_tags_come_first_then_the_hottest() -> None:
    harness = JudgeHarness()
    write(harness, 0, {"clean": (0, 60), "harmful": (50, 0), "mixed": (6, 9), "larger": (12, 18)})
    harness.advance(10_000)
    found = harness.judge.state.stage_2_candidates()
    assert [(one.hashtag, one.unsure) for one in found] == [
        ("larger", True), ("mixed", True), ("clean", False), ("harmful", False),
    ]  # fmt: skip
    assert [one.heat for one in found] == [30, 15, 60, 50]
    assert [one.rank for one in found] == sorted((one.rank for one in found), reverse=True)


def test_first_authors_are_read_once() -> None:
    harness = JudgeHarness()
    tweets = write(harness, 0, {"a": (20, 30)})["a"]
    harness.advance(10_000)
    assert chosen(harness)["a"].tweets == tuple(tweets[:SUBSAMPLE])
    harness.write(corrections(tweets[:7]))
    assert chosen(harness)["a"].tweets == tuple(tweets[7:SUBSAMPLE]), "also before a correction counts"
    harness.write(corrections(tweets[7:SUBSAMPLE]))
    assert chosen(harness) == {}


def test_growing_tag_reads_only_its_new_first_authors() -> None:
    """The tag doubles, so half of its first authors are new; the others were read."""
    harness = JudgeHarness()
    first = write(harness, 0, {"a": (20, 20)})["a"]
    harness.advance(10_000)
    harness.write(corrections(list(chosen(harness)["a"].tweets)))
    second = write(harness, 1, {"a": (20, 20)})["a"]
    harness.advance(20_000)
    both = sorted(first + second, key=lambda tweet: int(HASHES.authors([tweet])[0]))[:SUBSAMPLE]
    assert chosen(harness)["a"].tweets == tuple(tweet for tweet in both if tweet in second)
    assert 0 < len(chosen(harness)["a"].tweets) < SUBSAMPLE


def test_tag_far_below_the_floors_is_no_candidate() -> None:
    rule = SUPPRESS.rule("hateful_conduct", "trends", "*")
    near = max(rule.min_tweets, rule.min_authors) // 2
    harness = JudgeHarness()
    write(harness, 0, {"small": (near - 1, 0), "near": (near + 1, 0)})
    harness.advance(10_000)
    assert set(chosen(harness)) == {"near"}


def test_uncertain_country_makes_its_tag_uncertain() -> None:
    harness = JudgeHarness()
    write(harness, 0, {"a": (6, 9)}, country="IN")
    write(harness, 0, {"a": (0, 60)}, country="US")
    harness.advance(10_000)
    assert chosen(harness)["a"].unsure


def test_hidden_authors_are_not_read() -> None:
    """The next authors of the sample are read in their place."""
    store = AccountFactStore(HASHES)
    harness = JudgeHarness(fact_store=store)
    tweets = write(harness, 0, {"a": (20, 20)})["a"]
    store.add(0, 0, [], [NewFact(author, "hidden", "*", None) for author in tweets[:5]])
    store.upto = 1
    harness.mark(1)
    harness.advance(10_000)
    assert chosen(harness)["a"].tweets == tuple(tweets[5 : 5 + SUBSAMPLE])


def test_candidates_are_limited() -> None:
    harness = JudgeHarness()
    write(harness, 0, {f"tag{n}": (6, 9) for n in range(MOST_TAGS + 10)})
    harness.advance(10_000)
    assert len(harness.judge.state.stage_2_candidates()) == MOST_TAGS


def test_no_candidates_without_a_policy_or_while_replaying() -> None:
    harness = JudgeHarness(None)
    write(harness, 0, {"a": (20, 20)})
    harness.advance(10_000)
    assert harness.judge.state.stage_2_candidates() == []
    harness = JudgeHarness()
    write(harness, 0, {"a": (20, 20)})
    harness.advance(10_000)
    assert harness.successor().judge.state.stage_2_candidates() == []


@pytest.mark.parametrize(("bad", "good", "unsure"), [(0, 60, False), (60, 0, False), (10, 15, True)])
def test_threshold_inside_the_interval_makes_a_tag_uncertain(bad: int, good: int, unsure: bool) -> None:
    harness = JudgeHarness()
    write(harness, 0, {"a": (bad, good)})
    harness.advance(10_000)
    (table,) = harness.judge.state.evidence.tables().values()
    near, uncertain = near_and_uncertain(SUPPRESS, COLUMNS, table)
    assert near.all() and uncertain.all() == unsure
