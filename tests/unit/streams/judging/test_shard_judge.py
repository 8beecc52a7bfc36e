"""One shard's judge, record by record: early looks, ticks, gaps, policies, and what a successor takes over."""

from __future__ import annotations

import re
from unittest.mock import patch

from msgspec.structs import replace

from streams.counting.block_counts import PANE_MS
from streams.counting.sketch import KeyedHash
from streams.judging.shard_judge import Settled, ShardJudge
from streams.judging.side_inputs.account_facts import FactBook
from streams.log.account_facts import FactsMark
from streams.log.decisions import Decision, Progress, version_of
from streams.log.panes import assemble, decode_pane_record, encode_pane
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.scoring import TextScorer
from streams.windows.pane import Pane
from tests.support.block_counts import Entry, Register, flush
from tests.unit.streams.test_replay import POLICY, WordScorer, make_policy

HASHES = KeyedHash(b"k")
SCORER = TextScorer(WordScorer())
SUPPRESS = make_policy(
    POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}").replace("[2m]", "[30s]")
)
SCOPE = ("hateful_conduct", "trends")


def activation(policy: Policy, sequence: int = 0, from_tick_ms: int = 0) -> Activation:
    return Activation(policy.revision, sequence, from_tick_ms, policy.canonical(), SCORER.revision)


class Court:
    """A judge, and a hand that writes its log. Panes are numbered from 0; the shard has two sources."""

    def __init__(
        self,
        policy: Policy | None = SUPPRESS,
        *,
        judge: ShardJudge | None = None,
        offset: int = -1,
        book: FactBook | None = None,
    ) -> None:
        self.book = book or FactBook(HASHES)
        self.judge = judge or ShardJudge(
            0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES, max_lag_ms=40_000,
            book=self.book,
        )  # fmt: skip
        self.offset = offset
        self.said: list[Decision] = []
        self.settled: list[Settled] = []
        self._blocks = [offset + 1, offset + 1]
        self._author = 1_000 * (offset + 2)
        if policy is not None:
            self.activate(policy)

    def activate(self, policy: Policy, sequence: int = 0, from_tick_ms: int = 0) -> None:
        self.offset += 1
        self.judge.apply(self.offset, activation(policy, sequence, from_tick_ms))

    def mark(self, upto: int) -> None:
        """The moderation log counts up to an offset."""
        self.offset += 1
        self.judge.apply(self.offset, FactsMark("", upto))

    def hear(
        self,
        pane: int,
        *,
        bad: int = 0,
        good: int = 0,
        watermark_ms: int = 0,
        source: int = 0,
        tag: str = "a",
        look: bool = True,
    ) -> list[Decision]:
        """One record of so many new authors; then everything that it lets settle, and a look."""
        self.offset += 1
        self._blocks[source] += 1
        entries = []
        for text in ["bad"] * bad + ["good"] * good:
            self._author += 1
            author = int(HASHES.authors([self._author])[0])
            entries.append(Entry(author, self._author, 100, 0, "", f"{text} {self._author}"))
        block = self._blocks[source]
        registers = [Register(tag, "", pane, len(entries), entries, block)] if entries else []
        newest_ms = max((pane + 1) * PANE_MS, watermark_ms)
        record = flush(registers, source=source, sources=2, block=block, watermark_ms=watermark_ms, newest_ms=newest_ms)
        self.judge.apply(self.offset, record)
        said: list[Decision] = []
        while (job := self.judge.next_tick()) is not None:
            self.settled.append(self.judge.settle(job, SCORER(job.texts)))
            said += self.settled[-1].decisions
        if look and (job := self.judge.next_look()) is not None:
            said += self.judge.look(job, SCORER(job.texts))
        self.said += said
        return said

    @property
    def authors_seen(self) -> dict[int, int]:
        """Authors of the only tag in the shortest window, by settled tick."""
        seen = {}
        for one in self.settled:
            assert one.evidence is not None
            table = one.evidence.tables[min(one.evidence.tables)]
            seen[one.tick_ms] = int(table.authors.max(initial=0))
        return seen

    def pass_to(self, watermark_ms: int, *, look: bool = True) -> list[Decision]:
        """Time passes in both sources."""
        said = self.hear(0, watermark_ms=watermark_ms, look=look)
        return said + self.hear(0, watermark_ms=watermark_ms, source=1, look=look)

    @property
    def progress(self) -> Progress:
        found = self.settled[-1].progress
        assert found is not None
        return found

    def successor(
        self, decisions: list[Decision] | None = None, *, after: int | None = None, policy: Policy = SUPPRESS
    ) -> Court:
        """Whoever takes over after the tick at `settled[after]`, with all decisions that were written."""
        progress = (self.settled[-1] if after is None else self.settled[after]).progress
        assert progress is not None
        bodies = [activation(policy)]
        judge = ShardJudge(
            0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES, max_lag_ms=40_000,
            book=self.book,
        )  # fmt: skip
        panes = [pane for settled in self.settled for pane in settled.panes if pane.start_ms < progress.settled_ms]
        back = assemble(
            [decode_pane_record(value) for pane in panes for value in encode_pane(pane, 0, self.judge.tags)], judge.tags
        )
        short: list[Pane] = [pane for pane in back if pane.length_ms == PANE_MS]
        long: list[Pane] = [pane for pane in back if pane.length_ms != PANE_MS]
        activations = [replace(one, policy=bodies[0].policy) for one in progress.activations]
        judge.recover(
            replace(progress, activations=activations), self.said if decisions is None else decisions, short, long
        )
        return Court(None, judge=judge, offset=progress.position, book=self.book)


def action(decision: Decision) -> tuple[str, bool, int]:
    (ruling,) = decision.rulings
    return ruling.action, ruling.provisional, ruling.since_ms


def world(decisions: list[Decision]) -> list[Decision]:
    return [one for one in decisions if one.country == "*"]


def test_a_judge_that_has_read_no_activation_decides_nothing():
    court = Court(None)
    assert court.hear(0, bad=50) == []
    assert court.pass_to(40_000) == []
    assert [settled.tick_ms for settled in court.settled] == [10_000, 20_000, 30_000, 40_000]
    assert court.settled[0].panes[0].counts.tolist() == [50], "but it counts"
    court.activate(SUPPRESS)
    assert court.pass_to(50_000) == [], "and what was not scored when it settled stays so"


def test_an_early_ruling_is_said_at_once_and_confirmed_when_its_tick_settles():
    court = Court()
    court.pass_to(10_000)
    (early,) = court.hear(1, bad=20)
    assert action(early) == ("suppress", True, 20_000)
    assert (early.provisional, early.tick_ms, early.settled_ms, early.decided_at_ms) == (True, 20_000, 10_000, 20_000)
    assert (early.hashtag, early.country, early.version) == ("a", "*", version_of(court.offset, 20_000))
    assert court.hear(2, bad=20) == [], "once is enough"
    (settled,) = court.pass_to(20_000)
    assert action(settled) == ("suppress", False, 20_000)
    assert (settled.provisional, settled.tick_ms, settled.settled_ms) == (False, 20_000, 20_000)
    assert settled.version > early.version
    assert court.settled[-1].confirmed == 1


def test_a_withdrawn_early_ruling_bars_others_for_a_dwell():
    court = Court()
    court.pass_to(10_000)
    (early,) = court.hear(1, bad=10)
    court.hear(1, good=40, source=1)
    (withdrawn,) = court.pass_to(20_000)
    assert action(early) == ("suppress", True, 20_000)
    assert action(withdrawn) == ("clear", True, 20_000), "nothing of it is left"
    assert court.settled[-1].withdrawn == 1 and withdrawn.version > early.version

    assert court.hear(2, bad=150) == [], "barred, however harmful"
    assert court.hear(3, bad=10) == []
    told = court.pass_to(30_000)
    assert [one.action for one in told[0].rulings] == ["suppress", "clear"], "settled all the same"
    assert [(one.provisional, one.since_ms) for one in told[0].rulings] == [(False, 30_000), (True, 20_000)]


def test_the_bar_is_lifted_when_the_dwell_is_over():
    court = Court()
    court.pass_to(10_000)
    court.hear(1, bad=10)
    court.hear(1, good=40, source=1)
    court.pass_to(20_000)
    state = court.judge.states[court.judge.tags.key("a", "*")]
    assert set(state.barred) == {SCOPE}
    assert court.pass_to(30_000) == []
    assert set(state.barred) == {SCOPE}
    assert court.pass_to(40_000) == [], "nobody need be told"
    assert court.judge.states == {}
    (again,) = court.hear(4, bad=150)
    assert action(again) == ("suppress", True, 50_000)


def test_no_early_look_while_the_slowest_source_is_too_far_behind():
    court = Court()
    court.hear(1, watermark_ms=10_000)
    assert court.hear(1, bad=50, tag="b") == [], "one source has not told its time yet"
    court.hear(1, watermark_ms=10_000, source=1)
    assert court.hear(5, bad=50, watermark_ms=51_000) == [], "41 s"
    court.hear(1, watermark_ms=30_000, source=1)
    assert [action(one)[:2] for one in court.hear(5, bad=50, watermark_ms=51_000)] == [("suppress", True)]


def test_an_early_look_asks_for_more_confidence_than_a_settled_tick():
    early = "early_confidence: 0.9\n"
    text = POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}").replace(
        "[2m]", "[30s]"
    )
    for careful, said in (("early_confidence: 0.99\n", []), (early, [("suppress", True, 20_000)])):
        court = Court(make_policy(text.replace(early, careful)))
        court.pass_to(10_000)
        assert [action(one) for one in world(court.hear(1, bad=6))] == said
        assert [action(one) for one in world(court.pass_to(20_000))] == [("suppress", False, 20_000)]


def test_an_early_look_comes_again_only_when_a_tag_has_grown():
    court = Court()
    court.pass_to(10_000)
    assert court.hear(1, bad=6, good=44) == []
    key = court.judge.tags.key
    assert court.judge.open.tweets.to_dict() == {key("a", "*"): 50}
    court.offset += 1
    court.judge.looks.touch([key("a", "")])
    assert court.judge.next_look() is None, "the same tweets"
    court.hear(1, good=4, look=False)
    assert court.judge.next_look() is None, "less than a tenth more"
    court.hear(1, bad=40, look=False)
    assert court.judge.next_look() is not None


def test_panes_settle_in_order_each_once_and_an_idle_judge_skips_what_is_empty():
    court = Court()
    court.pass_to(1_000_000)
    court.hear(100, good=1)
    court.pass_to(1_030_000)
    ticks = [settled.tick_ms for settled in court.settled]
    assert ticks == [1_000_000, 1_010_000, 1_020_000, 1_030_000]
    assert [len(settled.panes) for settled in court.settled] == [0, 1, 1, 0], "the second ends a minute"
    court.pass_to(1_030_000)
    assert [settled.tick_ms for settled in court.settled] == ticks
    assert court.judge.settled_ms == 1_030_000


def test_a_catch_up_settles_every_tick_at_one_offset_with_versions_of_their_own():
    court = Court()
    for pane in range(6):
        court.hear(pane, bad=20, look=False)
    court.hear(9, watermark_ms=100_000, source=1, look=False)
    said = world(court.hear(9, watermark_ms=100_000, look=False))
    assert [one.tick_ms for one in said] == [10_000, 40_000, 70_000]
    assert [one.rulings[0].expires_at_ms for one in said] == [70_000, 100_000, 130_000], "refreshed when half is gone"
    assert {one.version.split(".")[1] for one in said} == {f"{court.offset:019d}"}
    assert len({one.version for one in said}) == 3


def test_the_replay_offset_is_the_first_record_of_any_pane_that_has_not_settled():
    court = Court()
    court.hear(0, good=1)
    court.hear(1, good=1)
    first = court.offset
    court.hear(0, good=1)
    court.hear(2, good=1)
    court.pass_to(10_000)
    assert court.progress.replay_offset == first
    assert court.progress.position == court.offset
    court.pass_to(30_000)
    assert court.progress.replay_offset == court.offset + 1, "nothing is open"


def test_progress_has_no_policy_s_body_and_knows_the_open_blocks():
    court = Court()
    court.hear(0, good=1)
    court.pass_to(10_000)
    (kept,) = court.progress.activations
    assert (kept.revision, kept.policy) == (SUPPRESS.revision, "")
    assert court.progress.blocks == {"t/0": 2, "t/1": 1}


def test_while_a_gap_is_in_the_windows_nothing_clears_and_nothing_is_early():
    """What was to be heard from 20 s to 30 s is gone, and a window is 30 s long."""
    court = Court()
    court.pass_to(10_000)
    court.hear(1, bad=20)
    court.pass_to(20_000)
    court.judge.hold()
    assert court.judge.hold_until_ms == 50_000, "as far as is known before anything else is heard"
    court.hear(3, good=90)
    until_ms = court.judge.hold_until_ms
    assert until_ms == 40_000 + 30_000, "a window from when something is heard again"
    court.hear(4, good=90)
    assert court.pass_to(60_000) == [], "under, and rested"
    assert court.hear(6, bad=150, tag="b") == []
    (cleared,) = [one for one in court.pass_to(until_ms) if one.hashtag == "a"]
    assert cleared.rulings[0].action == "clear" and cleared.tick_ms == until_ms
    assert court.progress.hold_until_ms == until_ms
    assert court.successor().judge.hold_until_ms == until_ms


def over_half_a_minute(*, mode: str = "suppress", more: str = "", **numbers: int) -> Policy:
    """The policy with a window of 30 s, and one signal enough to corroborate."""
    text = POLICY.replace("mode: shadow", f"mode: {mode}\n    corroborate: {{need: 1, authors: 1}}").replace(
        "[2m]", "[30s]"
    )
    for name, number in numbers.items():
        text = re.sub(rf"{name}: \d+", f"{name}: {number}", text)
    return make_policy(text + more)


def test_an_early_look_s_window_ends_with_the_open_pane():
    """Nine tweets a pane are never thirty in thirty seconds, whatever has settled of these."""
    court = Court(over_half_a_minute(min_tweets=30))
    for pane in range(12):
        court.hear(pane, bad=9)
        court.pass_to(max(0, (pane + 1) * PANE_MS - 5_500))
    assert court.said == [] and court.settled


def test_early_looks_keep_to_the_share_of_the_biggest_tags_that_may_be_hidden():
    court = Court(over_half_a_minute(more="valves:\n  top_tags: 5\n  suppressed_share_of_top: 0.2\n"))
    court.pass_to(10_000)
    early = [said for number in range(5) for said in court.hear(1, bad=20, tag=f"t{number}")]
    assert [said.hashtag for said in early] == ["t0"]


def test_a_successor_s_looks_know_of_a_scorer_that_calls_all_harmful():
    policy = over_half_a_minute(more="valves:\n  most_harmful: 0.6\n")
    court = Court(policy)
    court.pass_to(10_000)
    for number in range(25):
        court.hear(1, bad=20, tag=f"t{number}", look=False)
    court.pass_to(20_000, look=False)
    assert court.settled[-1].scorer_fault is not None
    for one in (court, court.successor(policy=policy)):
        for source in (0, 1):
            one.hear(0, watermark_ms=21_000, source=source)
        assert one.hear(2, bad=40, tag="new", watermark_ms=21_000) == []


def test_a_lapsed_hold_is_said_again_before_its_decision_is_old():
    court = Court(over_half_a_minute(mode="hold_for_review"))
    court.pass_to(10_000)
    with patch("streams.judging.shard_decisions.SAY_AGAIN_MS", 60_000):
        for pane in range(1, 30):
            court.hear(pane, bad=20, look=False)
            court.pass_to((pane + 1) * PANE_MS, look=False)
    lapsed = [said for said in court.said if said.rulings[0].lapsed]
    assert [said.tick_ms for said in lapsed] == [80_000, 140_000, 200_000, 260_000]
    assert {said.rulings for said in lapsed} == {lapsed[0].rulings}, "and for the same since then"


def test_a_tag_on_the_list_is_never_suppressed_early_or_late():
    listed = "serial: 1\nnever_suppress: [A]"
    suppress = POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}")
    for policy, early in ((POLICY, []), (suppress, ["other"])):  # shadow hides nothing, so it can wait
        court = Court(make_policy(policy.replace("serial: 1", listed)))
        court.pass_to(10_000)
        assert court.hear(1, bad=50) == []
        assert court.pass_to(40_000) == []
        assert [one.hashtag for one in court.hear(4, bad=50, tag="other")] == early
        assert [one.hashtag for one in court.pass_to(50_000)] == ["other"]


def test_another_policy_holds_from_its_tick_on():
    court = Court()
    review = make_policy(POLICY.replace("serial: 1", "serial: 2").replace("mode: shadow", "mode: review"))
    court.pass_to(10_000)
    court.hear(1, bad=20)
    court.activate(review, 1, 30_000)
    first = court.pass_to(20_000)
    second = court.pass_to(30_000)
    assert [(one.policy_revision, one.rulings[0].action) for one in first] == [(SUPPRESS.revision, "suppress")]
    assert [(one.policy_revision, one.rulings[0].action) for one in second] == [(review.revision, "review")]
    assert {one.model_revision for one in first + second} == {SCORER.revision}
    assert [one.sequence for one in court.progress.activations] == [1]


def lowered(**more: str) -> Policy:
    """`SUPPRESS` at another threshold, and other keys."""
    text = POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}").replace(
        "[2m]", "[30s]"
    )
    text = text.replace("serial: 1", "serial: 2")
    for old, new in {"suppress_at: 0.45": "suppress_at: 0.35", **more}.items():
        text = text.replace(old, new)
    return make_policy(text)


def test_an_early_look_is_under_the_policy_under_which_its_pane_will_settle():
    court = Court()
    court.pass_to(10_000)
    assert court.hear(1, bad=12, good=8) == [], "a lower bound of 0.37 at the early confidence is not enough"
    court.activate(lowered(), 1, 30_000)
    assert court.hear(1, good=1) == [], "the pane that is open settles under the policy before"
    (early,) = court.hear(2, bad=1)
    assert (action(early), early.policy_revision) == (("suppress", True, 30_000), lowered().revision)
    assert court.judge.in_force.policy == SUPPRESS, "which is in force still"
    assert [(action(one), one.policy_revision) for one in court.pass_to(30_000)] == [
        (("suppress", False, 30_000), lowered().revision)
    ]


def test_a_lower_threshold_is_tried_at_once_on_tags_that_have_not_grown():
    court = Court()
    court.pass_to(10_000)
    court.hear(1, bad=12, good=8)
    court.pass_to(20_000)
    court.activate(lowered(), 1, 40_000)
    assert [one.hashtag for one in court.hear(3, good=1, tag="other")] == ["a"]


def test_under_a_stricter_policy_to_come_nothing_is_said_early_that_would_be_withdrawn():
    court = Court()
    court.pass_to(10_000)
    court.activate(lowered(**{"suppress_at: 0.45": "suppress_at: 0.9"}), 1, 30_000)
    assert court.hear(2, bad=20) == []
    control = Court()
    control.pass_to(10_000)
    assert len(control.hear(2, bad=20)) == 1


def test_with_other_windows_nothing_is_early_until_they_are_followed():
    court = Court()
    court.pass_to(10_000)
    court.activate(lowered(**{"[30s]": "[1m]"}), 1, 30_000)
    assert court.hear(2, bad=20) == [], "nobody counts that window yet"
    assert [action(one) for one in court.pass_to(30_000)] == [("suppress", False, 30_000)]


def test_a_scope_that_a_policy_no_longer_has_is_ended():
    court = Court()
    court.pass_to(10_000)
    court.hear(1, bad=20)
    court.pass_to(20_000)
    search = make_policy(POLICY.replace("serial: 1", "serial: 2").replace("[trends]", "[search]"))
    court.activate(search, 1, 30_000)
    (ended,) = court.pass_to(30_000)
    assert [(one.surface, one.action) for one in ended.rulings] == [("search", "shadow")]


def test_texts_of_a_tag_are_scored_from_the_floor_on():
    court = Court(
        make_policy(
            POLICY.replace("score_floor: 2", "score_floor: 3").replace("evidence_floor: 2", "evidence_floor: 3")
        )
    )
    court.hear(0, bad=2)
    court.hear(1, bad=1)
    court.pass_to(20_000)
    scored = [(pane.scores[:, 0] == 0.875).tolist() for settled in court.settled for pane in settled.panes]
    assert scored == [[False, False], [True]], "what settled without a score stays so"


def test_hashtags_are_forgotten_with_the_last_window_that_counts_them():
    court = Court()
    court.hear(0, good=3, tag="once")
    court.hear(0, bad=20, tag="bad")
    court.pass_to(10_000)
    assert len(court.judge.tags) == 2
    for minute in range(1, 22):
        court.pass_to(minute * 60_000)
    assert len(court.judge.tags) == 0
    assert court.judge.states == {}


# ---- a successor ----


def test_a_successor_goes_on_where_its_predecessor_was():
    court = Court()
    court.pass_to(10_000)
    court.hear(1, bad=20)
    court.pass_to(20_000)
    after = court.successor()
    assert after.judge.settled_ms == 20_000 and after.judge.replaying
    key = after.judge.tags.key("a", "*")
    assert after.judge.states[key].settled == court.judge.states[court.judge.tags.key("a", "*")].settled
    assert after.pass_to(40_000) == court.pass_to(40_000) == []
    refreshed, same = after.pass_to(50_000), court.pass_to(50_000)
    assert [one.rulings for one in refreshed] == [one.rulings for one in same] == []
    cleared, same = after.pass_to(80_000), court.pass_to(80_000)
    assert [one.rulings for one in cleared] == [one.rulings for one in same] != []


def test_a_judge_without_a_predecessor_has_nothing_to_catch_up_with():
    court = Court(None)
    assert court.judge.caught_up
    court = Court()
    court.hear(0, good=1)
    court.pass_to(10_000)
    after = court.successor()
    assert not after.judge.caught_up and after.judge.replaying
    after.offset -= 2
    after.hear(1, good=1)
    assert not after.judge.caught_up
    after.hear(1, good=1)
    assert after.judge.caught_up and after.judge.replaying, "its predecessor read this one, too"


def test_a_successor_says_nothing_early_of_what_its_predecessor_has_read():
    court = Court()
    court.pass_to(10_000)
    court.hear(2, good=6)
    court.pass_to(20_000)
    after = court.successor(decisions=[])
    after.offset -= 3
    after.hear(2, source=1)
    after.hear(2)
    assert after.judge.open.watermark_ms == 0, "both have told their time"
    assert after.hear(2, bad=150) == [] and after.judge.offset == court.progress.position, "up to the position"
    assert [action(one)[:2] for one in after.hear(2, bad=150)] == [("suppress", True)], "and from there on"


def test_what_was_decided_beyond_the_progress_record_is_not_decided_again():
    """It died after its decisions were acknowledged and before its progress was."""
    court = Court()
    court.pass_to(10_000)
    court.hear(1, bad=20)
    court.pass_to(20_000)
    court.hear(2, good=90)
    court.hear(3, good=90)
    (cleared,) = court.pass_to(40_000)
    assert (cleared.tick_ms, cleared.rulings[0].action) == (40_000, "clear")
    after = court.successor(after=1)
    assert after.judge.settled_ms == 20_000
    after.hear(2, good=90)
    after.hear(3, good=90)
    assert world(after.pass_to(40_000)) == []
    assert after.judge.states[after.judge.tags.key("a", "*")].settled[SCOPE].since_ms == 40_000


def test_a_record_of_nothing_beyond_the_progress_record_is_remembered_too():
    """An early look at an old record must not make it forget up to where the tag is decided."""
    court = Court()
    court.pass_to(10_000)
    court.hear(1, good=1, tag="b")
    court.pass_to(20_000)
    nothing = Decision(
        hashtag="a", display="a", country="*", rulings=(), version=version_of(99, 50_000), tick_ms=50_000,
        settled_ms=50_000, decided_at_ms=0, policy_revision="p", model_revision="m",
    )  # fmt: skip
    after = court.successor(decisions=[nothing])
    after.pass_to(20_000)
    assert after.hear(2, bad=150) == [], "readers have a greater version"
    assert after.judge.states[after.judge.tags.key("a", "*")].decided_ms == 50_000
    assert after.pass_to(50_000) == [], "up to there it is decided"
    after.pass_to(60_000)
    assert after.judge.states == {}


def test_a_successor_answers_the_early_rulings_of_its_predecessor():
    court = Court()
    court.pass_to(10_000)
    court.hear(1, good=6, tag="b")
    court.pass_to(20_000)
    court.hear(2, bad=10)
    assert court.said[-1].provisional
    after = court.successor()
    after.hear(2, bad=10)
    after.hear(2, good=40, source=1)
    (withdrawn,) = after.pass_to(30_000)
    assert action(withdrawn) == ("clear", True, 30_000)
    assert withdrawn.version > court.said[-1].version


def test_without_progress_a_successor_begins_with_the_log():
    court = Court()
    court.pass_to(10_000)
    (early,) = court.hear(1, bad=20)
    judge = ShardJudge(0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES)
    judge.recover(None, [early], [], [])
    assert judge.settled_ms == 0
    assert judge.states[judge.tags.key("a", "*")].early[SCOPE] == early.rulings[0]


def a_zombies_word() -> tuple[Court, Decision]:
    """A successor, and what its predecessor says early once it has read the decisions back. It does not look itself.

    What the zombie looked at grew by harmless tweets that it never saw.
    """
    zombie = Court()
    zombie.pass_to(10_000)
    heir = zombie.successor(after=-1)
    (late,) = zombie.hear(1, bad=10)
    heir.hear(1, bad=10, look=False)
    heir.hear(1, good=40, source=1, look=False)
    return heir, late


def greatest_of(*decisions: Decision) -> Decision:
    return max(decisions, key=lambda one: one.version)


def test_a_zombies_early_word_would_stand_until_it_runs_out():
    """Why `adopt` is needed."""
    heir, late = a_zombies_word()
    assert heir.pass_to(30_000, look=False) == []
    assert action(greatest_of(late, *heir.said)) == ("suppress", True, 20_000)


def test_what_a_zombie_said_early_is_withdrawn_by_its_successor():
    heir, late = a_zombies_word()
    heir.judge.rulings.adopt(late)
    (answer,) = heir.pass_to(20_000, look=False)
    assert action(answer) == ("clear", True, 20_000)
    assert greatest_of(late, answer) == answer


def test_what_a_zombie_said_early_is_confirmed_if_it_settles_so():
    heir, late = a_zombies_word()
    heir.hear(1, bad=150, look=False)
    heir.judge.rulings.adopt(late)
    (answer,) = heir.pass_to(20_000, look=False)
    assert action(answer) == ("suppress", False, 20_000)
    assert greatest_of(late, answer) == answer


def test_an_adopted_word_whose_tick_is_over_is_answered_at_the_next():
    heir, late = a_zombies_word()
    heir.pass_to(20_000, look=False)
    heir.judge.rulings.adopt(late)
    (answer,) = heir.pass_to(30_000, look=False)
    assert action(answer) == ("clear", True, 30_000)
    assert greatest_of(late, answer) == answer


def test_adopting_moves_nothing_that_is_settled():
    heir, late = a_zombies_word()
    other, _ = a_zombies_word()
    heir.judge.rulings.adopt(late)
    heir.judge.rulings.adopt(late)
    for court in (heir, other):
        court.hear(2, bad=200, look=False)
        court.pass_to(60_000, look=False)
    settled = [[one for one in court.said if not all(r.provisional for r in one.rulings)] for court in (heir, other)]
    parts = [[(one.settled_ms, [r for r in one.rulings if not r.provisional]) for one in said] for said in settled]
    assert parts[0] == parts[1] and parts[0]
