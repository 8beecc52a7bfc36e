"""Presets `hard` and `slow`: their campaigns, attacks, and the corroboration of innocent hashtags."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.simulation.faults import NO_FAULTS
from devkit.simulation.hard import LANGUAGES, SHARES, TIMINGS, hard_config
from devkit.simulation.run import Simulation
from streams.events.grammar import extract_hashtags
from tests.support.simulator import NAMES, digest, read

DAY_MS = 86_400_000


@given(
    st.integers(0, 10_000),
    st.floats(0.5, 90),
    st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True),
    st.booleans(),
)
def test_config_has_campaigns_of_each_share_and_language(
    seed: int, minutes: float, languages: Sequence[str], slow: bool
) -> None:
    config = hard_config(seed, NAMES, minutes=minutes, languages=languages, slow=slow)
    shares = Counter(
        (story.harmful_share, story.languages[0][0]) for story in config.stories if story.variant in ("open", "slow")
    )
    assert shares == dict.fromkeys(((share, language) for share in SHARES for language in languages), 1)
    own = [story for story in config.stories if not story.hijacks]
    assert len({story.hashtag.casefold() for story in own}) == len(own)
    for story in config.stories:
        assert 0 <= story.start_ms < story.end_ms <= config.duration_ms
        assert [use.display for use in extract_hashtags("#" + story.hashtag)] == [story.hashtag]
        assert story.harmful or story.hijacks or story.harmful_share <= 0.06
    assert {story.languages[0][0] for story in own if story.kind == "unread"} == {"ta", "bn", "ur", "es"}


@pytest.mark.parametrize("seed", range(3))
def test_attacks_come_before_among_and_after(seed: int) -> None:
    stories = hard_config(seed, NAMES).stories
    attacked = {story.variant: story for story in stories if story.variant in TIMINGS and not story.hijacks}
    assert {story.kind for story in attacked.values()} == {"protest", "sports", "counter_speech"}
    for attack in (story for story in stories if story.hijacks):
        target = attacked[attack.variant]
        assert target.hashtag == attack.hashtag
        expected = {
            "before": attack.start_ms < target.start_ms,
            "among": (attack.start_ms, attack.end_ms) == (target.start_ms, target.end_ms),
            "after": attack.start_ms == (target.start_ms + target.end_ms) // 2,
        }
        assert expected[attack.variant]


def test_attackers_are_days_old_and_answers_use_the_campaigns_tag() -> None:
    config = replace(hard_config(1, NAMES, languages=("en",)), faults=NO_FAULTS)
    ages: defaultdict[str, set[float]] = defaultdict(set)
    used: Counter[tuple[str, ...]] = Counter()
    for _, tweet in read(Simulation(config).lines()):
        for use in tweet.hashtags:
            ages[use.display].add((config.start_ms - (tweet.author_created_at_ms or 0)) / DAY_MS)
        used[tuple(sorted(use.display for use in tweet.hashtags))] += 1
    for attack in (story for story in config.stories if story.hijacks):
        begun_days = attack.start_ms / DAY_MS
        assert sum(age < 5 + begun_days for age in ages[attack.hashtag]) >= 45
    answered = next(story for story in config.stories if story.variant == "answered")
    answers = next(story for story in config.stories if story.extra_tags)
    both = tuple(sorted((answered.hashtag, answers.hashtag)))
    assert used[both] > 0.3 * (used[both] + used[(answered.hashtag,)])


def test_same_seed_gives_same_bytes_another_seed_does_not() -> None:
    one, same, other = (hard_config(seed, NAMES, minutes=0.5) for seed in (1, 1, 2))
    assert digest(Simulation(one)) == digest(Simulation(same)) != digest(Simulation(other))
