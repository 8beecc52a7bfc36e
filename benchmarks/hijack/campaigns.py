"""Campaigns on new hashtags: young accounts write one of three texts, alone or with established authors.

A campaign is found once its hashtag is hidden, or discounted and ranked below the top ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.hijack.outcomes import most_changes
from benchmarks.hijack.posts import Post, at, distinct, load
from benchmarks.hijack.viewing import Sight, decisions_of, sights
from devkit.simulation.texts import TextSource

TOP = 10
"""Ranks that a campaign must not reach."""
PACES = {"fast": 2, "slow": 15}
"""Minutes over which the authors of a campaign write."""
COUNTER_SPEECH, HATERS = "counter_speech", "harmful"
"""Kinds of text that the established authors of a campaign write."""
MIXES = (
    (0.0, COUNTER_SPEECH),
    (0.1, COUNTER_SPEECH),
    (0.3, COUNTER_SPEECH),
    (0.5, COUNTER_SPEECH),
    (0.3, HATERS),
)
"""Established part of the authors, and the kind of their texts."""
FEWEST, MOST = 60, 400
"""Authors of the smallest and of the largest campaign."""
_RANK_STEP_MS = 2_000
_BOT, _ESTABLISHED = 10_000_000, 20_000_000
"""First account id of each group."""


@dataclass(frozen=True, slots=True)
class StagedCampaign:
    """A campaign on a new hashtag."""

    pace: str
    established: float
    """Part of the authors that is established."""
    their_texts: str = COUNTER_SPEECH
    seed: int = 0

    @property
    def name(self) -> str:
        """Description of its authors."""
        if not self.established:
            return "bots alone"
        return f"{self.established:.0%} {'counter-speech' if self.their_texts == COUNTER_SPEECH else 'haters'}"

    @property
    def authors(self) -> int:
        """Number of authors, which depends on the seed alone."""
        return Random(f"size {self.seed}").randrange(FEWEST, MOST + 1)


@dataclass(frozen=True, slots=True)
class CampaignOutcome:
    """Ranks that a campaign reached, and when it was found."""

    campaign: StagedCampaign
    seconds: float | None
    """Seconds from its first tweet until it is found; None: never."""
    best_rank: int
    top_seconds: float
    """Seconds in the top ten."""
    unflagged_seconds: float
    """The same without any flag."""
    alone_seconds: float
    """The same without any flag, by the established authors' tweets alone."""
    changes: int
    """Most changes of state in ten minutes."""


def campaign_posts(campaign: StagedCampaign, texts: TextSource) -> list[Post]:
    """Return the tweets of a campaign, by time."""
    rng, minutes = Random(f"{campaign}"), PACES[campaign.pace]
    masters = distinct(texts, "harmful", rng, 3)
    own = distinct(texts, campaign.their_texts, rng, round(campaign.authors * campaign.established))
    bots = campaign.authors - len(own)
    posts = [Post(at(rng, 0, minutes), _BOT + number, 5, rng.choice(masters)) for number in range(bots)]
    posts += [
        Post(at(rng, 0, minutes), _ESTABLISHED + number, 60 + rng.randrange(3_000), text)
        for number, text in enumerate(own)
    ]
    return sorted(posts)


def observe(campaign: StagedCampaign, texts: Path | None) -> CampaignOutcome:
    """Replay a campaign with the texts of a file, or the simulator's own, and measure what it reached."""
    posts = campaign_posts(campaign, load(texts))
    decisions = decisions_of(posts)
    seen = list(sights(posts, decisions, _RANK_STEP_MS))
    theirs = [post for post in posts if post.author >= _ESTABLISHED]
    found_ms = next((sight.at_ms for sight in seen if _is_found(sight)), None)
    return CampaignOutcome(
        campaign,
        None if found_ms is None else (found_ms - posts[0].at_ms) / 1000,
        min(sight.rank for sight in seen if sight.rank is not None),
        _top_seconds(seen),
        _top_seconds(sights(posts, (), _RANK_STEP_MS)),
        _top_seconds(sights(theirs, (), _RANK_STEP_MS)),
        most_changes(seen, decisions),
    )


def _is_found(sight: Sight) -> bool:
    return sight.hidden or (sight.action == "discount" and sight.rank is not None and sight.rank > TOP)


def _top_seconds(seen: Iterable[Sight]) -> float:
    return sum(sight.rank is not None and sight.rank <= TOP for sight in seen) * _RANK_STEP_MS / 1000


def campaigns(seeds: int) -> Iterator[StagedCampaign]:
    """List campaigns of all paces and mixes, each with some seeds."""
    for pace in PACES:
        for established, their_texts in MIXES:
            for seed in range(seeds):
                yield StagedCampaign(pace, established, their_texts, seed)
