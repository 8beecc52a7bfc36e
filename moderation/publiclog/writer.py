"""The only writer of the audit log: reads the sources, appends entries in transactions, and signs checkpoints.

Writing is exactly-once. The transactional id fences every previous writer and aborts its open transaction. The signed
state then gives the tree and the position of each source, and the entries after it are read; a start therefore does not
depend on the length of the log. Fencing does not stop a program that appends without transactions. So what follows the
last signature is compared with its sources before it is signed. The whole log is verified every few hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from moderation.log.fenced_writer import FencedWriter, TopicRecord
from moderation.publiclog.checkpoint_topic import read_checkpoints
from moderation.publiclog.comparison import SourceComparison
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.erasures import KEPT_FIELDS, AuditErasure, erasure_in
from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.inputs import AuditInput
from moderation.publiclog.keys import log_keys, signing_keys
from moderation.publiclog.metrics import AuditMetrics
from moderation.publiclog.ordered_erasures import OrderedErasures, read_ordered_erasures
from moderation.publiclog.reading import read_entry
from moderation.publiclog.source_check import compare_with_sources
from moderation.publiclog.sources import SourceTopics
from moderation.publiclog.state import STATE_KEY, OpenedState, open_state, sign_state
from moderation.publiclog.topic_verification import read_tail, signed_checkpoints, verify_log
from streams.clock import monotonic_seconds, now_ms
from streams.log.topic_specs import AUDIT, AUDIT_CHECKPOINTS, AUDIT_ERASURES, AUDIT_OPENINGS
from streams.logs import logger
from streams.settings import Settings

MAX_ENTRIES = 500
"""Entries of one transaction at most."""
SIGN_SECONDS = 10.0
"""Interval of the signatures; a change of entries younger than this cannot be detected without their sources."""
CHECKPOINT_SECONDS = 3600.0
"""Interval of the notes on how far partitions without kept records were read."""
VERIFY_SECONDS = 6 * 3600.0
"""Interval between verifications of the whole log."""
_MAX_REQUEST_BYTES = 4 * 1024 * 1024


class AuditWriter:
    """Writer of the log: an async context manager, then `run` or `catch_up`.

    Args:
        settings: addresses, topic names and keys.
        metrics: metrics to update.
        sign_unchecked: sign also entries whose source records are gone, which cannot be compared.

    Raises (on entering):
        AuditBroken: verification failed, or unsigned entries differ from their sources.
        SettingsError: the key is missing or unusable.
        DependencyAway: Kafka does not answer.
    """

    def __init__(
        self, settings: Settings, metrics: AuditMetrics | None = None, *, sign_unchecked: bool = False
    ) -> None:
        self.end = LogEnd()
        self.metrics = metrics if metrics is not None else AuditMetrics()
        self._settings = settings
        self._topic = settings.topic(AUDIT)
        self._sign_unchecked = sign_unchecked
        self._keys, self._public_keys = signing_keys(settings), log_keys(settings)
        self._sources: SourceTopics | None = None
        self._writer = FencedWriter(
            settings, self._topic, command="hushtag audit run", max_request_bytes=_MAX_REQUEST_BYTES
        )
        self._signed_size = 0
        self._signed_by: frozenset[bytes] = frozenset()
        self._signed_at = self._checkpoint_at = monotonic_seconds()
        self._verified_ms = 0
        self._verifying: asyncio.Task[None] | None = None
        self._lost: dict[str, int] = {}
        self._ordered = OrderedErasures(0)
        self._log = logger(__name__)

    async def __aenter__(self) -> Self:
        try:
            await self._writer.start()
            unsigned = SourceComparison()
            if (state := await self._read_state()) is not None:
                self.end, self._signed_size = state.end, state.checkpoint.size
                self._signed_by, self._verified_ms = state.signed_by, state.verified_at_ms
                unsigned.start_at(self.end.next_offsets)
                self.metrics.set_signed(state.at_ms)
            self._ordered = await read_ordered_erasures(self._settings)
            await read_tail(self._settings, self.end, unsigned, self._ordered.by_entry)
            for source in self._ordered.sources():
                unsigned.erase(*source)
            await self._check_unsigned(unsigned)
            self._verified_ms = self._verified_ms or now_ms()  # of a new log all entries were checked just now
            self.metrics.set_verified(self._verified_ms)
            self._sources = await SourceTopics(self._settings).__aenter__()
            await self.sign()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._verifying is not None:
            self._verifying.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._verifying
        if self._sources is not None:
            await self._sources.__aexit__(*exception)
        await self._writer.stop()

    async def run(self, stopped: asyncio.Event, *, every_seconds: float = 1.0) -> None:
        """Keep the log up to date until stopped.

        Raises:
            TakenOver: another writer has started.
            AuditBroken: verification of the log failed.
            DependencyAway: Kafka does not accept entries; a restart continues at the end of the log.
            TopicsError: a source topic was created again, so its offsets began again.
        """
        while True:
            await self.catch_up()
            now = monotonic_seconds()
            if now - self._checkpoint_at >= CHECKPOINT_SECONDS:
                self._checkpoint_at = now
                await self.write(self.checkpoints())
            if stopped.is_set() or now - self._signed_at >= SIGN_SECONDS:
                await self.sign()
            if stopped.is_set():
                return
            self._verify_in_background()
            try:
                async with asyncio.timeout(every_seconds):
                    await stopped.wait()
            except TimeoutError:
                pass

    async def catch_up(self) -> int:
        """Append everything that the sources hold now; return the number of entries."""
        assert self._sources is not None, "not entered"
        written, began_ms = 0, now_ms()
        async for inputs in self._sources.new_records(self.end.next_offsets):
            written += await self.write(inputs)
            self._update_metrics(self._sources)
            if monotonic_seconds() - self._signed_at >= SIGN_SECONDS:
                await self.sign()
        self._update_metrics(self._sources)
        self.metrics.set_caught_up(began_ms)
        return written

    async def write(self, inputs: Sequence[AuditInput]) -> int:
        """Append the records that are not in the log yet, in transactions of at most MAX_ENTRIES.

        Returns:
            The number of entries appended.
        """
        written = 0
        for start in range(0, len(inputs), MAX_ENTRIES):
            part = [
                source_record
                for source_record in inputs[start : start + MAX_ENTRIES]
                if not self.end.is_logged(source_record)
            ]
            erasures = [await self._erase(source_record) for source_record in part]
            entries = self.end.extend([self._ordered.left_out(source_record) for source_record in part])
            records = [record for entry in entries for record in self._records(entry)]
            records += [record for erased in erasures for record in erased]
            if records:
                await self._writer.commit_to(records)
            written += len(entries)
        return written

    def checkpoints(self) -> list[AuditInput]:
        """Build notes for `write` on the position of partitions without kept records."""
        assert self._sources is not None, "not entered"
        return self._sources.checkpoints()

    async def sign(self) -> None:
        """Sign the present end of the log, once for each end and set of keys."""
        self._signed_at = monotonic_seconds()
        signed_by = frozenset(key.public_key.key_id for key in self._keys)
        if not self.end.size or (self.end.size == self._signed_size and signed_by == self._signed_by):
            return
        at_ms = now_ms()
        value, checkpoint = sign_state(self.end, self._keys, at_ms, self._verified_ms)
        await self._writer.commit_to([TopicRecord(self._settings.topic(AUDIT_CHECKPOINTS), value, STATE_KEY)])
        self._signed_size, self._signed_by = checkpoint.size, signed_by
        self.metrics.set_signed(at_ms)
        self._log.info("audit checkpoint", origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root.hex())

    async def verify(self) -> None:
        """Read the whole log, and verify its openings, and its tree against every signed checkpoint.

        Raises:
            AuditBroken: verification failed, or the log does not go on as this process wrote it.
        """
        checkpoints = await signed_checkpoints(self._settings, self._public_keys)
        result = await verify_log(self._settings, checkpoints)
        if result.fault is not None:
            raise AuditBroken(self._topic, result.fault)
        if result.entries > self.end.size:
            detail = f"this process wrote only up to entry {self.end.size - 1}"
            raise AuditBroken(self._topic, AuditFault(self.end.size, "added", detail))
        self._verified_ms = now_ms()
        self.metrics.set_verified(self._verified_ms)

    def _verify_in_background(self) -> None:
        if self._verifying is not None and self._verifying.done():
            task, self._verifying = self._verifying, None
            task.result()
        if self._verifying is None and now_ms() - self._verified_ms >= VERIFY_SECONDS * 1000:
            self._verifying = asyncio.create_task(self.verify())

    async def _read_state(self) -> OpenedState | None:
        records = await read_checkpoints(self._settings)
        published = max((record.size for record in (records.newest, records.complete) if record is not None), default=0)
        if records.state is None:
            if published:
                detail = f"the writer's state is gone, and {published} entries were published"
                raise AuditBroken(self._topic, AuditFault(0, "forged checkpoint", detail))
            return None
        state = open_state(records.state, self._public_keys, self._settings.topic(AUDIT_CHECKPOINTS))
        if published > (size := state.checkpoint.size):
            detail = f"the state is an old one: it has {size} entries, and {published} were published"
            raise AuditBroken(self._topic, AuditFault(size, "forged checkpoint", detail))
        return state

    async def _check_unsigned(self, unsigned: SourceComparison) -> None:
        """Compare the entries after the last signature with their sources."""
        await compare_with_sources(self._settings, unsigned)
        if differences := unsigned.differences:
            many = f"unsigned entries differ from their sources in {len(differences)} records; the first: "
            raise AuditBroken(self._topic, f"{many}{differences[0]}. Nothing was signed")
        if unsigned.gone and not self._sign_unchecked:
            what = f"{unsigned.gone} unsigned entries, the first is {unsigned.first_gone}, cannot be compared"
            raise AuditBroken(
                self._topic,
                f"{what}: their source records are gone. Nothing was signed",
                fix="inspect them (hushtag audit export), then start once with --sign-unchecked",
            )
        self._log.info("unsigned entries compared", equal=unsigned.compared, sources_gone=unsigned.gone)

    async def _erase(self, source_record: AuditInput) -> list[TopicRecord]:
        """Return the records that carry out an erasure; none for another record, or if there is nothing to erase.

        The entry is signed first: after its erasure nothing could compare it with its source.
        """
        erasure = erasure_in(source_record)
        if erasure is None:
            return []
        entry = await self._entry_to_erase(erasure)
        if entry is None:
            return []
        if entry.number >= self._signed_size:
            await self.sign()
        key = str(entry.number).encode()
        kept = entry.opening.erased(KEPT_FIELDS).encode()
        return [
            TopicRecord(self._settings.topic(AUDIT_ERASURES), kept, key),
            TopicRecord(self._settings.topic(AUDIT_OPENINGS), None, key),
        ]

    async def _entry_to_erase(self, erasure: AuditErasure) -> AuditEntry | None:
        """Return the entry of an order; None if this log has none with its number and its record.

        The number of an order for an earlier log names another record here.
        """
        entry = await read_entry(self._settings, erasure.entry) if erasure.entry < self.end.size else None
        if entry is not None and entry.is_erased:
            return None
        source = None if entry is None or entry.input is None else entry.input.source
        ordered = erasure.topic, erasure.partition, erasure.offset
        if source is None or (source.topic, source.partition, source.offset) != ordered:
            self._log.warning(
                "erasure fits no entry of this log; order it again if its record is in the log",
                id=erasure.id, entry=erasure.entry, topic=erasure.topic, offset=erasure.offset,
            )  # fmt: skip
            return None
        return entry

    def _records(self, entry: AuditEntry) -> list[TopicRecord]:
        key = str(entry.number).encode()
        return [
            TopicRecord(self._topic, entry.leaf, key),
            TopicRecord(self._settings.topic(AUDIT_OPENINGS), entry.opening.encode(), key),
        ]

    def _update_metrics(self, sources: SourceTopics) -> None:
        self.metrics.entries.set(self.end.size)
        self.metrics.unsigned.set(self.end.size - self._signed_size)
        self.metrics.set_behind(sources.behind)
        for topic, lost in sources.lost.items():
            self.metrics.lost.labels(topic=topic).inc(lost - self._lost.get(topic, 0))
        self._lost = dict(sources.lost)
