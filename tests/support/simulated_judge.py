"""A judge that runs in memory: it recovers, settles, decides early, and publishes."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from streams.constants import PANE_MS
from streams.counting.block_counts import Flush
from streams.judging.flag_renewal import FlagRenewal
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import Decision, Progress, decode_record, encode_record
from streams.log.pane_assembly import assemble
from streams.log.panes import encode_pane, is_pane, pane_records
from streams.log.partials import decode_partial, encode_partial
from streams.orders.account_facts import AccountFactFold
from streams.pipeline.recovery import OwnOffsets
from tests.support.simulated_run import Run
from tests.support.simulated_sizes import HASHES, SHARDS
from tests.support.simulated_words import SCORER, SCORERS, scores


class SimulatedJudge(Run):
    """One life of a shard's judge, as `streams.pipeline.judge_partition.JudgePartition`."""

    topic = "partials"

    def work(self) -> Iterator[None]:
        world, rng, shard = self.world, self.world.rng, self.number
        self.facts = AccountFactFold(AccountFactStore(HASHES))
        state = ShardState(
            shard, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES, shards=SHARDS,
            fact_store=self.facts.store, scale_of=lambda revision: SCORERS[revision].scale,
        )  # fmt: skip
        judge = ShardJudge(state)
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
                if not value:
                    yield from self.acknowledged()
                    yield from self.stop()
                    judge.skip(offset)
                    continue
                partial = decode_partial(value)
                if isinstance(partial, FactsMark):
                    self.read_facts(partial.upto)
                judge.apply(offset, partial)
                if isinstance(partial, Flush) and timely and rng.random() < 0.5:  # a tick may be due
                    self.decide_early(judge)
                while (job := judge.next_tick()) is not None:
                    settled = judge.settle(job, scores([job.texts.batch]))
                    for pane in settled.panes:
                        for record in encode_pane(pane, shard, judge.state.tags):
                            self.outbox.put(("panes", shard), record)
                    for record in settled.side_records:
                        self.outbox.put(("panes", shard), record)
                    if settled.sketches:
                        yield from self.send_sketches(settled.sketches)
                    self.send_decisions(settled.decisions)
                    for hour in settled.coverage:
                        self.outbox.put(("decisions", shard), encode_record(hour))
                    last = settled.progress or last
                    if rng.random() < 0.3:
                        yield
                if isinstance(partial, Flush) and timely:
                    self.decide_early(judge)
                if rng.random() < 0.5 and judge.may_score_ahead and (texts := judge.next_ahead()) is not None:
                    texts.score(scores([texts.batch]))
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
                foreign = decode_record(world.logs["decisions", shard][offset])
                if isinstance(foreign, Decision) and not foreign.is_renewal:
                    judge.state.decisions.adopt(foreign)
            self.outbox.offsets = []
            yield

    def decide_early(self, judge: ShardJudge) -> None:
        firing = judge.next_early()
        if firing is not None:
            self.send_decisions(judge.decide_early(firing, scores(firing.batches)))

    def stop(self) -> Iterator[None]:
        """Stop at a record that cannot be read, and renew the flags for a while, until a person has skipped it."""
        world, rng = self.world, self.world.rng
        published = [decode_record(value) for value in world.logs["decisions", self.number]]
        renewal = FlagRenewal([one for one in published if isinstance(one, Decision)], world.policies[-1])
        ahead_ms = 0
        for _ in range(rng.choice([0, 1, 10, 40])):
            ahead_ms += rng.choice([0, 5_000, 60_000])
            self.send_decisions(renewal.due(world.now_ms + ahead_ms))
            yield

    def send_sketches(self, sketches: list[AuthorSketch]) -> Iterator[None]:
        """Send sketches to every shard, before the decisions."""
        for one in sketches:
            for shard in range(SHARDS):
                self.outbox.put(("partials", shard), encode_partial(one))
        yield from self.acknowledged()

    def send_decisions(self, decisions: list[Decision]) -> None:
        for one in decisions:
            self.outbox.put(("decisions", self.number), encode_record(one))

    def read_facts(self, upto: int) -> None:
        """Read the moderation log up to an offset or further, as `AccountFactsFollower.reached`."""
        known = self.world.moderation_log()
        assert upto <= len(known)
        while self.facts.store.upto < upto or (known[self.facts.store.upto :] and self.world.rng.random() < 0.5):
            record = known[self.facts.store.upto]
            self.facts.apply_raw(record.offset, record.timestamp, record.key, record.value)

    def recover(self, judge: ShardJudge) -> Iterator[None]:
        world, shard = self.world, self.number
        published = [decode_record(value) for value in world.logs["decisions", shard]]
        self.own = OwnOffsets(len(published))
        decisions = [one for one in published if isinstance(one, Decision) and not one.is_renewal]
        progress = max(
            (one for one in published if isinstance(one, Progress)), key=lambda one: one.version, default=None
        )
        yield
        state = RecoveredState(decisions)
        if progress is not None:
            bodies = {policy.revision: policy.canonical for policy in world.policies}
            activations = [replace(one, policy=bodies[one.revision]) for one in progress.activations]
            state.progress = replace(progress, activations=activations)
            self.read_facts(max((mark.upto for mark in progress.facts), default=0))
            values = world.logs["panes", shard]
            panes = [one for one in pane_records(values) if one.start_ms < progress.settled_ms]
            state.panes = assemble([one for one in panes if one.length_ms == PANE_MS], judge.state.tags)
            state.rollups = assemble([one for one in panes if one.length_ms != PANE_MS], judge.state.tags)
            state.side_records = [value for value in values if not is_pane(value)]
        judge.state.recover(state)
        yield
