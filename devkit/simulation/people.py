"""Simulated accounts. An account depends on (seed, group, number) alone, so pools may be of any size."""

from __future__ import annotations

from random import Random

import msgspec

from devkit.simulation.countries import Country
from devkit.simulation.dice import digits
from streams.constants import DAY_MS

YOUNG_DAYS = 25
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
"""Epoch of Twitter's ids, whose upper 41 bits count milliseconds."""

_FIRST = (
    "Asha", "Ravi", "Imran", "Leela", "Tom", "Grace", "Chidi", "Bola", "Bruno", "Clara",
    "Yuki", "Ken", "Maya", "Omar", "Nina", "Paul", "Sana", "Dev", "Ines", "Arun",
)  # fmt: skip
_LAST = (
    "Menon", "Shah", "Okoye", "Silva", "Tanaka", "Baker", "Rao", "Qureshi", "Das", "Bello",
    "Costa", "Mori", "Reid", "Joshi", "Khan", "Park", "Iyer", "Wood", "Lima", "Sen",
)  # fmt: skip
_BIOS = (
    "Reads more than sleeps. Opinions are borrowed from my cat.",
    "Engineer by day, cook by night. Trains, tea and long walks.",
    "Mother of two, runner of none. Photos of the sky, mostly in the evening after rain.",
    "Student of history. Asking questions is free of charge.",
    "Cricket, films, spreadsheets. In that order on weekends only.",
    "",
    "Local news, weather and the odd recipe from my grandmother's notebook.",
)


class Author(msgspec.Struct, gc=False, eq=False):
    """Simulated account. `user_v1` and `user_v2` cache its rendered JSON."""

    id: int
    born_ms: int
    country: Country
    name: str
    screen_name: str
    bio: str
    city: str
    followers: int
    following: int
    statuses: int
    verified: bool
    user_v1: bytes = b""
    user_v2: bytes = b""


def make_author(
    seed: int, group: str, number: int, country: Country, start_ms: int, *, young: bool, young_days: int = YOUNG_DAYS
) -> Author:
    """Make account `number` of a group.

    Args:
        seed: seed of the run.
        group: name of the group, part of the seed of the account.
        number: number of the account in its group, at least 0.
        country: country of the account.
        start_ms: start of the run. A young account was created within `young_days` before, others 60 to 4,000 days.
        young: whether the account is young.
        young_days: age in days that a young account is below.
    """
    bits = digits(seed, group, number)

    def take(n: int) -> int:
        nonlocal bits
        bits, taken = divmod(bits, n)
        return taken

    age_ms = (take(young_days * 1440) + 30) * 60_000 if young else (60 + take(3_940)) * DAY_MS + take(1440) * 60_000
    born_ms = max(0, start_ms - age_ms)
    first, last = _FIRST[take(len(_FIRST))], _LAST[take(len(_LAST))]
    reach = take(1000)
    followers = take(40) if young else 20 + reach * reach * reach // 20_000
    return Author(
        id=max(0, born_ms - SNOWFLAKE_EPOCH_MS) << 22 | take(1 << 22),
        born_ms=born_ms,
        country=country,
        name=f"{first} {last}",
        screen_name=f"{first}{last}{take(100_000)}"[:15],
        bio="" if young else _BIOS[take(len(_BIOS))],
        city=country.cities[take(len(country.cities))] if country.cities else "",
        followers=followers,
        following=take(900) + 5,
        statuses=take(60) + 1 if young else take(40_000) + 50,
        verified=reach > 990 and not young,
    )


class AuthorPool:
    """Group of accounts, some more active than others."""

    def __init__(
        self,
        seed: int,
        group: str,
        country: Country,
        size: int,
        young_share: float,
        start_ms: int,
        young_days: int = YOUNG_DAYS,
    ) -> None:
        assert size > 0
        self.size = size
        self._facts = (seed, group)
        self._country = country
        self._young = round(young_share * size)
        self._start_ms = start_ms
        self._young_days = young_days
        self._known: dict[int, Author] = {}

    def draw(self, rng: Random) -> Author:
        """Draw an account, low numbers more often."""
        dice = rng.random()
        return self.member(int(self.size * dice * (0.4 + 0.6 * dice)))

    def member(self, number: int) -> Author:
        """Return account `number`, in [0, size). Young ones are spread evenly over the numbers."""
        author = self._known.get(number)
        if author is None:
            young = (number + 1) * self._young // self.size > number * self._young // self.size
            seed, group = self._facts
            author = make_author(
                seed, group, number, self._country, self._start_ms, young=young, young_days=self._young_days
            )
            self._known[number] = author
        return author
