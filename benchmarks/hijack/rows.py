"""Rows of the table: who is attacked, by whom, when, and with how many texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

FIRST, SECOND = "first", "second"
GENERATORS = (FIRST, SECOND)
BEFORE, AMONG, AFTER = "before", "among", "after"
TIMINGS = (BEFORE, AMONG, AFTER)
SHORT, HOUR = 10, 60
"""Minutes of a protest."""
OWN, SLOGANS, STUDENTS, RECLAIMED, VIOLENCE = "own texts", "slogans", "students", "reclaimed words", "reports"
NOTHING, LIFTED, MIRROR = "no protest", "lifted", "lifted, mirror"
YOUNG, BOUGHT, MIXED, REPEATING, DELETING = "young", "bought", "mixed", "repeating", "deleting"
GROWN = (OWN, SLOGANS, RECLAIMED, VIOLENCE)
"""Protests whose people have grown accounts."""
OWN_SENTENCES = 0
"""Size of a pool from which each attacker has another text."""
PEOPLE, LIFTERS = 100, (20, 60)
_POOLS = (5, 20, 60, 100, 150, 300, 600)
_PAIRS = (
    *((OWN, YOUNG, 3),),
    *((OWN, BOUGHT, pool) for pool in (*_POOLS, OWN_SENTENCES)),
    *((OWN, MIXED, 60), (OWN, DELETING, 60)),
    *((SLOGANS, YOUNG, 3), (SLOGANS, BOUGHT, 60), (SLOGANS, BOUGHT, 150)),
    *((STUDENTS, YOUNG, 3), (STUDENTS, BOUGHT, 60), (STUDENTS, BOUGHT, OWN_SENTENCES)),
    *((protest, REPEATING, 60) for protest in (OWN, RECLAIMED, VIOLENCE)),
)
_CAMPAIGNS = ((YOUNG, 3), (BOUGHT, 60), (BOUGHT, 150), (BOUGHT, OWN_SENTENCES))
_RATIOS = (1.5, 3.0, 5.0)
_LIFTED_RATIO = 5.0


@dataclass(frozen=True, slots=True)
class AttackRow:
    """One attack on one protest, by one generator and seed."""

    protest: str
    attackers: str
    pool: int
    """Texts that the attackers share; `OWN_SENTENCES`: each writes another."""
    ratio: float = 3.0
    """Attackers for each genuine author, or each lifter."""
    timing: str = BEFORE
    minutes: int = SHORT
    generator: str = SECOND
    seed: int = 0
    people: int = PEOPLE

    @property
    def count(self) -> int:
        """Number of attackers; repeaters come on top."""
        return round(self.people * self.ratio)

    @property
    def family(self) -> str:
        """Name of the row without seed and generator."""
        pool = f"{self.pool} texts" if self.pool else "own sentences"
        return f"{self.protest} / {self.attackers}, {pool} / {self.ratio:g} / {self.timing} / {self.minutes} min" + (
            f" / {self.people}" if self.people != PEOPLE else ""
        )

    @property
    def key(self) -> str:
        """Name of the case."""
        return f"{self.family} / {self.generator} / seed {self.seed}"

    @property
    def protected(self) -> bool:
        """Whether the protest has grown accounts, and the attackers are young or use each text at least twice."""
        return self.protest in GROWN and (self.attackers == YOUNG or (self.pool > 0 and self.count >= 2 * self.pool))


def rows(*, quick: bool, seeds: int) -> Iterator[AttackRow]:
    """List the cases. The quick ones last ten minutes and have three attackers who come first."""
    timings, lengths, ratios = ((BEFORE,), (SHORT,), (3.0,)) if quick else (TIMINGS, (SHORT, HOUR), _RATIOS)
    for seed, generator, minutes in product(range(seeds), GENERATORS, lengths):
        for (protest, attackers, pool), timing, ratio in product(_PAIRS, timings, ratios):
            if minutes == SHORT or ratio == 3.0:
                yield AttackRow(protest, attackers, pool, ratio, timing, minutes, generator, seed)
        for attackers, pool in _CAMPAIGNS:
            yield AttackRow(NOTHING, attackers, pool, 3.0, BEFORE, minutes, generator, seed)
        lifted = ((LIFTERS[0], AFTER),) if quick else product(LIFTERS, TIMINGS)
        for (lifters, timing), protest in product(lifted, (LIFTED, MIRROR)):
            yield AttackRow(protest, YOUNG, 3, _LIFTED_RATIO, timing, minutes, generator, seed, lifters)
