"""Migrated campaigns: the authors of a suppressed hashtag corroborate its successor, and no other hashtag."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import pytest
from hushtag_client.normalise import normalise

from devkit.simulation.config import SimulationConfig
from devkit.simulation.data import tag_names
from devkit.simulation.lines import encode_line
from devkit.simulation.moving import moving_config
from devkit.simulation.run import Simulation
from streams.counting.keys import Sharding, Tags
from streams.judging.evidence_codec import table_of
from streams.log.decisions import Decision
from streams.log.evidence import EvidenceRecord
from streams.log.lines import read_lines
from streams.policy import parse_policy
from streams.replay import Replay
from streams.scoring import load_text_scorer

POLICY = """
serial: 1
windows: [1m, 10m]
evidence_floor: 5
categories:
  hateful_conduct:
    mode: suppress
    windows: [1m]
    min_tweets: 20
    min_authors: 15
    suppress_at: 0.4
    clear_at: 0.25
    dwell: 30s
    expiry: 10m
    corroborate: {need: 1, copies: 0.3SUCCESSOR}
"""
SEEDS = range(2)
pytestmark = pytest.mark.simulation


class Lived:
    """Decisions and evidence of one replay."""

    def __init__(self, seed: int, successor: str) -> None:
        run = Simulation(moving_config(seed, tag_names(), minutes=6, rate=30))
        lines = [encode_line(line) + b"\n" for line in run.lines()]
        self.tags = {tag["kind"]: tag["hashtag"] for tag in run.truth()["tags"] if tag["kind"] != "campaign"}
        self.old, self.new = (tag["hashtag"] for tag in run.truth()["tags"] if tag["kind"] == "campaign")
        self.kept: list[EvidenceRecord] = []
        policy = parse_policy(POLICY.replace("SUCCESSOR", successor), "moving.yaml")
        replay = Replay(range(4), policy, load_text_scorer(), shards=4, keep_evidence=self.kept.append)
        self.emitted = [one for one in replay.run(read_lines(lines)) if isinstance(one, Decision)]

    def hidden(self) -> set[str]:
        return hidden_by(self.emitted)

    def highest(self, hashtag: str) -> float:
        """Return the greatest value of the signal, in the world and in any country."""
        found = [0.0]
        for record in self.kept:
            table = table_of([record], Tags())
            rows = [row for row, name in enumerate(record.hashtags) if name == hashtag]
            found += table.signals["successor"][rows].tolist()
        return max(found)


def hidden_by(decisions: Iterable[Decision]) -> set[str]:
    """Return the hashtags that any decision hides; a discount does not."""
    return {one.hashtag for one in decisions if any(ruling.action == "suppress" for ruling in one.rulings)}


@cache
def lived(seed: int, successor: str = ", successor: 0.3") -> Lived:
    return Lived(seed, successor)


@pytest.mark.parametrize("seed", SEEDS)
def test_migrated_campaign_is_suppressed_by_its_authors(seed):
    run = lived(seed)
    assert run.hidden() == {run.old, run.new}
    first = next(one for one in run.emitted if one.hashtag == run.new and one.country == "*")
    (ruling, *_) = first.rulings
    signals = {why.signal for why in ruling.reasons} - {"harmful_share_lower", "established_share_lower"}
    assert signals == {"successor"}, "nothing else spoke for it"
    assert ruling.evidence is not None and ruling.evidence.predecessor == run.old
    assert run.highest(run.new) > 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_migrated_campaign_is_shown_without_signal(seed):
    assert lived(seed, "").hidden() == {lived(seed, "").old}


@pytest.mark.parametrize("seed", SEEDS)
def test_signal_is_low_for_match_and_zero_for_protest(seed):
    run = lived(seed)
    assert run.highest(run.tags["sports"]) < 0.15
    assert run.highest(run.tags["protest"]) < 0.05


def test_story_can_share_authors_of_another():
    config = moving_config(0, tag_names(), minutes=6, rate=30)
    run = Simulation(config)
    authors: dict[str, set[int]] = {}
    for teller in config.stories:
        authors[teller.hashtag] = set()
    for begin_ms in range(0, config.duration_ms, 1_000):
        for draft in run._drafts(begin_ms, 1_000):
            for tag in draft.tags:
                if tag in authors:
                    authors[tag].add(draft.author.id)
    match, protest, old, new = (authors[story.hashtag] for story in config.stories)
    assert len(new - old) < 0.2 * len(new) and not protest & (old | new)
    assert 0 < len(match & old) < 0.2 * len(match)


def tags_of(config: SimulationConfig) -> list[str]:
    """Return the campaign's hashtags, in order."""
    return [normalise(story.hashtag) for story in config.stories if story.kind == "campaign"]


def test_replay_is_independent_of_flush_size():
    """With one large flush every shard has markers of the end before it settles its first tick, and the second
    hashtag's shard settles before the first one's."""
    configs = (moving_config(seed, tag_names(), minutes=6, rate=30) for seed in range(100))
    shard_of = Sharding(4).of
    config = next(one for one in configs if len({*map(shard_of, tags_of(one))}) == 2 and
                  shard_of(tags_of(one)[1]) < shard_of(tags_of(one)[0]))  # fmt: skip
    run = Simulation(config)
    lines = [encode_line(line) + b"\n" for line in run.lines()]
    policy = parse_policy(POLICY.replace("SUCCESSOR", ", successor: 0.3"), "moving.yaml")
    found = []
    for flush_records in (200, 1_000_000):
        replay = Replay(range(4), policy, load_text_scorer(), shards=4, flush_records=flush_records)
        emitted = [one for one in replay.run(read_lines(lines)) if isinstance(one, Decision)]
        found.append(sorted((one.tick_ms, one.hashtag, one.country, str(one.rulings)) for one in emitted))
    assert found[0] == found[1]
    assert hidden_by(emitted) == {*tags_of(config)}
