"""Reference run of the pipeline's cores over a log: single-threaded, in memory, without Kafka, Redis or a clock.

Settled panes and decisions of a pipeline equal those of a replay of the same source log, after any failures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from streams.constants import BLOCK, MINUTE_MS, PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.ingest import DeadLetter, SourcePartition
from streams.counting.keys import Sharding, Tags
from streams.counting.sketch import KeyedHash
from streams.counting.times import FLUSH_MS, TimeRules
from streams.judging.clearing_pause import LOST_AHEAD_MS, SkippedSpan
from streams.judging.evidence_codec import TickEvidence, records_of
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.judging.side_inputs.author_sketches import AuthorSketchIndex
from streams.judging.ticks import delay_of
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch, ReceivedSketch
from streams.log.decisions import Decision, LanguageCoverage
from streams.log.evidence import EvidenceRecord
from streams.log.lines import LogRecord
from streams.log.pane_rows import PaneRow, rows_of
from streams.log.partials import Partial
from streams.orders.account_facts import AccountFactFold
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.scoring import TextScorer, score_batches
from streams.windows.corrections import Corrections
from streams.windows.open_pane import Scores, TextBatch
from streams.windows.open_panes import OpenPanes
from streams.windows.pane import Pane

_BEFORE_ALL = -1
"""Sequence of the policy and model that are in force before any activation."""


@dataclass(slots=True)
class ReplayCounts:
    """Counts of a replay."""

    records: int = 0
    tweets: int = 0
    uses: int = 0
    duplicates: int = 0
    clamped: int = 0
    too_old: int = 0
    late_registers: int = 0
    retractions: Counter[str] = field(default_factory=Counter)
    """Retractions by kind (`streams.counting.notices.KINDS`)."""
    late_retractions: int = 0
    settled_ticks: int = 0
    dead_letters: list[DeadLetter] = field(default_factory=list)


class Replay:
    """One run of the cores.

    Args:
        partitions: source partitions of the log; a tick settles when all have passed it.
        policy: policy in force from the first tick.
        scorer: model in force from the first tick.
        early: also emit early decisions, evaluated after every `flush_ms` of log time.
        moderation: records of the `moderation` topic in the order of their offsets; their account facts are in force
            from their log time on.
        corrections: stage 2's corrections from the shards' logs (see `corrections_in`); their shard count may differ.
        sketches: author sketches by shard, as a live run's shards received them. None: those of this run, which every
            shard receives once their tick has settled in all shards.
        activations: policy and model activations from a live run's shards; each replaces `policy` and `scorer` from its
            tick on.
        skipped: skipped records of a live run's logs by shard (see `skipped_spans`): clearing pauses as it did there.
        models: models that the activations name. While a missing model is in force, no suppression begins.
        keep_evidence: called with every evidence record, as ticks settle.
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
        moderation: Iterable[LogRecord] = (),
        corrections: Iterable[tuple[int, Corrections]] = (),
        sketches: Mapping[int, Iterable[ReceivedSketch]] | None = None,
        activations: Iterable[Activation] = (),
        skipped: Mapping[int, Iterable[SkippedSpan]] | None = None,
        models: Iterable[TextScorer] = (),
        keep_evidence: Callable[[EvidenceRecord], object] | None = None,
    ) -> None:
        self.counts = ReplayCounts()
        self.sketches: list[AuthorSketch] = []
        """Author sketches that the judges emitted."""
        self.coverage: list[LanguageCoverage] = []
        """Whole hours of texts by language that the judges emitted."""
        times, hashes, sharding = times or TimeRules(), KeyedHash(hash_key), Sharding(shards)
        numbers = sorted(set(partitions))
        self._sources = {
            number: SourcePartition(number, len(numbers), "replay", 0, sharding=sharding, hashes=hashes, times=times)
            for number in numbers
        }
        self._started: set[int] = set()
        self._scorers = {model.revision: model for model in (*models, scorer)}
        self._columns = 1 + len(scorer.categories)
        self._early = early
        self._keep_evidence = keep_evidence
        self._flush_ms = flush_ms
        self._flush_records = flush_records
        self._offset = 0
        facts = AccountFactFold(AccountFactStore(hashes))
        for record in moderation:
            facts.apply_raw(record.offset, record.timestamp, record.key, record.value)
        self.judges = [
            ShardJudge(
                ShardState(
                    shard,
                    categories=scorer.categories,
                    model_revision=scorer.revision,
                    hashes=hashes,
                    early=early,
                    shards=shards,
                    fact_store=facts.store,
                    scale_of={model.revision: model.scale for model in self._scorers.values()}.get,
                    is_loaded=self._scorers.__contains__,
                )
            )
            for shard in range(shards)
        ]
        activation = Activation(
            revision=policy.revision,
            sequence=_BEFORE_ALL,
            from_tick_ms=0,
            policy=policy.canonical,
            model_revision=scorer.revision,
        )
        for judge in self.judges:
            for change in (activation, *activations):
                judge.apply(0, change)
            judge.apply(0, FactsMark("", facts.store.upto))
            judge.state.sketches.load(sketches.get(judge.state.shard, ()) if sketches else ())
            judge.state.pause.load(skipped.get(judge.state.shard, ()) if skipped else ())
        self._own_sketches = sketches is None
        for pane, correction in corrections:
            for judge in self.judges:  # a judge ignores hashtags of other shards
                judge.state.corrections.load(pane, correction)

    def run(self, records: Iterable[LogRecord]) -> Iterator[Decision | PaneRow]:
        """Read and settle the whole log; yield decisions and the rows of minute panes as they settle."""
        waiting: dict[int, list[LogRecord]] = {}
        queued, due_ms = 0, -1
        for record in records:
            waiting.setdefault(record.partition, []).append(record)
            queued += 1
            if queued >= self._flush_records or (self._early and record.timestamp >= due_ms):
                due_ms = record.timestamp + self._flush_ms
                yield from self._flush(waiting)
                waiting, queued = {}, 0
        yield from self._flush(waiting)
        yield from self._finish()

    def _flush(self, waiting: dict[int, list[LogRecord]]) -> Iterator[Decision | PaneRow]:
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
            firing = judge.next_early()
            if firing is not None:
                yield from judge.decide_early(firing, self._score(firing.batches))

    def _settle(self, up_to_ms: int | None) -> Iterator[Decision | PaneRow]:
        """Settle due ticks in order over all shards: all receive a tick's sketches before any settles a later tick."""
        while due := [
            (tick, judge.state.shard) for judge in self.judges if (tick := judge.state.due(up_to_ms)) is not None
        ]:
            judge = self.judges[min(due)[1]]
            job = judge.next_tick(up_to_ms)
            assert job is not None, "it was due"
            settled = judge.settle(job, self._score([job.texts.batch]))
            self.counts.settled_ticks += 1
            for pane in settled.panes:
                yield from self._minute(judge, pane)
            self._keep(judge, settled.evidence)
            self._share_sketches(settled.sketches)
            self.coverage += settled.coverage
            yield from settled.decisions

    def _score(self, batches: Sequence[TextBatch]) -> Scores:
        return score_batches(batches, self._scorers.get, self._columns)

    def _share_sketches(self, sketches: Iterable[AuthorSketch]) -> None:
        """Deliver sketches at their tick; the latest flush has already moved the shards' markers far beyond it."""
        self.sketches += sketches
        if self._own_sketches:
            for sketch in sketches:
                for judge in self.judges:
                    judge.state.sketches.add(sketch, sketch.tick_ms)

    def _keep(self, judge: ShardJudge, evidence: TickEvidence | None) -> None:
        if self._keep_evidence is not None and evidence is not None:
            for record in records_of(evidence, judge.state.shard, judge.state.tags):
                self._keep_evidence(record)

    def _minute(self, judge: ShardJudge, pane: Pane) -> Iterator[PaneRow]:
        if pane.length_ms == MINUTE_MS:
            yield from rows_of(pane, judge.state.tags)

    def _finish(self) -> Iterator[Decision | PaneRow]:
        """Settle everything that is open at the end of the log."""
        open_panes = [max(judge.state.open.panes, default=-1) for judge in self.judges]
        last = max(*open_panes, *(judge.state.retractions.last_pending_pane for judge in self.judges))
        yield from self._settle((last + 1) * PANE_MS)
        for judge in self.judges:
            minute = judge.close_minute()
            if minute is not None:
                yield from self._minute(judge, minute)
            counts = judge.state.take_counts()
            self.counts.late_registers += counts["registers_after_settling"]
            self.counts.late_retractions += counts["retractions_late"]

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


def skipped_spans(log: Iterable[Partial | None], shard: int, shards: int) -> list[SkippedSpan]:
    """Return when a judge passes over the skipped records of its shard's log, each with the end of what they hide.

    The log has the shard's records in order, None for a skipped one.
    """
    sources, passed_ms, settled_ms = OpenPanes(Tags(), KeyedHash(b""), 1), -1, 0
    spans, open_spans = list[SkippedSpan](), list[SkippedSpan]()
    for record in log:
        if record is None:
            open_spans.append(SkippedSpan(settled_ms, passed_ms + LOST_AHEAD_MS))
        elif isinstance(record, Flush):
            sources.apply_all([replace(record, hashtags=b"", blocks=b"")])  # its marker alone
            settled_ms = max(settled_ms, (sources.watermark_ms - delay_of(shard, shards)) // PANE_MS * PANE_MS)
            passed_ms = max(passed_ms, record.watermark_ms)
            end_ms = max(record.newest_ms, record.watermark_ms)
            spans += [SkippedSpan(span.settled_ms, max(span.until_ms, end_ms)) for span in open_spans]
            open_spans.clear()
    return spans + open_spans


def received_sketches(log: Iterable[object]) -> list[ReceivedSketch]:
    """Return the sketches of a whole log as a judge receives them that reads it from its beginning."""
    sketches, passed_ms = AuthorSketchIndex(Tags()), -1
    for record in log:
        if isinstance(record, AuthorSketch):
            sketches.add(record, passed_ms)
        else:
            passed_ms = max(passed_ms, getattr(record, "watermark_ms", -1))
    return sketches.take_unpublished()
