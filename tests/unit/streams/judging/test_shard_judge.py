"""The judge of one shard: early decisions, ticks, gaps, policies, and recovery by the next owner."""

from __future__ import annotations

import random
import re
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import PANE_MS
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.log.decisions import Decision, is_renewal, version_of
from streams.log.panes import encode_pane
from streams.policy import Policy
from tests.support.block_counts import TOPIC_ID
from tests.support.judge_harness import COSTLY_COPIES, HASHES, SCOPE, SCORER, SUPPRESS, JudgeHarness, action
from tests.support.windows import counts_of
from tests.support.word_policy import make_policy


def world(decisions: list[Decision]) -> list[Decision]:
    return [one for one in decisions if one.country == "*"]


def test_no_decisions_before_an_activation():
    harness = JudgeHarness(None)
    assert harness.count(0, bad=50) == []
    assert harness.advance(40_000) == []
    assert [settled.tick_ms for settled in harness.settled] == [10_000, 20_000, 30_000, 40_000]
    assert harness.settled[0].panes[0].counts.tolist() == [50], "but tweets are counted"
    harness.activate(SUPPRESS)
    assert harness.advance(50_000) == [], "and a settled pane is not scored later"


def test_settle_confirms_early_flag_over_threshold():
    harness = JudgeHarness()
    harness.advance(10_000)
    (early,) = harness.count(1, bad=20)
    assert action(early) == ("suppress", True, 20_000)
    assert (early.provisional, early.tick_ms, early.settled_ms, early.decided_at_ms) == (True, 20_000, 10_000, 20_000)
    assert (early.hashtag, early.country, early.version) == ("a", "*", version_of(harness.offset, 20_000))
    assert harness.count(2, bad=20) == [], "no repeat"
    (settled,) = harness.advance(20_000)
    assert action(settled) == ("suppress", False, 20_000)
    assert (settled.provisional, settled.tick_ms, settled.settled_ms) == (False, 20_000, 20_000)
    assert settled.version > early.version
    assert harness.settled[-1].changes.confirmed == 1


def test_settle_withdraws_early_flag_below_threshold():
    harness = JudgeHarness()
    harness.advance(10_000)
    (early,) = harness.count(1, bad=10)
    harness.count(1, good=40, source=1)
    (withdrawn,) = harness.advance(20_000)
    assert action(early) == ("suppress", True, 20_000)
    assert action(withdrawn) == ("clear", True, 20_000), "a provisional clear"
    assert harness.settled[-1].changes.withdrawn == 1 and withdrawn.version > early.version

    assert harness.count(2, bad=150) == [], "barred for a dwell"
    assert harness.count(3, bad=10) == []
    decisions = harness.advance(30_000)
    assert [one.action for one in decisions[0].rulings] == ["suppress", "clear"], "the settled decision is not barred"
    assert [(one.provisional, one.since_ms) for one in decisions[0].rulings] == [(False, 30_000), (True, 20_000)]


def test_withdrawn_tag_may_be_flagged_early_after_its_dwell():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, bad=10)
    harness.count(1, good=40, source=1)
    harness.advance(20_000)
    state = harness.judge.state.decisions.states[harness.judge.state.tags.key("a", "*")]
    assert set(state.barred) == {SCOPE}
    assert harness.advance(30_000) == []
    assert set(state.barred) == {SCOPE}
    assert harness.advance(40_000) == [], "nothing to publish"
    assert harness.judge.state.decisions.states == {}
    (again,) = harness.count(4, bad=150)
    assert action(again) == ("suppress", True, 50_000)


def test_no_early_decisions_while_a_source_lags():
    harness = JudgeHarness()
    harness.count(1, watermark_ms=10_000)
    assert harness.count(1, bad=50, tag="b") == [], "one source has no watermark yet"
    harness.count(1, watermark_ms=10_000, source=1)
    assert harness.count(5, bad=50, watermark_ms=51_000) == [], "a lag of 41 s"
    harness.count(1, watermark_ms=30_000, source=1)
    assert [action(one)[:2] for one in harness.count(5, bad=50, watermark_ms=51_000)] == [("suppress", True)]


def test_early_decisions_need_the_early_confidence():
    early = "early_confidence: 0.9\n"
    text = COSTLY_COPIES.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}").replace(
        "[2m]", "[30s]"
    )
    for careful, decisions in (("early_confidence: 0.99\n", []), (early, [("suppress", True, 20_000)])):
        harness = JudgeHarness(make_policy(text.replace(early, careful)))
        harness.advance(10_000)
        assert [action(one) for one in world(harness.count(1, bad=6))] == decisions
        assert [action(one) for one in world(harness.advance(20_000))] == [("suppress", False, 20_000)]


def test_tag_fires_again_only_after_growth():
    harness = JudgeHarness()
    harness.advance(10_000)
    assert harness.count(1, bad=6, good=44) == []
    key = harness.judge.state.tags.key
    assert counts_of(harness.judge.state.open.tweets) == {key("a", "*"): 50}
    harness.offset += 1
    harness.judge.state.trigger.touch([key("a", "")])
    assert harness.judge.next_early() is None, "the same tweets"
    harness.count(1, good=4, early=False)
    assert harness.judge.next_early() is None, "less than a tenth more"
    harness.count(1, bad=40, early=False)
    assert harness.judge.next_early() is not None


def test_idle_judge_skips_empty_panes():
    harness = JudgeHarness()
    harness.advance(1_000_000)
    harness.count(100, good=1)
    harness.advance(1_030_000)
    ticks = [settled.tick_ms for settled in harness.settled]
    assert ticks == [1_000_000, 1_010_000, 1_020_000, 1_030_000]
    assert [len(settled.panes) for settled in harness.settled] == [0, 1, 1, 0], "the second ends a minute"
    harness.advance(1_030_000)
    assert [settled.tick_ms for settled in harness.settled] == ticks
    assert harness.judge.state.settled_ms == 1_030_000


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_flushes_applied_together_settle_as_one_by_one(seed):
    """A tick settles after the same record; a chunk ends there at the latest."""
    rng = random.Random(seed)
    writer, log = JudgeHarness(), []
    with patch.object(writer, "write", lambda record: log.append((100 + len(log), record))):
        for pane in range(1, 9):
            for _ in range(rng.randrange(5)):
                tag, authors = rng.choice("abc"), rng.sample(range(60), rng.randrange(1, 20))
                writer.tweet(pane, tag, authors, text=rng.choice(["bad", "good"]), source=rng.randrange(2))
            for source in rng.sample([0, 1], rng.randrange(3)):
                watermark_ms = PANE_MS * max(0, pane - rng.randrange(4)) + rng.randrange(3) * 5_000
                writer.reach(watermark_ms + 6_000, source, watermark_ms=watermark_ms)
    found = []
    for most in (1, len(log)):
        harness, at = JudgeHarness(), 0
        harness.judge.state.pause_clearing()
        while at < len(log):
            at += harness.judge.apply_flushes(log[at : at + most])
            harness.decisions += harness.settle()
        panes = [
            record
            for one in harness.settled
            for pane in one.panes
            for record in encode_pane(pane, 0, harness.judge.state.tags)
        ]
        found.append((harness.decisions, panes, [one.progress for one in harness.settled]))
    assert found[0] == found[1]


def test_early_decision_before_a_due_tick_has_a_lower_version():
    """The next look has the offset of that tick and a later end, so it lies above both."""
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, bad=20, tag="b", early=False)
    harness.tweet(2, "a", range(20))
    harness.reach(20_000, 0, 1, watermark_ms=20_000)
    assert harness.judge.state.due() is not None
    early = harness.decide_early()
    settled = harness.settle()
    harness.tweet(2, "c", range(20))
    later = harness.decide_early()
    versions = [[one.version for one in found] for found in (early, settled, later)]
    assert all(versions) and max(versions[0]) < min(versions[1]) and max(versions[1]) < min(versions[2])
    assert {one.hashtag for one in early} & {one.hashtag for one in settled} == {"b"}, "confirmed at once"
    assert not is_renewal(early[0].version) and early[0].version > version_of(harness.offset - 2, 30_000)


def test_catch_up_settles_each_tick_with_its_own_version():
    harness = JudgeHarness()
    for pane in range(6):
        harness.count(pane, bad=20, early=False)
    harness.count(9, watermark_ms=100_000, source=1, early=False)
    decisions = world(harness.count(9, watermark_ms=100_000, early=False))
    assert [one.tick_ms for one in decisions] == [10_000, 40_000, 70_000]
    assert [one.rulings[0].expires_at_ms for one in decisions] == [70_000, 100_000, 130_000], (
        "refreshed at half of the expiry"
    )
    assert {one.version.split(".")[1] for one in decisions} == {f"{harness.offset:019d}"}
    assert len({one.version for one in decisions}) == 3


def test_replay_offset_is_the_first_record_of_an_open_pane():
    harness = JudgeHarness()
    harness.count(0, good=1)
    harness.count(1, good=1)
    first = harness.offset
    harness.count(0, good=1)
    harness.count(2, good=1)
    harness.advance(10_000)
    assert harness.progress.replay_offset == first
    assert harness.progress.position == harness.offset
    harness.advance(30_000)
    assert harness.progress.replay_offset == harness.offset + 1, "nothing is open"


def test_progress_has_open_blocks_and_no_policy_body():
    harness = JudgeHarness()
    harness.count(0, good=1)
    harness.advance(10_000)
    (kept,) = harness.progress.activations
    assert (kept.revision, kept.policy) == (SUPPRESS.revision, "")
    assert harness.progress.blocks == {f"{TOPIC_ID}/0": 2, f"{TOPIC_ID}/1": 1}
    assert harness.progress.surfaces == ("trends",)


def test_gap_in_the_windows_pauses_clears_and_early_decisions():
    """The records from 20 s to 30 s are lost, and a window is 30 s long."""
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, bad=20)
    harness.advance(20_000)
    harness.judge.state.pause_clearing()
    assert harness.judge.state.pause.until_ms == 50_000, "until the first record after the gap"
    harness.count(3, good=90)
    until_ms = harness.judge.state.pause.until_ms
    assert until_ms == 40_000 + 30_000, "a window after the first record"
    harness.count(4, good=90)
    assert harness.advance(60_000) == [], "under the threshold, but paused"
    assert harness.count(6, bad=150, tag="b") == []
    (cleared,) = [one for one in harness.advance(until_ms) if one.hashtag == "a"]
    assert cleared.rulings[0].action == "clear" and cleared.tick_ms == until_ms
    assert harness.progress.hold_until_ms == until_ms
    assert harness.successor().judge.state.pause.until_ms == until_ms


def over_half_a_minute(*, mode: str = "suppress", more: str = "", **numbers: int) -> Policy:
    """Return the policy with a window of 30 s and one signal to corroborate."""
    text = COSTLY_COPIES.replace("mode: shadow", f"mode: {mode}\n    corroborate: {{need: 1, authors: 1}}").replace(
        "[2m]", "[30s]"
    )
    for name, number in numbers.items():
        text = re.sub(rf"{name}: \d+", f"{name}: {number}", text)
    return make_policy(text + more)


def test_early_window_ends_with_the_open_pane():
    """Nine tweets a pane are never thirty in thirty seconds, settled or open."""
    harness = JudgeHarness(over_half_a_minute(min_tweets=30))
    for pane in range(12):
        harness.count(pane, bad=9)
        harness.advance(max(0, (pane + 1) * PANE_MS - 5_500))
    assert harness.decisions == [] and harness.settled


def test_early_decisions_obey_the_share_of_top_tags():
    harness = JudgeHarness(over_half_a_minute(more="valves:\n  top_tags: 5\n  suppressed_share_of_top: 0.2\n"))
    harness.advance(10_000)
    early = [decisions for number in range(5) for decisions in harness.count(1, bad=20, tag=f"t{number}")]
    assert [decisions.hashtag for decisions in early] == ["t0"]


def test_next_owner_recovers_a_scorer_fault():
    policy = over_half_a_minute(more="valves:\n  most_harmful: 0.6\n")
    harness = JudgeHarness(policy)
    harness.advance(10_000)
    for number in range(25):
        harness.count(1, bad=20, tag=f"t{number}", early=False)
    harness.advance(20_000, early=False)
    assert harness.settled[-1].changes.scorer_fault is not None
    for one in (harness, harness.successor(policy=policy)):
        for source in (0, 1):
            one.count(0, watermark_ms=21_000, source=source)
        assert one.count(2, bad=40, tag="new", watermark_ms=21_000) == []


def test_lapsed_hold_is_repeated_before_its_decision_expires():
    harness = JudgeHarness(over_half_a_minute(mode="hold_for_review"))
    harness.advance(10_000)
    with patch("streams.judging.step.REPEAT_LAPSED_MS", 60_000):
        for pane in range(1, 30):
            harness.count(pane, bad=20, early=False)
            harness.advance((pane + 1) * PANE_MS, early=False)
    lapsed = [decisions for decisions in harness.decisions if decisions.rulings[0].lapsed]
    assert [decisions.tick_ms for decisions in lapsed] == [80_000, 140_000, 200_000, 260_000]
    assert {decisions.rulings for decisions in lapsed} == {lapsed[0].rulings}, "unchanged"


def test_never_suppress_tags_are_never_suppressed():
    listed = "serial: 1\nnever_suppress: [A]"
    suppress = COSTLY_COPIES.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}")
    for policy, early in (
        (COSTLY_COPIES, []),
        (suppress, ["other"]),
    ):  # shadow hides nothing, so it has no early decisions
        harness = JudgeHarness(make_policy(policy.replace("serial: 1", listed)))
        harness.advance(10_000)
        assert harness.count(1, bad=50) == []
        assert harness.advance(40_000) == []
        assert [one.hashtag for one in harness.count(4, bad=50, tag="other")] == early
        assert [one.hashtag for one in harness.advance(50_000)] == ["other"]


def test_policy_is_in_force_from_its_tick():
    harness = JudgeHarness()
    review = make_policy(COSTLY_COPIES.replace("serial: 1", "serial: 2").replace("mode: shadow", "mode: review"))
    harness.advance(10_000)
    harness.count(1, bad=20)
    harness.activate(review, 1, 30_000)
    first = harness.advance(20_000)
    second = harness.advance(30_000)
    assert [(one.policy_revision, one.rulings[0].action) for one in first] == [(SUPPRESS.revision, "suppress")]
    assert [(one.policy_revision, one.rulings[0].action) for one in second] == [(review.revision, "review")]
    assert {one.model_revision for one in first + second} == {SCORER.revision}
    assert [one.sequence for one in harness.progress.activations] == [1]


def changed(**more: str) -> Policy:
    """Return `SUPPRESS` with other keys: by default its bounds have a lower confidence."""
    text = COSTLY_COPIES.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}").replace(
        "[2m]", "[30s]"
    )
    text = text.replace("serial: 1", "serial: 2")
    for old, new in {"confidence: 0.9": "confidence: 0.6", **more}.items():
        text = text.replace(old, new)
    return make_policy(text)


def test_early_decision_uses_the_policy_of_its_tick():
    harness = JudgeHarness()
    harness.advance(10_000)
    assert harness.count(1, bad=12, good=8) == [], "the lower bound at the early confidence is 0.37"
    harness.activate(changed(), 1, 30_000)
    assert harness.count(1, good=1) == [], "the open pane settles under the policy before"
    (early,) = harness.count(2, bad=1)
    assert (action(early), early.policy_revision) == (("suppress", True, 30_000), changed().revision)
    assert harness.judge.state.timeline.policy == SUPPRESS, "still in force"
    assert [(action(one), one.policy_revision) for one in harness.advance(30_000)] == [
        (("suppress", False, 30_000), changed().revision)
    ]


def test_new_policy_judges_busy_tags_again():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, bad=12, good=8)
    harness.advance(20_000)
    harness.activate(changed(), 1, 40_000)
    assert [one.hashtag for one in harness.count(3, good=1, tag="other")] == ["a"]


def test_coming_policy_of_lower_share_decides_early_at_once():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.activate(changed(**{"suppress_at: 0.45": "suppress_at: 0.35"}), 1, 30_000)
    assert [action(one)[:2] for one in harness.count(2, bad=20)] == [("suppress", True)]


def test_coming_stricter_policy_prevents_early_flags():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.activate(changed(**{"suppress_at: 0.45": "suppress_at: 0.9"}), 1, 30_000)
    assert harness.count(2, bad=20) == []
    control = JudgeHarness()
    control.advance(10_000)
    assert len(control.count(2, bad=20)) == 1


def test_policy_with_other_windows_decides_early_once_in_force():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.activate(changed(**{"[30s]": "[1m]"}), 1, 30_000)
    assert harness.count(2, bad=20) == [], "no such window yet"
    assert [action(one) for one in harness.advance(30_000)] == [("suppress", False, 30_000)]


def test_scope_outside_the_new_policy_ends():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, bad=20)
    harness.advance(20_000)
    search = make_policy(COSTLY_COPIES.replace("serial: 1", "serial: 2").replace("[trends]", "[search]"))
    harness.activate(search, 1, 30_000)
    (ended,) = harness.advance(30_000)
    assert [(one.surface, one.action) for one in ended.rulings] == [("search", "shadow")]


def test_texts_below_the_score_floor_are_not_scored():
    harness = JudgeHarness(
        make_policy(
            COSTLY_COPIES.replace("score_floor: 2", "score_floor: 3").replace("evidence_floor: 2", "evidence_floor: 3")
        )
    )
    harness.count(0, bad=2)
    harness.count(1, bad=1)
    harness.advance(20_000)
    scored = [(pane.scores[:, 0] == 0.875).tolist() for settled in harness.settled for pane in settled.panes]
    assert scored == [[False, False], [True]], "a settled pane is not scored later"


def test_unused_tag_numbers_are_released():
    harness = JudgeHarness()
    harness.count(0, good=3, tag="once")
    harness.count(0, bad=20, tag="bad")
    harness.advance(10_000)
    assert len(harness.judge.state.tags) == 2
    for minute in range(1, 22):
        harness.advance(minute * 60_000)
    assert len(harness.judge.state.tags) == 0
    assert harness.judge.state.decisions.states == {}


# ---- the next owner ----


def test_next_owner_continues_from_recovered_state():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, bad=20)
    harness.advance(20_000)
    after = harness.successor()
    assert after.judge.state.settled_ms == 20_000 and after.judge.state.position.is_replaying
    key = after.judge.state.tags.key("a", "*")
    before = harness.judge.state.decisions.states[harness.judge.state.tags.key("a", "*")]
    assert after.judge.state.decisions.states[key].settled == before.settled
    assert after.advance(40_000) == harness.advance(40_000) == []
    refreshed, same = after.advance(50_000), harness.advance(50_000)
    assert [one.rulings for one in refreshed] == [one.rulings for one in same] == []
    cleared, same = after.advance(80_000), harness.advance(80_000)
    assert [one.rulings for one in cleared] == [one.rulings for one in same] != []


def test_next_owner_catches_up_with_the_previous_position():
    harness = JudgeHarness(None)
    assert harness.judge.state.position.caught_up
    harness = JudgeHarness()
    harness.count(0, good=1)
    harness.advance(10_000)
    after = harness.successor()
    assert not after.judge.state.position.caught_up and after.judge.state.position.is_replaying
    after.offset -= 2
    after.count(1, good=1)
    assert not after.judge.state.position.caught_up
    after.count(1, good=1)
    assert after.judge.state.position.caught_up and after.judge.state.position.is_replaying, (
        "the previous owner applied this record too"
    )


def test_next_owner_decides_nothing_early_while_replaying():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(2, good=6)
    harness.advance(20_000)
    after = harness.successor(decisions=[])
    after.offset -= 3
    after.count(2, source=1)
    after.count(2)
    assert after.judge.state.open.watermark_ms == 0, "both sources have a watermark"
    assert after.count(2, bad=150) == [] and after.judge.state.position.offset == harness.progress.position, (
        "a replayed record"
    )
    assert [action(one)[:2] for one in after.count(2, bad=150)] == [("suppress", True)], "the first new record"


def test_decisions_after_the_progress_record_are_not_repeated():
    """The owner died after its decisions were acknowledged and before its progress was."""
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, bad=20)
    harness.advance(20_000)
    harness.count(2, good=90)
    harness.count(3, good=90)
    noted, cleared = harness.advance(40_000)
    assert (noted.tick_ms, noted.rulings[0].action, noted.rulings[0].below_since_ms) == (30_000, "suppress", 30_000)
    assert (cleared.tick_ms, cleared.rulings[0].action) == (40_000, "clear")
    after = harness.successor(after=1)
    assert after.judge.state.settled_ms == 20_000
    after.count(2, good=90)
    after.count(3, good=90)
    assert world(after.advance(40_000)) == []
    assert after.judge.state.decisions.states[after.judge.state.tags.key("a", "*")].settled[SCOPE].since_ms == 40_000


def test_empty_decision_after_the_progress_record_counts():
    """An early firing at a replayed record must not drop the tick up to which the tag is decided."""
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, good=1, tag="b")
    harness.advance(20_000)
    nothing = Decision(
        hashtag="a", display="a", country="*", rulings=(), version=version_of(99, 50_000), tick_ms=50_000,
        settled_ms=50_000, decided_at_ms=0, policy_revision="p", model_revision="m",
    )  # fmt: skip
    after = harness.successor(decisions=[nothing])
    after.advance(20_000)
    assert after.count(2, bad=150) == [], "a greater version was published"
    assert after.judge.state.decisions.states[after.judge.state.tags.key("a", "*")].decided_ms == 50_000
    assert after.advance(50_000) == [], "decided up to that tick"
    after.advance(60_000)
    assert after.judge.state.decisions.states == {}


def test_next_owner_withdraws_recovered_early_flags():
    harness = JudgeHarness()
    harness.advance(10_000)
    harness.count(1, good=6, tag="b")
    harness.advance(20_000)
    harness.count(2, bad=10)
    assert harness.decisions[-1].provisional
    after = harness.successor()
    after.count(2, bad=10)
    after.count(2, good=40, source=1)
    (withdrawn,) = after.advance(30_000)
    assert action(withdrawn) == ("clear", True, 30_000)
    assert withdrawn.version > harness.decisions[-1].version


def test_recovery_without_progress_starts_with_the_log():
    harness = JudgeHarness()
    harness.advance(10_000)
    (early,) = harness.count(1, bad=20)
    judge = ShardJudge(ShardState(0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES))
    judge.state.recover(RecoveredState([early]))
    assert judge.state.settled_ms == 0
    assert judge.state.decisions.states[judge.state.tags.key("a", "*")].early[SCOPE] == early.rulings[0]


def foreign_early_flag() -> tuple[JudgeHarness, Decision]:
    """Return the next owner, and an early decision that a zombie publishes after the recovery.

    The tag has grown by harmless tweets that the zombie never read.
    """
    zombie = JudgeHarness()
    zombie.advance(10_000)
    after = zombie.successor(after=-1)
    (late,) = zombie.count(1, bad=10)
    after.count(1, bad=10, early=False)
    after.count(1, good=40, source=1, early=False)
    return after, late


def greatest_of(*decisions: Decision) -> Decision:
    return max(decisions, key=lambda one: one.version)


def test_unadopted_foreign_early_flag_stands_until_expiry():
    """This is why a judge adopts it."""
    after, late = foreign_early_flag()
    assert after.advance(30_000, early=False) == []
    assert action(greatest_of(late, *after.decisions)) == ("suppress", True, 20_000)


def test_adopted_early_flag_is_withdrawn_at_its_tick():
    after, late = foreign_early_flag()
    after.judge.state.decisions.adopt(late)
    (answer,) = after.advance(20_000, early=False)
    assert action(answer) == ("clear", True, 20_000)
    assert greatest_of(late, answer) == answer


def test_adopted_early_flag_is_confirmed_at_its_tick():
    after, late = foreign_early_flag()
    after.count(1, bad=150, early=False)
    after.judge.state.decisions.adopt(late)
    (answer,) = after.advance(20_000, early=False)
    assert action(answer) == ("suppress", False, 20_000)
    assert greatest_of(late, answer) == answer


def test_late_adopted_flag_is_withdrawn_at_the_next_tick():
    after, late = foreign_early_flag()
    after.advance(20_000, early=False)
    after.judge.state.decisions.adopt(late)
    (answer,) = after.advance(30_000, early=False)
    assert action(answer) == ("clear", True, 30_000)
    assert greatest_of(late, answer) == answer


def test_adopting_changes_no_settled_decision():
    after, late = foreign_early_flag()
    other, _ = foreign_early_flag()
    after.judge.state.decisions.adopt(late)
    after.judge.state.decisions.adopt(late)
    for harness in (after, other):
        harness.count(2, bad=200, early=False)
        harness.advance(60_000, early=False)
    settled = [
        [one for one in harness.decisions if not all(r.provisional for r in one.rulings)] for harness in (after, other)
    ]
    parts = [
        [(one.settled_ms, [r for r in one.rulings if not r.provisional]) for one in decisions] for decisions in settled
    ]
    assert parts[0] == parts[1] and parts[0]


def test_incarnation_begins_every_version():
    """Settled and early decisions of topics that were created again rank above all from before."""
    judge = ShardJudge(
        ShardState(
            0,
            categories=SCORER.categories,
            model_revision=SCORER.revision,
            hashes=HASHES,
            max_lag_ms=40_000,
            incarnation=3,
        )
    )
    harness = JudgeHarness(judge=judge)
    harness.advance(10_000)
    early = harness.count(1, bad=20)
    assert early[0].version == version_of(harness.offset, 20_000, incarnation=3)
    settled = harness.advance(20_000)
    assert settled[0].version == version_of(harness.offset, 20_000, incarnation=3)
    assert min(early[0].version, settled[0].version) > version_of(10**15, 10**14)
