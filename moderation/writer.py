"""Writes people's decisions to the moderation topic, and reads each one back before it answers.

Two moderators may act at the same moment, and the log alone says who was first: each record names the version of its
scope that its writer had seen, the fold ignores one that came too late, and the writer finds that out by folding the
log up to its own record. A write that is acknowledged and accepted is in the log for good.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Self

from kafka.errors import KafkaError

from moderation.drafts import Draft, UndoDraft
from moderation.errors import NothingToUndo, StaleEdit
from moderation.sender import Sender
from moderation.written import Written
from streams.clock import monotonic_seconds, now_ms
from streams.errors import CallerMistake, DependencyAway, TopicsError
from streams.flags.moderation_fold import Scope
from streams.flags.overrides import PeopleView
from streams.log.decisions import version_of
from streams.log.moderation import Override, TagRecord, Undo, encode_moderation
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODERATION
from streams.settings import Settings

Clock = Callable[[], int]


class Desk:
    """Where decisions are looked at and written: an async context manager. Its methods may be called concurrently.

    Raises (on entering, and from every method):
        DependencyAway: Kafka is silent for `deadline_seconds`.
        TopicsError: the moderation topic is missing, or has more than one partition.
    """

    def __init__(self, settings: Settings, *, deadline_seconds: float = 10.0, clock: Clock = now_ms) -> None:
        self.view = PeopleView()
        """As of the last `refresh` or write."""
        self._topic = settings.topic(MODERATION)
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        self._reader = LogReader(connection(settings), self._topic, silence_seconds=deadline_seconds)
        self._sender = Sender(connection(settings), self._topic, deadline_seconds)
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        if len(self._reader.partitions) != 1:
            await self._reader.__aexit__(None, None, None)
            raise TopicsError(
                f"{self._topic} has {len(self._reader.partitions)} partitions, people's decisions need one order",
                fix="hushtag topics check",
            )
        return self

    async def __aexit__(self, *exception: object) -> None:
        await asyncio.to_thread(self._sender.close)
        await self._reader.__aexit__(None, None, None)

    async def refresh(self) -> PeopleView:
        """The view as of now."""
        async with self._turn:
            await self._read()
        return self.view

    async def override(self, drafts: Sequence[Draft], *, expected: str | None = None) -> list[Written]:
        """Write overrides; all are checked against the log before the first is sent.

        Args:
            expected: the version of the scope as the moderator saw it ("" for none); None: as it is now.

        Raises:
            StaleEdit: a scope has moved on. If that happened after the check, the other drafts count all the same; they
                are in the error's `written`.
        """
        async with self._turn:
            await self._read()
            return await self._write([self._override(draft, expected) for draft in drafts])

    async def undo(self, draft: UndoDraft, *, expected: str | None = None) -> Written:
        """Undo the last override that stands in a scope, on the surfaces where it stands.

        Raises:
            NothingToUndo: nobody's override stands there.
            CallerMistake: no country was named and overrides stand in several.
            StaleEdit: the scope has moved on.
        """
        async with self._turn:
            await self._read()
            return (await self._write([self._undo(draft, expected)]))[0]

    async def undo_family(self, draft: UndoDraft) -> list[Written]:
        """Undo every override of a look-alike family, also where something newer lies on top of it.

        Raises:
            NothingToUndo: none stands.
            StaleEdit: the scope of one has moved on; the others count.
        """
        async with self._turn:
            await self._read()
            return await self._write(self._undo_family(draft))

    async def transact(self, make: Callable[[PeopleView], Sequence[tuple[bytes, bytes]]]) -> list[int]:
        """Write records of other kinds: `make` gives them, as (value, key), from the view as of now.

        Returns:
            The offset of each; the view has read them all. Whether they count is for its fold to say.

        Raises:
            Whatever `make` raises; nothing was sent then.
        """
        async with self._turn:
            await self._read()
            return await self._send(make(self.view))

    def drafted(self, draft: Draft) -> Override:
        """The record that writes a draft, from the view as it is: for `transact`."""
        return self._override(draft, None)

    def _override(self, draft: Draft, expected: str | None) -> Override:
        scopes: list[Scope] = [(draft.tag.hashtag, surface, draft.country, "human") for surface in draft.surfaces]
        return Override(
            id=secrets.token_hex(8),
            hashtag=draft.tag.hashtag,
            display=draft.tag.display,
            country=draft.country,
            surfaces=draft.surfaces,
            actor=draft.actor,
            reason=draft.reason,
            at_ms=self._clock(),
            edits=self._edits(draft.tag.hashtag, scopes, expected),
            action=draft.action,
            expires_at_ms=draft.expires_at_ms,
            category=draft.category,
            family=draft.family,
        )

    def _undo(self, draft: UndoDraft, expected: str | None) -> Undo:
        at_ms, hashtag = self._clock(), draft.tag.hashtag
        wanted = [
            scope
            for scope in self.view.scopes(hashtag)
            if scope[3] == "human"
            and draft.country in (None, scope[2])
            and (draft.surfaces is None or scope[1] in draft.surfaces)
        ]
        standing = self.view.in_force(at_ms, wanted)
        countries = sorted({scope[2] for scope, _ in standing})
        if not standing:
            raise NothingToUndo(f"no override of #{hashtag} by a person stands there", fix="hushtag moderation list")
        if len(countries) > 1:
            raise CallerMistake(
                f"overrides of #{hashtag} stand in {', '.join(countries)}", fix="say which with --country"
            )
        last = max((override for _, override in standing), key=self._offset)
        surfaces = tuple(sorted(scope[1] for scope, override in standing if override is last))
        return Undo(
            id=secrets.token_hex(8),
            hashtag=hashtag,
            display=last.display,
            country=countries[0],
            surfaces=surfaces,
            actor=draft.actor,
            reason=draft.reason,
            at_ms=at_ms,
            edits=self._edits(hashtag, [(hashtag, surface, countries[0], "human") for surface in surfaces], expected),
            undoes=(last.id,),
        )

    def _undo_family(self, draft: UndoDraft) -> list[Undo]:
        at_ms, family = self._clock(), draft.tag.hashtag
        found: dict[tuple[str, str], tuple[str, set[str], set[str]]] = {}
        for (hashtag, surface, country, _), stack in self.view.fold.stacks().items():
            if draft.country not in (None, country) or (draft.surfaces is not None and surface not in draft.surfaces):
                continue
            for entry in stack.entries:
                if entry.record.family == family and entry.stands(at_ms):
                    _, surfaces, ids = found.setdefault((hashtag, country), (entry.record.display, set(), set()))
                    surfaces.add(surface)
                    ids.add(entry.record.id)
        if not found:
            raise NothingToUndo(f"no override of the family of #{family} stands", fix="hushtag moderation list")
        return [
            Undo(
                id=secrets.token_hex(8),
                hashtag=hashtag,
                display=display,
                country=country,
                surfaces=tuple(sorted(surfaces)),
                actor=draft.actor,
                reason=draft.reason,
                at_ms=at_ms,
                edits=self._edits(hashtag, [(hashtag, surface, country, "human") for surface in surfaces], None),
                undoes=tuple(sorted(ids)),
            )
            for (hashtag, country), (display, surfaces, ids) in found.items()
        ]

    def _offset(self, record: TagRecord) -> int:
        return next(offset for offset, known in self.view.history if known is record)

    def _edits(self, hashtag: str, scopes: Sequence[Scope], expected: str | None) -> str:
        version = self.view.fold.version(scopes)
        if expected is None:
            return version
        if version > expected or expected >= version_of(self.view.next_offset, 0):
            changed = self.view.fold.changed(scopes, expected)
            raise StaleEdit(hashtag, edits=expected, version=version, changed=changed)
        return expected

    async def _write(self, records: Sequence[TagRecord]) -> list[Written]:
        offsets = await self._send([encode_moderation(record) for record in records])
        refused = [stale for offset in offsets if (stale := self.view.fold.stale.get(offset)) is not None]
        written = [
            Written(record, offset)
            for record, offset in zip(records, offsets, strict=True)
            if offset not in self.view.fold.stale
        ]
        for stale in refused:
            edits, version = stale.record.edits, stale.version
            raise StaleEdit(stale.record.hashtag, edits=edits, version=version, changed=stale.changed, written=written)
        return written

    async def _send(self, encoded: Sequence[tuple[bytes, bytes]]) -> list[int]:
        if not encoded:
            return []
        try:
            offsets = await asyncio.to_thread(self._sender.send, encoded)
        except KafkaError as error:
            raise DependencyAway(
                f"{self._sender.servers}: {error}; whether the decision was written is not known",
                fix="look with hushtag moderation list once Kafka answers, then decide again if it is not there",
            ) from None
        await self._read_past(max(offsets))
        return offsets

    async def _read(self) -> None:
        async for batch in self._reader.to_end({0: self.view.next_offset or None}):
            for record in batch:
                self.view.hear(record.offset, record.key, record.value)

    async def _read_past(self, offset: int) -> None:
        heard = monotonic_seconds()
        while self.view.next_offset <= offset:
            await self._read()
            if monotonic_seconds() - heard > self._deadline_seconds:
                raise DependencyAway(f"{self._topic}: our own record at {offset} cannot be read back")
