"""A protest and the accounts that attack it, through the judge of a shard: the tag is discounted and never hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from unittest.mock import patch

import pytest

from streams.constants import PANE_MS
from streams.log.decisions import WORLD, Decision
from streams.policy import Policy
from streams.scoring import silent
from tests.support.judge_harness import SCOPE, SCORER, JudgeHarness, early_scores
from tests.support.word_policy import POLICY, make_policy


def policy(windows: str = "30s", *, dwell: str = "20s", more: str = "", **keys: str) -> Policy:
    """Return a policy that suppresses by any single signal."""
    asked = "".join(f"    {name}: {value}\n" for name, value in keys.items())
    text = POLICY.replace("mode: shadow", f"mode: suppress\n{asked}    corroborate: {{need: 1, authors: 1}}")
    text = text.replace("[2m]", f"[{windows}]").replace("dwell: 20s", f"dwell: {dwell}")
    return make_policy(text.replace("expiry: 1m", "expiry: 10m") + more)


@dataclass
class Attack:
    """Numbers of people and of bots that write under one tag, by pane."""

    people: Callable[[int], int]
    bots: Callable[[int], int]
    harness: JudgeHarness = field(default_factory=lambda: JudgeHarness(policy()))

    def write(self, pane: int, *, early: bool = False) -> None:
        """Write the tweets of a pane, and settle it. Every pane has other people and other bots."""
        first = 1_000 * (pane + 1)
        self.harness.tweet(pane, "a", range(first, first + self.people(pane)), text="good")
        self.harness.tweet(pane, "a", range(500 + first, 500 + first + self.bots(pane)), copied=True, age_days=5)
        if early and (firing := self.harness.judge.next_early()) is not None:
            self.harness.decisions += self.harness.judge.decide_early(firing, early_scores(firing))
        self.harness.advance((pane + 1) * PANE_MS, early=False)

    def run(self, panes: range, *, early: bool = False) -> Attack:
        for pane in panes:
            self.write(pane, early=early)
        return self

    @property
    def decisions(self) -> list[tuple[int, str, float | None]]:
        """Ticks, actions and weights."""
        return [(one.tick_ms, *acted(one)) for one in self.harness.decisions if one.country == WORLD]

    @property
    def actions(self) -> set[str]:
        return {action for _, action, _ in self.decisions}


def acted(decision: Decision) -> tuple[str, float | None]:
    (ruling,) = decision.rulings
    return ruling.action, ruling.weight


def never(pane: int) -> int:
    return 0


def always(number: int) -> Callable[[int], int]:
    return lambda pane: number


def between(first: int, last: int, number: int) -> Callable[[int], int]:
    return lambda pane: number if first <= pane < last else 0


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("bots", [2, 6, 10, 15, 50])
def test_attacked_protest_is_discounted_and_never_hidden(bots, early):
    """Twelve people write in each pane; bots write from the second pane on."""
    attack = Attack(always(12), lambda pane: bots if pane else 0).run(range(20), early=early)
    assert attack.actions <= {"discount"}
    if bots >= 6:
        _, action, weight = attack.decisions[-1]
        assert action == "discount" and weight == pytest.approx(12 / (12 + bots), abs=0.1)


def test_bots_alone_are_hidden():
    attack = Attack(never, always(20)).run(range(12))
    assert attack.actions == {"suppress"}
    (ruling,) = attack.harness.decisions[0].rulings
    assert (ruling.since_ms, ruling.without, ruling.weight) == (PANE_MS, True, None)
    assert ruling.evidence is not None and (ruling.evidence.established, ruling.evidence.authors) == (0, 20)


def test_harmful_people_are_hidden_with_their_own_verdict():
    harness = JudgeHarness(policy())
    harness.tweet(0, "a", range(20))
    (decision,) = harness.advance(PANE_MS, early=False)
    (ruling,) = decision.rulings
    assert (ruling.action, ruling.without) == ("suppress", False)
    assert [one.signal for one in ruling.reasons] == ["established_share_lower", "authors"]


def test_hidden_tag_is_discounted_once_enough_established_write():
    """Four people write in each pane from 30 s on: the window of 30 s has twelve of them at 60 s."""
    attack = Attack(lambda pane: 4 if pane >= 3 else 0, always(20)).run(range(12))
    begun = [(tick_ms, action) for tick_ms, action, _ in attack.decisions]
    assert begun[0] == (10_000, "suppress")
    assert next(tick_ms for tick_ms, action in begun if action == "discount") == 60_000
    assert "suppress" not in [action for tick_ms, action in begun if tick_ms >= 60_000]


def test_hidden_tag_is_shown_once_established_oppose():
    """The attack is over before the people come: the tag is shown without `clear_after`."""
    attack = Attack(lambda pane: 30 if pane >= 3 else 0, between(0, 2, 9)).run(range(8))
    assert [(tick_ms, action) for tick_ms, action, _ in attack.decisions][:2] == [
        (10_000, "suppress"), (40_000, "clear")
    ]  # fmt: skip
    assert attack.actions == {"suppress", "clear"}


def test_discount_ends_when_the_attack_is_over():
    attack = Attack(always(12), between(1, 6, 20)).run(range(20))
    (ended,) = [tick_ms for tick_ms, action, _ in attack.decisions if action == "clear"]
    assert ended == 90_000, "the last bots leave the window, which is under then"


@pytest.mark.parametrize(
    "cut", [pytest.param(cut, marks=[] if cut in (1, 3, 5, 7, 11) else [pytest.mark.long]) for cut in range(1, 12)]
)
def test_next_owner_decides_the_same_of_an_attack(cut):
    """Bots come first, then people, then bots alone: hidden, then discounted to nothing."""
    people, bots = between(3, 7, 12), always(15)
    whole = Attack(people, bots).run(range(14))
    assert whole.actions == {"suppress", "discount"}
    assert whole.decisions[-1][1:] == ("discount", 0.0)
    before = Attack(people, bots).run(range(cut))
    after = Attack(people, bots, before.harness.successor(policy=policy())).run(range(cut, 14))
    judges = [one.harness.judge for one in (whole, after)]
    states = [judge.state.decisions.states[judge.state.tags.key("a", WORLD)].settled[SCOPE] for judge in judges]
    assert before.decisions + after.decisions == whole.decisions
    kept = [(one.action, one.since_ms, one.below_since_ms, one.without, one.weight) for one in states]
    assert kept[0] == kept[1]


# ---- early ----


def test_early_discount_is_confirmed_by_its_tick():
    """Four in ten authors write harm, so the share of all of them is below the threshold."""
    attack = Attack(between(1, 2, 30), between(1, 2, 20)).run(range(2), early=True)
    early, settled = attack.harness.decisions
    assert (early.provisional, *acted(early)) == (True, "discount", 0.6)
    assert (settled.provisional, *acted(settled)) == (False, "discount", 0.6)
    (ruling,) = early.rulings
    assert ruling.evidence is not None and ruling.evidence.share < 0.45
    assert attack.harness.settled[-1].changes.confirmed == 1


def test_early_discount_does_not_count_as_suppression():
    harness = JudgeHarness(policy(more="valves: {new_suppressions_per_hour: 1}\n"))
    attack = Attack(between(1, 2, 30), between(1, 2, 20), harness).run(range(2), early=True)
    assert harness.decisions[-2].provisional
    harness.tweet(2, "campaign", range(20), copied=True)
    firing = harness.judge.next_early()
    assert firing is not None
    (early,) = harness.judge.decide_early(firing, early_scores(firing))
    assert attack.actions == {"discount"} and acted(early)[0] == "suppress"


# ---- innocent past ----


def test_large_harmless_past_is_left_to_people():
    """Twenty bots take over a tag that two hundred people used before."""
    harness = JudgeHarness(policy("30s, 10m"))
    attack = Attack(between(0, 8, 25), between(12, 16, 5), harness).run(range(16), early=True)
    assert attack.actions == {"review", "discount"}, "enough of the people are still in the window at first"
    (ruling,) = harness.decisions[0].rulings
    assert (ruling.valve, ruling.reasons[-1].signal) == ("innocent_past", "innocent_past")
    assert ruling.reasons[-1].value >= 150 and ruling.reasons[-1].threshold == 100
    small = Attack(between(0, 8, 25), between(12, 16, 5), JudgeHarness(policy("30s, 10m", innocent_past="1000")))
    assert "suppress" in small.run(range(16)).actions


# ---- ticks at which nothing is known ----


def test_missing_model_neither_begins_nor_ends_the_time():
    """Harmless authors come at 20 s; the model is missing from 30 s to 60 s, and `clear_after` is 30 s."""
    harness = JudgeHarness(policy(clear_after="30s", dwell="10m"))
    harness.tweet(0, "a", range(20), copied=True)
    key = harness.judge.state.tags.key("a", "*")
    since_ms = []
    for pane in range(7):
        if pane:
            harness.tweet(pane, "a", range(1_000 * pane, 1_000 * pane + 60), text="good", age_days=5)
        score = partial(silent, columns=2) if 2 <= pane < 6 else SCORER
        with patch.object(harness, "settle", partial(harness.settle, score)):
            harness.advance((pane + 1) * PANE_MS, early=False)
        since_ms.append(harness.judge.state.decisions.states[key].settled[SCOPE].below_since_ms)
    assert since_ms == [0, 20_000, 20_000, 20_000, 20_000, 20_000, 0]
    assert [one.tick_ms for one in harness.decisions] == [10_000, 20_000, 70_000]
    assert acted(harness.decisions[-1])[0] == "clear"
