"""Author sketches of hidden tags travel between shards while judges die, repeat themselves and haunt: nothing differs.

What a shard has heard, and from which tick on, is read off its whole log; the reference judges by that. And every
sketch that the reference makes has reached every shard, as it made it.
"""

from __future__ import annotations

import os
import random
from typing import Any
from unittest.mock import patch

import pytest

from streams.counting.keys import Tags
from streams.judging.shard_judge import ShardJudge
from streams.judging.side_inputs.author_sketches import ShardSketches
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import Decision, decode_record
from streams.log.partials import decode_partial, encode_partial
from streams.policy import Policy, parse_policy
from tests.simulation.test_restarts import CATEGORY, HEAD, VALVES, assert_noticed, problems, told
from tests.support.simulated import World
from tests.support.simulated_judge import Judge
from tests.support.simulated_sizes import LONG, SHARDS, small_units

pytestmark = pytest.mark.simulation

FIRST, SEEDS = int(os.environ.get("FIRST", "0")), int(os.environ.get("SEEDS", "20"))


def asking(rng: random.Random) -> list[Policy]:
    """A policy that asks for successors, sometimes one after it that does not, or that asks for more or less."""
    made = []
    for serial in range(1, 2 + (rng.random() < 0.4)):
        windows = rng.choice([["30s"], ["20s", "40s"], ["40s", "2m", "17m"]])
        text = HEAD.format(serial=serial, windows=", ".join(windows))
        for name in rng.choice([["hateful_conduct"], ["hateful_conduct", "abuse"]]):
            text += CATEGORY.format(
                name=name,
                mode=rng.choice(["suppress", "suppress", "hold_for_review"]),
                windows=", ".join(rng.choice([windows, windows[:1]])),
                confidence=rng.choice(["0.6", "0.8"]),
                dwell=rng.choice(["10s", "20s"]),
                expiry=rng.choice(["20s", "60s"]),
                signals=rng.choice(["authors: 16, successor: 0.1", "copies: 0.8, successor: 0.05", "authors: 12"])
                if serial > 1
                else rng.choice(["authors: 16, successor: 0.1", "copies: 0.8, successor: 0.05"]),
            )
        made.append(parse_policy(text + rng.choice(VALVES), "simulated.yaml"))
    return made


def lived(seed: int, **options: Any) -> World:
    """A long one: a campaign is hidden, moves on and is forgotten."""
    return World(seed, asking(random.Random(f"successors {seed}")), span=LONG, **options).run()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_what_settles_equals_the_reference_that_heard_the_same(seed):
    with small_units():
        found = problems(lived(seed))
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 5))
def test_it_does_whether_or_not_judges_look_early(seed):
    with small_units():
        found = problems(lived(seed, timely="some"))
    assert not found, told(seed, found)


def test_the_histories_have_what_they_are_for():
    """Campaigns that move on and corroborate, repeats, tags that are let go, sketches that come late."""
    seen = dict.fromkeys(("corroborated", "repeated", "let go", "late"), 0)
    with small_units():
        for seed in range(12):
            world = lived(seed)
            for shard in range(SHARDS):
                log = [decode_partial(value) for value in world.logs["partials", shard]]
                sketches = [one for one in log if isinstance(one, AuthorSketch)]
                seen["repeated"] += len(sketches) - len(set(sketches))
                seen["let go"] += sum(not one.until_ms for one in set(sketches))
                heard = ShardSketches(Tags())
                passed_ms = -1
                for one in log:
                    if isinstance(one, AuthorSketch):
                        heard.hear(one, passed_ms)
                    passed_ms = max(passed_ms, getattr(one, "watermark_ms", -1))
                seen["late"] += heard.late
                for record in map(decode_record, world.logs["decisions", shard]):
                    if isinstance(record, Decision):
                        reasons = {why.signal for one in record.rulings for why in one.reasons}
                        seen["corroborated"] += reasons == {"harmful_share_lower", "successor"}
    assert all(seen.values()), seen


def recovering_no_sketches() -> Any:
    return patch.object(ShardSketches, "recover", lambda *_: None)


def decisions_first() -> Any:
    """The sketches are sent with the decisions, and acknowledged before the progress only."""

    def tell(judge: Judge, sketches: list[AuthorSketch]) -> Any:
        for one in sketches:
            for shard in range(SHARDS):
                judge.outbox.put(("partials", shard), encode_partial(one))
        return iter(())

    return patch.object(Judge, "tell", tell)


def from_its_offset() -> Any:
    """A sketch counts as soon as it is read, whatever has been told of watermarks."""
    real = ShardSketches.hear
    return patch.object(ShardSketches, "hear", lambda sketches, sketch, _: real(sketches, sketch, -1))


def not_kept() -> Any:
    real = ShardJudge.settle

    def settle(judge: ShardJudge, *job: Any) -> Any:
        settled = real(judge, *job)
        settled.heard = []
        return settled

    return patch.object(ShardJudge, "settle", settle)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(recovering_no_sketches, id="recover what was heard"),
        pytest.param(not_kept, id="keep it beside the panes"),
        pytest.param(decisions_first, id="sketches before decisions"),
        pytest.param(from_its_offset, id="late sketches touch no passed tick"),
    ],
)
def test_each_rule_is_needed(rule):
    assert_noticed(rule, lived, 12)
