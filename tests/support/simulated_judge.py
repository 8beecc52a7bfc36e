"""A judge that runs in memory: it reads back what its predecessors kept, settles, looks early, and says so."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from streams.counting.block_counts import PANE_MS, Flush
from streams.judging.shard_judge import ShardJudge
from streams.judging.side_inputs.account_facts import FactBook
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch, encode_heard, heard_records
from streams.log.corrections import are_corrections, decode_corrections, encode_rows
from streams.log.decisions import Decision, decode_record, encode_record
from streams.log.panes import assemble, encode_pane, pane_records
from streams.log.partials import decode_partial, encode_partial
from streams.log.retractions import are_retractions, decode_retractions, encode_retractions, together_of
from streams.orders.account_facts import AccountFacts
from streams.pipeline.foreign_records import OwnOffsets
from tests.support.simulated_run import Run
from tests.support.simulated_sizes import HASHES, SHARDS
from tests.support.simulated_words import SCORER, SCORERS, scores


class Judge(Run):
    """As `streams.pipeline.judge.JudgePartition`."""

    topic = "partials"

    def work(self) -> Iterator[None]:
        world, rng, shard = self.world, self.world.rng, self.number
        self.facts = AccountFacts(FactBook(HASHES))
        judge = ShardJudge(
            shard, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES, shards=SHARDS,
            book=self.facts.book, scale_of=lambda revision: SCORERS[revision].scale,
        )  # fmt: skip
        timely = world.timely == "all" or rng.random() < 0.5
        yield from self.recover(judge)
        at = self.start
        while True:
            batch = world.logs["partials", shard][at : at + rng.choice([1, 3, 20])]
            self.done = not batch
            if not batch:
                yield
                continue
            last = None
            for offset, value in enumerate(batch, at):
                partial = decode_partial(value)
                if isinstance(partial, FactsMark):
                    self.reach(partial.upto)
                judge.apply(offset, partial)
                while (job := judge.next_tick()) is not None:
                    settled = judge.settle(job, scores(job.batches))
                    for pane in settled.panes:
                        for record in encode_pane(pane, shard, judge.tags):
                            self.outbox.put(("panes", shard), record)
                    for record in encode_retractions(settled.retracted, judge.tags):
                        self.outbox.put(("panes", shard), record)
                    for record in encode_rows(settled.corrected, judge.tags, judge.corrected.revisions, 200):
                        self.outbox.put(("panes", shard), record)
                    for heard in settled.heard:
                        self.outbox.put(("panes", shard), encode_heard(heard))
                    if settled.sketches:
                        yield from self.tell(settled.sketches)
                    self.say(settled.decisions)
                    last = settled.progress or last
                    if rng.random() < 0.3:
                        yield
                if isinstance(partial, Flush) and timely:
                    look = judge.next_look()
                    if look is not None:
                        self.say(judge.look(look, scores(look.batches)))
                if rng.random() < 0.2:
                    yield
            at += len(batch)
            yield from self.acknowledged()
            if last is not None and not self.dropped:
                self.outbox.put(("decisions", shard), encode_record(last))
                yield from self.acknowledged()
                yield
                if not self.dropped:
                    self.replay_point = last.replay_offset
            for offset in self.own.acknowledged(self.outbox.offsets):
                said = decode_record(world.logs["decisions", shard][offset])
                if isinstance(said, Decision):
                    judge.rulings.adopt(said)
            self.outbox.offsets = []
            yield

    def tell(self, sketches: list[AuthorSketch]) -> Iterator[None]:
        """To every shard, before the decisions."""
        for one in sketches:
            for shard in range(SHARDS):
                self.outbox.put(("partials", shard), encode_partial(one))
        yield from self.acknowledged()

    def say(self, decisions: list[Decision]) -> None:
        for one in decisions:
            self.outbox.put(("decisions", self.number), encode_record(one))

    def reach(self, upto: int) -> None:
        """As `streams.pipeline.account_facts.FactsFollower.reached`; the book may have been read further."""
        known = self.world.said()
        assert upto <= len(known)
        while self.facts.book.upto < upto or (known[self.facts.book.upto :] and self.world.rng.random() < 0.5):
            record = known[self.facts.book.upto]
            self.facts.take(record.offset, record.timestamp, record.key, record.value)

    def recover(self, judge: ShardJudge) -> Iterator[None]:
        world, shard = self.world, self.number
        said = [decode_record(value) for value in world.logs["decisions", shard]]
        self.own = OwnOffsets(len(said))
        decisions = [one for one in said if isinstance(one, Decision)]
        progress = max(
            (one for one in said if not isinstance(one, Decision)), key=lambda one: one.version, default=None
        )
        yield
        kept = world.logs["panes", shard] if progress else []
        panes = list(pane_records(kept))
        retractions = [decode_retractions(value) for value in kept if are_retractions(value)]
        corrections = [decode_corrections(value) for value in kept if are_corrections(value)]
        settled_ms = 0
        if progress is not None:
            settled_ms = progress.settled_ms
            bodies = {policy.revision: policy.canonical() for policy in world.policies}
            activations = [replace(one, policy=bodies[one.revision]) for one in progress.activations]
            progress = replace(progress, activations=activations)
            self.reach(max((heard.upto for heard in progress.facts), default=0))
            judge.sketches.recover(heard_records(kept))
        judge.recover(
            progress,
            decisions,
            assemble([one for one in panes if one.length_ms == PANE_MS and one.start_ms < settled_ms], judge.tags),
            assemble([one for one in panes if one.length_ms != PANE_MS and one.start_ms < settled_ms], judge.tags),
            together_of(retractions, judge.tags),
            corrections,
        )
        yield
