"""A policy in the shadow: its report while following equals that of a batch, and the live side follows its history."""

from __future__ import annotations

import json
import random

import pytest
from msgspec.structs import replace as changed_record

from streams.backtest import Impact
from streams.backtest.shadow import counts, differing_now, over_time, report_of
from streams.backtest.spells import Spell
from streams.backtest.text import now_in_words
from streams.log.decisions import Decision, ScopeDecision
from streams.log.evidence import EvidenceRecord, decode_evidence_record, encode_evidence_record
from streams.log.lines import read_lines
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.replay import Replay
from streams.scoring import TextScorer
from tests.support.backtest_cases import (
    BASE,
    LIVE,
    NEW,
    SMALL,
    TICK,
    ChangeLog,
    EvidenceWorld,
    change_row,
    changed_policy,
    grounds_by_start,
    policy_of,
    steady,
)
from tests.support.word_policy import WordScorer, make_policy, random_log

SOFTER = policy_of(BASE.replace("country: IN, suppress_at: 0.5", "country: IN, suppress_at: 0.6"))


def followed(records: list[EvidenceRecord], kept: int, new: Policy = NEW) -> Impact:
    """Judge the first `kept` records as a batch and follow the others."""
    impact = Impact(LIVE, new, history={LIVE.revision: LIVE})
    for record in records[:kept]:
        impact.add(record)
    impact.follow()
    for record in records[kept:]:
        impact.add(record)
    return impact


@pytest.mark.simulation
@pytest.mark.parametrize("kept", [0, 1, 40, 101, 140])
def test_following_reports_same_changes_as_batch(kept):
    records = EvidenceWorld(11).records(110)
    batch = Impact(LIVE, NEW)
    for record in records:
        batch.add(record)
    impact = followed(records, kept)
    assert impact.to_ms == records[-1].tick_ms - TICK, "a tick is complete when the next one begins"
    assert impact.finish() == batch.finish()
    assert impact.finish().changes


def test_report_does_not_change_impact():
    records = EvidenceWorld(12).records(90)
    quiet, asked = followed(records, 30), Impact(LIVE, NEW, history={LIVE.revision: LIVE})
    asked.follow()
    for record in records:
        asked.add(record)
        report_of(asked)
    assert asked.finish() == quiet.finish()


def test_level_once_all_shards_reach_same_tick():
    impact = Impact(LIVE, NEW)
    impact.follow()
    records = steady(LIVE, {"a": 0.9})
    seen = []
    for tick in range(4):
        for shard in (0, 1):
            impact.add(changed_record(records[tick], shard=shard))
            seen.append((impact.to_ms, impact.level))
    assert seen == [
        (0, False), (0, False), (10_000, False), (10_000, True), (20_000, False), (20_000, True),
        (30_000, False), (30_000, True),
    ]  # fmt: skip


def test_forget_drops_only_ended_spells():
    records = EvidenceWorld(13).records(200)
    whole, short = followed(records, 0), followed(records[:250], 0)
    short.forget(short.to_ms - 20 * TICK)
    for record in records[250:]:
        short.add(record)
    assert [(one.hashtag, one.category, one.country) for one in differing_now(short)] == [
        (one.hashtag, one.category, one.country) for one in differing_now(whole)
    ]
    assert differing_now(whole)
    later = short.from_ms
    assert later > whole.from_ms
    spells = [
        [spell for of_scope in one.until(short.to_ms).values() for spell in of_scope if spell.from_ms > later]
        for impact in (short, whole) for one in impact.recorders
    ]  # fmt: skip
    assert [len(one) for one in spells[:2]] == [len(one) for one in spells[2:]] and all(spells)


def test_forget_releases_numbers_of_unused_hashtags():
    world = EvidenceWorld(14)
    impact = Impact(LIVE, NEW)
    impact.follow()
    for at, record in enumerate(world.records(60)):
        names = [f"{name}-{at // 10}" for name in record.hashtags]
        impact.add(changed_record(record, hashtags=names))
    before = len(impact.tags)
    impact.forget(impact.to_ms + 1)
    assert 0 < len(impact.tags) < before
    assert len(impact.tags) <= 24 + len({key >> 10 for one in impact.recorders for key in one.all_keys()})


def test_report_lists_current_differences():
    records = steady(LIVE, {"tag1": 0.9, "a": 0.66, "b": 0.9, "c": 0.1})
    impact = followed(records, 60, SOFTER)
    (only,) = differing_now(impact)
    assert (only.hashtag, only.kind, only.new, only.surfaces) == ("a", "cleared", None, ("search", "trends"))
    assert counts([only]) == {("hateful_conduct", "live"): 1}
    report = report_of(impact)
    assert report.hiding and report.now == [only]
    assert report.over_time[-1].at_ms == impact.to_ms
    assert (report.over_time[-1].both, report.over_time[-1].live, report.over_time[-1].new) == (1, 1, 0)

    hold = policy_of(BASE.replace("mode: suppress", "mode: hold_for_review"))
    assert {one.kind for one in differing_now(followed(records[:5], 0, hold))} == {"action"}
    shadow = policy_of(BASE.replace("mode: suppress", "mode: shadow"))
    other = Impact(shadow, shadow)
    for record in records:
        other.add(record)
    other.finish()
    assert not report_of(other).hiding and report_of(other).over_time[-1].both == 2 and not report_of(other).now


def test_difference_now_names_actions_of_both_policies():
    """The new policy asks for more established authors than there are, so all authors count."""
    records = steady(LIVE, {"a": 0.6}, country="BR", attacked=True)
    more = policy_of(BASE.replace("min_established: 8", "min_established: 21"))
    impact = followed(records, 10, more)
    (only,) = differing_now(impact)
    assert (only.kind, only.effect, only.live.action, only.new.action) == ("newly", "hidden", "discount", "suppress")
    assert now_in_words(only) == "ranked by established authors live, suppressed in the shadow"
    assert counts([only]) == {("hateful_conduct", "action"): 1}
    points = report_of(impact).over_time
    assert (points[-1].both, points[-1].live, points[-1].new) == (0, 0, 1), "a discount does not hide"


def test_change_of_live_mode_begins_new_spell_with_evidence():
    """Tag a is over, b is between: its upper bound is still above `clear_at`."""
    base = BASE.replace("clear_after: 30s", "clear_after: 10m")
    shadow, live = policy_of(base.replace("mode: suppress", "mode: shadow")), policy_of(base)
    harmful, calmer = {"a": 0.9, "b": 0.9}, {"a": 0.9, "b": 0.5}
    records = [*steady(shadow, harmful)[:10], *steady(shadow, calmer)[10:19], *steady(live, calmer)[19:]]
    impact = Impact(shadow, SOFTER, history={shadow.revision: shadow, live.revision: live})
    impact.follow()
    for record in records:
        impact.add(record)
        report_of(impact)
    impact.finish()
    found = {
        (impact.tags.name(key), spell.action): (spell.from_ms, round(spell.decision.evidence.share, 3))
        for (key, scope), spells in impact.recorders[0].until(impact.to_ms).items() if scope[1] == "trends"
        for spell in spells if spell.decision.evidence is not None
    }  # fmt: skip
    assert found == {
        ("a", "shadow"): (10_000, 0.9), ("a", "suppress"): (200_000, 0.9),
        ("b", "shadow"): (10_000, 0.9), ("b", "suppress"): (200_000, 0.5),
    }  # fmt: skip
    assert {(one.hashtag, one.kind) for one in impact.report().changes} == {("a", "earlier"), ("b", "earlier")}


def test_uncovered_scopes_are_named_and_left_out():
    window = policy_of(BASE.replace("[2m, 20m]", "[2m, 5m, 20m]"))
    impact = followed(steady(LIVE, {"b": 0.9}), 10, window)
    report = report_of(impact)
    assert report.now == [] and report.over_time[-1].both == report.over_time[-1].live == 0
    assert {one.reasons for one in report.verdict.needs_replay} == {("window 5m was not counted",)}


def test_over_time_equals_naive_count():
    dice = random.Random(3)
    decision = ScopeDecision(category="abuse", surface="trends", action="suppress", since_ms=0, expires_at_ms=1)

    def spells(n: int):
        found: dict[tuple[int, tuple[str, str]], list[Spell]] = {}
        for _ in range(n):
            begin = dice.randrange(0, 4_000) * TICK
            at = dice.randrange(6), ("abuse", dice.choice(["trends", "search"]))
            found.setdefault(at, []).append(Spell(begin, begin + dice.randrange(1, 300) * TICK, decision))
        return found

    live, new = spells(40), spells(40)
    points = over_time(live, new, 10 * TICK, 4_000 * TICK, hiding=True)
    assert len(points) <= 240 and points[-1].at_ms == 4_000 * TICK and points[0].at_ms >= 10 * TICK
    for point in points:
        on = [
            {key for (key, _), those in side.items() for one in those if one.from_ms <= point.at_ms < one.to_ms}
            for side in (live, new)
        ]
        assert (point.both, point.live, point.new) == (len(on[0] & on[1]), len(on[0] - on[1]), len(on[1] - on[0]))
    assert any(point.both for point in points) and any(point.new for point in points)


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(8))
def test_live_side_follows_policy_changes_of_judges(seed):
    """Every key changes, and in some runs a surface goes: the live side equals the settled decisions."""
    lines = random_log(seed, n=1_500)
    first = make_policy(SMALL.replace("mode: suppress", f"mode: {'shadow' if seed % 2 else 'suppress'}"))
    second = make_policy(changed_policy(seed).replace("serial: 1", "serial: 2"))
    if seed % 3 == 0:
        second = make_policy(second_without(changed_policy(seed)))
    new = make_policy(changed_policy(seed + 20))
    kept: list[EvidenceRecord] = []
    replay = Replay(range(3), first, TextScorer(WordScorer()), shards=3, keep_evidence=kept.append)
    ticks = sorted(line["log_time_ms"] for line in lines)
    switch_ms = ticks[len(ticks) // 2] // TICK * TICK
    for judge in replay.judges:
        judge.apply(0, Activation(second.revision, 1, switch_ms, second.canonical, "0" * 12))
    decisions = [
        one for one in replay.run(read_lines(json.dumps(line).encode() for line in lines)) if isinstance(one, Decision)
    ]
    impact = Impact(first, new, history={first.revision: first, second.revision: second})
    impact.recorders[0] = log = ChangeLog(impact.tags)
    records = [decode_evidence_record(encode_evidence_record(record)) for record in kept]
    for record in records[: len(records) // 3]:
        impact.add(record)
    impact.follow()
    for record in records[len(records) // 3 :]:
        impact.add(record)
    impact.finish()
    assert impact.live == second
    assert sorted(log.rows) == sorted(
        change_row(one.tick_ms, one.hashtag, one.country, one.rulings) for one in decisions
    )
    assert any(one.policy_revision == second.revision for one in decisions)
    assert log.grounds == grounds_by_start(decisions)
    assert report_of(impact).verdict.to_ms == impact.to_ms


def second_without(text: str) -> str:
    """Limit a policy to one surface."""
    return text.replace("serial: 1", "serial: 2\nsurfaces: [trends]")
