"""The reference: the same cores over log lines, single-threaded, in memory. No Kafka, no Redis, no clock.

What a pipeline settled, whatever happened to it, equals what this says of the same source log.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from streams.counting.block_counts import BLOCK, MINUTE_MS, PANE_MS
from streams.counting.ingest import DeadLetter, SourcePartition
from streams.counting.sharding import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.times import FLUSH_MS, TimeRules
from streams.errors import CallerMistake, ContractError
from streams.events.parse import parse
from streams.events.tweet import Tweet
from streams.judging.evidence_codec import TickEvidence, records_of
from streams.judging.shard_judge import ShardJudge
from streams.judging.side_inputs.account_facts import FactBook
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch, HeardSketch
from streams.log.decisions import Decision
from streams.log.evidence import EvidenceRecord
from streams.log.panes import PaneRow, rows_of
from streams.orders.account_facts import AccountFacts
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.scoring import TextScorer, score_batches
from streams.windows.corrections import Corrections
from streams.windows.pane import Pane
from streams.windows.scores import Scores

_BEFORE_ALL = -1
"""Sequence of what is in force where nothing was activated."""


class LogLine(msgspec.Struct, gc=False):
    """A record of a topic as `hushtag dump` and `hushtag simulate` write it, one JSON object a line."""

    partition: int
    offset: int
    log_time_ms: int
    key: str | None = None
    value: str | None = None
    value_base64: str | None = None
    """Instead of `value`, where the bytes are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as ingest reads it."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


_decode_line = msgspec.json.Decoder(LogLine).decode


def read_lines(lines: Iterable[bytes]) -> Iterator[Record]:
    """Log lines, or bare payloads: partition 0, offset = line, log time = the highest created_at so far.

    Raises:
        CallerMistake: a line begins like a log line and is none.
    """
    highest_ms, offset = 0, 0
    bare: bool | None = None
    for number, line in enumerate(lines, 1):
        line = line.rstrip(b"\r\n")
        if bare is None:
            if not line.strip():  # it does not tell which of the two they are
                offset += 1
                continue
            bare = b'"partition"' not in line or b'"offset"' not in line
        if bare:
            try:
                event = parse(line)
                if isinstance(event, Tweet):
                    highest_ms = max(highest_ms, event.created_at_ms)
            except ContractError:
                pass
            yield Record(0, offset, highest_ms, None, line)
            offset += 1
            continue
        if not line.strip():
            continue
        try:
            entry = _decode_line(line)
            value = entry.value.encode("utf-8", "surrogatepass") if entry.value is not None else None
            if entry.value_base64 is not None:
                value = base64.b64decode(entry.value_base64, validate=True)
        except (msgspec.DecodeError, binascii.Error) as error:
            raise CallerMistake(
                f"line {number} is no log line: {error}",
                fix='a log line is {"partition", "offset", "log_time_ms", "key", "value"}; `hushtag dump` writes them',
            ) from error
        key = None if entry.key is None else entry.key.encode("utf-8", "surrogatepass")
        yield Record(entry.partition, entry.offset, entry.log_time_ms, key, value)


@dataclass(slots=True)
class ReplayCounts:
    """What the replay met."""

    records: int = 0
    tweets: int = 0
    uses: int = 0
    duplicates: int = 0
    clamped: int = 0
    too_old: int = 0
    late_registers: int = 0
    retractions: Counter[str] = field(default_factory=Counter)
    """By `streams.counting.notices.KINDS`."""
    late_retractions: int = 0
    settled_ticks: int = 0
    dead_letters: list[DeadLetter] = field(default_factory=list)


class Replay:
    """One run of the cores.

    Args:
        partitions: the source partitions that the log holds; a tick settles when all have passed it.
        policy: in force from the first tick.
        early: also look before panes settle, after every `flush_ms` of log time, and say what is found.
        moderation: the records of the `moderation` topic, in the order of their offsets: what they say about accounts
            is in force from their log time on.
        corrections: what stage 2 has said, as the logs of shards have it (see `corrections_in`), whatever their number.
        heard: author sketches as a live run's shards met them, by shard; None: this run's own, which every shard has
            heard once their tick has settled in all.
        activations: of policies and models, as a live run's shards met them: from its tick on each goes before `policy`
            and `scorer`.
        models: that these name; where one is not here, nothing begins while it is in force.
        keep_evidence: called with every record of evidence, as ticks settle.
    """

    def __init__(
        self,
        partitions: Iterable[int],
        policy: Policy,
        scorer: TextScorer,
        *,
        shards: int = 8,
        times: TimeRules | None = None,
        hash_key: bytes = b"",
        early: bool = False,
        flush_ms: int = FLUSH_MS,
        flush_records: int = 2_000,
        moderation: Iterable[Record] = (),
        corrections: Iterable[tuple[int, Corrections]] = (),
        heard: Mapping[int, Iterable[HeardSketch]] | None = None,
        activations: Iterable[Activation] = (),
        models: Iterable[TextScorer] = (),
        keep_evidence: Callable[[EvidenceRecord], object] | None = None,
    ) -> None:
        self.counts = ReplayCounts()
        self.sketches: list[AuthorSketch] = []
        """What the judges told each other."""
        times, hashes, sharding = times or TimeRules(), KeyedHash(hash_key), Sharding(shards)
        numbers = sorted(set(partitions))
        self._sources = {
            number: SourcePartition(number, len(numbers), "replay", 0, sharding=sharding, hashes=hashes, times=times)
            for number in numbers
        }
        self._started: set[int] = set()
        self._scorers = {one.revision: one for one in (*models, scorer)}
        self._columns = 1 + len(scorer.categories)
        self._early = early
        self._keep_evidence = keep_evidence
        self._flush_ms = flush_ms
        self._flush_records = flush_records
        self._offset = 0
        facts = AccountFacts(FactBook(hashes))
        for record in moderation:
            facts.take(record.offset, record.timestamp, record.key, record.value)
        self.judges = [
            ShardJudge(
                shard,
                categories=scorer.categories,
                model_revision=scorer.revision,
                hashes=hashes,
                early=early,
                shards=shards,
                book=facts.book,
                scale_of={one.revision: one.scale for one in self._scorers.values()}.get,
                at_hand=self._scorers.__contains__,
            )
            for shard in range(shards)
        ]
        activation = Activation(
            revision=policy.revision,
            sequence=_BEFORE_ALL,
            from_tick_ms=0,
            policy=policy.canonical(),
            model_revision=scorer.revision,
        )
        for judge in self.judges:
            for one in (activation, *activations):
                judge.apply(0, one)
            judge.apply(0, FactsMark("", facts.book.upto))
            judge.sketches.recover(heard.get(judge.shard, ()) if heard else ())
        self._own_sketches = heard is None
        for pane, correction in corrections:
            for judge in self.judges:  # that of another shard's hashtags asks for none of them
                judge.corrected.add(pane, correction, judge.tags)

    def run(self, records: Iterable[Record]) -> Iterator[Decision | PaneRow]:
        """Read everything, settle everything; yields decisions and the rows of minute panes as they settle."""
        waiting: dict[int, list[Record]] = {}
        held, due_ms = 0, -1
        for record in records:
            waiting.setdefault(record.partition, []).append(record)
            held += 1
            if held >= self._flush_records or (self._early and record.timestamp >= due_ms):
                due_ms = record.timestamp + self._flush_ms
                yield from self._flush(waiting)
                waiting, held = {}, 0
        yield from self._flush(waiting)
        yield from self._finish()

    def _flush(self, waiting: dict[int, list[Record]]) -> Iterator[Decision | PaneRow]:
        for number, records in waiting.items():
            source = self._sources[number]
            if number not in self._started:
                self._started.add(number)
                source.begin_at(records[0].offset // BLOCK * BLOCK)
            source.read(records)
            self.counts.records += len(records)
            for shard, flushes in source.flush().items():
                for flush in flushes:
                    self._offset += 1
                    self.judges[shard].apply(self._offset, flush)
            self._note(source)
        yield from self._settle(None)
        for judge in self.judges:
            look = judge.next_look()
            if look is not None:
                yield from judge.look(look, self._score(look.batches))

    def _settle(self, up_to_ms: int | None) -> Iterator[Decision | PaneRow]:
        """Tick after tick in all shards: what one says of a tick, all have heard before any settles a later one."""
        while due := [(tick, one.shard) for one in self.judges if (tick := one.due(up_to_ms)) is not None]:
            judge = self.judges[min(due)[1]]
            job = judge.next_tick(up_to_ms)
            assert job is not None, "it was due"
            settled = judge.settle(job, self._score(job.batches))
            self.counts.settled_ticks += 1
            for pane in settled.panes:
                yield from self._minute(judge, pane)
            self._keep(judge, settled.evidence)
            self._tell_all_shards(settled.sketches)
            yield from settled.decisions

    def _score(self, batches: Sequence[tuple[str, bytes]]) -> Scores:
        return score_batches(batches, self._scorers.get, self._columns)

    def _tell_all_shards(self, sketches: Iterable[AuthorSketch]) -> None:
        """As if each shard's log stood at the tick: the markers that came with the last flush are far ahead of it."""
        self.sketches += sketches
        if self._own_sketches:
            for sketch in sketches:
                for judge in self.judges:
                    judge.sketches.hear(sketch, sketch.tick_ms)

    def _keep(self, judge: ShardJudge, evidence: TickEvidence | None) -> None:
        if self._keep_evidence is not None and evidence is not None:
            for record in records_of(evidence, judge.shard, judge.tags):
                self._keep_evidence(record)

    def _minute(self, judge: ShardJudge, pane: Pane) -> Iterator[PaneRow]:
        if pane.length_ms == MINUTE_MS:
            yield from rows_of(pane, judge.tags)

    def _finish(self) -> Iterator[Decision | PaneRow]:
        """The end of the log settles all."""
        open_panes = [max(judge.open.panes, default=-1) for judge in self.judges]
        last = max(*open_panes, *(judge.views.retracted.last_heard for judge in self.judges))
        yield from self._settle((last + 1) * PANE_MS)
        for judge in self.judges:
            minute = judge.finish()
            if minute is not None:
                yield from self._minute(judge, minute)
            self.counts.late_registers += judge.open.late_registers
            self.counts.late_retractions += judge.views.retracted.late

    def _note(self, source: SourcePartition) -> None:
        met, counts = source.counts, self.counts
        counts.tweets += met.tweets
        counts.uses += met.uses
        counts.duplicates += met.duplicates
        counts.clamped += met.clamped
        counts.too_old += met.too_old
        counts.retractions.update(met.retractions)
        counts.dead_letters += source.dead_letters
        source.reset_counts()
