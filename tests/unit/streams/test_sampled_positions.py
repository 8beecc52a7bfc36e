"""Positions in decisions lead to their tweets, whatever the order in which the shards were fed."""

from __future__ import annotations

import json
import random

import pytest

from streams.counting.origins import LANGUAGES
from streams.log.decisions import Decision
from streams.log.lines import read_lines
from streams.replay import Replay
from streams.scoring import TextScorer
from tests.support.word_policy import WordScorer, make_policy, random_log


def with_languages(lines: list[dict[str, object]], seed: int) -> list[dict[str, object]]:
    """Give each readable tweet a language, some of them unknown."""
    rng, made = random.Random(seed), []
    for line in lines:
        value = line["value"]
        if isinstance(value, str) and value.startswith('{"id": "'):
            value = json.dumps(json.loads(value) | {"lang": rng.choice(["hi", "en", "EN-gb", "qme"])})
        made.append(line | {"value": value})
    return made


def decided(lines: list[dict[str, object]], *, shards: int, early: bool) -> list[Decision]:
    replay = Replay(range(3), make_policy(), TextScorer(WordScorer()), shards=shards, early=early)
    emitted = replay.run(read_lines(json.dumps(line).encode() for line in lines))
    return [one for one in emitted if isinstance(one, Decision)]


@pytest.mark.parametrize("early", [False, True])
def test_sampled_positions_lead_to_their_tweets(early: bool):
    lines = with_languages(random_log(1, 1_500), 1)
    values = {(line["partition"], line["offset"]): line["value"] for line in lines}
    seen: set[str] = set()
    for decision in decided(lines, shards=2, early=early):
        for ruling in decision.rulings:
            if (evidence := ruling.evidence) is None:
                continue
            assert len(evidence.sampled) == min(10, evidence.sampled_from) <= evidence.authors
            assert len(evidence.highest) <= min(5, evidence.scored)
            places = [*zip(evidence.sampled, evidence.sampled_at, strict=True)]
            places += zip(evidence.highest, evidence.highest_at, strict=True)
            for tweet, at in places:
                record = json.loads(str(values[at.partition, at.offset]))
                assert record["id"] == tweet
                primary = record["lang"].lower()[:2]
                assert at.lang == (primary if primary in LANGUAGES else "und")
                seen.add(at.lang)
            bad = [json.loads(str(values[at.partition, at.offset]))["text"] for at in evidence.highest_at]
            assert bad == sorted(bad, key=lambda text: not text.startswith("bad")), "the highest scores come first"
    assert seen == {"hi", "en", "und"}
