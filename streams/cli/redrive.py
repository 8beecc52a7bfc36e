"""Send dead letters of tweets to `tweets` again, each origin once.

    1. A claim is written under the origin's key, and the topic is read back: the first claim that is not done wins.
    2. The tweet is sent with its origin in a header.
    3. A done mark is written.

Where a run ended between 1 and 3, the next one looks for the header in `tweets`, from the time of the claim on.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from streams.clock import now_ms
from streams.errors import ContractError
from streams.events.parse import parse
from streams.log.dead_letters import (
    MARK,
    REDRIVEN_FROM,
    RUN,
    DeadLetters,
    Letter,
    Mark,
    headers_of,
    read_dead_letters,
)
from streams.log.producer import Sender
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DEAD_LETTER, TWEETS
from streams.settings import Settings

CLAIM_MS = 60_000
"""A claim this old, without a tweet, is of a run that has ended."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """Outcome of one letter."""

    origin: str
    sent: bool
    why: str = ""
    """Why it was not sent; "" if it was."""
    partition: int = -1
    offset: int = -1
    """Position in `tweets`; -1 if it was not sent by this run."""


def why_not(letter: Letter, kept: DeadLetters, partitions: Collection[int]) -> str:
    """Return why a letter must not be sent again to `tweets`, which has these partitions; "" if it may."""
    if kept.is_done(letter.key):
        return "it was redriven before"
    if letter.source_bytes is None:
        return "its header source-bytes is no length"
    if letter.source_bytes > len(letter.value or b""):
        return "only its first bytes were kept"
    if letter.origin.partition not in partitions:
        return f"{TWEETS} has no partition {letter.origin.partition}"
    try:
        parse(letter.value)
    except ContractError as error:
        return f"it still cannot be read: {error}"
    return ""


async def redrive(settings: Settings, letters: Sequence[Letter], kept: DeadLetters) -> list[Redriven]:
    """Send letters to `tweets` again.

    Args:
        settings: address of the broker, and the prefix of topic names.
        letters: letters of `tweets-dead-letter`.
        kept: content of that topic.

    Raises:
        DependencyAway: Kafka does not answer. A repeat finishes the work.
        TopicsError: `tweets` is missing.
    """
    async with LogReader(connection(settings), settings.topic(TWEETS)) as reader:
        partitions = frozenset(reader.partitions)
    refused = {letter.key: why for letter in letters if (why := why_not(letter, kept, partitions))}
    sendable = [letter for letter in letters if letter.key not in refused]
    outcome = {origin: Redriven(origin, sent=False, why=why) for origin, why in refused.items()}
    sender, run = Sender(settings), secrets.token_hex(8)
    await sender.start()
    try:
        outcome |= await _send(settings, sender, run, sendable, kept)
    finally:
        await sender.stop()
    return [outcome[letter.key] for letter in letters]


async def _send(
    settings: Settings, sender: Sender, run: str, letters: Sequence[Letter], kept: DeadLetters
) -> dict[str, Redriven]:
    outcome: dict[str, Redriven] = {}
    # 0. Claims of earlier runs: where the tweet arrived, only the done mark is missing.
    claims = {letter.key: marks for letter in letters if (marks := kept.marks.get(letter.key))}
    arrived = await _arrived(settings, claims)
    await _mark(settings, sender, "done", run, arrived)
    outcome |= {origin: Redriven(origin, sent=False, why="it was redriven before") for origin in arrived}
    letters = [letter for letter in letters if letter.key not in arrived]
    # 1. The claim of this run, unless another run's stands.
    await _mark(settings, sender, "claim", run, [letter.key for letter in letters])
    now = await read_dead_letters(settings, DEAD_LETTER) if letters else kept
    claimed = [letter for letter in letters if owner_of(now.marks[letter.key], now_ms()) == run]
    for letter in letters:
        if letter not in claimed:
            outcome[letter.key] = Redriven(letter.key, sent=False, why="another run is redriving it")
    # 2. The tweets.
    topic = settings.topic(TWEETS)
    acks = [
        await sender.send(topic, letter.origin.partition, letter.value, headers=[(REDRIVEN_FROM, letter.key.encode())])
        for letter in claimed
    ]
    for letter, done in zip(claimed, await sender.acknowledged(acks), strict=True):
        outcome[letter.key] = Redriven(letter.key, sent=True, partition=done.partition, offset=done.offset)
    # 3. The done marks.
    await _mark(settings, sender, "done", run, [letter.key for letter in claimed])
    return outcome


def owner_of(marks: Iterable[Mark], at_ms: int) -> str:
    """Return the run whose claim stands: the first that is not too old, "" once one is done."""
    marks = list(marks)
    if any(mark.state == "done" for mark in marks):
        return ""
    return next((mark.run for mark in marks if at_ms - mark.at_ms < CLAIM_MS), "")


async def _mark(settings: Settings, sender: Sender, state: str, run: str, origins: Iterable[str]) -> None:
    headers = [(MARK, state.encode()), (RUN, run.encode())]
    topic = settings.topic(DEAD_LETTER)
    await sender.acknowledged(
        [
            await sender.send(topic, None, None, key=f"{settings.topic_prefix}{origin}".encode(), headers=headers)
            for origin in origins
        ]
    )


async def _arrived(settings: Settings, claims: dict[str, list[Mark]]) -> set[str]:
    """Return the origins of claims whose tweets stand in `tweets`."""
    if not claims:
        return set()
    since_ms = min(marks[0].at_ms for marks in claims.values()) - settings.max_broker_skew_ms
    arrived: set[str] = set()
    async with LogReader(connection(settings), settings.topic(TWEETS)) as reader:
        starts = {partition: await reader.offset_at(partition, since_ms) for partition in reader.partitions}
        async for batch in reader.to_end(starts):
            for record in batch:
                arrived.add(_origin(record))
    return arrived & claims.keys()


def _origin(record: Any) -> str:
    return headers_of(record.headers).get(REDRIVEN_FROM, "") if record.headers else ""
