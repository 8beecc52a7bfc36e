"""Tweets of a row by either generator, with the truth about their authors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import Protocol

from benchmarks.hijack import posts as simulator_posts
from benchmarks.hijack.posts import START_MS, TAG
from benchmarks.hijack.rows import (
    AMONG,
    BEFORE,
    DELETING,
    FIRST,
    LIFTED,
    MIRROR,
    MIXED,
    NOTHING,
    OWN,
    RECLAIMED,
    REPEATING,
    SLOGANS,
    STUDENTS,
    VIOLENCE,
    YOUNG,
    AttackRow,
)
from devkit.crowds.accounts import Account, bought, deleted_after_ms, newcomer, person
from devkit.crowds.data import crowd_texts
from devkit.crowds.posts import AuthorRole, CrowdPost
from devkit.simulation.data import own_texts
from streams.constants import MINUTE_MS

_FIRST_MINUTE, _SURGE_MINUTES = 1.0, 2.0
"""Minute in which a protest begins, after attackers who come before it, and the length of an attack after its half."""
_PERSON, _ATTACKER, _REPEATER = 10_000_000, 20_000_000, 30_000_000
"""First account id of each group."""
_REPEATED_AFTER_MS = (3_000, 60_000)
_SLOGANS = 5
_DELETING = 0.6
"""Part of the attackers' tweets that they delete, where they do."""
_TRAIL_MINUTES = 4
_FIRST_KINDS = {OWN: "protest", STUDENTS: "protest", RECLAIMED: "reclaimed", VIOLENCE: "news", MIRROR: "protest"}
_SECOND_KINDS = {OWN: "protest", STUDENTS: "protest", RECLAIMED: "reclaimed", VIOLENCE: "violence", MIRROR: "protest"}
Maker = Callable[[int, Random], Account]


class Generator(Protocol):
    """Texts and accounts of one generator."""

    person: Maker
    newcomer: Maker
    bought: Maker

    def texts(self, kind: str, count: int, rng: Random) -> list[str]:
        """Draw distinct texts of a protest's kind, of LIFTED for neutral posts, or harmful ones."""


class _First:
    """The simulator's texts, and ages that are uniform."""

    person = staticmethod(lambda number, rng: Account(number, 60 + rng.randrange(3_000), 900, 200))
    newcomer = staticmethod(lambda number, rng: Account(number, 5, 20, 10))
    bought = staticmethod(lambda number, rng: Account(number, 400, 300, 50))

    def texts(self, kind: str, count: int, rng: Random) -> list[str]:
        if kind == SLOGANS:
            return simulator_posts.distinct(own_texts(), "protest", rng, count)
        kind = "harmful" if kind == "harmful" else "clean" if kind == LIFTED else _FIRST_KINDS[kind]
        return simulator_posts.distinct(own_texts(), kind, rng, count)


class _Second:
    """Texts and accounts of `devkit.crowds`."""

    person = staticmethod(person)
    newcomer = staticmethod(newcomer)
    bought = staticmethod(bought)

    def texts(self, kind: str, count: int, rng: Random) -> list[str]:
        if kind == SLOGANS:
            return crowd_texts().distinct("slogans", count, rng)
        kind = "harmful" if kind == "harmful" else "chatter" if kind == LIFTED else _SECOND_KINDS[kind]
        return crowd_texts().distinct(kind, count, rng)


@lru_cache(2)
def generator(name: str) -> Generator:
    """Return a generator by its name."""
    return _First() if name == FIRST else _Second()


def length_ms(row: AttackRow) -> int:
    """Return the length of a row's log."""
    return round((_FIRST_MINUTE + row.minutes + _TRAIL_MINUTES) * MINUTE_MS)


def battle(row: AttackRow) -> list[CrowdPost]:
    """Return the tweets of a row by time. The protest does not depend on the attackers."""
    protest = list(_people(row))
    posts = [*protest, *_attackers(row), *_repeaters(row, protest)]
    return sorted(posts, key=lambda post: (post.at_ms, post.account.id))


def _span(row: AttackRow, timing: str) -> tuple[float, float]:
    """Return the minutes between which a group writes: before the others, among them, or after half of their time."""
    if timing == BEFORE:
        return 0.0, _FIRST_MINUTE
    half = _FIRST_MINUTE + row.minutes / 2
    return (_FIRST_MINUTE, _FIRST_MINUTE + row.minutes) if timing == AMONG else (half, half + _SURGE_MINUTES)


def _people(row: AttackRow) -> Iterator[CrowdPost]:
    if row.protest == NOTHING:
        return
    is_lifted = row.protest in (LIFTED, MIRROR)
    place = f"{'lifted' if is_lifted else row.protest} {row.people} {row.minutes} {row.generator} {row.seed}"
    rng, words, source = Random(f"people {place}"), Random(f"words {row.protest} {place}"), generator(row.generator)
    make = source.bought if is_lifted else source.newcomer if row.protest == STUDENTS else source.person
    if row.protest == SLOGANS:
        texts = [words.choice(source.texts(SLOGANS, _SLOGANS, Random(place))) for _ in range(row.people)]
    else:
        texts = source.texts(row.protest, row.people, words)
    span = _span(row, row.timing if is_lifted else AMONG)
    role = AuthorRole.LIFTER if row.protest == LIFTED else AuthorRole.GENUINE
    for number, text in enumerate(texts):
        account = make(_PERSON + number, rng)
        yield CrowdPost(_at(rng, span), account, text, TAG, role)


def _attackers(row: AttackRow) -> Iterator[CrowdPost]:
    is_lifted = row.protest in (LIFTED, MIRROR)
    name = row.key.replace(row.protest, "lifted") if is_lifted else row.key
    rng, source = Random(f"attackers {name}"), generator(row.generator)
    pool = source.texts("harmful", row.pool or row.count, rng)
    span = _span(row, AMONG if is_lifted or row.protest == NOTHING else row.timing)
    for number in range(row.count):
        is_young = row.attackers == YOUNG or (row.attackers == MIXED and number % 2 == 0)
        account = (source.newcomer if is_young else source.bought)(_ATTACKER + number, rng)
        at_ms = _at(rng, span)
        deletes = row.attackers == DELETING and rng.random() < _DELETING
        deleted_ms = at_ms + deleted_after_ms(rng) if deletes else 0
        yield CrowdPost(at_ms, account, pool[number % len(pool)], TAG, AuthorRole.ATTACKER, deleted_ms)


def _repeaters(row: AttackRow, protest: Sequence[CrowdPost]) -> Iterator[CrowdPost]:
    """Let one bought account repeat each protester's text, some time after it."""
    if row.attackers != REPEATING:
        return
    rng, source = Random(f"repeaters {row.key}"), generator(row.generator)
    for number, post in enumerate(protest):
        account = source.bought(_REPEATER + number, rng)
        yield CrowdPost(post.at_ms + rng.randint(*_REPEATED_AFTER_MS), account, post.text, TAG, AuthorRole.REPEATER)


def _at(rng: Random, span: tuple[float, float]) -> int:
    low, high = span
    return START_MS + int((low + (high - low) * rng.random()) * MINUTE_MS)
