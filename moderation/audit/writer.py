"""The only writer of the audit log: reads the sources, chains entries, sends them in transactions, exports heads.

Writing is exactly-once without any other state. The transactional id fences every previous writer and aborts its open
transaction. The log itself then gives the last entry and the position of each source. The whole log is verified before
the first entry and every few hours, so that nothing is appended to a forged log. Fencing does not stop a program that
appends without transactions, so entries after the last signed head are compared with their sources before they are
signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from moderation.audit.chain import MAX_ENTRY_BYTES, Chain, encode_entry, input_of
from moderation.audit.comparison import SourceComparison
from moderation.audit.heads import SignedHead, append_head, is_genuine, keys_of, read_heads, signed
from moderation.audit.inputs import AuditInput
from moderation.audit.metrics import AuditMetrics
from moderation.audit.reading import read_topic
from moderation.audit.source_check import compare_with_sources
from moderation.audit.sources import SourceTopics
from moderation.audit.verify import AuditFault, Verification
from moderation.fenced_writer import FencedWriter
from streams.clock import monotonic_seconds, now_ms
from streams.errors import EXIT_NO, HushtagError
from streams.log.topic_specs import AUDIT
from streams.logs import logger
from streams.settings import Settings

MAX_ENTRIES = 500
"""Entries of one transaction at most."""
HEAD_SECONDS = 10.0
"""Interval of the signed heads; a cut-off of entries younger than this cannot be detected."""
CHECKPOINT_SECONDS = 3600.0
VERIFY_SECONDS = 6 * 3600.0
"""Interval between verifications of the whole log."""
_NEW_LOG = "keep the topic and the heads as evidence; docs/audit.md explains how to begin a new log"


class AuditBroken(HushtagError):
    """Failed verification of the log; nothing more is appended to it, and nothing is signed."""

    exit_code = EXIT_NO

    def __init__(self, topic: str, fault: object, *, fix: str = _NEW_LOG) -> None:
        super().__init__(f"{topic}: {fault}", fix=fix)


class AuditWriter:
    """Writer of the log: an async context manager, then `run` or `catch_up`.

    Args:
        settings: addresses, topic names and keys.
        heads: file of the signed heads.
        metrics: metrics to update.
        sign_unchecked: sign also entries whose source records are gone, which cannot be compared.

    Raises (on entering):
        AuditBroken: verification failed, or unsigned entries differ from their sources.
        SettingsError, CallerMistake: the key or the file of heads is missing or unusable.
        DependencyAway: Kafka does not answer.
    """

    def __init__(
        self, settings: Settings, heads: Path, metrics: AuditMetrics | None = None, *, sign_unchecked: bool = False
    ) -> None:
        self.chain = Chain()
        self.metrics = metrics if metrics is not None else AuditMetrics()
        self._settings = settings
        self._topic = settings.topic(AUDIT)
        self._heads = heads
        self._sign_unchecked = sign_unchecked
        self._keys = keys_of(settings.audit_key.get_secret_value(), settings.audit_retired_keys.get_secret_value())
        self._sources: SourceTopics | None = None
        self._writer = FencedWriter(
            settings, self._topic, command="hushtag audit run", max_request_bytes=MAX_ENTRY_BYTES + 16 * 1024
        )
        self._head_seq = -1
        self._head_at = self._checkpoint_at = self._verified_at = monotonic_seconds()
        self._lost: dict[str, int] = {}
        self._log = logger(__name__)

    async def __aenter__(self) -> Self:
        try:
            await self._writer.start()
            unsigned = SourceComparison()
            self.chain = await self._verified(unsigned)
            await self._check_unsigned(unsigned)
            self._sources = await SourceTopics(self._settings).__aenter__()
            self.export_head()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._sources is not None:
            await self._sources.__aexit__(*exception)
        await self._writer.stop()

    async def run(self, stopped: asyncio.Event, *, every_seconds: float = 1.0) -> None:
        """Keep the log up to date until stopped.

        Raises:
            TakenOver: another writer has started.
            AuditBroken: verification of the log or a head failed.
            DependencyAway: Kafka does not accept entries; a restart continues at the end of the log.
        """
        while True:
            await self.catch_up()
            now = monotonic_seconds()
            if now - self._verified_at >= VERIFY_SECONDS:
                await self.verify()
            if now - self._checkpoint_at >= CHECKPOINT_SECONDS:
                self._checkpoint_at = now
                await self.write(self.checkpoints())
            if stopped.is_set() or now - self._head_at >= HEAD_SECONDS:
                self.export_head()
            if stopped.is_set():
                return
            try:
                async with asyncio.timeout(every_seconds):
                    await stopped.wait()
            except TimeoutError:
                pass

    async def catch_up(self) -> int:
        """Append everything that the sources hold now; return the number of entries."""
        assert self._sources is not None, "not entered"
        written, began_ms = 0, now_ms()
        async for inputs in self._sources.new_records(self.chain.next_offsets):
            written += await self.write(inputs)
            self._update_metrics(self._sources)
        self._update_metrics(self._sources)
        self.metrics.set_caught_up(began_ms)
        return written

    async def write(self, inputs: Sequence[AuditInput]) -> int:
        """Append the records that are not in the log yet, in transactions of at most MAX_ENTRIES.

        Returns:
            The number of entries appended.
        """
        entries = self.chain.extend(inputs)
        for start in range(0, len(entries), MAX_ENTRIES):
            await self._writer.commit([(encode_entry(one), None) for one in entries[start : start + MAX_ENTRIES]])
        return len(entries)

    def checkpoints(self) -> list[AuditInput]:
        """Build notes for `write` on the position of partitions without kept records."""
        assert self._sources is not None, "not entered"
        return self._sources.checkpoints()

    def export_head(self) -> None:
        """Sign the present end of the log and append it to the file and the logs, once for each end."""
        self._head_at = monotonic_seconds()
        if self.chain.next_seq - 1 <= self._head_seq:
            return
        head = SignedHead(topic=self._topic, seq=self.chain.next_seq - 1, hash=self.chain.head, at_ms=now_ms())
        head = signed(head, self._keys[-1])
        append_head(self._heads, head)
        self._head_seq = head.seq
        self.metrics.set_head(head.at_ms)
        self._log.info("audit head", topic=head.topic, seq=head.seq, hash=head.hash, signature=head.signature)

    async def verify(self) -> None:
        """Read and verify the whole log again.

        Raises:
            AuditBroken: verification failed, or the log does not end with the last entry of this process.
        """
        verified = await self._verified()
        last = self.chain.next_seq - 1
        if verified.next_seq < self.chain.next_seq:
            fault = AuditFault(verified.next_seq, "cut off", f"this process wrote entry {last}")
        elif verified.next_seq > self.chain.next_seq:
            fault = AuditFault(self.chain.next_seq, "added", f"this process wrote only up to entry {last}")
        elif verified.head != self.chain.head:
            fault = AuditFault(last, "changed", "this process wrote another one")
        else:
            return
        raise AuditBroken(self._topic, fault)

    async def _check_unsigned(self, unsigned: SourceComparison) -> None:
        """Compare the entries after the last signed head with their sources."""
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

    async def _verified(self, unsigned: SourceComparison | None = None) -> Chain:
        heads = await asyncio.to_thread(read_heads, self._heads) if self._heads.exists() else []
        signed_seq = max((head.seq for _, head in heads), default=-1)
        verification = Verification(self._topic, heads, self._keys)
        async for offset, value in read_topic(self._settings):
            entry = verification.apply(offset, value)
            if entry is not None and unsigned is not None:
                if entry.seq > signed_seq:
                    unsigned.add(entry.seq, input_of(entry))
                else:
                    unsigned.skip(input_of(entry))
        result = verification.result()
        if result.fault is not None:
            raise AuditBroken(self._topic, result.fault)
        self._verified_at = monotonic_seconds()
        self.metrics.set_verified(now_ms())
        self.metrics.entries.set(result.entries)
        # A head of a retired key is not enough once the key is known: the present key signs the end again.
        own = [head for _, head in heads if is_genuine(head, self._keys[-1])]
        self._head_seq = max((head.seq for head in own), default=-1)
        self.metrics.head_seconds.set(max((head.at_ms for head in own), default=0) / 1000)
        return verification.chain

    def _update_metrics(self, sources: SourceTopics) -> None:
        self.metrics.entries.set(self.chain.next_seq)
        self.metrics.unsigned.set(self.chain.next_seq - 1 - self._head_seq)
        self.metrics.set_behind(sources.behind)
        for topic, lost in sources.lost.items():
            self.metrics.lost.labels(topic=topic).inc(lost - self._lost.get(topic, 0))
        self._lost = dict(sources.lost)
