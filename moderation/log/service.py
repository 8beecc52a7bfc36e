"""Service that writes human decisions to the moderation topic and reads each one back before it returns.

Two moderators may act at the same moment; the log alone decides which record came first. Each record names the
version of its scope that its writer saw, and the fold ignores a record that names an older one. The writer folds the
log up to its own record and so learns whether it was accepted. An accepted record is in the log for good.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Self

from hushtag_client.registers import ANY_HASHTAG

from moderation.log.drafts import AcceptedRecord, OverrideDraft, UndoDraft
from moderation.log.errors import NothingToUndo, StaleEdit
from moderation.log.producer import DeadlineProducer, NotAcknowledged
from streams.clock import monotonic_seconds, steady_ms
from streams.countries import in_country
from streams.errors import CallerMistake, DependencyAway, TopicsError
from streams.flags.moderation_fold import Scope, StackedOverride
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import version_of
from streams.log.log_clock import LogClock
from streams.log.moderation import UNKNOWN_MS, Override, TagRecord, Undo, encode_moderation
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODERATION
from streams.settings import Settings

Clock = Callable[[], int]


class ModerationService:
    """Reader and writer of human decisions: an async context manager, safe for concurrent calls.

    Raises (on entering, and from every method):
        DependencyAway: Kafka does not answer within `deadline_seconds`.
        TopicsError: the moderation topic is missing, or has more than one partition.
    """

    def __init__(self, settings: Settings, *, deadline_seconds: float = 10.0, clock: Clock = steady_ms) -> None:
        self.view = OverrideHistory()
        """State of the log at the last `refresh` or write."""
        self.log_clock = LogClock()
        """The broker's time, compared with this host's by records that arrive between two reads."""
        self._read_began_ms = 0
        self._topic = settings.topic(MODERATION)
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        kafka = connection(settings)
        self._reader = LogReader(kafka, self._topic, silence_seconds=deadline_seconds)
        self._producer = DeadlineProducer(kafka, self._topic, deadline_seconds)
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        if len(self._reader.partitions) != 1:
            await self._reader.__aexit__(None, None, None)
            raise TopicsError(
                f"{self._topic} has {len(self._reader.partitions)} partitions; human decisions need one order",
                fix="hushtag topics check",
            )
        return self

    async def __aexit__(self, *exception: object) -> None:
        await asyncio.to_thread(self._producer.close)
        await self._reader.__aexit__(None, None, None)

    def host_ms(self) -> int:
        """Return this host's clock, which may be wrong."""
        return self._clock()

    def now_ms(self) -> int:
        """Return the present time: this host's, less its known error."""
        return self.log_clock.present_ms(self._clock())

    async def refresh(self) -> OverrideHistory:
        """Read the log to its present end and return the view."""
        async with self._lock:
            await self._read()
        return self.view

    async def override(self, drafts: Sequence[OverrideDraft], *, expected: str | None = None) -> list[AcceptedRecord]:
        """Write overrides; all are checked against the log before the first is sent.

        Args:
            drafts: overrides, each of one scope.
            expected: version of the scope that the moderator saw ("" for none); None uses the current version.

        Raises:
            StaleEdit: a scope has a newer version. Its `accepted` holds the drafts that were accepted all the same.
        """
        async with self._lock:
            await self._read()
            return await self._write([self._override(draft, expected) for draft in drafts])

    async def pause(self, draft: OverrideDraft, *, expected: str | None = None) -> AcceptedRecord:
        """Press the stop button: write an override of every hashtag.

        A scope has one stop button; a second one for another category would release the first.

        Raises:
            CallerMistake: a stop button for another category is in force in the scope.
            StaleEdit: the scope has a newer version.
        """
        async with self._lock:
            await self._read()
            self._refuse_second_category(draft)
            return (await self._write([self._override(draft, expected)]))[0]

    async def undo(self, draft: UndoDraft, *, expected: str | None = None) -> AcceptedRecord:
        """Undo the last override in force in a scope, on each surface where it is in force.

        Raises:
            NothingToUndo: no human override is in force there.
            CallerMistake: no country was given, and overrides are in force in several.
            StaleEdit: the scope has a newer version.
        """
        async with self._lock:
            await self._read()
            return (await self._write([self._undo(draft, expected)]))[0]

    async def undo_family(self, draft: UndoDraft) -> list[AcceptedRecord]:
        """Undo every override of a look-alike family, also below newer overrides.

        Raises:
            NothingToUndo: no override of the family is in force.
            StaleEdit: the scope of one has a newer version; the others were undone.
        """
        async with self._lock:
            await self._read()
            return await self._write(self._undo_family(draft))

    async def transact(self, make: Callable[[OverrideHistory], Sequence[tuple[bytes, bytes]]]) -> list[int]:
        """Write records of other kinds and read them back; their own folds decide whether they are accepted.

        Args:
            make: builds (value, key) pairs from the current view; an exception from it sends nothing.

        Returns:
            The offset of each record.
        """
        async with self._lock:
            await self._read()
            return await self._send(make(self.view))

    def record_of(self, draft: OverrideDraft) -> Override:
        """Build the record of a draft from the current view, for `transact`."""
        return self._override(draft, None)

    def _override(self, draft: OverrideDraft, expected: str | None) -> Override:
        scopes: list[Scope] = [(draft.tag.hashtag, surface, draft.country, "human") for surface in draft.surfaces]
        return Override(
            id=secrets.token_hex(8),
            hashtag=draft.tag.hashtag,
            display=draft.tag.display,
            country=draft.country,
            surfaces=draft.surfaces,
            actor=draft.actor,
            reason=draft.reason,
            at_ms=self.now_ms(),
            edits=self._edits(draft.tag.hashtag, scopes, expected),
            action=draft.action,
            expires_at_ms=draft.expires_at_ms,
            lasts_ms=draft.lasts_ms,
            category=draft.category,
            family=draft.family,
        )

    def _refuse_second_category(self, draft: OverrideDraft) -> None:
        scopes = [scope for scope in self.view.scopes(ANY_HASHTAG) if scope[2] == draft.country]
        for scope, current in self.view.in_force(self.now_ms(), scopes):
            if scope[1] in draft.surfaces and current.category != draft.category:
                raise CallerMistake(
                    f"{current.category or 'every category'} is already paused {in_country(draft.country)} on"
                    f" {scope[1]}, by {current.actor}: {current.reason}",
                    fix="hushtag resume first; a pause without --category then lifts every category",
                )

    def _undo(self, draft: UndoDraft, expected: str | None) -> Undo:
        hashtag = draft.tag.hashtag
        scopes = [s for s in self.view.scopes(hashtag) if s[3] == "human" and _selects(draft, s)]
        # A host whose clock is fast, and not compared yet, must not hide what readers still apply.
        current = self._in_force(scopes, self.now_ms()) or self._in_force(scopes, self.log_clock.reached_ms)
        countries = sorted({scope[2] for scope, _ in current})
        if not current:
            where = f" {in_country(draft.country)}" if draft.country else ""
            where += f" on {' or '.join(draft.surfaces)}" if draft.surfaces else ""
            what = "no pause" if hashtag == ANY_HASHTAG else f"no human override of #{hashtag}"
            raise NothingToUndo(f"{what} is in force{where}", fix="hushtag moderation list")
        if len(countries) > 1:
            what = "pauses" if hashtag == ANY_HASHTAG else f"overrides of #{hashtag}"
            places = " and ".join(map(in_country, countries))
            raise CallerMistake(
                f"{what} are in force {places}", fix=f"choose one: --country {' or '.join(map(repr, countries))}"
            )
        last = max((entry for _, entry in current), key=lambda entry: entry.offset)
        undone = [scope for scope, entry in current if entry.record is last.record]
        return self._undo_record(
            draft, hashtag, last.record.display, countries[0], {s[1] for s in undone}, {last.record.id}, expected
        )

    def _in_force(self, scopes: Sequence[Scope], at_ms: int) -> list[tuple[Scope, StackedOverride]]:
        return [(scope, entry) for scope in scopes if (entry := self.view.fold.in_force(scope, at_ms)) is not None]

    def _undo_family(self, draft: UndoDraft) -> list[Undo]:
        at_ms, family = self.now_ms(), draft.tag.hashtag
        places: dict[tuple[str, str], tuple[str, set[str], set[str]]] = {}
        for scope, stack in self.view.fold.stacks().items():
            for entry in stack.entries if _selects(draft, scope) else ():
                if entry.record.family == family and entry.in_force(at_ms):
                    _, surfaces, ids = places.setdefault((scope[0], scope[2]), (entry.record.display, set(), set()))
                    surfaces.add(scope[1])
                    ids.add(entry.record.id)
        if not places:
            raise NothingToUndo(f"no override of the family of #{family} is in force", fix="hushtag moderation list")
        return [
            self._undo_record(draft, hashtag, display, country, surfaces, ids, None)
            for (hashtag, country), (display, surfaces, ids) in places.items()
        ]

    def _undo_record(
        self,
        draft: UndoDraft,
        hashtag: str,
        display: str,
        country: str,
        surfaces: set[str],
        undoes: set[str],
        expected: str | None,
    ) -> Undo:
        scopes: list[Scope] = [(hashtag, surface, country, "human") for surface in sorted(surfaces)]
        return Undo(
            id=secrets.token_hex(8),
            hashtag=hashtag,
            display=display,
            country=country,
            surfaces=tuple(sorted(surfaces)),
            actor=draft.actor,
            reason=draft.reason,
            at_ms=self.now_ms(),
            edits=self._edits(hashtag, scopes, expected),
            undoes=tuple(sorted(undoes)),
        )

    def _edits(self, hashtag: str, scopes: Sequence[Scope], expected: str | None) -> str:
        version = self.view.fold.version(scopes)
        if expected is None:
            return version
        if version > expected or expected >= version_of(self.view.next_offset, 0):
            changed = self.view.fold.changed(scopes, expected)
            raise StaleEdit(hashtag, edits=expected, version=version, changed=changed)
        return expected

    async def _write(self, records: Sequence[TagRecord]) -> list[AcceptedRecord]:
        offsets = await self._send([encode_moderation(record) for record in records])
        stale = self.view.fold.stale
        accepted = [AcceptedRecord(self.view.record_at(offset), offset) for offset in offsets if offset not in stale]
        for refused in (stale[offset] for offset in offsets if offset in stale):
            raise StaleEdit(
                refused.record.hashtag,
                edits=refused.record.edits,
                version=refused.version,
                changed=refused.changed,
                accepted=accepted,
            )
        return accepted

    async def _send(self, encoded: Sequence[tuple[bytes, bytes]]) -> list[int]:
        if not encoded:
            return []
        try:
            offsets = await asyncio.to_thread(self._producer.send, encoded)
        except NotAcknowledged as error:
            raise DependencyAway(
                f"{self._producer.servers}: {error}; it is not known whether the decision was written",
                fix="check with hushtag moderation list once Kafka answers, then decide again if it is missing",
            ) from None
        await self._read_past(max(offsets))
        return offsets

    async def _read(self) -> None:
        began_ms, after_ms = self._clock(), self._read_began_ms
        async for batch in self._reader.to_end({0: self.view.next_offset or None}):
            for record in batch:
                self.view.apply(record.offset, record.key, record.value, record.timestamp)
            if (append_ms := batch[-1].timestamp) != UNKNOWN_MS:
                self.log_clock.compare(append_ms, after_ms=after_ms, before_ms=self._clock())
        self._read_began_ms = began_ms

    async def _read_past(self, offset: int) -> None:
        began = monotonic_seconds()
        while self.view.next_offset <= offset:
            if monotonic_seconds() - began > self._deadline_seconds:
                raise DependencyAway(f"{self._topic}: the record written at {offset} cannot be read back")
            await self._read()


def _selects(draft: UndoDraft, scope: Scope) -> bool:
    return draft.country in (None, scope[2]) and (draft.surfaces is None or scope[1] in draft.surfaces)
