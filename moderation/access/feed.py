"""Feed of changes for event streams: what the topics `moderation` and `policy` gain, in the order of the log.

An event is a hint to read again, not a copy of a record: it names what changed, and who did it. Its id holds the
positions in both topics, so that a stream resumes after any of them. The feed reads only while a stream is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

EventKind = Literal["override", "case", "appeal", "order", "policy", "stop", "reset"]
KINDS: tuple[EventKind, ...] = get_args(EventKind)
RawRecord = tuple[int, bytes]
"""Offset and value of a record."""
MOST_KEPT = 10_000
"""Events that a stream can resume after; a stream that was away for longer gets `reset`."""
POLL_SECONDS = 0.5
KEEPALIVE_SECONDS = 15.0
_ID = re.compile(r"m([0-9]{1,18})-p([0-9]{1,18})")
_MEMBERS = ("hashtag", "country", "surfaces", "order", "appeal", "case", "actor", "action", "verdict", "to", "at_ms")


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """Change that streams report."""

    kind: EventKind
    moderation: int
    """Offset after the last record of `moderation` that it covers."""
    policy: int
    """Offset after the live record of `policy`."""
    data: dict[str, Any]

    @property
    def id(self) -> str:
        """Id that a viewer gives as `Last-Event-ID`."""
        return f"m{self.moderation}-p{self.policy}"

    @property
    def against_order(self) -> bool:
        """Whether only the legal team may see it."""
        return self.kind == "order" or bool(self.data.get("order"))


def event_of(record: RawRecord, policy: int) -> FeedEvent | None:
    """Build the event of a record of `moderation`; None for records that no stream reports."""
    offset, value = record
    try:
        members = msgspec.json.decode(value) if value else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(members, dict) or (kind := _kind(str(members.get("kind", "")), members)) is None:
        return None
    data = {name: members[name] for name in _MEMBERS if members.get(name) not in (None, "")}
    if kind == "case":
        data.pop("verdict", None)  # a second look is blind
    if kind == "appeal" and members["kind"] == "appeal":
        data["appeal"] = members.get("id")
    return FeedEvent(kind, offset + 1, policy, data | {"record": members["kind"]})


def _kind(record: str, members: dict[str, Any]) -> EventKind | None:
    if record in ("override", "undo"):
        return "stop" if members.get("hashtag") == "*" else "override"
    subject = record.partition("_")[0]
    return subject if subject in ("case", "appeal", "order") and record != "order_targets" else None  # type: ignore[return-value]


class EventFeed:
    """Changes for all streams of a process.

    Args:
        read: reads the records of `moderation` from an offset on, up to the end.
        policy: returns the offset after the live record of `policy`, and the facts of it.
    """

    def __init__(
        self,
        read: Callable[[int], Awaitable[Sequence[RawRecord]]],
        policy: Callable[[], Awaitable[tuple[int, dict[str, Any]]]],
    ) -> None:
        self._read = read
        self._policy = policy
        self._events: deque[tuple[int, FeedEvent]] = deque(maxlen=MOST_KEPT)
        self._count = 0
        self._moderation, self._live, self._dropped = 0, -1, 0
        self._changed = asyncio.Condition()
        self._polling = asyncio.Lock()

    @property
    def position(self) -> int:
        """Offset in `moderation` up to which it has read."""
        return self._moderation

    async def poll(self) -> None:
        """Read what is new; streams that wait wake up."""
        async with self._polling:
            before = self._count
            live, facts = await self._policy()
            for record in await self._read(self._moderation):
                self._moderation = record[0] + 1
                if (event := event_of(record, max(self._live, 0))) is not None:
                    self._add(event)
            if live != self._live:
                earlier, self._live = self._live, live
                if earlier >= 0:
                    self._add(FeedEvent("policy", self._moderation, live, facts))
            if self._count > before:
                async with self._changed:
                    self._changed.notify_all()

    async def stream(self, last_id: str | None) -> AsyncGenerator[FeedEvent | None, None]:
        """Yield the events after an id, then new ones as they come; None every few seconds without one.

        Without an id it begins now. An id that the feed does not reach back to, or does not know, begins
        with `reset`: the viewer then reads everything again.
        """
        await self.poll()
        position, reset = self._position(last_id)
        if reset:
            yield FeedEvent("reset", self._moderation, max(self._live, 0), {})
        while True:
            if self._events and position < self._events[0][0]:  # it read too slowly, and events are gone
                position = self._count
                yield FeedEvent("reset", self._moderation, max(self._live, 0), {})
            for number, event in [entry for entry in self._events if entry[0] >= position]:
                position = number + 1
                yield event
            if position < self._count:
                continue
            try:
                await self._wait(position)
            except TimeoutError:
                yield None

    async def _wait(self, position: int) -> None:
        """Wait for an event beyond a position; the first of the streams that wait polls for all of them."""
        async with asyncio.timeout(KEEPALIVE_SECONDS):
            while self._count <= position:
                if not self._polling.locked():
                    await self.poll()
                    if self._count > position:
                        return
                async with self._changed:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await self._changed.wait()

    def _position(self, last_id: str | None) -> tuple[int, bool]:
        """Return the number of the first event after an id, and whether the viewer must read everything again."""
        if last_id is None:
            return self._count, False
        match = _ID.fullmatch(last_id)
        if match is None or int(match[1]) > self._moderation:
            return self._count, True
        moderation, policy = int(match[1]), int(match[2])
        after = [number for number, event in self._events if event.moderation > moderation or event.policy > policy]
        if moderation < self._dropped:
            return self._count, True
        return (after[0] if after else self._count), policy < self._live and not _covers(self._events, policy)

    def _add(self, event: FeedEvent) -> None:
        if len(self._events) == self._events.maxlen:
            self._dropped = self._events[0][1].moderation
        self._events.append((self._count, event))
        self._count += 1


def _covers(events: Sequence[tuple[int, FeedEvent]], policy: int) -> bool:
    """Return whether the change of the policy since an offset is among the events."""
    return any(event.kind == "policy" and event.policy > policy for _, event in events)
