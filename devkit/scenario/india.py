"""Order of the story: 1,178 fictitious accounts, some hashtags, and the reviewers' findings. Pure.

The story follows reports of February 2021: a ministry names 1,178 accounts under section 69A of India's IT Act. The
platform reduces the visibility of harmful hashtags, withholds some accounts in India, and suspends a few under its own
rules. It declines to act on news media, journalists, activists and politicians. Every account here is a random number;
there are no real handles, names or tweets.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from moderation.speakers.registry import COLUMNS as REGISTRY_COLUMNS
from moderation.tables import write_table
from streams.orders.records import SpeakerCategory

ACCOUNTS = 1_178
SPEAKERS: Mapping[SpeakerCategory, int] = {"news_media": 7, "journalist": 23, "activist": 18, "politician": 9}
"""Number of protected speakers that the order names, by category."""
OTHERS_PROTECTED = 40
"""Number of protected speakers that the order does not name."""
SUSPENDED, WITHHELD = 96, 437
REDUCED = ("SowHatredNow", "BurnThemOut", "DriveThemAway", "NoMercyToday", "StrikeTonight", "TheyMustGo", "EndThemAll",
           "CityOnFire")  # fmt: skip
"""Invented hashtags that incite to violence."""
CRITICAL = ("FieldsAndFarmers", "RoadToTheCapital", "WeTillTheSoil", "HearTheVillages", "HarvestJustice", "TractorDay")
"""Invented hashtags that only criticise."""
AUTHORITY = "Ministry of Examples (a fictitious authority)"
REFERENCE = "EX/69A/2021/7"


@dataclass(frozen=True, slots=True)
class OrderStory:
    """Files of the order, and the reviewers' findings on its targets."""

    order_csv: str
    registry_csv: str
    speakers: Mapping[str, SpeakerCategory]
    """Protected accounts that the order names."""
    rule_breakers: tuple[str, ...]
    """Accounts with spam and manipulation, under the platform's own rules."""
    unlawful: tuple[str, ...]
    """Accounts with posts that incite, under local law."""
    lawful: tuple[str, ...]


def order_story(seed: int = 2021) -> OrderStory:
    """Make the story; the same seed gives the same story."""
    dice = random.Random(seed)
    ids = [str(number) for number in dice.sample(range(10**9, 10**10), ACCOUNTS + OTHERS_PROTECTED)]
    named, not_named = ids[:ACCOUNTS], ids[ACCOUNTS:]
    categories = [category for category, count in SPEAKERS.items() for _ in range(count)]
    shuffled = dice.sample(named, len(named))
    speakers = dict(zip(shuffled, categories, strict=False))
    rest = shuffled[len(speakers) :]
    tags = dice.sample([*REDUCED, *CRITICAL], len(REDUCED) + len(CRITICAL))
    targets = [*named, *(f"#{tag}" for tag in tags)]
    registry = list(speakers.items())
    registry += [(account, dice.choice(categories)) for account in not_named]
    return OrderStory(
        order_csv=write_table(("target",), ({"target": target} for target in [*targets, "@someone", named[0]])),
        registry_csv=write_table(
            REGISTRY_COLUMNS, ({"account": a, "category": c, "basis": "accredited"} for a, c in registry)
        ),
        speakers=speakers,
        rule_breakers=tuple(rest[:SUSPENDED]),
        unlawful=tuple(rest[SUSPENDED : SUSPENDED + WITHHELD]),
        lawful=tuple(rest[SUSPENDED + WITHHELD :]),
    )
