"""The one process that writes the audit log: reads on, chains, sends in a transaction, and exports a signed head.

Exactly once without any state of its own: at its start the transactional id fences whoever wrote before (an open
transaction of theirs is aborted), then the log itself says what the last entry is and how far each source is in it.
From then on nobody else can append, so each batch continues the chain. It verifies the whole log before its first
entry, and again every few hours: nothing is ever added to a log that is known to have been tampered with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from moderation.audit.chain import MAX_ENTRY_BYTES, Chain, Entry, Heard, encode_entry
from moderation.audit.heads import Head, append_head, is_genuine, keys_of, read_heads, signed
from moderation.audit.log import read_topic
from moderation.audit.metrics import AuditMetrics
from moderation.audit.sources import Sources
from moderation.audit.verify import Bad, Verification
from streams.clock import monotonic_seconds, now_ms
from streams.errors import EXIT_NO, DependencyAway, HushtagError
from streams.log.metadata_backoff import patient
from streams.log.reading import connection
from streams.log.topic_specs import AUDIT
from streams.logs import logger
from streams.settings import Settings

MAX_ENTRIES = 500
"""In one transaction."""
HEAD_SECONDS = 10.0
"""An end that is cut off within this time after it was written cannot be told from one that was never written."""
CHECKPOINT_SECONDS = 3600.0
VERIFY_SECONDS = 6 * 3600.0
"""From one verification of the whole log to the next."""
_DEADLINE_SECONDS = 30.0


class AuditBroken(HushtagError):
    """The log is not as it was written; nothing is added to it."""

    exit_code = EXIT_NO

    def __init__(self, topic: str, bad: Bad) -> None:
        self.bad = bad
        super().__init__(
            f"{topic}: entry {bad.seq}: {bad.what}: {bad.detail}",
            fix="keep the topic and the heads as evidence; docs/audit.md says how to begin a new log",
        )


class AuditTakenOver(HushtagError):
    """Another process has begun to write the log; this one must not go on."""

    exit_code = EXIT_NO


class AuditWriter:
    """Writes the log: an async context manager, then `run` or `catch_up`.

    Raises (on entering):
        AuditBroken: the log does not verify.
        SettingsError, CallerMistake: no key, or no file for the heads.
        DependencyAway: Kafka does not answer.
    """

    def __init__(self, settings: Settings, heads: Path, metrics: AuditMetrics | None = None) -> None:
        self.chain = Chain()
        self.metrics = metrics if metrics is not None else AuditMetrics()
        self._settings = settings
        self._topic = settings.topic(AUDIT)
        self._heads = heads
        self._keys = keys_of(settings.audit_key.get_secret_value(), settings.audit_retired_keys.get_secret_value())
        self._sources: Sources | None = None
        self._producer = patient(
            AIOKafkaProducer(
                **connection(settings),
                transactional_id=f"{self._topic}-writer",
                acks="all",
                max_request_size=MAX_ENTRY_BYTES + 16 * 1024,
                request_timeout_ms=15_000,
            )
        )
        self._headed_seq = -1
        self._headed_at = self._checkpoint_at = self._verified_at = monotonic_seconds()
        self._lost: dict[str, int] = {}
        self._log = logger(__name__)

    async def __aenter__(self) -> Self:
        try:
            await self._answered(self._producer.start())
            self.chain = await self._verified()
            self._sources = await Sources(self._settings).__aenter__()
            self.export_head()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._sources is not None:
            await self._sources.__aexit__(*exception)
        await self._stop_producer()

    async def run(self, stopped: asyncio.Event, *, every_seconds: float = 1.0) -> None:
        """Keep the log up to date until stopped.

        Raises:
            AuditTakenOver: another writer has started.
            AuditBroken: the log, or a head, is not any more as it was written.
            DependencyAway: Kafka takes nothing; start again, and it goes on where the log ends.
        """
        while True:
            await self.catch_up()
            now = monotonic_seconds()
            if now - self._verified_at >= VERIFY_SECONDS:
                await self.verify()
            if now - self._checkpoint_at >= CHECKPOINT_SECONDS:
                self._checkpoint_at = now
                await self.write(self.checkpoints())
            if stopped.is_set() or now - self._headed_at >= HEAD_SECONDS:
                self.export_head()
            if stopped.is_set():
                return
            try:
                async with asyncio.timeout(every_seconds):
                    await stopped.wait()
            except TimeoutError:
                pass

    async def catch_up(self) -> int:
        """Take up everything that the sources hold as of now; how many entries that made."""
        assert self._sources is not None, "not entered"
        written, began_ms = 0, now_ms()
        async for heard in self._sources.news(self.chain.next_offsets):
            written += await self.write(heard)
            self._tell(self._sources)
        self._tell(self._sources)
        self.metrics.set_caught_up(began_ms)
        return written

    async def write(self, heard: Sequence[Heard]) -> int:
        """Append what is not in the log yet, in transactions of at most MAX_ENTRIES; how many entries that made."""
        entries = self.chain.extend(heard)
        for start in range(0, len(entries), MAX_ENTRIES):
            await self._answered(self._commit(entries[start : start + MAX_ENTRIES]))
        return len(entries)

    def checkpoints(self) -> list[Heard]:
        """Notes for `write`: how far partitions were read that have had nothing to keep for long."""
        assert self._sources is not None, "not entered"
        return self._sources.checkpoints()

    def export_head(self) -> None:
        """Sign the end of the log as it is now, append it to the file, and log it, unless that was done already."""
        self._headed_at = monotonic_seconds()
        if self.chain.next_seq - 1 <= self._headed_seq:
            return
        head = Head(topic=self._topic, seq=self.chain.next_seq - 1, hash=self.chain.head, at_ms=now_ms())
        head = signed(head, self._keys[-1])
        append_head(self._heads, head)
        self._headed_seq = head.seq
        self.metrics.set_head(head.at_ms)
        self._log.info("audit head", topic=head.topic, seq=head.seq, hash=head.hash, signature=head.signature)

    async def _commit(self, entries: Sequence[Entry]) -> None:
        async with self._producer.transaction():
            sent = [await self._producer.send(self._topic, encode_entry(entry), partition=0) for entry in entries]
            await asyncio.gather(*sent)

    async def verify(self) -> None:
        """Read the whole log again. Raises AuditBroken if it is not as it was written."""
        verified = await self._verified()
        if verified.next_seq < self.chain.next_seq:
            bad = Bad(verified.next_seq, "cut off", f"this process wrote entry {self.chain.next_seq - 1}")
            raise AuditBroken(self._topic, bad)

    async def _verified(self) -> Chain:
        heads = await asyncio.to_thread(read_heads, self._heads) if self._heads.exists() else []
        verification = Verification(self._topic, heads, self._keys)
        async for offset, value in read_topic(self._settings):
            verification.hear(offset, value)
        verdict = verification.verdict()
        if verdict.bad is not None:
            raise AuditBroken(self._topic, verdict.bad)
        self._verified_at = monotonic_seconds()
        self.metrics.set_verified(now_ms())
        self.metrics.entries.set(verdict.entries)
        # A head by a retired key vouches for nothing any more once that key is known: the present one signs anew.
        ours = [head for _, head in heads if is_genuine(head, self._keys[-1])]
        self._headed_seq = max((head.seq for head in ours), default=-1)
        self.metrics.head_seconds.set(max((head.at_ms for head in ours), default=0) / 1000)
        return verification.chain

    def _tell(self, sources: Sources) -> None:
        self.metrics.entries.set(self.chain.next_seq)
        self.metrics.unsigned.set(self.chain.next_seq - 1 - self._headed_seq)
        self.metrics.set_behind(sources.behind)
        for topic, lost in sources.lost.items():
            self.metrics.lost.labels(topic=topic).inc(lost - self._lost.get(topic, 0))
        self._lost = dict(sources.lost)

    async def _answered(self, call: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await call
        except (ProducerFenced, InvalidProducerEpoch):
            raise AuditTakenOver(
                f"another process writes {self._topic} now", fix="run one `hushtag audit run` alone"
            ) from None
        except (KafkaError, TimeoutError) as error:
            why = str(error) or f"no answer in {_DEADLINE_SECONDS:g} s"
            raise DependencyAway(
                f"Kafka at {self._settings.kafka}: {why}; what was not committed is taken up at the next start",
                fix="is the broker up, and HUSHTAG_KAFKA right?",
            ) from None

    async def _stop_producer(self) -> None:
        try:
            async with asyncio.timeout(2.0):
                await self._producer.stop()
        except (TimeoutError, KafkaError):
            pass  # its transactional id is fenced by the next writer all the same
