"""Impact on made-up evidence: the fast walk against the obvious one, and what is said of the difference."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from msgspec.structs import replace as changed

from models.share import Scale
from streams.backtest import Impact
from streams.backtest import history as past_module
from streams.backtest.coverage import needs_replay
from streams.backtest.history import Past
from streams.backtest.spells import SpellBook
from streams.counting.keys import Tags, country_of
from streams.errors import CallerMistake
from streams.judging.curated_terms import CuratedTags
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of, sorted_by_key, table_of
from streams.judging.hysteresis import decide
from streams.judging.rule_evaluation import Docket
from streams.log.decisions import Ruling
from streams.log.evidence import EvidenceRecord
from streams.policy import Policy, parse_policy

CATEGORIES = ("hateful_conduct", "abuse")
TICK = 10_000
BASE = """
serial: 1
windows: [2m, 20m]
categories:
  hateful_conduct: &
    mode: suppress
    min_tweets: 20
    min_authors: 10
    suppress_at: 0.4
    clear_at: 0.3
    confidence: 0.9
    dwell: 20s
    expiry: 1m
    corroborate: {need: 1, burst: 2, authors: 30}
    overrides: [{country: IN, suppress_at: 0.5}, {surface: search, min_authors: 15}]
never_suppress: [tag1]
""".replace(" &", "")
ABUSE = """\
  abuse:
    {mode: review, windows: [2m], min_tweets: 10, min_authors: 10, suppress_at: 0.5, clear_at: 0.45, expiry: 1m}
never_suppress"""


def policy_of(text: str) -> Policy:
    return parse_policy(text, "test.yaml")


LIVE = policy_of(BASE)
NEW = policy_of(BASE.replace("mode: suppress", "mode: hold_for_review").replace("[tag1]", "[tag2]")
                .replace("suppress_at: 0.4", "suppress_at: 0.35").replace("never_suppress", ABUSE))  # fmt: skip


FEWER_KEPT = policy_of(
    BASE.replace("mode: suppress", "mode: hold_for_review")
    .replace("min_authors: 10", "min_authors: 25")
    .replace("min_authors: 15", "min_authors: 26")
    .replace("min_tweets: 20", "min_tweets: 30")
    .replace("serial: 1", "serial: 1\nevidence_floor: 25")
)


class World:
    """Tags that come, are harmful for a while, grow calm or vanish, and come back: evidence of one shard."""

    def __init__(self, seed: int, policy: Policy = LIVE) -> None:
        self.dice, self.tags = random.Random(seed), Tags()
        self.noise = np.random.default_rng(seed)
        self.conditions = conditions_of(policy, shards=2, categories=CATEGORIES, model_revision="0" * 12)
        self.harm: dict[int, float] = {}

    def table(self, window_ms: int, quiet: bool) -> EvidenceTable:
        keys = []
        for number in range(12):
            if quiet or self.dice.random() < 0.15:
                continue
            for country in ("*", "IN", "BR"):
                if self.dice.random() < 0.8:
                    keys.append(self.tags.key(f"tag{number}", country))
            if self.dice.random() < 0.05 or number not in self.harm:
                self.harm[number] = self.dice.choice([0.1, 0.3, 0.5, 0.8])
        keys.sort()
        m, noise = len(keys), self.noise
        harm = np.array([self.harm.get((key >> 10) - 1, 0.1) for key in keys])
        scored = noise.integers(0, 65, m)
        share = np.clip(harm[:, None] + noise.normal(0, 0.1, (m, 3)), 0, 1)
        return EvidenceTable(
            window_ms=window_ms,
            keys=np.array(keys, np.int64),
            tweets=noise.integers(10, 60, m),
            authors=noise.integers(5, 50, m),
            scored=scored,
            share=np.where(scored[:, None] > 0, share, np.nan),
            copies=noise.random(m),
            young=noise.random(m),
            burst=np.where(noise.random(m) < 0.3, np.nan, noise.random(m) * 5),
            sampled=np.zeros((m, 0), np.int64),
            links=noise.random(m),
        )

    def ticks(self, n: int) -> Iterable[TickEvidence]:
        for at in range(1, n + 1):
            quiet = at % 90 > 75
            windows = [120_000] + ([1_200_000] if at % 6 == 0 or at == 1 else [])
            tables = {window_ms: self.table(window_ms, quiet) for window_ms in windows}
            yield TickEvidence(at * TICK, self.conditions, self.dice.random() < 0.1, tables)

    def records(self, n: int, shard: int = 0) -> list[EvidenceRecord]:
        return [record for tick in self.ticks(n) for record in records_of(tick, shard, self.tags)]


Told = list[tuple[int, str, str, tuple[tuple[object, ...], ...]]]


def as_told(tick_ms: int, hashtag: str, country: str, rulings: Iterable[Ruling]) -> tuple[object, ...]:
    return tick_ms, hashtag, country, tuple(
        sorted((one.category, one.surface, one.action, one.since_ms, one.expires_at_ms, one.lapsed) for one in rulings)
    )  # fmt: skip


def obvious(policy: Policy, records: list[EvidenceRecord]) -> list[tuple[object, ...]]:
    """Every key of every tick through a docket, as the judge does it."""
    tags, tables, said = Tags(), {}, []
    seen: set[int] = set()
    states: dict[int, dict[tuple[str, str], Ruling]] = {}
    columns = {category: 1 + at for at, category in enumerate(CATEGORIES)}
    by_tick: dict[int, list[EvidenceRecord]] = {}
    for record in records:
        by_tick.setdefault(record.tick_ms, []).append(record)
    for tick_ms, of_tick in sorted(by_tick.items()):
        for window_ms in {record.window_ms for record in of_tick}:
            parts = [record for record in of_tick if record.window_ms == window_ms]
            tables[window_ms] = sorted_by_key(table_of(parts, tags))
        docket = Docket(policy, columns, tables, CuratedTags(policy, tags))
        seen |= {key for table in tables.values() for key in table.keys.tolist()}
        for key in sorted(seen):
            mine = states.setdefault(key, {})
            told = False
            for scope in docket.scopes():
                rule, before = docket.rule(key, scope), mine.get(scope)
                gone = all(
                    tables[one].find(key) is None
                    or tables[one].tweets[tables[one].find(key)] < policy.evidence_floor
                    for one in rule.windows_ms
                )  # fmt: skip
                after = decide(
                    docket.standing(key, scope), before, rule, tick_ms, category=scope[0], surface=scope[1],
                    never=policy.is_never_suppressed(tags.name(key)), max_automated_ms=policy.max_automated_ms,
                    holding=of_tick[0].holding, gone=gone,
                )  # fmt: skip
                if after is before:
                    continue
                if after is None:
                    told |= before is not None and (before.action != "clear" or before.lapsed)
                    del mine[scope]
                else:
                    told, mine[scope] = True, after
            if told:
                said.append(as_told(tick_ms, tags.name(key), country_of(key), mine.values()))
    return said


class Ledger(SpellBook):
    """A book that also keeps every change as a decision record would say it."""

    def __init__(self, tags: Tags) -> None:
        super().__init__()
        self._tags = tags
        self.told: list[tuple[object, ...]] = []

    def said(self, tick_ms: int, key: int, rulings: Mapping[tuple[str, str], Ruling]) -> None:
        self.told.append(as_told(tick_ms, self._tags.name(key), country_of(key), rulings.values()))
        super().said(tick_ms, key, rulings)


def walked(live: Policy, new: Policy, records: Iterable[EvidenceRecord]):
    impact = Impact(live, new)
    ledgers = impact.books = [Ledger(impact.tags), Ledger(impact.tags)]
    for record in records:
        impact.add(record)
    return impact.finish(), ledgers[0].told, ledgers[1].told


@pytest.mark.simulation
@pytest.mark.parametrize(("seed", "chunk_rows"), [(1, 50_000), (2, 500), (4, 90)])
def test_the_fast_walk_says_what_the_obvious_one_says(seed, chunk_rows, monkeypatch):
    monkeypatch.setattr(past_module, "CHUNK_ROWS", chunk_rows)
    records = World(seed).records(120)
    _, live, new = walked(LIVE, NEW, records)
    assert sorted(live) == sorted(obvious(LIVE, records))
    assert sorted(new) == sorted(obvious(NEW, records))
    assert len(live) > 50 and len(new) > 50
    assert any(lapsed for *_, rulings in new for *_, lapsed in rulings)
    _, _, fewer = walked(LIVE, FEWER_KEPT, records)
    assert sorted(fewer) == sorted(obvious(FEWER_KEPT, records))


def test_repeats_and_a_successor_s_replay_change_nothing():
    records = World(5).records(80)
    verdict, *_ = walked(LIVE, NEW, records)
    again = [*records[:40], *records[30:60], *records[20:60], *records[59:], *records[-3:]]
    assert walked(LIVE, NEW, again)[0] == verdict
    assert verdict.tag_panes == sum(record.rows for record in records if record.window_ms == 120_000)
    assert (verdict.from_ms, verdict.to_ms, verdict.shards) == (10_000, 800_000, 1)


def test_shards_do_not_disturb_each_other():
    one, other = World(6).records(60, shard=0), World(7).records(60, shard=1)
    renamed = [changed(record, hashtags=[f"other{name}" for name in record.hashtags]) for record in other]
    mixed = sorted([*one, *renamed], key=lambda record: (record.tick_ms, record.shard))
    _, _, new = walked(LIVE, NEW, mixed)
    assert sorted(new) == sorted(obvious(NEW, one) + obvious(NEW, renamed))


def test_panes_that_were_passed_over_are_ticks_with_nothing_in_them():
    """A shard without tags passes panes over; under another policy something may still run out there."""
    records = World(8).records(40)
    last_ms = records[-1].tick_ms
    columns = ("tweets", "authors", "scored", "share", "copies", "young", "burst")
    empty = changed(records[-1], tick_ms=last_ms + 20 * TICK, hashtags=[], countries=[], **dict.fromkeys(columns, b""))
    _, _, new = walked(LIVE, NEW, [*records, empty])
    after = [rulings for tick_ms, *_, rulings in new if tick_ms > last_ms]
    assert any(ruling[2] == "clear" for rulings in after for ruling in rulings), "what stood runs out"
    expiries = {ruling[4] for *_, rulings in new for ruling in rulings if ruling[4] > last_ms}
    assert {tick_ms for tick_ms, *_ in new if last_ms < tick_ms <= last_ms + 10 * TICK} <= expiries


# ---- what is said of the difference ----


def steady(policy: Policy, shares: Mapping[str, float], minutes: int = 5, country: str = "IN", burst: float = 9.0):
    """Tags of 50 scored authors each, their harmful share the same at every tick."""
    tags = Tags()
    keys = sorted(tags.key(name, country) for name in shares)
    conditions = conditions_of(policy, shards=1, categories=CATEGORIES, model_revision="0" * 12)
    m = len(keys)
    share = np.array([[shares[tags.name(key)]] * 3 for key in keys])
    full = np.full(m, 50)
    table = EvidenceTable(120_000, np.array(keys), full + 10, full, full, share, np.zeros(m), np.zeros(m),
                          np.full(m, burst), [()] * m, np.zeros(m))  # fmt: skip
    return [
        record
        for at in range(1, 6 * minutes + 1)
        for record in records_of(TickEvidence(at * TICK, conditions, False, {120_000: table}), 0, tags)
    ]


def test_what_scores_mean_is_asked_of_each_record():
    """A new model goes live: its means stand on another scale than those before it."""
    scale = Scale(np.tile([0.3, 0.5, 0.01, 0.01], (2, 3, 1)), np.zeros((2, 3, 3)))
    found, past = [], Past(Tags())
    before = steady(LIVE, {"a": 0.4}, minutes=1)
    groups = np.full((1, 2), 25, np.uint8).tobytes()
    conditions = changed(before[0].conditions, scale=scale.to_bytes())
    after = [changed(one, tick_ms=one.tick_ms + 60_000, groups=groups, conditions=conditions) for one in before]
    for record in [*before, *after, *(changed(one, tick_ms=one.tick_ms + 120_000) for one in before)]:
        found.append(past.add(record))
    tables = [chunk.blocks[0].table for chunk in [*found, past.finish()] if chunk is not None]
    assert [len(table.keys) for table in tables] == [6, 6, 6]
    assert [float(table.estimates()[0, 1]) for table in tables] == pytest.approx([0.4, 0.5, 0.4])


def test_who_would_be_hit_and_who_no_longer():
    new = policy_of(BASE.replace("country: IN, suppress_at: 0.5", "country: IN, suppress_at: 0.6"))
    verdict, *_ = walked(LIVE, new, steady(LIVE, {"a": 0.66, "b": 0.9, "c": 0.1}))
    (gone,) = verdict.changes
    assert (gone.kind, gone.hashtag, gone.country, gone.surfaces) == ("cleared", "a", "IN", ("search", "trends"))
    assert gone.hidden and gone.new is None and gone.live is not None
    assert (gone.live.action, gone.live.authors, gone.live.tweets) == ("suppress", 50, 60)
    assert gone.live.margin == pytest.approx(gone.live.lower - 0.5) and gone.live.margin > 0
    back, *_ = walked(new, LIVE, steady(LIVE, {"a": 0.66, "b": 0.9, "c": 0.1}))
    (hit,) = back.changes
    assert (hit.kind, hit.new) == ("newly", gone.live)
    (total,) = verdict.totals
    minutes = 2 * (300 - 10) / 60  # two surfaces, from the first tick to the last
    assert (total.category, total.country, total.changes) == ("hateful_conduct", "IN", {"cleared": 1})
    assert total.hidden_minutes_live == pytest.approx(2 * minutes)
    assert total.hidden_minutes_new == pytest.approx(minutes)


def test_a_change_of_mode_is_no_silent_one():
    shadow = policy_of(BASE.replace("mode: suppress", "mode: shadow"))
    review = policy_of(BASE.replace("mode: suppress", "mode: review"))
    records = steady(LIVE, {"b": 0.9})
    assert [(one.kind, one.hidden) for one in walked(shadow, LIVE, records)[0].changes] == [("newly", True)]
    assert [(one.kind, one.hidden) for one in walked(LIVE, review, records)[0].changes] == [("cleared", True)]
    assert [(one.kind, one.hidden) for one in walked(shadow, review, records)[0].changes] == [("action", False)]
    assert walked(LIVE, LIVE, records)[0].changes == []


def test_protected_tags_come_first():
    unprotected = policy_of(BASE.replace("[tag1]", "[tag2]").replace("suppress_at: 0.5", "suppress_at: 0.6"))
    records = steady(LIVE, {"tag1": 0.9, "tag2": 0.9, "a": 0.66})
    verdict, *_ = walked(LIVE, unprotected, records)
    assert [(one.hashtag, one.kind, one.was_protected) for one in verdict.changes] == [
        ("tag1", "newly", True), ("a", "cleared", False), ("tag2", "cleared", False)
    ]  # fmt: skip
    assert [one.hashtag for one in verdict.protected] == ["tag2"], "it would be hit if it were not on the list"


def test_the_histogram_counts_every_tag_pane_over_the_floors():
    new = policy_of(BASE.replace("suppress_at: 0.4", "suppress_at: 0.42"))
    verdict, *_ = walked(LIVE, new, steady(LIVE, {"a": 0.5, "b": 0.9}))
    (histogram,) = verdict.histograms
    assert histogram.tag_panes == 60 and sum(histogram.upper) == 60
    assert sorted(histogram.lower)[-2:] == [30, 30]
    assert histogram.live is not None
    assert (histogram.live.suppress_at, histogram.new.suppress_at, histogram.new.clear_at) == (0.4, 0.42, 0.3)


# ---- what the evidence cannot tell ----

KEPT = conditions_of(LIVE, shards=2, categories=CATEGORIES, model_revision="0" * 12)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("windows: [2m, 20m]", "windows: [2m, 5m, 20m]", "window 5m was not counted"),
        ("windows: [2m, 20m]", "windows: [2m, 30m]", "longest window 30m"),
        ("windows: [2m, 20m]", "windows: [20m, 1h]", "shortest window 20m"),
        ("serial: 1", "serial: 1\nevidence_floor: 8", "evidence_floor 8: tags were kept from 10 tweets on"),
        ("serial: 1", "serial: 1\nscore_floor: 6", "score_floor 6: texts were scored from 5 on"),
        ("serial: 1", "serial: 1\nburst_min_past: 60", "burst_min_past 60: it was 50"),
    ],
)
def test_a_part_that_was_not_kept_needs_a_replay(old, new, reason):
    policy = policy_of(BASE.replace(old, new))
    found = needs_replay(policy, [KEPT])
    assert set(found) == {("hateful_conduct", "trends"), ("hateful_conduct", "search")}
    assert any(reason in one for one in found["hateful_conduct", "trends"])
    verdict, *_ = walked(LIVE, policy, steady(LIVE, {"b": 0.9}))
    assert {(one.policy, one.category, one.surface) for one in verdict.needs_replay} == {("new", *at) for at in found}
    assert verdict.changes == [] and verdict.histograms == [], "nothing is said of it"


def test_only_the_part_that_asks_for_it_needs_a_replay():
    young = policy_of(BASE.replace("serial: 1", "serial: 1\nyoung_days: 7").replace("never_suppress", ABUSE))
    assert needs_replay(young, [KEPT]) == {}, "nobody asks who is young"
    asks = policy_of(BASE.replace("serial: 1", "serial: 1\nyoung_days: 7").replace("never_suppress", ABUSE).replace(
        "burst: 2", "young: 0.3"))  # fmt: skip
    assert {category for category, _ in needs_replay(asks, [KEPT])} == {"hateful_conduct"}
    links = policy_of(BASE.replace("burst: 2", "links: 0.3") + "link_domains: [{domain: evil.example}]\n")
    (reason,) = set(needs_replay(links, [KEPT]).values())
    assert reason == ("link_domains: the links were told apart by none",)
    assert needs_replay(links, [changed(KEPT, links=links.links_revision)]) == {}
    follows = policy_of(BASE.replace("burst: 2", "successor: 0.3"))
    (reason,) = set(needs_replay(follows, [KEPT]).values())
    assert reason == ("successor: nobody asked which hidden tags the authors came from",)
    assert needs_replay(follows, [changed(KEPT, successor=True)]) == {}
    fewer = policy_of(BASE.replace("[2m, 20m]", "[2m]").replace("burst: 2, ", "").replace("never_suppress", ABUSE))
    assert needs_replay(fewer, [KEPT]) == {}
    terms = policy_of(BASE + "curated_terms: [{term: b}]\n")
    assert needs_replay(terms, [KEPT]) == {}, "names are kept, so a new term can be tried"


def test_evidence_of_two_models_is_refused_in_words():
    records = steady(LIVE, {"b": 0.9})
    other = changed(records[-1], tick_ms=10**9, conditions=changed(KEPT, categories=("abuse",)))
    with pytest.raises(CallerMistake, match="different categories"):
        walked(LIVE, NEW, [*records, other])


def test_no_evidence_is_no_verdict_on_anybody():
    verdict, *_ = walked(LIVE, NEW, [])
    assert (verdict.changes, verdict.totals, verdict.tag_panes, verdict.from_ms) == ([], [], 0, 0)


def test_evidence_of_means_beside_evidence_of_shares_is_told():
    """An older version kept the one, and the thresholds of today are parts of the authors."""
    scaled = changed(KEPT, scale=b"x")
    assert not needs_replay(LIVE, [scaled]) and not needs_replay(LIVE, [KEPT])
    ((reason,),) = set(needs_replay(LIVE, [KEPT, scaled]).values())
    assert "mean probabilities" in reason
