"""A hidden campaign migrates to another tag: the sketches of its authors, and their effect in another shard."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from streams.constants import PANE_MS
from streams.judging.campaigns import Campaign, campaign_of
from streams.judging.side_inputs.account_facts import AccountFactStore, NewFact
from streams.judging.side_inputs.author_sketches import DELAY_MS
from streams.log.author_sketches import AuthorSketch, ReceivedSketch, decode_received_sketches
from streams.log.decisions import Decision, Evidence, ScopeDecision
from streams.policy import Policy
from tests.support.judge_harness import HASHES, JudgeHarness, early_scores
from tests.support.word_policy import corroborated_policy

DELAY = DELAY_MS // PANE_MS


def sketches(harness: JudgeHarness) -> list[AuthorSketch]:
    return [one for settled in harness.settled for one in settled.sketches]


def send(harness: JudgeHarness, *sent: AuthorSketch) -> None:
    for one in sent:
        harness.write(one)


def campaign(policy: Policy | None = None) -> JudgeHarness:
    """Let twenty people copy each other under #old, which is hidden with its first pane."""
    harness = JudgeHarness(policy or corroborated_policy())
    harness.tweet(0, "old", range(20), copied=True)
    harness.advance(PANE_MS)
    return harness


def hidden(decisions: Iterable[Decision]) -> dict[str, str]:
    """Return the actions by hashtag; without those that only ask people."""
    return {
        one.hashtag: ruling.action for one in decisions for ruling in one.rulings if ruling.valve != "uncorroborated"
    }


def test_hidden_tag_sends_its_authors_until_its_flag_expires():
    harness = campaign()
    (one,) = sketches(harness)
    assert (one.hashtag, one.country, one.tick_ms, one.until_ms) == ("old", "*", PANE_MS, PANE_MS + 600_000)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(20))).tolist())
    assert one.upto == 2**64 - 1, "all authors are in it"


def test_sketch_of_a_crowd_is_complete_up_to_a_hash():
    harness = JudgeHarness(corroborated_policy())
    harness.tweet(0, "old", range(300), copied=True)
    harness.advance(PANE_MS)
    (one,) = sketches(harness)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(300))).tolist())[:64]
    assert one.upto == one.hashes()[-1]


@pytest.mark.parametrize(
    ("policy", "count"),
    [
        (corroborated_policy("copies: 0.9"), 1),
        (corroborated_policy(mode="hold_for_review"), 1),
        (corroborated_policy(mode="review"), 0),
        (corroborated_policy(mode="shadow"), 0),
    ],
    ids=["suppress", "hold", "review", "shadow"],
)
def test_hidden_tags_alone_send_sketches(policy, count):
    """Sketches are sent without a rule that asks: their authors are not established under other tags."""
    harness = campaign(policy)
    assert hidden(harness.decisions) and len(sketches(harness)) == count


def test_review_by_a_circuit_breaker_sends_no_sketch():
    harness = JudgeHarness(corroborated_policy(more="valves: {suppressed_share_of_top: 0.05}\n"))
    for tag in ("a", "b"):
        harness.tweet(0, tag, range(20), copied=True)
    harness.advance(PANE_MS)
    assert hidden(harness.decisions) == {"a": "suppress", "b": "review"}
    assert [one.hashtag for one in sketches(harness)] == ["a"]


def test_early_flag_sends_no_sketch():
    harness = JudgeHarness(corroborated_policy("copies: 0.6, successor: 0.4"))
    harness.advance(PANE_MS)
    harness.tweet(1, "old", range(20), copied=True)
    firing = harness.judge.next_early()
    assert firing is not None and harness.judge.decide_early(firing, early_scores(firing)) and not sketches(harness)


def test_renewal_sends_again_and_a_clear_releases():
    harness = campaign(corroborated_policy(expiry="1m"))
    for pane in range(1, 5):
        harness.tweet(pane, "old", range(20 * pane, 20 * pane + 20), copied=True)
        harness.advance((pane + 1) * PANE_MS)
    first, renewed = sketches(harness)
    assert renewed.until_ms == renewed.tick_ms + 60_000 > first.until_ms
    assert len(renewed.hashes()) == 60, "authors of the window at that tick"
    for pane in range(5, 9):
        harness.count(pane, good=60, tag="old", watermark_ms=(pane + 1) * PANE_MS, early=False)
        harness.advance((pane + 1) * PANE_MS)
    *_, last = sketches(harness)
    assert (last.until_ms, last.authors, last.upto) == (0, b"", 0)
    assert hidden(harness.decisions)["old"] == "clear"


def test_expired_flag_sends_no_further_sketch():
    harness = campaign(corroborated_policy(expiry="1m"))
    harness.advance(12 * PANE_MS)
    assert len(sketches(harness)) == 1 and hidden(harness.decisions)["old"] == "clear"


@pytest.mark.parametrize(("bad", "good"), [(0, 0), (0, 20), (20, 0)], ids=["silent", "harmless", "goes on"])
def test_growing_campaign_sends_again_while_it_goes_on(bad, good):
    """The tag is hidden at 10 s, so sketches are due at 70, 130 and 250 s; no renewal before five minutes."""
    harness = campaign(corroborated_policy(dwell="10m\n    clear_after: 1h", more="harmless_below: 0\n"))
    for pane in range(1, 30):
        harness.count(pane, bad=bad, good=good, tag="old", watermark_ms=(pane + 1) * PANE_MS, early=False)
        harness.advance((pane + 1) * PANE_MS)
    expected = [10_000, 70_000, 130_000, 250_000] if bad else [10_000]
    assert [one.tick_ms for one in sketches(harness)] == expected
    assert {one.until_ms for one in sketches(harness)} == {10_000 + 600_000}
    assert all(len(one.hashes()) > 50 for one in sketches(harness)[1:])


def test_sketch_is_released_when_the_action_ends():
    """Young and harmless authors come after the campaign, so from 20 s on it is not over."""
    harness = campaign(corroborated_policy(dwell="10m"))
    for pane in range(1, 15):
        harness.tweet(pane, "old", range(100 * pane, 100 * pane + 60), text="good", age_days=3)
        harness.advance((pane + 1) * PANE_MS)
    (first, last) = sketches(harness)
    assert (first.until_ms, last.until_ms, last.authors) == (610_000, 0, b"")
    assert hidden(harness.decisions)["old"] == "clear"
    assert last.tick_ms == harness.decisions[-1].tick_ms == 80_000


def test_sketch_is_released_when_the_tag_is_discounted():
    harness = campaign()
    harness.tweet(1, "old", range(100, 120), text="good")
    harness.advance(2 * PANE_MS)
    (first, last) = sketches(harness)
    assert (first.until_ms, last.until_ms, last.tick_ms) == (610_000, 0, 20_000)
    assert hidden(harness.decisions)["old"] == "discount"


def test_authors_of_harmless_tweets_are_not_in_the_sketch():
    harness = JudgeHarness(corroborated_policy("authors: 10, successor: 0.4"))
    harness.count(0, good=8, tag="old", early=False)
    harness.tweet(0, "old", range(40))
    harness.advance(PANE_MS)
    (one,) = sketches(harness)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(40))).tolist())


def ruling(action: str, expires_at_ms: int, window_ms: int = 60) -> ScopeDecision:
    evidence = Evidence(window_ms=window_ms, tweets=1, authors=1, scored=1, share=0.5, lower=0.5, upper=0.5)
    return ScopeDecision(
        category="c", surface="s", action=action, since_ms=0, expires_at_ms=expires_at_ms, evidence=evidence
    )


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([], [ruling("suppress", 90, 20), ruling("hold", 90, 10)], Campaign(1, 90, 10)),
        ([ruling("suppress", 90)], [ruling("suppress", 90), ruling("suppress", 80)], None),
        ([ruling("suppress", 90), ruling("hold", 80)], [ruling("clear", 0), ruling("hold", 80)], Campaign(1, 80, 60)),
        ([ruling("suppress", 90)], [ruling("review", 200)], Campaign(1, 0, 0)),
        ([ruling("suppress", 50)], [ruling("clear", 0)], None),
        ([], [ruling("review", 90)], None),
    ],
    ids=["two begin", "a shorter one begins", "the longer one ends", "all end", "it had expired", "hides nothing"],
)  # fmt: skip
def test_campaign_follows_from_the_states_before_and_after(before, after, found):
    as_states = [{("c", str(at)): one for at, one in enumerate(some)} for some in (before, after)]
    assert campaign_of(1, *as_states, tick_ms=50, goes_on=lambda _: True) == found


def test_authors_of_a_hidden_tag_corroborate_against_the_next_tag():
    """All authors of #new come from #old and nothing else corroborates; #else has as many other authors."""
    (one,) = sketches(campaign())
    for sent, expected in (([one], {"new": "suppress"}), ([], {})):
        harness = JudgeHarness(corroborated_policy())
        send(harness, *sent)
        harness.tweet(DELAY, "new", range(18))
        harness.tweet(DELAY, "else", range(100, 118))
        harness.advance((DELAY + 1) * PANE_MS)
        acting = [decision for decision in harness.decisions if hidden([decision])]
        assert hidden(acting) == expected
        for decision in acting:
            (ruling,) = decision.rulings
            assert ruling.evidence is not None
            assert ruling.evidence.predecessor == "old" and ruling.evidence.successor > 0.4
            assert ("successor", ruling.evidence.successor, 0.4) in [
                (why.signal, why.value, why.threshold) for why in ruling.reasons
            ]


def test_sketch_does_not_count_before_its_delay():
    (one,) = sketches(campaign())
    harness = JudgeHarness(corroborated_policy())
    send(harness, one)
    harness.tweet(DELAY - 1, "new", range(18))
    harness.advance(DELAY * PANE_MS)
    assert not hidden(harness.decisions)
    harness.tweet(DELAY, "new", range(18, 19))
    harness.advance((DELAY + 1) * PANE_MS)
    assert hidden(harness.decisions) == {"new": "suppress"}


def test_early_decision_uses_sketches():
    (one,) = sketches(campaign())
    harness = JudgeHarness(corroborated_policy())
    send(harness, one)
    harness.advance(DELAY * PANE_MS)
    harness.tweet(DELAY, "new", range(18))
    firing = harness.judge.next_early()
    assert firing is not None
    (early,) = harness.judge.decide_early(firing, early_scores(firing))
    assert early.provisional and hidden([early]) == {"new": "suppress"}


def published(harness: JudgeHarness) -> list[ReceivedSketch]:
    """Return the sketches that the last tick has published."""
    return list(decode_received_sketches(harness.side_records[-1]))


def test_next_owner_recovers_received_sketches():
    (one,) = sketches(campaign())
    harness = JudgeHarness(corroborated_policy())
    send(harness, one)
    harness.advance(PANE_MS)
    assert published(harness) == [ReceivedSketch(one, PANE_MS + DELAY_MS)]
    harness.advance(2 * PANE_MS)
    assert published(harness) == []
    outcomes = []
    for records in (harness.side_records, [[]]):
        harness.side_records = records
        after = harness.successor(policy=corroborated_policy())
        after.tweet(DELAY, "new", range(18))
        after.advance((DELAY + 1) * PANE_MS)
        outcomes.append(hidden(after.decisions))
    assert outcomes == [{"new": "suppress"}, {}]


def test_next_owner_counts_a_late_sketch_from_the_same_tick():
    """A source was far ahead when the sketch came; its marker lies before the replay point."""
    (one,) = sketches(campaign())
    harness = JudgeHarness(corroborated_policy())
    harness.count(0, watermark_ms=20 * PANE_MS)
    harness.count(0, watermark_ms=PANE_MS, source=1)
    after = harness.successor(policy=corroborated_policy())
    send(after, one)
    after.advance(2 * PANE_MS)
    assert published(after) == [ReceivedSketch(one, 20 * PANE_MS + 1)]
    assert after.judge.state.take_counts()["sketches_late"] == 1


def test_policy_without_the_signal_measures_matches_too():
    (one,) = sketches(campaign())
    harness = JudgeHarness(corroborated_policy("copies: 0.9, authors: 1000"))
    send(harness, one)
    harness.tweet(DELAY, "new", range(18))
    harness.advance((DELAY + 1) * PANE_MS)
    evidence = harness.settled[-1].evidence
    assert evidence is not None and not hidden(harness.decisions)
    (table,) = evidence.tables.values()
    assert set(table.hidden_tags or ()) == {"old"} and table.established is not None
    assert table.established.authors.tolist() == [0] * len(table.keys), "all of them wrote harm under #old"


def test_new_policy_with_the_signal_decides_early_before_it_is_in_force():
    harness = JudgeHarness(corroborated_policy("copies: 0.9"))
    send(harness, *sketches(campaign()))
    harness.advance(DELAY * PANE_MS)
    harness.activate(corroborated_policy(), 1, (DELAY + 1) * PANE_MS)
    harness.tweet(DELAY, "new", range(18))
    firing = harness.judge.next_early()
    assert firing is not None
    (early,) = harness.judge.decide_early(firing, early_scores(firing))
    assert early.provisional and hidden([early]) == {"new": "suppress"}
    harness.advance((DELAY + 1) * PANE_MS)
    assert hidden(harness.decisions) == {"new": "suppress"}


def test_suspended_authors_are_not_in_the_sketch():
    store = AccountFactStore(HASHES)
    store.add(0, 0, [], [NewFact(n, "hidden", "*", None) for n in range(5)])
    store.upto = 1
    harness = JudgeHarness(corroborated_policy(), fact_store=store)
    harness.mark(1)
    harness.tweet(0, "old", range(20), copied=True)
    harness.advance(PANE_MS)
    (one,) = sketches(harness)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(5, 20))).tolist())


def test_settling_a_tick_again_sends_the_same_sketch():
    """A next owner that did not recover the decision sends the same sketch."""
    harness = campaign()
    again = JudgeHarness(corroborated_policy())
    again.advance(0)
    again.tweet(0, "old", range(20), copied=True)
    again.advance(PANE_MS)
    assert harness.offset < again.offset and sketches(harness) == sketches(again)
