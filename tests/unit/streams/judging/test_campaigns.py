"""A campaign is hidden, moves on, and its authors speak against it in another shard: what judges say and take over."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from streams.counting.block_counts import PANE_MS
from streams.judging.campaigns import Campaign, campaign_of
from streams.judging.side_inputs.account_facts import Begin, FactBook
from streams.judging.side_inputs.author_sketches import DELAY_MS
from streams.log.author_sketches import AuthorSketch, HeardSketch
from streams.log.decisions import Decision, Evidence, Ruling
from streams.policy import Policy
from tests.support.block_counts import Entry, Register, flush
from tests.unit.streams.judging.test_shard_judge import HASHES, SCORER, Court
from tests.unit.streams.test_replay import POLICY, make_policy

DELAY = DELAY_MS // PANE_MS


def policy_of(
    signals: str = "copies: 0.9, successor: 0.4",
    mode: str = "suppress",
    expiry: str = "10m",
    dwell: str = "20s",
    more: str = "",
) -> Policy:
    text = POLICY.replace("mode: shadow", f"mode: {mode}\n    corroborate: {{need: 1, {signals}}}")
    return make_policy(
        text.replace("[2m]", "[30s]")
        .replace("expiry: 1m", f"expiry: {expiry}")
        .replace("dwell: 20s", f"dwell: {dwell}")
        + more
    )


def write(court: Court, pane: int, tag: str, authors: Iterable[int], *, copied: bool = False) -> None:
    """One record: harmful tweets of these authors, each its own words or all the same."""
    court.offset += 1
    court._blocks[0] += 1
    entries = []
    for author in authors:
        court._author += 1
        word = "".join("bcdfghjklm"[int(digit)] for digit in str(author))
        text = "bad, and again and again" if copied else f"bad {word}"
        entries.append(Entry(int(HASHES.authors([author])[0]), court._author, 100, 0, "", text))
    registers = [Register(tag, "", pane, len(entries), entries, court._blocks[0])]
    record = flush(registers, source=0, sources=2, block=court._blocks[0], newest_ms=(pane + 1) * PANE_MS)
    court.judge.apply(court.offset, record)


def told(court: Court) -> list[AuthorSketch]:
    return [one for settled in court.settled for one in settled.sketches]


def hear(court: Court, *sketches: AuthorSketch) -> None:
    for one in sketches:
        court.offset += 1
        court.judge.apply(court.offset, one)


def campaign(policy: Policy | None = None) -> Court:
    """Twenty people copy each other under #old, which is hidden with its first pane."""
    court = Court(policy or policy_of())
    write(court, 0, "old", range(20), copied=True)
    court.pass_to(PANE_MS)
    return court


def hidden(decisions: Iterable[Decision]) -> dict[str, str]:
    return {one.hashtag: ruling.action for one in decisions for ruling in one.rulings}


def test_what_a_tick_hides_is_told_with_its_authors_until_the_flag_expires():
    court = campaign()
    (one,) = told(court)
    assert (one.hashtag, one.country, one.tick_ms, one.until_ms) == ("old", "*", PANE_MS, PANE_MS + 600_000)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(20))).tolist())
    assert one.upto == 2**64 - 1, "all authors are in it"


def test_a_crowd_is_told_by_a_sample_and_up_to_where_it_is_all():
    court = Court(policy_of())
    write(court, 0, "old", range(300), copied=True)
    court.pass_to(PANE_MS)
    (one,) = told(court)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(300))).tolist())[:64]
    assert one.upto == one.hashes()[-1]


@pytest.mark.parametrize(
    ("policy", "count"),
    [
        (policy_of("copies: 0.9"), 0),
        (policy_of(mode="hold_for_review"), 1),
        (policy_of(mode="review"), 0),
        (policy_of(mode="shadow"), 0),
    ],
    ids=["nobody asks", "hold", "review", "shadow"],
)
def test_only_what_is_hidden_is_told_and_only_where_somebody_asks(policy, count):
    court = campaign(policy)
    assert hidden(court.said) and len(told(court)) == count


def test_what_a_valve_makes_a_review_is_not_told():
    court = Court(policy_of(more="valves: {suppressed_share_of_top: 0.05}\n"))
    for tag in ("a", "b"):
        write(court, 0, tag, range(20), copied=True)
    court.pass_to(PANE_MS)
    assert hidden(court.said) == {"a": "suppress", "b": "review"}
    assert [one.hashtag for one in told(court)] == ["a"]


def test_an_early_flag_tells_nobody():
    court = Court(policy_of("copies: 0.6, successor: 0.4"))
    court.pass_to(PANE_MS)
    write(court, 1, "old", range(20), copied=True)
    look = court.judge.next_look()
    assert look is not None and court.judge.look(look, SCORER(look.texts)) and not told(court)


def test_a_renewal_tells_again_and_a_clear_takes_it_back():
    court = campaign(policy_of(expiry="1m"))
    for pane in range(1, 5):
        write(court, pane, "old", range(20 * pane, 20 * pane + 20), copied=True)
        court.pass_to((pane + 1) * PANE_MS)
    first, renewed = told(court)
    assert renewed.until_ms == renewed.tick_ms + 60_000 > first.until_ms
    assert len(renewed.hashes()) == 60, "of the window as it is then"
    for pane in range(5, 9):
        court.hear(pane, good=60, tag="old", watermark_ms=(pane + 1) * PANE_MS, look=False)
        court.pass_to((pane + 1) * PANE_MS)
    *_, last = told(court)
    assert (last.until_ms, last.authors, last.upto) == (0, b"", 0)
    assert hidden(court.said)["old"] == "clear"


def test_one_that_runs_out_says_nothing_more():
    court = campaign(policy_of(expiry="1m"))
    court.pass_to(12 * PANE_MS)
    assert len(told(court)) == 1 and hidden(court.said)["old"] == "clear"


@pytest.mark.parametrize(("bad", "good"), [(0, 0), (0, 20), (20, 0)], ids=["silent", "harmless", "goes on"])
def test_a_campaign_is_told_again_as_it_grows_while_it_goes_on(bad, good):
    """Hidden at 10 s, so due at 70, 130 and 250 s; nothing is renewed before five minutes."""
    court = campaign(policy_of(dwell="10m"))
    for pane in range(1, 30):
        court.hear(pane, bad=bad, good=good, tag="old", watermark_ms=(pane + 1) * PANE_MS, look=False)
        court.pass_to((pane + 1) * PANE_MS)
    expected = [10_000, 70_000, 130_000, 250_000] if bad else [10_000]
    assert [one.tick_ms for one in told(court)] == expected
    assert {one.until_ms for one in told(court)} == {10_000 + 600_000}
    assert all(len(one.hashes()) > 50 for one in told(court)[1:])


def test_who_objects_under_its_tag_is_not_of_the_campaign():
    court = Court(policy_of("authors: 10, successor: 0.4"))
    court.hear(0, good=8, tag="old", look=False)
    write(court, 0, "old", range(40))
    court.pass_to(PANE_MS)
    (one,) = told(court)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(40))).tolist())


def ruling(action: str, expires_at_ms: int, window_ms: int = 60) -> Ruling:
    evidence = Evidence(window_ms=window_ms, tweets=1, authors=1, scored=1, share=0.5, lower=0.5, upper=0.5)
    return Ruling(category="c", surface="s", action=action, since_ms=0, expires_at_ms=expires_at_ms, evidence=evidence)


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
def test_what_there_is_to_say_follows_from_two_states(before, after, found):
    as_states = [{("c", str(at)): one for at, one in enumerate(some)} for some in (before, after)]
    assert campaign_of(1, *as_states, tick_ms=50, goes_on=lambda _: True) == found


def test_its_authors_speak_against_the_next_tag_and_not_against_another():
    """Under #new all come from #old and nothing else corroborates; under #else are as many others."""
    (one,) = told(campaign())
    for heard, expected in (([one], {"new": "suppress"}), ([], {})):
        court = Court(policy_of())
        hear(court, *heard)
        write(court, DELAY, "new", range(18))
        write(court, DELAY, "else", range(100, 118))
        court.pass_to((DELAY + 1) * PANE_MS)
        assert hidden(court.said) == expected
        for decision in court.said:
            (ruling,) = decision.rulings
            assert ruling.evidence is not None
            assert ruling.evidence.predecessor == "old" and ruling.evidence.successor > 0.4
            assert ("successor", ruling.evidence.successor, 0.4) in [
                (why.signal, why.value, why.threshold) for why in ruling.reasons
            ]


def test_it_does_not_before_a_minute_has_passed():
    (one,) = told(campaign())
    court = Court(policy_of())
    hear(court, one)
    write(court, DELAY - 1, "new", range(18))
    court.pass_to(DELAY * PANE_MS)
    assert not court.said
    write(court, DELAY, "new", range(18, 19))
    court.pass_to((DELAY + 1) * PANE_MS)
    assert hidden(court.said) == {"new": "suppress"}


def test_an_early_look_knows_of_it_too():
    (one,) = told(campaign())
    court = Court(policy_of())
    hear(court, one)
    court.pass_to(DELAY * PANE_MS)
    write(court, DELAY, "new", range(18))
    look = court.judge.next_look()
    assert look is not None
    (early,) = court.judge.look(look, SCORER(look.texts))
    assert early.provisional and hidden([early]) == {"new": "suppress"}


def test_what_is_heard_is_kept_with_the_next_tick_and_a_successor_judges_by_it():
    (one,) = told(campaign())
    court = Court(policy_of())
    hear(court, one)
    court.pass_to(PANE_MS)
    assert court.settled[-1].heard == [HeardSketch(one, PANE_MS + DELAY_MS)]
    court.pass_to(2 * PANE_MS)
    assert court.settled[-1].heard == []
    outcomes = []
    for kept in (court.settled[0].heard, []):
        after = court.successor(policy=policy_of())
        after.judge.sketches.recover(kept)
        write(after, DELAY, "new", range(18))
        after.pass_to((DELAY + 1) * PANE_MS)
        outcomes.append(hidden(after.said))
    assert outcomes == [{"new": "suppress"}, {}]


def test_a_successor_hears_a_late_sketch_as_late_as_its_predecessor_did():
    """A source was far ahead when the sketch came; its marker lies before what is read again."""
    (one,) = told(campaign())
    court = Court(policy_of())
    court.hear(0, watermark_ms=20 * PANE_MS)
    court.hear(0, watermark_ms=PANE_MS, source=1)
    after = court.successor(policy=policy_of())
    hear(after, one)
    after.pass_to(2 * PANE_MS)
    assert after.settled[-1].heard == [HeardSketch(one, 20 * PANE_MS + 1)]
    assert after.judge.sketches.late == 1


def test_a_policy_that_does_not_ask_is_not_answered():
    (one,) = told(campaign())
    court = Court(policy_of("copies: 0.9, authors: 1000"))
    hear(court, one)
    write(court, DELAY, "new", range(18))
    court.pass_to((DELAY + 1) * PANE_MS)
    evidence = court.settled[-1].evidence
    assert evidence is not None and not evidence.conditions.successor
    assert all(table.successors is None and not table.successor.any() for table in evidence.tables.values())


def test_a_policy_that_comes_to_ask_looks_early_once_it_is_in_force():
    """Until then the signal is not measured, and nothing is early under it."""
    court = Court(policy_of("copies: 0.9"))
    hear(court, *told(campaign()))
    court.pass_to(DELAY * PANE_MS)
    court.activate(policy_of(), 1, (DELAY + 1) * PANE_MS)
    write(court, DELAY, "new", range(18))
    assert court.judge.next_look() is None
    court.pass_to((DELAY + 1) * PANE_MS)
    assert hidden(court.said) == {"new": "suppress"}


def test_suspended_authors_are_not_told():
    book = FactBook(HASHES)
    book.enter(0, 0, [], [Begin(n, "hidden", "*", None) for n in range(5)])
    book.upto = 1
    court = Court(policy_of(), book=book)
    court.mark(1)
    write(court, 0, "old", range(20), copied=True)
    court.pass_to(PANE_MS)
    (one,) = told(court)
    assert one.hashes().tolist() == sorted(HASHES.authors(list(range(5, 20))).tolist())


def test_equal_ticks_say_equal_things():
    """Settled again by a successor, who has not read its decision back, the sketch is the same one."""
    court = campaign()
    again = Court(policy_of())
    again.pass_to(0)
    write(again, 0, "old", range(20), copied=True)
    again.pass_to(PANE_MS)
    assert court.offset < again.offset and told(court) == told(again)
