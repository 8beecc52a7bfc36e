"""The pipeline in memory: logs are lists, workers die at any step, zombies go on writing. One seed, one history.

Ingest and judge runs are built around the cores as `streams/pipeline` builds them: what is acknowledged before what,
when a replay point exists, and what a successor reads back. Blocks, records and read-back are made small, so that a
minute of log has many of each.
"""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from msgspec.structs import replace

from models.share import Scale
from streams.counting.corrections import Corrections
from streams.counting.ingest import SourcePartition
from streams.counting.registers import PANE_MS, Flush
from streams.counting.scores import Scores
from streams.counting.sharding import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules
from streams.flags.account_facts import AccountFacts
from streams.judging.accounts import FactBook
from streams.judging.judge import ShardJudge
from streams.log.corrections import are_corrections, decode_corrections, encode_corrections, encode_rows
from streams.log.decisions import Decision, decode_record, encode_record
from streams.log.facts import FactsMark
from streams.log.panes import assemble, encode_pane, pane_records
from streams.log.partials import decode_partial, encode_partial
from streams.log.retractions import are_retractions, decode_retractions, encode_retractions, together_of
from streams.log.sketches import AuthorSketch, encode_heard, heard_records
from streams.pipeline.foreign import OwnOffsets
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.replay import Record
from streams.scoring import TextScorer, score_batches

START_MS = 1_611_600_000_000
PARTITIONS = 3
SHARDS = 2
BLOCK = 16
DUPLICATE_RANGE = 48
KEY = b"simulated"
HASHES = KeyedHash(KEY)
TIMES = TimeRules()


@dataclass(frozen=True, slots=True)
class Span:
    """How long a history is, and how much happens in it."""

    log_seconds: int
    """Of tweets."""
    closing_seconds: int
    """From the last of them to the record that settles what they say, with most that follows from it."""
    rest: int
    """Rounds of work after the log's end."""
    harm: int
    """How many runs are killed, cut off or left as zombies."""
    quiet_ms: int
    """How long one partition has nothing to say."""
    wave_ms: int
    """How long a tag's tweets are as harmful as they are."""
    asleep: tuple[int, ...]
    """How many rounds a zombie may sleep."""
    reads: tuple[int, ...]
    """How often stage 2 may read."""
    mean_ms: tuple[int, int]
    """Between two tweets."""
    patience: float
    """How likely ingest waits before it flushes, at each step."""

    @property
    def log_end_ms(self) -> int:
        return START_MS + self.log_seconds * 1000

    @property
    def closed_ms(self) -> int:
        """The last record but one of every partition."""
        return self.log_end_ms + self.closing_seconds * 1000

    @property
    def end_ms(self) -> int:
        """The last, when all zombies are gone: what they said early is answered at the next tick."""
        return self.closed_ms + 2 * PANE_MS


LONG = Span(50, 130, 60, 30, 25_000, 10_000, (0, 0, 60, 300), (0, 20, 80, 80), (100, 200), 0.7)
"""Every flag runs out before it ends, three minutes pass."""
SHORT = Span(18, 31, 10, 8, 10_000, 5_000, (0, 0, 20, 80), (0, 6, 20, 20), (120, 200), 0.88)
"""A minute and a few ticks: as many kinds of deaths and losses, seven times in the same time."""


class Words:
    """Harm is a word."""

    revision = "0" * 12
    categories = ("abuse", "hateful_conduct")

    def score(self, texts):
        hate = np.array([0.875 if "bad" in text else 0.125 for text in texts], np.float32)
        abuse = np.array([0.875 if "rude" in text else 0.125 for text in texts], np.float32)
        return np.stack([np.maximum(hate, abuse), abuse, hate], axis=1)


class OtherWords(Words):
    """A later model: other numbers for the same words."""

    revision = "1" * 12

    def score(self, texts):
        return 0.9 * super().score(texts) + np.float32(0.05)


SCORER = TextScorer(Words())
LATER = TextScorer(OtherWords())
LATER.scale = Scale(np.tile([0.25, 0.75, 0.02, 0.02], (1, 3, 1)), np.full((1, 3, 3), 0.001))
SCORERS = {one.revision: one for one in (SCORER, LATER)}


def scores(batches: list[tuple[str, bytes]]) -> Scores:
    return score_batches(batches, SCORERS.get, 1 + len(SCORER.categories))


@contextmanager
def small_units() -> Iterator[None]:
    """Blocks of 16 offsets, records of a few registers, panes of several parts, few sketches that count soon."""
    with ExitStack() as patches:
        for where in ("streams.counting.ingest.BLOCK", "streams.counting.uses.BLOCK", "streams.replay.BLOCK"):
            patches.enter_context(patch(where, BLOCK))
        patches.enter_context(patch("streams.counting.ingest.DUPLICATE_RANGE", DUPLICATE_RANGE))
        patches.enter_context(patch("streams.counting.ingest._RECORD_BYTES", 2_500))
        patches.enter_context(patch("streams.log.panes.MAX_BYTES", 400))
        patches.enter_context(patch("streams.judging.two_stages.SUBSAMPLE", 8))
        patches.enter_context(patch("streams.judging.two_stages.LEAST", 2))
        patches.enter_context(patch("streams.judging.successors.DELAY_MS", PANE_MS))
        patches.enter_context(patch("streams.judging.successors.MOST", 6))
        patches.enter_context(patch("streams.judging.campaigns.MINUTE_MS", PANE_MS))
        yield


def random_source(rng: random.Random, seed: int, span: Span) -> list[list[Record]]:
    """Source logs: waves of harm that differ by partition, late, doubled, broken records, and in
    most histories deletions of every kind."""
    deletions = random.Random(f"deletions {seed}")
    deleted = deletions.choice([0, 0.1, 0.1, 0.3])
    logs: list[list[Record]] = [[] for _ in range(PARTITIONS)]
    past: list[bytes] = []
    tweets: list[dict[str, Any]] = []
    at_ms = [START_MS] * PARTITIONS
    mean_ms = rng.choice(span.mean_ms)
    now_ms, number = START_MS, 0
    quiet = rng.randrange(PARTITIONS)  # one partition has nothing to say for a while
    quiet_from_ms = START_MS + rng.randrange(span.log_seconds) * 1000
    harm = {
        (tag, wave, one): rng.choice([0.05, 0.05, 0.95, 0.95])
        for tag in range(4)
        for wave in range(9)
        for one in range(3)
    }
    while now_ms < span.log_end_ms:
        now_ms += int(rng.expovariate(1 / mean_ms))
        partition = rng.randrange(PARTITIONS)
        if partition == quiet and quiet_from_ms <= now_ms < quiet_from_ms + span.quiet_ms:
            continue
        log_ms = at_ms[partition] = max(at_ms[partition], now_ms)
        number += 1
        tag = min(int(rng.paretovariate(1.0)) - 1, 3)
        bad = rng.random() < harm[tag, (log_ms - START_MS) // span.wave_ms % 9, partition]
        event_ms = log_ms - (rng.choice([4_000, 9_000, 4_000_000]) if rng.random() < 0.15 else rng.randrange(400))
        if rng.random() < 0.02:
            event_ms = log_ms + rng.choice([900, 200_000])
        word = rng.choice(["bad", "bad rude"]) if bad else "good"
        tweet = {
            "id": str(number),
            "author_id": str(rng.randrange(60)),
            "created_at_ms": event_ms,
            "text": f"{word} {'xyz'[rng.randrange(3)] * rng.randrange(1, 9)}",
            "country": rng.choice(["IN", "US", ""]),
            "hashtags": [rng.choice([f"Tag{tag}", f"tag{tag}"]), *["All"][: rng.random() < 0.3]],
            "author_created_at_ms": event_ms - rng.choice([1, 400]) * 86_400_000,
        }
        value = json.dumps(tweet).encode()
        if past and rng.random() < 0.03:
            value = rng.choice(past[-20:])
        elif rng.random() < 0.01:
            value = b"{"
        tweets.append(tweet)
        if deletions.random() < deleted:
            value = json.dumps(retraction(deletions, tweets)).encode()
        past.append(value)
        logs[partition].append(Record(partition, len(logs[partition]), log_ms, None, value))
    for partition, log in enumerate(logs):
        for end_ms in (span.closed_ms, span.end_ms):
            log.append(Record(partition, len(log), end_ms, None, b"the end"))
    return logs


def retraction(rng: random.Random, tweets: list[dict[str, Any]]) -> dict[str, Any]:
    """Of one of the tweets, the last of which was never sent; some are still under way in another partition."""
    tweet = rng.choice(tweets[-200:])
    return rng.choice(
        [
            {"kind": "delete", **{name: tweet[name] for name in ("id", "created_at_ms", "hashtags", "country")}},
            {"kind": "delete", "id": tweet["id"]},
            {"status_withheld": {"id": tweet["id"], "withheld_in_countries": [rng.choice(["IN", "US", "XX"])]}},
        ]
    )


class Outbox:
    """Records under way from one run; each log takes them in the order in which they were sent."""

    def __init__(self) -> None:
        self.queues: dict[tuple[str, int], deque[bytes]] = {}
        self.offsets: list[int] = []
        """Of what arrived in the decisions since they were last looked at."""

    def put(self, log: tuple[str, int], value: bytes) -> None:
        self.queues.setdefault(log, deque()).append(value)

    def __bool__(self) -> bool:
        return any(self.queues.values())

    def deliver(self, world: World) -> None:
        waiting = [log for log, queue in self.queues.items() if queue]
        if waiting:
            log = world.rng.choice(waiting)
            if log[0] == "decisions":
                self.offsets.append(len(world.logs[log]))
            world.logs[log].append(self.queues[log].popleft())


class Run(ABC):
    """One incarnation of a stage over one partition. `dropped`: it has been told that the partition is not its own."""

    topic = ""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.outbox = Outbox()
        self.dropped = False
        self.done = False
        """Nothing is left to do with what the logs hold now."""
        self.replay_point: int | None = None
        self.start = world.committed.get((self.topic, number), 0)
        self.steps = self.work()

    @abstractmethod
    def work(self) -> Iterator[None]:
        """Its whole life; whatever happens between two of its steps may happen there."""

    def step(self) -> None:
        if self.outbox and self.world.rng.random() < 0.6:
            self.outbox.deliver(self.world)
        else:
            next(self.steps, None)

    def acknowledged(self) -> Iterator[None]:
        while self.outbox:
            yield


class Ingest(Run):
    """As `streams.pipeline.ingest.IngestPartition`."""

    topic = "tweets"

    def work(self) -> Iterator[None]:
        world, rng = self.world, self.world.rng
        replay_point = self.start // BLOCK * BLOCK
        core = SourcePartition(
            self.number, PARTITIONS, "s", replay_point, sharding=Sharding(SHARDS), hashes=HASHES, times=TIMES
        )
        at, unsent, rules = max(0, replay_point - DUPLICATE_RANGE), 0, rng.choice(world.rules)
        while True:
            records = world.visible(self.number)[at : at + rng.randint(1, 30)]
            core.read(records)
            at += len(records)
            unsent += len(records)
            if not records and not world.calm and rng.random() < 0.1:
                core.claim(world.now_ms)
            self.done = not unsent and not records
            yield
            if (not unsent and (world.calm or rng.random() < 0.97)) or rng.random() < world.span.patience:
                continue
            unsent = 0
            flushed, replay_point = core.flush(), core.replay_point
            for one in (one for flushes in flushed.values() for one in flushes):
                one.rules = rules
                if rules in world.other_grammar:
                    one.hashtags = [{"all": "everything"}.get(hashtag, hashtag) for hashtag in one.hashtags]
            encoded = {shard: [encode_partial(one) for one in flushes] for shard, flushes in flushed.items()}
            core.reset_counts()
            for shard, values in encoded.items():
                for value in values[:-1]:
                    self.outbox.put(("partials", shard), value)
            yield from self.acknowledged()
            if self.dropped:
                return
            for shard, values in encoded.items():
                self.outbox.put(("partials", shard), values[-1])
            yield from self.acknowledged()
            if self.dropped:
                return
            self.replay_point = replay_point


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
        """As `streams.pipeline.facts.FactsFollower.reached`; the book may have been read further."""
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


class Reads(Run):
    """As `streams.pipeline.stage_2.StageTwo`, one for each shard, and without manners: it reads what nobody asked for,
    again and again, before or long after it counts, of another tag's authors; and no two of them say the same."""

    topic = "stage 2"

    def work(self) -> Iterator[None]:
        world, rng = self.world, self.world.rng
        revision = rng.choice(["old", "new"])
        model_revision = rng.choice([SCORER.revision] * 9 + ["another"])
        self.done = True
        for _ in range(rng.choice(world.span.reads)):
            for _ in range(rng.randint(1, 8)):
                yield
            if world.calm or world.now_ms >= world.span.closed_ms:  # nobody reads what settles no more
                return
            wanted: list[tuple[str, int]] = []
            for record in world.visible(rng.randrange(PARTITIONS))[-rng.choice([10, 100]) :]:
                tweet = json.loads(record.value or b"{}") if record.value not in (b"{", b"the end") else {}
                tags = {tag.lower() for tag in tweet.get("hashtags", ()) if isinstance(tag, str)}
                ours = [tag for tag in sorted(tags) if Sharding(SHARDS).of(tag) == self.number]
                wanted += [(tag, int(tweet["id"])) for tag in ours if "text" in tweet]
            wanted = [one for one in wanted if rng.random() < 0.7]
            if wanted:
                self.outbox.put(("partials", self.number), encode_corrections(Corrections(
                    revision, model_revision, [tag for tag, _ in wanted],
                    np.array([tweet for _, tweet in wanted], "<i8").tobytes(),
                    np.array([[rng.choice([-0.75, -0.5, 0.5, 0.75])] * 3 for _ in wanted], "<f4").tobytes(),
                )))  # fmt: skip


class Marks(Run):
    """As `streams.pipeline.facts.FactsFollower`, of a worker that ingests; often so slow that news are late."""

    topic = "moderation"

    def work(self) -> Iterator[None]:
        marked = 0
        while True:
            upto = len(self.world.said())
            self.done = upto <= marked
            yield
            if upto > marked:
                for shard in range(SHARDS):
                    self.outbox.put(("partials", shard), encode_partial(FactsMark("", upto)))
                yield from self.acknowledged()
                if self.dropped:
                    return
                marked = upto


class World:
    """All logs, who owns what, and a seeded hand that lets them work and die.

    Args:
        policies: the first is in force from the start, a second from some tick on.
        models: revisions, in force with these.
        timely: whether judges take records for timely, and look: all, or some runs and others not.
        rules: of the versions that run side by side; they count the same but for those with `other_grammar`.
        span: how long, and how much happens.
        harm: another number of deaths than the span's.
        moderation: records about accounts, as the topic will have them.
        stage_2: whether there is one.
    """

    def __init__(
        self,
        seed: int,
        policies: list[Policy],
        *,
        models: Sequence[str] = (SCORER.revision, SCORER.revision),
        timely: str = "all",
        rules: Sequence[int] = (1,),
        other_grammar: Sequence[int] = (),
        span: Span = SHORT,
        harm: int | None = None,
        moderation: Sequence[Record] = (),
        stage_2: bool = False,
    ) -> None:
        self.rng = random.Random(seed)
        self.policies, self.models = policies, models
        self.timely = timely
        self.rules, self.other_grammar = rules, other_grammar
        self.span = span
        self.sources = random_source(self.rng, seed, span)
        self._times = [[record.timestamp for record in log] for log in self.sources]
        self.now_ms = START_MS
        self.calm = False
        self.logs: dict[tuple[str, int], list[bytes]] = {
            (log, shard): [] for log in ("partials", "decisions", "panes") for shard in range(SHARDS)
        }
        self.committed: dict[tuple[str, int], int] = {}
        self.switch_ms = 0
        self._harm = span.harm if harm is None else harm
        self._activate(0, 0)
        self.moderation = moderation
        self._jobs: list[tuple[type[Run], int]] = [(Ingest, one) for one in range(PARTITIONS)]
        self._jobs += [(Judge, one) for one in range(SHARDS)] + [(Marks, one) for one in range(2) if moderation]
        self._jobs += [(Reads, one) for one in range(SHARDS) if stage_2]
        self._owners: list[Run] = [kind(self, number) for kind, number in self._jobs]
        self._zombies: list[list[Any]] = []
        """[run, how long it sleeps, how many steps it lives]"""

    def _activate(self, sequence: int, from_tick_ms: int) -> None:
        policy = self.policies[sequence]
        self.activations = [*getattr(self, "activations", ()), Activation(
            policy.revision, sequence, from_tick_ms, policy.canonical(), self.models[sequence]
        )]  # fmt: skip
        for shard in range(SHARDS):
            self.logs["partials", shard].append(encode_partial(self.activations[-1]))

    def visible(self, partition: int) -> list[Record]:
        return self.sources[partition][: bisect_right(self._times[partition], self.now_ms)]

    def said(self) -> list[Record]:
        """The moderation log as it is now."""
        return [record for record in self.moderation if record.timestamp <= self.now_ms]

    def run(self) -> World:
        """Live through it all."""
        rng, span = self.rng, self.span
        speeds = [rng.choice([1.0, 1.0, 1.0, 0.3, 0.05]) for _ in self._jobs]
        tick_ms = rng.choice([200, 800])
        switch_at_ms = span.end_ms * 2
        if len(self.policies) > 1:
            switch_at_ms = START_MS + rng.randrange(span.log_seconds * 2 // 5, span.log_seconds) * 1000
        rounds = span.log_seconds * 1000 // tick_ms
        kills = sorted(rng.randrange(rounds + span.rest) for _ in range(self._harm))
        for number in range(rounds + span.rest):
            if number < rounds:
                self.now_ms += tick_ms
            else:
                self.now_ms = span.closed_ms
            if self.now_ms >= switch_at_ms and len(self.activations) == 1:
                self._activate(1, (self.now_ms // PANE_MS + 1) * PANE_MS)
            while kills and kills[0] == number:
                kills.pop(0)
                self._strike(rng.randrange(len(self._jobs)))
            for _ in range(tick_ms // 25):
                at = rng.choices(range(len(self._owners)), speeds)[0]
                self._owners[at].step()
                self._commit(at)
                self._haunt()
        self._zombies = []
        if self._harm:
            for at in range(len(self._owners)):
                self._strike(at)
        self._finish()
        return self

    def _commit(self, at: int) -> None:
        owner = self._owners[at]
        if owner.replay_point is not None and self.rng.random() < 0.3:
            self.committed[owner.topic, owner.number] = owner.replay_point

    def _strike(self, at: int) -> None:
        """The owner is killed, revoked, or becomes a zombie; a successor begins."""
        old, rng = self._owners[at], self.rng
        fate = rng.choice(["killed", "cut off", "revoked", "zombie", "zombie"])
        if fate == "cut off":  # dead, but some of what it sent arrives, some of it again
            old.steps = iter(())
            for log, queue in old.outbox.queues.items():
                kept = deque(list(queue)[: rng.randint(0, len(queue))])
                if log[0] == "partials":
                    kept.extendleft(reversed(self.logs[log][1:][-rng.randint(0, 4) :]))
                old.outbox.queues[log] = kept
        if fate == "revoked":
            old.dropped = True
        if fate != "killed":
            asleep = rng.choice(self.span.asleep) if fate == "zombie" else 0
            self._zombies.append([old, asleep, rng.choice([5, 30, 150])])
        kind, number = self._jobs[at]
        self._owners[at] = kind(self, number)

    def _haunt(self) -> None:
        if self._zombies and self.rng.random() < 0.3:
            at = self.rng.randrange(len(self._zombies))
            zombie = self._zombies[at]
            if zombie[1]:
                zombie[1] -= 1
                return
            zombie[0].step()
            zombie[2] -= 1
            if not zombie[2]:
                del self._zombies[at]

    def _finish(self) -> None:
        """No more harm: everything is read, flushed and judged."""
        self.calm = True
        self.now_ms = self.span.end_ms
        quiet = 0
        while quiet < 3:
            before = sum(map(len, self.logs.values()))
            for owner in self._owners:
                for _ in range(20):
                    owner.step()
            after = sum(map(len, self.logs.values()))
            idle = all(owner.done and not owner.outbox for owner in self._owners)
            quiet = quiet + 1 if idle and before == after else 0
