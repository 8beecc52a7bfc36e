"""Impact on invented evidence: the chunked backtest against a naive one, and the reported differences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as changed

from models.share import Scale
from streams.backtest import Impact
from streams.backtest import history as past_module
from streams.backtest.coverage import needs_replay
from streams.backtest.history import EvidenceHistory
from streams.backtest.page import render
from streams.backtest.text import side_in_words, summary
from streams.counting.keys import Tags, country_of
from streams.errors import CallerMistake
from streams.judging.curated import CuratedTags
from streams.judging.evidence_codec import conditions_of, table_of
from streams.judging.hysteresis import decide
from streams.judging.levels import CONTESTED, OVER_WITHOUT
from streams.judging.rule_evaluation import RuleEvaluation
from streams.log.decisions import UNCORROBORATED, ScopeDecision
from streams.log.evidence import EvidenceRecord, GroupColumns
from streams.policy import Policy
from tests.support.backtest_cases import (
    ABUSE,
    BASE,
    CATEGORIES,
    LIVE,
    NEW,
    TICK,
    ChangeLog,
    ChangeRow,
    EvidenceWorld,
    change_row,
    policy_of,
    steady,
)
from tests.support.evidence import sorted_by_key

NO_AUTHORS = GroupColumns(b"", b"", b"")
FEWER_KEPT = policy_of(
    BASE.replace("mode: suppress", "mode: hold_for_review")
    .replace("min_authors: 10", "min_authors: 25")
    .replace("min_authors: 15", "min_authors: 26")
    .replace("min_tweets: 20", "min_tweets: 30")
    .replace("serial: 1", "serial: 1\nevidence_floor: 25")
)


def naive_rows(policy: Policy, records: list[EvidenceRecord]) -> list[ChangeRow]:
    """Decide every key of every tick, one by one."""
    tags, tables, rows = Tags(), {}, []
    seen: set[int] = set()
    states: dict[int, dict[tuple[str, str], ScopeDecision]] = {}
    columns = {category: 1 + at for at, category in enumerate(CATEGORIES)}
    by_tick: dict[int, list[EvidenceRecord]] = {}
    for record in records:
        by_tick.setdefault(record.tick_ms, []).append(record)
    for tick_ms, of_tick in sorted(by_tick.items()):
        for window_ms in {record.window_ms for record in of_tick}:
            parts = [record for record in of_tick if record.window_ms == window_ms]
            tables[window_ms] = sorted_by_key(table_of(parts, tags))
        evaluation = RuleEvaluation(policy, columns, tables, CuratedTags(policy, tags))
        seen |= {key for table in tables.values() for key in table.keys.tolist()}
        for key in sorted(seen):
            mine = states.setdefault(key, {})
            publish = False
            for scope in evaluation.scopes:
                rule, before = evaluation.rule(key, scope), mine.get(scope)
                gone = all(
                    tables[one].find(key) is None
                    or tables[one].tweets[tables[one].find(key)] < policy.evidence_floor
                    for one in rule.windows_ms
                )  # fmt: skip
                result = evaluation.result(key, scope)
                asked = before is not None and before.valve == UNCORROBORATED
                free = asked and (before.action == "clear" or result.level >= OVER_WITHOUT)
                if before is not None and before.valve and not free and rule.hides and result.level != CONTESTED:
                    rule = replace(rule, mode="review")
                after = decide(
                    result, before, rule, tick_ms, scope=scope,
                    protected=policy.is_never_suppressed(tags.name(key)), max_automated_ms=policy.max_automated_ms,
                    paused=of_tick[0].paused, gone=gone,
                )  # fmt: skip
                if after is before:
                    continue
                if after is None:
                    publish |= before is not None and (before.action != "clear" or before.lapsed)
                    del mine[scope]
                else:
                    publish, mine[scope] = True, after
            if publish:
                rows.append(change_row(tick_ms, tags.name(key), country_of(key), mine.values()))
    return rows


def backtested(live: Policy, new: Policy, records: Iterable[EvidenceRecord]):
    impact = Impact(live, new)
    logs = impact.recorders = [ChangeLog(impact.tags), ChangeLog(impact.tags)]
    for record in records:
        impact.add(record)
    return impact.finish(), logs[0].rows, logs[1].rows


@pytest.mark.simulation
@pytest.mark.parametrize(("seed", "chunk_rows"), [(1, 50_000), (2, 500), (4, 90)])
def test_chunked_backtest_equals_naive_backtest(seed, chunk_rows, monkeypatch):
    monkeypatch.setattr(past_module, "CHUNK_ROWS", chunk_rows)
    records = EvidenceWorld(seed).records(120)
    _, live, new = backtested(LIVE, NEW, records)
    assert sorted(live) == sorted(naive_rows(LIVE, records))
    assert sorted(new) == sorted(naive_rows(NEW, records))
    assert len(live) > 50 and len(new) > 50
    states = [one for *_, rulings in (*live, *new) for one in rulings]
    assert any(one.lapsed for one in states) and any(one.without for one in states)
    assert len({one.weight for one in states if one.action == "discount"}) > 5
    assert any(one.valve == "innocent_past" for one in states) and any(one.below_since_ms for one in states)
    _, _, fewer = backtested(LIVE, FEWER_KEPT, records)
    assert sorted(fewer) == sorted(naive_rows(FEWER_KEPT, records))


def test_repeated_and_replayed_records_change_nothing():
    records = EvidenceWorld(5).records(80)
    report, *_ = backtested(LIVE, NEW, records)
    again = [*records[:40], *records[30:60], *records[20:60], *records[59:], *records[-3:]]
    assert backtested(LIVE, NEW, again)[0] == report
    assert report.tag_panes == sum(record.rows for record in records if record.window_ms == 120_000)
    assert (report.from_ms, report.to_ms, report.shards) == (10_000, 800_000, 1)


def test_shards_are_independent():
    one, other = EvidenceWorld(6).records(60, shard=0), EvidenceWorld(7).records(60, shard=1)
    renamed = [changed(record, hashtags=[f"other{name}" for name in record.hashtags]) for record in other]
    mixed = sorted([*one, *renamed], key=lambda record: (record.tick_ms, record.shard))
    _, _, new = backtested(LIVE, NEW, mixed)
    assert sorted(new) == sorted(naive_rows(NEW, one) + naive_rows(NEW, renamed))


def test_missing_ticks_count_as_ticks_without_tags():
    """A shard without tags writes no records; under another policy an action may still expire there."""
    records = EvidenceWorld(8).records(40)
    last_ms = records[-1].tick_ms
    columns = {"tweets": b"", "everyone": NO_AUTHORS, "established": NO_AUTHORS, "past_rows": b"", "past": None}
    empty = changed(records[-1], tick_ms=last_ms + 20 * TICK, hashtags=[], countries=[], signals={}, **columns)
    _, _, new = backtested(LIVE, NEW, [*records, empty])
    after = [rulings for tick_ms, *_, rulings in new if tick_ms > last_ms]
    assert any(one.action == "clear" for rulings in after for one in rulings), "actions in force expire"
    expiries = {one.expires_at_ms for *_, rulings in new for one in rulings if one.expires_at_ms > last_ms}
    assert {tick_ms for tick_ms, *_ in new if last_ms < tick_ms <= last_ms + 10 * TICK} <= expiries


# ---- differences ----


def test_history_starts_new_chunk_when_scale_changes():
    """A new model goes live whose means have another scale."""
    scale = Scale(np.tile([0.3, 0.5, 0.01, 0.01], (2, 3, 1)), np.zeros((2, 3, 3)))
    found, past = [], EvidenceHistory(Tags())
    before = steady(LIVE, {"a": 0.4}, minutes=1)
    groups = np.full((1, 2), 25, np.uint8).tobytes()
    conditions = changed(before[0].conditions, scale=scale.to_bytes())
    after = [
        changed(
            one,
            tick_ms=one.tick_ms + 60_000,
            everyone=changed(one.everyone, groups=groups),
            established=changed(one.established, groups=groups),
            conditions=conditions,
        )
        for one in before
    ]
    for record in [*before, *after, *(changed(one, tick_ms=one.tick_ms + 120_000) for one in before)]:
        found.append(past.add(record))
    tables = [chunk.blocks[0].table for chunk in [*found, past.finish()] if chunk is not None]
    assert [len(table.keys) for table in tables] == [6, 6, 6]
    assert [float(table.everyone.estimates()[0, 1]) for table in tables] == pytest.approx([0.4, 0.5, 0.4])


def test_report_names_cleared_and_newly_hit_tags():
    new = policy_of(BASE.replace("country: IN, suppress_at: 0.5", "country: IN, suppress_at: 0.6"))
    report, *_ = backtested(LIVE, new, steady(LIVE, {"a": 0.66, "b": 0.9, "c": 0.1}))
    (gone,) = report.changes
    assert (gone.kind, gone.hashtag, gone.country, gone.surfaces) == ("cleared", "a", "IN", ("search", "trends"))
    assert gone.effect == "hidden" and gone.new is None and gone.live is not None
    assert (gone.live.action, gone.live.authors, gone.live.tweets) == ("suppress", 50, 60)
    assert gone.live.margin == pytest.approx(gone.live.lower - 0.5) and gone.live.margin > 0
    back, *_ = backtested(new, LIVE, steady(LIVE, {"a": 0.66, "b": 0.9, "c": 0.1}))
    (hit,) = back.changes
    assert (hit.kind, hit.new) == ("newly", gone.live)
    (total,) = report.totals
    minutes = 2 * (300 - 10) / 60  # two surfaces, from the first tick to the last
    assert (total.category, total.country, total.changes) == ("hateful_conduct", "IN", {"cleared": 1})
    assert (total.live["hidden"].hashtags, total.new["hidden"].hashtags) == (2, 1)
    assert total.live["hidden"].minutes == pytest.approx(2 * minutes)
    assert total.new["hidden"].minutes == pytest.approx(minutes)


def test_change_of_mode_is_reported():
    shadow = policy_of(BASE.replace("mode: suppress", "mode: shadow"))
    review = policy_of(BASE.replace("mode: suppress", "mode: review"))
    records = steady(LIVE, {"b": 0.9})
    assert [(one.kind, one.effect) for one in backtested(shadow, LIVE, records)[0].changes] == [("newly", "hidden")]
    assert [(one.kind, one.effect) for one in backtested(LIVE, review, records)[0].changes] == [("cleared", "hidden")]
    assert [(one.kind, one.effect) for one in backtested(shadow, review, records)[0].changes] == [("action", "flagged")]
    assert backtested(LIVE, LIVE, records)[0].changes == []


def test_discounts_are_counted_apart_from_hidden_tags():
    """The new policy asks for more established authors than there are, so all authors count."""
    more = policy_of(BASE.replace("min_established: 8", "min_established: 21"))
    records = steady(LIVE, {"a": 0.6, "b": 0.1}, country="BR", attacked=True)
    report, *_ = backtested(LIVE, more, records)
    hit, gone = report.changes
    assert (hit.kind, hit.effect, hit.live, hit.new.action) == ("newly", "hidden", None, "suppress")
    assert (gone.kind, gone.effect, gone.live.action, gone.live.weight) == ("cleared", "discounted", "discount", 0.4)
    assert hit.new.margin < gone.live.margin, "all authors write less harm than the others"
    (total,) = report.totals
    assert [total.live[effect].hashtags for effect in ("hidden", "discounted", "flagged")] == [0, 1, 1]
    assert [total.new[effect].hashtags for effect in ("hidden", "discounted", "flagged")] == [1, 0, 1]
    assert total.new["hidden"].minutes == total.live["discounted"].minutes == 2 * 290 / 60
    assert summary(report) == "1 newly suppressed; 1 no longer discounted."
    assert side_in_words(gone.live).startswith("ranked by established authors (weight 0.4) 01-01 00:00:10, 4.8 min")
    page = render(report)
    assert "Discounted, live" in page and "1 for 9.7 min" in page
    shadow = policy_of(BASE.replace("mode: suppress", "mode: shadow"))
    seen = [(one.kind, one.effect) for one in backtested(shadow, LIVE, records)[0].changes]
    assert seen == [("newly", "discounted")]


def test_tags_that_lose_protection_come_first():
    unprotected = policy_of(BASE.replace("[tag1]", "[tag2]").replace("suppress_at: 0.5", "suppress_at: 0.6"))
    records = steady(LIVE, {"tag1": 0.9, "tag2": 0.9, "a": 0.66})
    report, *_ = backtested(LIVE, unprotected, records)
    assert [(one.hashtag, one.kind, one.was_protected) for one in report.changes] == [
        ("tag1", "newly", True), ("a", "cleared", False), ("tag2", "cleared", False)
    ]  # fmt: skip
    assert [one.hashtag for one in report.protected] == ["tag2"], "the list is all that protects it"


def test_histogram_counts_tag_panes_over_floors():
    new = policy_of(BASE.replace("suppress_at: 0.4", "suppress_at: 0.42"))
    report, *_ = backtested(LIVE, new, steady(LIVE, {"a": 0.5, "b": 0.9}))
    (histogram,) = report.histograms
    assert histogram.tag_panes == 60 and sum(histogram.upper) == 60
    assert sorted(histogram.lower)[-2:] == [30, 30]
    assert histogram.live is not None
    assert (histogram.live.suppress_at, histogram.new.suppress_at, histogram.new.clear_at) == (0.4, 0.42, 0.3)


# ---- coverage ----

KEPT = conditions_of(LIVE, shards=2, categories=CATEGORIES, model_revision="0" * 12)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("windows: [2m, 20m]", "windows: [2m, 5m, 20m]", "window 5m was not counted"),
        ("windows: [2m, 20m]", "windows: [2m, 30m]", "longest window 30 min"),
        ("windows: [2m, 20m]", "windows: [20m, 1h]", "shortest window 20m"),
        ("serial: 1", "serial: 1\nevidence_floor: 8", "evidence_floor 8: evidence was kept from 10 tweets on"),
        ("serial: 1", "serial: 1\nscore_floor: 6", "score_floor 6: texts were scored from 5 authors on"),
        ("serial: 1", "serial: 1\nburst_min_past: 60", "burst_min_past 60: it was 50"),
        ("serial: 1", "serial: 1\nyoung_days: 7", "young_days 7: accounts were young up to 30"),
        ("serial: 1", "serial: 1\nharmless_below: 0.5", "harmless_below 0.5: copied texts cost no standing below 0.3"),
    ],
)
def test_uncovered_policy_needs_replay(old, new, reason):
    policy = policy_of(BASE.replace(old, new))
    found = needs_replay(policy, [KEPT])
    assert set(found) == {("hateful_conduct", "trends"), ("hateful_conduct", "search")}
    assert any(reason in one for one in found["hateful_conduct", "trends"])
    report, *_ = backtested(LIVE, policy, steady(LIVE, {"b": 0.9}))
    assert {(one.policy, one.category, one.surface) for one in report.needs_replay} == {("new", *at) for at in found}
    assert report.changes == [] and report.histograms == []


def test_only_rules_that_ask_need_replay():
    links = policy_of(BASE.replace("burst: 2", "links: 0.3") + "link_domains: [{domain: evil.example}]\n")
    (reason,) = set(needs_replay(links, [KEPT]).values())
    assert reason == ("link_domains: links were compared with no list",)
    assert needs_replay(links, [changed(KEPT, links=links.links_revision)]) == {}
    fewer = policy_of(BASE.replace("never_suppress", ABUSE).replace("[2m, 20m]", "[2m]").replace("burst: 2, ", ""))
    assert {category for category, _ in needs_replay(fewer, [KEPT])} == {"hateful_conduct"}, "abuse hides nothing"
    lower = policy_of(BASE.replace("search, min_authors: 15", "search, suppress_at: 0.35"))
    (found,) = needs_replay(lower, [KEPT]).items()
    assert found == (("hateful_conduct", "search"), ("suppress_at 0.35: innocent pasts were measured from 0.4 on",))
    assert needs_replay(lower, [changed(KEPT, past_from=0.35)]) == {}
    terms = policy_of(BASE + "curated_terms: [{term: b}]\n")
    assert needs_replay(terms, [KEPT]) == {}, "names are kept, so a new term can be tried"


def test_evidence_of_two_models_is_refused():
    records = steady(LIVE, {"b": 0.9})
    other = changed(records[-1], tick_ms=10**9, conditions=changed(KEPT, categories=("abuse",)))
    with pytest.raises(CallerMistake, match="different categories"):
        backtested(LIVE, NEW, [*records, other])


def test_report_without_evidence_is_empty():
    report, *_ = backtested(LIVE, NEW, [])
    assert (report.changes, report.totals, report.tag_panes, report.from_ms) == ([], [], 0, 0)


def test_mixed_means_and_shares_need_replay():
    """A plug-in scorer without a scale keeps means, but thresholds are shares of authors."""
    scaled = changed(KEPT, scale=b"x")
    assert not needs_replay(LIVE, [scaled]) and not needs_replay(LIVE, [KEPT])
    ((reason,),) = set(needs_replay(LIVE, [KEPT, scaled]).values())
    assert "mean probabilities" in reason
