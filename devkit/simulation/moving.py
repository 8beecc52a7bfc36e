"""Preset `moving`: a campaign that migrates to another hashtag once its first one is hidden."""

from __future__ import annotations

from dataclasses import replace

from devkit.simulation.config import DEFAULT_START_MS, SimulationConfig
from devkit.simulation.countries import BY_CODE
from devkit.simulation.dice import stream
from devkit.simulation.stories import Story, UniqueNames
from devkit.simulation.texts import TagNames

_BEGIN_MS = 30_000
_GAP_MS = 10_000


def moving_config(
    seed: int,
    names: TagNames,
    *,
    minutes: float = 10,
    rate: float = 40.0,
    start_ms: int = DEFAULT_START_MS,
    partitions: int = 4,
) -> SimulationConfig:
    """Configure a campaign in India that posts copies until half-time, then migrates to another hashtag without copies.

    Some of its tweets also have the hashtag of a trending match, so the match has a few of its authors; a protest has
    none of them.

    Args:
        seed: seed of all random choices.
        names: names of hashtags, see `data.tag_names`.
        minutes: length of the run, above 0.
        rate: average tweets a second, above 0. The campaign makes a tenth of them.
        start_ms: start of the run, Unix time in ms.
        partitions: partitions of the tweets topic, at least 1.
    """
    duration_ms = max(1, round(minutes * 60_000))
    dice, naming = stream(seed, "moving"), UniqueNames()
    subject = dice.randrange(len(names.people["en"]))
    old, new = (
        naming(pattern.format(people=names.people["en"][subject])) for pattern in dice.sample(names.campaign["en"], 2)
    )
    half_ms = duration_ms // 2
    match = Story(
        kind="sports", hashtag=naming(dice.choice(names.sports)), texts="sports", country="IN",
        languages=BY_CODE["IN"].languages, start_ms=0, end_ms=duration_ms, per_second=rate * 0.1, course="steady",
        n_authors=max(200, int(rate * 10)), harmful_share=0.01, copy_share=0.03,
    )  # fmt: skip
    protest = replace(match, kind="protest", hashtag=naming(dice.choice(names.protest)), texts="protest")
    first = Story(
        kind="campaign", hashtag=old, texts="harmful", country="IN", languages=(("en", 1.0),),
        start_ms=min(_BEGIN_MS, half_ms // 2), end_ms=half_ms, per_second=rate * 0.1, course="growing",
        n_authors=150, harmful_share=0.95, copy_share=0.7, n_masters=8, retweet_share=0.1, subject=subject,
        extra_tags=((match.hashtag, 0.05),),
    )  # fmt: skip
    second = replace(
        first, hashtag=new, crowd=old, start_ms=min(half_ms + _GAP_MS, duration_ms - 1), end_ms=duration_ms,
        copy_share=0.0, retweet_share=0.0,
    )  # fmt: skip
    return SimulationConfig(
        seed=seed,
        start_ms=start_ms,
        duration_ms=duration_ms,
        rate=rate,
        partitions=partitions,
        stories=(match, protest, first, second),
    )
