"""Accounts of people, and of attackers as public data on 24,321 accounts behind false Turkish trends shows them.

Of these at most 3.2% were under 30 days old and 19% under a year, the median was 818 days, and half showed fewer than
64 statuses. Their tweets were deleted after a median of 55 s, 84% within ten minutes.
"""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import msgspec

_BOUGHT_AGES = ((0.0, 2.0), (0.032, 30.0), (0.19, 365.0), (0.5, 818.0), (0.8, 1_900.0), (0.95, 3_300.0), (1.0, 5_400.0))
"""Points (part of the accounts, age in days) of the curve; between two of them it is exponential."""
_BOUGHT_STATUSES, _PEOPLE_STATUSES = (63.0, 1.6), (1_400.0, 1.7)
"""Median and deviation of the logarithm."""
_BOUGHT_FOLLOWERS, _PEOPLE_FOLLOWERS = (9.0, 1.5), (190.0, 1.4)
_PEOPLE_AGE, _LEAST_PEOPLE_AGE, _MOST_AGE = (1_350.0, 0.85), 45.0, 6_600.0
_DELETED = (55.0, 2.4)
"""Seconds until an attacker's tweet is deleted."""


class Account(msgspec.Struct, frozen=True):
    """Facts of one account that a payload carries."""

    id: int
    age_days: float
    """Age at the start of the run."""
    statuses: int
    followers: int


def person(number: int, rng: Random) -> Account:
    """Make a person's grown account."""
    age = min(_MOST_AGE, max(_LEAST_PEOPLE_AGE, _spread(_PEOPLE_AGE, rng)))
    return Account(number, age, round(_spread(_PEOPLE_STATUSES, rng)) + 1, round(_spread(_PEOPLE_FOLLOWERS, rng)))


def newcomer(number: int, rng: Random) -> Account:
    """Make a young account, of a student or of a crude attacker."""
    return Account(number, 0.5 + 28 * rng.random(), round(_spread((40.0, 1.0), rng)) + 1, rng.randrange(60))


def bought(number: int, rng: Random) -> Account:
    """Make an attacker's account with the ages and statuses of the public data."""
    return Account(
        number, bought_age(rng.random()), round(_spread(_BOUGHT_STATUSES, rng)), round(_spread(_BOUGHT_FOLLOWERS, rng))
    )


def bought_age(part: float) -> float:
    """Return the age in days that a part of the attackers' accounts is below.

    >>> bought_age(0.5)
    818.0
    """
    for (low, young), (high, old) in pairwise(_BOUGHT_AGES):
        if part <= high:
            return float(round(young * (old / young) ** ((part - low) / (high - low)), 3))
    return _BOUGHT_AGES[-1][1]


def deleted_after_ms(rng: Random) -> int:
    """Draw the time after which an attacker deletes a tweet."""
    return round(1000 * _spread(_DELETED, rng))


def _spread(curve: tuple[float, float], rng: Random) -> float:
    median, deviation = curve
    return median * math.exp(deviation * rng.gauss(0.0, 1.0))
