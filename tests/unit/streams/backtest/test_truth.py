"""Impact equals truth: what it predicts of a new policy is what a full replay under that policy then does."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import pytest

from streams.backtest import Impact
from streams.backtest.spells import SpellBook
from streams.counting.block_counts import PANE_MS
from streams.counting.keys import Tags, country_of
from streams.log.decisions import Decision, Ruling
from streams.log.evidence import EvidenceRecord, decode_evidence_record, encode_evidence_record
from streams.policy import Policy
from streams.replay import Replay, read_lines
from streams.scoring import TextScorer
from streams.windows.corrections import Corrections
from tests.unit.streams.test_replay import WordScorer, make_policy, random_log

pytestmark = pytest.mark.simulation

LIVE = """
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
    corroborate: {need: 1, burst: 1.5, authors: 8}
never_suppress: [tag3]
"""


def changed(seed: int) -> str:
    """Another policy that the evidence of the live one covers: every knob, sooner or later."""
    rng = random.Random(seed)
    text = LIVE.replace("mode: suppress", f"mode: {rng.choice(['suppress', 'hold_for_review', 'review', 'shadow'])}")
    suppress_at = rng.choice([0.25, 0.35, 0.5, 0.6])
    text = text.replace("suppress_at: 0.45", f"suppress_at: {suppress_at}")
    text = text.replace("clear_at: 0.3", f"clear_at: {round(suppress_at * rng.choice([0.5, 0.8, 0.95]), 3)}")
    text = text.replace("min_tweets: 8", f"min_tweets: {rng.choice([5, 12])}")
    text = text.replace("dwell: 20s", f"dwell: {rng.choice(['10s', '40s'])}")
    text = text.replace("expiry: 1m", f"expiry: {rng.choice(['1m', '3m'])}")
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
        override = f"    overrides: [{{country: IN, suppress_at: 0.55, windows: [{rng.choice(['2m', '20m'])}]}}]\n"
        text = text.replace("never_suppress", override + "never_suppress")
    return text


Read = list[tuple[int, Corrections]]
"""What stage 2 has said, and from which pane on."""


def replayed(lines, policy: Policy, read: Read = ()) -> tuple[list[Decision], list[EvidenceRecord]]:
    kept: list[EvidenceRecord] = []
    replay = Replay(
        range(3), policy, TextScorer(WordScorer()), shards=3, keep_evidence=kept.append, corrections=read
    )  # fmt: skip
    said = list(replay.run(read_lines(json.dumps(line).encode() for line in lines)))
    return (
        [one for one in said if isinstance(one, Decision)],
        [decode_evidence_record(encode_evidence_record(record)) for record in kept],
    )


class Ledger(SpellBook):
    """A book that also keeps every change as a decision record would say it."""

    def __init__(self, tags: Tags) -> None:
        super().__init__()
        self._tags = tags
        self.told: list[tuple[object, ...]] = []
        self.why: dict[tuple[object, ...], tuple[object, ...]] = {}
        """What all rest on, as they began."""

    def said(self, tick_ms: int, key: int, rulings: Mapping[tuple[str, str], Ruling]) -> None:
        self.told.append(as_told(tick_ms, self._tags.name(key), country_of(key), rulings.values()))
        for (category, surface), ruling in rulings.items():
            if ruling.action != "clear" and ruling.since_ms == tick_ms:
                self.why[self._tags.name(key), country_of(key), category, surface, tick_ms] = why_of(ruling)
        super().said(tick_ms, key, rulings)


def why_of(ruling: Ruling) -> tuple[object, ...]:
    """Reasons and evidence, all of it that is kept."""
    assert ruling.evidence is not None, "what begins says why"
    return ruling.reasons, msgspec.structs.replace(ruling.evidence, sampled=())


def begun(said: Iterable[Decision]) -> dict[tuple[object, ...], tuple[object, ...]]:
    """The same by decisions."""
    return {
        (one.hashtag, one.country, ruling.category, ruling.surface, ruling.since_ms): why_of(ruling)
        for one in said for ruling in one.rulings if ruling.action != "clear" and ruling.since_ms == one.tick_ms
    }  # fmt: skip


def as_told(tick_ms, hashtag, country, rulings) -> tuple[object, ...]:
    return tick_ms, hashtag, country, tuple(
        sorted(
            (one.category, one.surface, one.action, one.since_ms, one.expires_at_ms, one.lapsed, one.valve)
            for one in rulings
        )
    )  # fmt: skip


def predicted_exactly(lines, live: Policy, new: Policy, read: Read = ()) -> None:
    live_said, evidence = replayed(lines, live, read)
    new_said, _ = replayed(lines, new, read)

    impact = Impact(live, new)
    ledgers = impact.books = [Ledger(impact.tags), Ledger(impact.tags)]
    for record in evidence:
        impact.add(record)
    verdict = impact.finish()

    assert verdict.needs_replay == []
    for ledger, truth in zip(ledgers, (live_said, new_said), strict=True):
        assert sorted(ledger.told) == sorted(
            as_told(one.tick_ms, one.hashtag, one.country, one.rulings) for one in truth
        )
        assert ledger.why == begun(truth)
    assert len(live_said) > 10 and verdict.changes


@pytest.mark.parametrize("seed", range(20))
def test_impact_predicts_the_settled_decisions_of_a_replay_exactly(seed):
    predicted_exactly(random_log(seed, n=1_500), make_policy(LIVE), make_policy(changed(seed)))


@pytest.mark.parametrize("seed", range(5))
def test_impact_judges_the_shares_that_stage_2_has_corrected(seed):
    """Of half of the tweets it has something to say, some seconds later; that changes what either policy does."""
    lines = random_log(seed, n=1_500)
    read = what_stage_2_says(random.Random(seed), lines)
    live, new = make_policy(LIVE), make_policy(changed(seed))
    predicted_exactly(lines, live, new, read)
    assert replayed(lines, live, read)[0] != replayed(lines, live)[0]


def what_stage_2_says(rng: random.Random, lines) -> Read:
    scorer, found = WordScorer(), []
    for line in lines:
        if isinstance(line["value"], str) and '"text"' in line["value"] and rng.random() < 0.5:
            tweet = json.loads(line["value"])
            tags = sorted({tag.lower() for tag in tweet["hashtags"]})
            differences = np.full((len(tags), 1 + len(scorer.categories)), rng.choice([-0.5, 0.25, 0.5]), "<f4")
            tweets = np.full(len(tags), int(tweet["id"]), "<i8")
            pane = (line["log_time_ms"] + 8_000) // PANE_MS
            record = Corrections("new", scorer.revision, tags, tweets.tobytes(), differences.tobytes())
            found += [(pane, record)] if tags else []
    return found


@pytest.mark.parametrize("seed", range(20, 24))
def test_impact_predicts_what_another_share_of_links_would_do(seed):
    """Nearly half of the tweets link to the one listed domain, in four ways to write it, the others elsewhere."""
    rng, lines = random.Random(seed), random_log(seed, n=1_500)
    ways = ["https://evil.example/x", "HTTP://good.example@EVIL.example", "evil.example", "www.ev1l.example/y"]
    for line in lines:
        if isinstance(line["value"], str) and '"text"' in line["value"]:
            tweet = json.loads(line["value"])
            tweet["text"] += " " + (rng.choice(ways) if rng.random() < 0.45 else "https://good.example/evil.example")
            line["value"] = json.dumps(tweet)
    listed = LIVE.replace("{need: 1, burst: 1.5, authors: 8}", "{need: 1, links: 0.45}")
    listed += "link_domains: [{domain: evil.example}]\n"
    predicted_exactly(lines, make_policy(listed), make_policy(listed.replace("links: 0.45", "links: 0.55")))
