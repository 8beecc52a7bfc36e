"""Predictions of the backtest against a full replay under the new policy."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from streams.backtest import Impact
from streams.constants import PANE_MS
from streams.log.decisions import Decision
from streams.log.evidence import EvidenceRecord, decode_evidence_record, encode_evidence_record
from streams.log.lines import read_lines
from streams.policy import Policy
from streams.replay import Replay
from streams.scoring import TextScorer
from streams.windows.corrections import Corrections
from tests.support.backtest_cases import SMALL, ChangeLog, change_row, changed_policy, grounds_by_start
from tests.support.word_policy import WordScorer, make_policy, random_log

pytestmark = pytest.mark.simulation

CorrectionLog = list[tuple[int, Corrections]]
"""Corrections by stage 2, each with the pane from which it applies."""


def replayed(lines, policy: Policy, read: CorrectionLog = ()) -> tuple[list[Decision], list[EvidenceRecord]]:
    kept: list[EvidenceRecord] = []
    replay = Replay(
        range(3), policy, TextScorer(WordScorer()), shards=3, keep_evidence=kept.append, corrections=read
    )  # fmt: skip
    records = list(replay.run(read_lines(json.dumps(line).encode() for line in lines)))
    return (
        [one for one in records if isinstance(one, Decision)],
        [decode_evidence_record(encode_evidence_record(record)) for record in kept],
    )


def predicted_exactly(lines, live: Policy, new: Policy, read: CorrectionLog = ()) -> None:
    live_decisions, evidence = replayed(lines, live, read)
    new_decisions, _ = replayed(lines, new, read)

    impact = Impact(live, new)
    logs = impact.recorders = [ChangeLog(impact.tags), ChangeLog(impact.tags)]
    for record in evidence:
        impact.add(record)
    report = impact.finish()

    assert report.needs_replay == []
    for log, truth in zip(logs, (live_decisions, new_decisions), strict=True):
        assert sorted(log.rows) == sorted(
            change_row(one.tick_ms, one.hashtag, one.country, one.rulings) for one in truth
        )
        assert log.grounds == grounds_by_start(truth)
    assert len(live_decisions) > 10 and report.changes


@pytest.mark.parametrize("seed", range(20))
def test_impact_predicts_settled_decisions_of_replay(seed):
    predicted_exactly(random_log(seed, n=1_500), make_policy(SMALL), make_policy(changed_policy(seed)))


@pytest.mark.parametrize("seed", range(5))
def test_impact_uses_shares_corrected_by_stage_2(seed):
    """Stage 2 corrects half of the tweets, some seconds later, which changes the decisions of both policies."""
    lines = random_log(seed, n=1_500)
    read = random_corrections(random.Random(seed), lines)
    live, new = make_policy(SMALL), make_policy(changed_policy(seed))
    predicted_exactly(lines, live, new, read)
    assert replayed(lines, live, read)[0] != replayed(lines, live)[0]


def random_corrections(rng: random.Random, lines) -> CorrectionLog:
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
def test_impact_predicts_another_threshold_of_links(seed):
    """Nearly half of the tweets link to the listed domain, in four spellings; the others link elsewhere."""
    rng, lines = random.Random(seed), random_log(seed, n=1_500)
    ways = ["https://evil.example/x", "HTTP://good.example@EVIL.example", "evil.example", "www.ev1l.example/y"]
    for line in lines:
        if isinstance(line["value"], str) and '"text"' in line["value"]:
            tweet = json.loads(line["value"])
            tweet["text"] += " " + (rng.choice(ways) if rng.random() < 0.45 else "https://good.example/evil.example")
            line["value"] = json.dumps(tweet)
    listed = SMALL.replace("{need: 1, burst: 1.5, authors: 8}", "{need: 1, links: 0.45}")
    listed += "link_domains: [{domain: evil.example}]\n"
    predicted_exactly(lines, make_policy(listed), make_policy(listed.replace("links: 0.45", "links: 0.55")))
