"""Orders of the story: fictitious accounts and hashtags, and the reviewers' findings. Pure.

The story follows reports of February 2021: a ministry names 1,178 accounts under section 69A of India's IT Act. The
platform reduces the visibility of harmful hashtags, withholds some accounts in India, and suspends a few under its own
rules. It declines to act on news media, journalists, activists and politicians.

A second order of the same country names 100 of the same accounts, and a third one gets an interim decision that ends.
Every account here is a random number; there are no real handles, names or tweets.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from moderation.domain.speakers.registry import COLUMNS as REGISTRY_COLUMNS
from moderation.domain.tables import write_table
from streams.orders.records import SpeakerCategory

ACCOUNTS = 1_178
SPEAKERS: Mapping[SpeakerCategory, int] = {"news_media": 7, "journalist": 23, "activist": 18, "politician": 9}
"""Number of protected speakers that the order names, by category."""
OTHERS_PROTECTED = 40
"""Number of protected speakers that the order does not name."""
SUSPENDED, WITHHELD = 96, 437
REDUCED = ("SowHatredNow", "BurnThemOut", "DriveThemAway", "NoMercyToday", "StrikeTonight", "TheyMustGo", "EndThemAll",
           "CityOnFire", "RiseAndBurn", "NoneShallStay")  # fmt: skip
"""Invented hashtags that incite to violence."""
CRITICAL = ("FieldsAndFarmers", "RoadToTheCapital", "WeTillTheSoil", "HearTheVillages", "HarvestJustice", "TractorDay")
"""Invented hashtags that only criticise."""
AUTHORITY = "Ministry of Examples (a fictitious authority)"
REFERENCE, SECOND, THIRD = "EX/69A/2021/7", "EX/69A/2021/8", "EX/69A/2021/9"
"""References of the three orders."""
AGAIN_SUSPENDED, AGAIN_WITHHELD, AGAIN_LAWFUL, AGAIN_REDUCED = 60, 30, 10, 5
"""Targets of the second order that the first one named, by what that one got."""
NEW_WITHHELD, NEW_DECLINED = 20, 11
"""Accounts that only the second order names, by what it got."""
INTERIM_AGAIN, INTERIM_WITHHELD, INTERIM_DECLINED = 20, 20, 10
"""Accounts of the third order: named by the first one too, and withheld or declined for the first time."""
RELEASED = 6
"""Accounts of the second order that an appeal and a new ruling release."""


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
    second: LaterOrder
    third: LaterOrder


@dataclass(frozen=True, slots=True)
class LaterOrder:
    """Targets of an order that came after the first, by what it gets."""

    withheld: tuple[str, ...]
    declined: tuple[str, ...]
    reduced: tuple[str, ...] = ()

    @property
    def csv(self) -> str:
        """The order as a file."""
        return _order_csv([*self.withheld, *self.declined, *(f"#{tag}" for tag in self.reduced)])


def order_story(seed: int = 2021) -> OrderStory:
    """Make the story; the same seed gives the same story."""
    dice = random.Random(seed)
    fresh = NEW_WITHHELD + NEW_DECLINED + INTERIM_WITHHELD + INTERIM_DECLINED
    ids = [str(number) for number in dice.sample(range(10**9, 10**10), ACCOUNTS + OTHERS_PROTECTED + fresh)]
    named, others = ids[:ACCOUNTS], ids[ACCOUNTS:]
    not_named, unknown = others[:OTHERS_PROTECTED], iter(others[OTHERS_PROTECTED:])
    categories = [category for category, count in SPEAKERS.items() for _ in range(count)]
    shuffled = dice.sample(named, len(named))
    speakers = dict(zip(shuffled, categories, strict=False))
    rest = shuffled[len(speakers) :]
    breakers, unlawful, lawful = rest[:SUSPENDED], rest[SUSPENDED : SUSPENDED + WITHHELD], rest[SUSPENDED + WITHHELD :]
    tags = dice.sample([*REDUCED, *CRITICAL], len(REDUCED) + len(CRITICAL))
    registry = list(speakers.items())
    registry += [(account, dice.choice(categories)) for account in not_named]
    second = LaterOrder(
        withheld=(*breakers[:AGAIN_SUSPENDED], *unlawful[:AGAIN_WITHHELD], *islice(unknown, NEW_WITHHELD)),
        declined=(*lawful[:AGAIN_LAWFUL], *islice(unknown, NEW_DECLINED)),
        reduced=REDUCED[:AGAIN_REDUCED],
    )
    third = LaterOrder(
        withheld=(*unlawful[AGAIN_WITHHELD : AGAIN_WITHHELD + INTERIM_AGAIN], *islice(unknown, INTERIM_WITHHELD)),
        declined=tuple(islice(unknown, INTERIM_DECLINED)),
    )
    return OrderStory(
        order_csv=_order_csv([*named, *(f"#{tag}" for tag in tags), named[0]]),
        registry_csv=write_table(
            REGISTRY_COLUMNS, ({"account": a, "category": c, "basis": "accredited"} for a, c in registry)
        ),
        speakers=speakers,
        rule_breakers=tuple(breakers),
        unlawful=tuple(unlawful),
        lawful=tuple(lawful),
        second=second,
        third=third,
    )


def _order_csv(targets: Iterable[str]) -> str:
    return write_table(("target",), ({"target": target} for target in targets))
