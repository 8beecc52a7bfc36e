"""Policies, invented evidence and a recorder of changes, for tests of the backtest."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec
import numpy as np

from streams.backtest.spells import SpellRecorder
from streams.counting.keys import Tags, country_of
from streams.judging.author_group import AuthorGroup
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of
from streams.log.decisions import Decision, DecisionReason, Evidence, ScopeDecision
from streams.log.evidence import EvidenceRecord
from streams.policy import Policy, parse_policy
from streams.signals.base import Doubles
from tests.support.evidence import evidence_table

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
    min_established: 8
    innocent_past: 15
    clear_after: 30s
    corroborate: {need: 1, burst: 2, authors: 30}
    overrides: [{country: IN, suppress_at: 0.5}, {surface: search, min_authors: 15}]
never_suppress: [tag1]
""".replace(" &", "")
ABUSE = """\
  abuse:
    {mode: review, windows: [2m], min_tweets: 10, min_authors: 10, suppress_at: 0.5, clear_at: 0.45, expiry: 1m}
never_suppress"""
SMALL = """
serial: 1
windows: [2m, 20m]
score_floor: 2
evidence_floor: 3
burst_min_past: 5
early_confidence: 0.95
categories:
  hateful_conduct:
    mode: suppress
    min_tweets: 8
    min_authors: 5
    suppress_at: 0.45
    clear_at: 0.3
    confidence: 0.9
    dwell: 20s
    expiry: 1m
    min_established: 6
    innocent_past: 15
    clear_after: 30s
    corroborate: {need: 1, burst: 1.5, authors: 8}
    overrides: [{country: DE, suppress_at: 0.2, clear_at: 0.1}]
never_suppress: [tag3]
"""
"""A policy with low floors, for random logs. For the override, the past of nearly every tag is measured."""


def policy_of(text: str) -> Policy:
    return parse_policy(text, "test.yaml")


LIVE = policy_of(BASE)
NEW = policy_of(
    BASE.replace("mode: suppress", "mode: hold_for_review")
    .replace("[tag1]", "[tag2]")
    .replace("suppress_at: 0.4", "suppress_at: 0.42")
    .replace("min_established: 8", "min_established: 12")
    .replace("never_suppress", ABUSE)
)


def changed_policy(seed: int) -> str:
    """Change `SMALL` at random, in ways that its evidence covers; the seeds together change every key."""
    rng = random.Random(seed)
    text = SMALL.replace("mode: suppress", f"mode: {rng.choice(['suppress', 'hold_for_review', 'review', 'shadow'])}")
    suppress_at = rng.choice([0.25, 0.35, 0.5, 0.6])
    text = text.replace("suppress_at: 0.45", f"suppress_at: {suppress_at}")
    text = text.replace("clear_at: 0.3", f"clear_at: {round(suppress_at * rng.choice([0.5, 0.8, 0.95]), 3)}")
    text = text.replace("min_tweets: 8", f"min_tweets: {rng.choice([5, 12])}")
    text = text.replace("dwell: 20s", f"dwell: {rng.choice(['10s', '40s'])}")
    text = text.replace("expiry: 1m", f"expiry: {rng.choice(['1m', '3m'])}")
    text = text.replace("min_established: 6", f"min_established: {rng.choice([3, 12])}")
    text = text.replace("innocent_past: 15", f"innocent_past: {rng.choice([8, 30])}")
    text = text.replace("clear_after: 30s", f"clear_after: {rng.choice(['10s', '1m'])}")
    text = text.replace("confidence: 0.9\n", f"confidence: {rng.choice([0.8, 0.95])}\n")
    text = text.replace("evidence_floor: 3", f"evidence_floor: {rng.choice([3, 5])}")
    corroborate = rng.choice(
        ["{need: 1, authors: 3}", "{need: 2, burst: 1.2, copies: 0.05, authors: 6}", "{need: 1, term: true}"]
    )
    text = text.replace("{need: 1, burst: 1.5, authors: 8}", corroborate)
    text += "curated_terms: [{term: 0ther}]\n"
    if seed % 2:
        text = text.replace("never_suppress: [tag3]", "never_suppress: [tag1]")
    if seed % 4 == 1:
        text += "valves: {new_suppressions_per_hour: 3}\n"
    elif seed % 4 == 2:
        text += "valves: {top_tags: 5, suppressed_share_of_top: 0.2}\n"
    elif seed % 4 == 3:
        text += "valves: {least_scored: 0.45, new_suppressions_per_hour: 6}\n"
    if seed % 3:
        override = f"{{country: IN, suppress_at: 0.55, windows: [{rng.choice(['2m', '20m'])}]}}, "
        text = text.replace("overrides: [", f"overrides: [{override}")
    return text


class EvidenceWorld:
    """Evidence of one shard: tags that appear, are harmful for a while, calm down or vanish, and return."""

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
        everyone, own = self.groups(harm)
        tweets = noise.integers(10, 60, m)
        past = replace(own, authors=np.where(noise.random(m) < 0.3, noise.integers(0, 40, m), 0))
        return evidence_table(
            window_ms,
            keys=np.array(keys, np.int64),
            tweets=tweets,
            authors=everyone.authors,
            scored=everyone.scored,
            share=everyone.share,
            established=own,
            past=replace(past, share=noise.uniform(0, 0.4, (m, 3))),
            copies=noise.random(m),
            young=noise.random(m),
            burst=np.where(noise.random(m) < 0.3, np.nan, noise.random(m) * 5),
            links=noise.random(m),
        )

    def groups(self, harm: Doubles) -> tuple[AuthorGroup, AuthorGroup]:
        """Draw all authors of m tags, and the established ones, who write harm under half of the harmful tags."""
        noise, m = self.noise, len(harm)
        parts = []
        for share in (harm, np.where(noise.random(m) < 0.5, harm, 0.05)):
            scored = noise.integers(0, 33, m)
            authors = scored + noise.integers(0, 10, m)
            shares = np.clip(share[:, None] + noise.normal(0, 0.1, (m, 3)), 0, 1)
            parts.append(AuthorGroup(authors, scored, np.where(scored[:, None] > 0, shares, np.nan)))
        others, own = parts
        scored = others.scored + own.scored
        harmful = sum(np.nan_to_num(one.share) * one.scored[:, None] for one in parts)
        share = np.full((m, 3), np.nan)
        np.divide(harmful, scored[:, None], out=share, where=scored[:, None] > 0)
        return AuthorGroup(others.authors + own.authors, scored, share), own

    def ticks(self, n: int) -> Iterator[TickEvidence]:
        for at in range(1, n + 1):
            quiet = at % 90 > 75
            windows = [120_000] + ([1_200_000] if at % 6 == 0 or at == 1 else [])
            tables = {window_ms: self.table(window_ms, quiet) for window_ms in windows}
            yield TickEvidence(at * TICK, self.conditions, self.dice.random() < 0.1, tables)

    def records(self, n: int, shard: int = 0) -> list[EvidenceRecord]:
        return [record for tick in self.ticks(n) for record in records_of(tick, shard, self.tags)]


def steady(
    policy: Policy,
    shares: Mapping[str, float],
    minutes: int = 5,
    country: str = "IN",
    burst: float = 9.0,
    attacked: bool = False,
) -> list[EvidenceRecord]:
    """Build evidence of tags with 50 scored authors each, with the same harmful share at every tick.

    All authors are established; where a tag is attacked 20 of them are, and write no harm.
    """
    tags = Tags()
    keys = sorted(tags.key(name, country) for name in shares)
    conditions = conditions_of(policy, shards=1, categories=CATEGORIES, model_revision="0" * 12)
    table = evidence_table(
        120_000,
        keys=np.array(keys),
        tweets=np.full(len(keys), 60),
        share=np.array([[shares[tags.name(key)]] * 3 for key in keys]),
        **({"established": AuthorGroup(*np.full((2, len(keys)), 20), np.zeros((len(keys), 3)))} if attacked else {}),
        burst=burst,
    )
    return [
        record
        for at in range(1, 6 * minutes + 1)
        for record in records_of(TickEvidence(at * TICK, conditions, False, {120_000: table}), 0, tags)
    ]


Grounds = tuple[tuple[DecisionReason, ...], Evidence]
ChangeRow = tuple[int, str, str, tuple[ScopeDecision, ...]]


def change_row(tick_ms: int, hashtag: str, country: str, decisions: Iterable[ScopeDecision]) -> ChangeRow:
    """Reduce a change to (tick, hashtag, country, state of every scope without its grounds)."""
    states = [msgspec.structs.replace(one, reasons=(), evidence=None) for one in decisions]
    return tick_ms, hashtag, country, tuple(sorted(states, key=lambda one: (one.category, one.surface)))


def grounds(decision: ScopeDecision) -> Grounds:
    """Return reasons and evidence, as far as the evidence is kept."""
    assert decision.evidence is not None, "an action begins with its evidence"
    return decision.reasons, msgspec.structs.replace(
        decision.evidence, sampled=(), sampled_at=(), sampled_from=0, highest=(), highest_at=()
    )


def grounds_by_start(decisions: Iterable[Decision]) -> dict[tuple[object, ...], Grounds]:
    """Return the grounds of every action by (hashtag, country, category, surface, first tick)."""
    return {
        (one.hashtag, one.country, each.category, each.surface, each.since_ms): grounds(each)
        for one in decisions for each in one.rulings if each.action != "clear" and each.since_ms == one.tick_ms
    }  # fmt: skip


class ChangeLog(SpellRecorder):
    """A recorder that also keeps every change in the form of a decision record."""

    def __init__(self, tags: Tags) -> None:
        super().__init__()
        self._tags = tags
        self.rows: list[ChangeRow] = []
        self.grounds: dict[tuple[object, ...], Grounds] = {}

    def record(self, tick_ms: int, key: int, decisions: Mapping[tuple[str, str], ScopeDecision]) -> None:
        hashtag, country = self._tags.name(key), country_of(key)
        self.rows.append(change_row(tick_ms, hashtag, country, decisions.values()))
        for (category, surface), one in decisions.items():
            if one.action != "clear" and one.since_ms == tick_ms:
                self.grounds[hashtag, country, category, surface, tick_ms] = grounds(one)
        super().record(tick_ms, key, decisions)
