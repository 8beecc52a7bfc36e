"""Ground truth compared with parsed payloads, and contents of a scenario."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.simulation.config import MAX_START_MS, SimulationConfig
from devkit.simulation.demo import demo_config
from devkit.simulation.faults import NO_FAULTS, FaultRates
from devkit.simulation.run import Simulation
from devkit.simulation.scenario import scenario_config
from streams.events.grammar import extract_hashtags
from tests.support.simulator import LOTS, NAMES, read, small


@pytest.mark.parametrize("faults", [NO_FAULTS, LOTS], ids=["clean", "faulty"])
def test_truth_counts_equal_parsed_payloads(faults: FaultRates) -> None:
    run = Simulation(small(11, minutes=1, faults=faults))
    texts: defaultdict[str, set[int]] = defaultdict(set)
    authors: defaultdict[str, set[int]] = defaultdict(set)
    for _, tweet in read(run.lines()):
        for use in tweet.hashtags:
            texts[use.hashtag].add(tweet.id)
            authors[use.hashtag].add(tweet.author_id)
    truth = run.truth()
    listed = {tag["hashtag"]: tag for tag in truth["tags"]}
    assert len(listed) == len(truth["tags"]) > 100
    for hashtag, tag in listed.items():
        assert (len(texts[hashtag]), len(authors[hashtag])) == (tag["texts"], tag["authors"]), hashtag
    rest = texts.keys() - listed.keys()
    assert len(rest) > 100  # the long tail
    assert all(len(authors[hashtag]) < 8 for hashtag in rest)
    assert truth["records"]["tweets"] == len(
        {tweet for found in texts.values() for tweet in found} | _untagged(run.config)
    )


def _untagged(config: SimulationConfig) -> set[int]:
    return {tweet.id for _, tweet in read(Simulation(config).lines()) if not tweet.hashtags}


@given(st.integers(0, 10_000), st.floats(0.5, 200), st.floats(0.5, 2_000))
@settings(max_examples=60, deadline=None)
def test_scenario_has_required_stories(seed: int, minutes: float, rate: float) -> None:
    config = scenario_config(seed, NAMES, minutes=minutes, rate=rate)
    kinds = Counter(story.kind for story in config.stories)
    episodes = -(-config.duration_ms // 3_600_000)
    assert episodes <= kinds["campaign"] <= 3 * episodes
    assert kinds["counter_speech"] == kinds["campaign"]
    assert min(kinds["protest"], kinds["news"], kinds["sports"], kinds["bot_flood"]) >= episodes
    hashtags = [story.hashtag.casefold() for story in config.stories]
    assert len(set(hashtags)) == len(hashtags)
    for story in config.stories:
        assert 0 <= story.start_ms < story.end_ms <= config.duration_ms
        assert 0 < story.per_second <= rate / 4
        assert [use.display for use in extract_hashtags("#" + story.hashtag)] == [story.hashtag]
        if story.kind == "campaign":
            assert 0.75 <= story.harmful_share <= 0.95
            assert 40 <= story.n_authors <= 300
            assert (story.end_ms - story.start_ms) * episodes > 0.4 * config.duration_ms
        else:
            assert story.harmful_share <= 0.1
        if story.kind == "bot_flood":
            assert story.n_authors < 12


def test_truth_without_attack_has_no_time_of_one() -> None:
    run = Simulation(small(1, minutes=0.2))
    assert not any("attacked_from_ms" in tag for tag in run.truth()["tags"])


def test_average_rate_matches_configuration() -> None:
    for config in (scenario_config(3, NAMES, minutes=1.5, rate=50), demo_config(NAMES, rate=50, hours=0.03)):
        n = sum(1 for _ in Simulation(config).lines())
        assert 0.85 < n / (config.duration_ms / 1000 * 50) < 1.15


@pytest.mark.parametrize("start_ms", [0, 1_000, MAX_START_MS])
def test_run_can_start_at_any_time(start_ms: int) -> None:
    run = Simulation(small(1, minutes=0.2, faults=NO_FAULTS, start_ms=start_ms))
    found = [tweet for _, tweet in read(run.lines())]
    assert len(found) == run.records["tweets"] > 200
    assert len({tweet.id for tweet in found}) == len(found)
