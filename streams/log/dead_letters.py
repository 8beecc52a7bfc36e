"""Records of the dead-letter topics: originals with reason and origin, and the marks of those sent again.

A record that `hushtag dead-letters redrive` sends to `tweets` again leaves two marks in `tweets-dead-letter`, under the
key of its origin: a claim before it is sent, and a done mark after. The sent tweet has the origin in a header, so a
claim whose sender died can be checked. Marks outlive their letters, since they come later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from streams.log.positions import RecordPosition
from streams.log.reading import LogReader, connection
from streams.log.sense import LATEST_MS
from streams.log.topic_specs import DEAD_LETTER
from streams.settings import Settings

MARK = "redrive"
"""Header of a mark; its value is `claim` or `done`. A letter does not have it."""
RUN = "redrive-run"
"""Header of a mark: random id of the command's run."""
REDRIVEN_FROM = "redriven-from"
"""Header of a tweet that was sent again: its origin."""
_MOST_BYTES = 2**31 - 1
"""Length of a Kafka record."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that could not be read."""

    kept_in: str
    """Dead-letter topic, without its prefix."""
    origin: RecordPosition
    reason: str
    at_ms: int
    """Log time of the letter, which its writer may have stamped; in [0, LATEST_MS]."""
    headers: dict[str, str]
    value: bytes | None

    @property
    def key(self) -> str:
        """Origin as the commands take it: `topic/partition/offset`."""
        return f"{self.origin.topic}/{self.origin.partition}/{self.origin.offset}"

    @property
    def source_bytes(self) -> int | None:
        """Length of the original value; None if the header states none that a value can have."""
        kept = len(self.value or b"")
        return _number(self.headers["source-bytes"], _MOST_BYTES) if "source-bytes" in self.headers else kept


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of a redrive."""

    state: Literal["claim", "done"]
    run: str
    at_ms: int


@dataclass(slots=True)
class DeadLetters:
    """Content of a dead-letter topic; a record that was sent to it twice counts once."""

    letters: dict[str, Letter] = field(default_factory=dict)
    """Letters by their origins."""
    marks: dict[str, list[Mark]] = field(default_factory=dict)
    """Marks by origin, in order."""
    foreign: int = 0
    """Records of other writers, which state no origin."""

    def is_done(self, origin: str) -> bool:
        """Return whether a letter was sent to `tweets` again."""
        return any(mark.state == "done" for mark in self.marks.get(origin, ()))


async def read_dead_letters(settings: Settings, topic: str) -> DeadLetters:
    """Read a dead-letter topic, `tweets-dead-letter` or `internal-dead-letter`, to its end.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the topic is missing.
    """
    dead_letters = DeadLetters()
    async with LogReader(connection(settings), settings.topic(topic)) as reader:
        async for batch in reader.to_end():
            for record in batch:
                add_record(dead_letters, topic, record, prefix=settings.topic_prefix)
    return dead_letters


def add_record(dead_letters: DeadLetters, topic: str, record: Any, *, prefix: str) -> None:
    """Add a record of a dead-letter topic; one of another writer is counted and left out."""
    headers = headers_of(record.headers)
    if MARK in headers and topic == DEAD_LETTER:
        state: Literal["claim", "done"] = "done" if headers[MARK] == "done" else "claim"
        origin = (record.key or b"").decode("utf-8", "replace").removeprefix(prefix)
        dead_letters.marks.setdefault(origin, []).append(Mark(state, headers.get(RUN, ""), record.timestamp))
        return
    name = headers.get("source-topic", "").removeprefix(prefix)
    partition = _number(headers.get("source-partition", ""), 2**31 - 1)
    offset = _number(headers.get("source-offset", ""), 2**63 - 1)
    if not name or partition is None or offset is None:
        dead_letters.foreign += 1
        return
    at, at_ms = RecordPosition(name, partition, offset), min(max(0, record.timestamp), LATEST_MS)
    letter = Letter(topic, at, headers.get("reason", ""), at_ms, headers, record.value)
    dead_letters.letters.setdefault(letter.key, letter)


def _number(text: str, most: int) -> int | None:
    """Read a number in [0, most]; None for any other text."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most
    return int(text) if is_number else None


def headers_of(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Decode the headers of a Kafka record."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
