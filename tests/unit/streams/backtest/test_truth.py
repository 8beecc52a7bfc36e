"""Predictions of the backtest against a full replay under the new policy."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pytest

from streams.backtest import Impact
from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.judging.side_inputs.author_sketches import AuthorSketchIndex
from streams.log.author_sketches import ReceivedSketch
from streams.log.decisions import Decision
from streams.log.evidence import EvidenceRecord, decode_evidence_record, encode_evidence_record
from streams.log.lines import read_lines
from streams.policy import Policy
from streams.replay import Replay
from streams.scoring import TextScorer
from streams.windows.corrections import Corrections
from tests.support.attacked_log import attacked_log
from tests.support.backtest_cases import SMALL, ChangeLog, change_row, changed_policy, grounds_by_start
from tests.support.long_seeds import seeds
from tests.support.word_policy import WordScorer, make_policy, random_log

pytestmark = pytest.mark.simulation

SHARDS = 3
CorrectionLog = list[tuple[int, Corrections]]
"""Corrections by stage 2, each with the pane from which it applies."""


class Lived(NamedTuple):
    """Outcome of a replay."""

    decisions: list[Decision]
    evidence: list[EvidenceRecord]
    sketches: Mapping[int, list[ReceivedSketch]]
    """Author sketches, as every shard received them."""


class PartScorer(WordScorer):
    """A scorer that reads about half of the texts."""

    def score(self, texts):
        found = super().score(texts)
        found[[crc32(text.encode()) % 2 == 0 for text in texts]] = np.nan
        return found


def replayed(
    lines, policy: Policy, read: CorrectionLog = (), sketches: Mapping[int, list[ReceivedSketch]] | None = None,
    scorer: WordScorer | None = None,
) -> Lived:  # fmt: skip
    kept: list[EvidenceRecord] = []
    replay = Replay(
        range(3), policy, TextScorer(scorer or WordScorer()), shards=SHARDS, keep_evidence=kept.append,
        corrections=read, sketches=sketches,
    )  # fmt: skip
    records = list(replay.run(read_lines(json.dumps(line).encode() for line in lines)))
    received = AuthorSketchIndex(Tags())
    for sketch in replay.sketches:
        received.add(sketch, sketch.tick_ms)
    return Lived(
        [one for one in records if isinstance(one, Decision)],
        [decode_evidence_record(encode_evidence_record(record)) for record in kept],
        dict.fromkeys(range(SHARDS), received.take_unpublished()),
    )


def predicted_exactly(
    lines, live: Policy, new: Policy, read: CorrectionLog = (), scorer: WordScorer | None = None
) -> None:
    """Compare the prediction with a replay that takes the same authors for those of hidden tags as the live run."""
    past = replayed(lines, live, read, scorer=scorer)
    truth = replayed(lines, new, read, past.sketches, scorer)

    impact = Impact(live, new)
    logs = impact.recorders = [ChangeLog(impact.tags), ChangeLog(impact.tags)]
    for record in past.evidence:
        impact.add(record)
    report = impact.finish()

    assert report.needs_replay == []
    for log, lived in zip(logs, (past, truth), strict=True):
        assert sorted(log.rows) == sorted(
            change_row(one.tick_ms, one.hashtag, one.country, one.rulings) for one in lived.decisions
        )
        assert log.grounds == grounds_by_start(lived.decisions)
    assert len(past.decisions) > 3 and report.changes


@pytest.mark.parametrize("seed", seeds(20, short=10))
def test_impact_predicts_settled_decisions_of_replay(seed):
    predicted_exactly(random_log(seed, n=1_500), make_policy(SMALL), make_policy(changed_policy(seed)))


def under_attack(seed: int) -> list[dict[str, object]]:
    """Make log lines of hashtags under attack; every other log begins with a harmless past."""
    return attacked_log(seed, n=1_500, wave_ms=90_000, quiet_ms=0 if seed % 2 else 170_000)


@pytest.mark.parametrize("seed", seeds(12, short=6))
def test_impact_predicts_decisions_under_attack(seed):
    predicted_exactly(under_attack(seed), make_policy(SMALL), make_policy(changed_policy(seed)))


@pytest.mark.long
def test_predicted_attacks_contain_every_outcome():
    """Check that the cases above contain discounts, quick ends and harmless pasts, under both policies."""
    for policy_of in (lambda _: SMALL, changed_policy):
        seen = [
            ruling for seed in range(12) for one in replayed(under_attack(seed), make_policy(policy_of(seed))).decisions
            for ruling in one.rulings
        ]  # fmt: skip
        assert len({one.weight for one in seen if one.action == "discount"}) > 10
        assert any(one.without for one in seen) and any(one.below_since_ms for one in seen)
        assert any(one.valve == "innocent_past" for one in seen)


def needing(policy: str, min_scored: float) -> Policy:
    return make_policy(policy.replace("    mode:", f"    min_scored: {min_scored}\n    mode:"))


@pytest.mark.parametrize("attacked", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_impact_predicts_decisions_on_unread_texts(seed, attacked):
    lines = under_attack(seed) if attacked else random_log(seed, n=1_500)
    live, new = (
        needing(text, least) for text, least in ((SMALL, 0.5), (changed_policy(seed), [0.0, 0.3, 0.7][seed % 3]))
    )
    predicted_exactly(lines, live, new, scorer=PartScorer())
    found = [ruling for one in replayed(lines, live, scorer=PartScorer()).decisions for ruling in one.rulings]
    assert {"not_assessed", ""} <= {one.valve for one in found}


@pytest.mark.parametrize("seed", seeds(5, short=2))
def test_impact_uses_shares_corrected_by_stage_2(seed):
    """Stage 2 corrects half of the tweets, some seconds later, which changes the decisions of both policies."""
    lines = random_log(seed, n=1_500)
    read = random_corrections(random.Random(seed), lines)
    live, new = make_policy(SMALL), make_policy(changed_policy(seed))
    predicted_exactly(lines, live, new, read)
    assert replayed(lines, live, read).decisions != replayed(lines, live).decisions


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
    listed += "link_domains: [{domain: evil.example}]\nharmless_below: 0\n"  # or few of these histories change
    predicted_exactly(lines, make_policy(listed), make_policy(listed.replace("links: 0.45", "links: 0.55")))
