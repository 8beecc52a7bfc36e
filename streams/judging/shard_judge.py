"""The judge of one shard: a deterministic function of its shard's log.

Drive it so, with the scores of the texts that each job asks for:

    judge.apply(offset, record)                     # flush, activation or mark of facts
    while (job := judge.next_tick()) is not None:   # every pane that the watermark has passed, in order
        settled = judge.settle(job, scores)
    look = judge.next_look()                        # unflagged tags of this record, at a stricter confidence
    if look is not None:
        decisions = judge.look(look, scores)

Only settled ticks clear, refresh and move the hysteresis; they equal the reference's. An early ruling is confirmed or
withdrawn when its tick settles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace

from models.share import Scale
from streams.counting.block_counts import MINUTE_MS, PANE_MS, GivenUp, Ints
from streams.counting.keys import COUNTRY_BITS, WORLD_MASK, Tags, country_of
from streams.counting.retractions import NO_ROWS, Rows
from streams.counting.sketch import KeyedHash
from streams.judging.activation_timeline import InForce
from streams.judging.campaigns import sketch_of
from streams.judging.curated_links import mark_links
from streams.judging.early_policy import Ahead
from streams.judging.early_trigger import LookJob, Looks
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import TickEvidence, conditions_of
from streams.judging.key_state import KeyState
from streams.judging.shard_decisions import Rulings
from streams.judging.side_inputs.account_facts import FactBook
from streams.judging.side_inputs.account_facts_view import ShardFacts
from streams.judging.side_inputs.author_sketches import ShardSketches
from streams.judging.side_inputs.corrections import Corrected
from streams.judging.stage_2_candidates import Candidate, candidates
from streams.judging.window_store import Views
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch, HeardSketch
from streams.log.decisions import Decision, Progress, Reason, version_of
from streams.log.partials import Partial
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.windows.corrections import Corrections
from streams.windows.corrections import Rows as CorrectionRows
from streams.windows.open_panes import Closed, OpenPanes
from streams.windows.pane import Pane, build_pane, commonest, spellings
from streams.windows.scores import Scores
from streams.windows.tail_trimmer import Tail

_SWEEP_PANES = 6
_SPREAD_MS = PANE_MS // 2
"""Over so long the shards' settling of one pane is spread: a worker's early looks need not wait for all of them."""


@dataclass(frozen=True, slots=True)
class TickJob:
    """A pane to settle, and the texts to score first."""

    closed: Closed
    worth: set[int]
    """Numbers of the tags whose entries are scored."""
    unscored: Ints
    """Entries of the pane that are to be scored."""
    texts: bytes
    """Their texts, each a line."""
    given_up: GivenUp
    model: str
    """Revision that scores them: the one in force at the pane's start."""

    @property
    def batches(self) -> list[tuple[str, bytes]]:
        """What is to be scored, by revision."""
        return [(self.model, self.texts)]


@dataclass(slots=True)
class Settled:
    """What a settled tick says. `panes`, `retracted`, `heard`, `evidence`; `sketches`, to every shard; `decisions` once
    these are acknowledged, for whoever reads a decision back sends no sketch; `progress` after all are."""

    tick_ms: int
    panes: list[Pane] = field(default_factory=list)
    retracted: Rows = NO_ROWS
    """What this tick puts in force."""
    corrected: CorrectionRows | None = None
    """The same of corrections; None: there are none."""
    unmatched: int = 0
    """How many of these are about a hashtag and country that no tweet of their pane has."""
    heard: list[HeardSketch] = field(default_factory=list)
    """Sketches that the shard's log has brought: kept beside the panes."""
    evidence: TickEvidence | None = None
    sketches: list[AuthorSketch] = field(default_factory=list)
    """The authors of campaigns; see `streams.judging.campaigns`."""
    decisions: list[Decision] = field(default_factory=list)
    progress: Progress | None = None
    confirmed: int = 0
    withdrawn: int = 0
    refused: list[Reason] = field(default_factory=list)
    """Valves that turned a decision into a review."""
    scorer_fault: Reason | None = None


class ShardJudge:
    """All state of one shard between its assignment and its revocation.

    Args:
        categories: of the model, in the order of its score columns behind `any`.
        model_revision: of the model that is named before an activation has named one.
        max_lag_ms: no early look while the slowest source is further behind the fastest.
        shards: how many judges there are.
        book: what is known about authors; read as far as a mark says, before the mark is applied.
        scale_of: what the probabilities of a model mean as shares, by its revision; None: they are taken as they are.
        at_hand: whether a model can be had here; while the one in force cannot, nothing begins and nothing is cleared.
    """

    def __init__(
        self,
        shard: int,
        *,
        categories: Sequence[str],
        model_revision: str,
        hashes: KeyedHash,
        max_lag_ms: int = 60_000,
        early: bool = True,
        shards: int = 1,
        book: FactBook | None = None,
        scale_of: Callable[[str], Scale | None] = lambda _: None,
        at_hand: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.shard = shard
        self.shards = shards
        self._after_ms = shard * _SPREAD_MS // shards
        self.tags = Tags()
        self.open = OpenPanes(self.tags, hashes, 1 + len(categories))
        self.tail = Tail(self.tags, hashes)
        self.facts = ShardFacts(FactBook(hashes) if book is None else book)
        self.corrected = Corrected(1 + len(categories), model_revision)
        self.sketches = ShardSketches(self.tags)
        self._scale_of, self._at_hand = scale_of, at_hand
        self._blind = False
        """The model in force at the tick is not at hand."""
        self.views = Views(
            hashes, 1 + len(categories), self.tail, self.facts, corrected=self.corrected, sketches=self.sketches
        )
        self.views.scale = scale_of(model_revision)
        self.looks = Looks(self.open, self.views)
        self.rulings = Rulings(self.tags, {category: 1 + at for at, category in enumerate(categories)}, shards)
        self.in_force = InForce(model_revision)
        self.offset = -1
        self.hold_until_ms = 0
        self._lost = False
        """Records were lost, and nothing that came after them has been applied yet."""
        self._categories = list(categories)
        self._max_lag_ms = max_lag_ms
        self._early = early
        self._ahead = Ahead()
        self._kept: dict[int, EvidenceTable] = {}
        self._say_after = -1
        self._first_offsets: dict[int, tuple[int, int]] = {}
        """By pane that has not settled: its first record, and the greatest watermark before that."""

    @property
    def states(self) -> dict[int, KeyState]:
        """What is in force, by key."""
        return self.rulings.states

    @property
    def model_revision(self) -> str:
        """Of the model in force at the last settled tick."""
        return self.in_force.model_revision

    # ---- the log ----

    def apply(self, offset: int, record: Partial) -> None:
        """Take the record at an offset of the shard's log."""
        self.offset = offset
        if isinstance(record, Activation):
            self.in_force.add(record)
            return
        if isinstance(record, FactsMark):
            self.facts.hear(record)
            return
        if isinstance(record, AuthorSketch):
            self.sketches.hear(record, self.facts.passed_ms)
            return
        here = (offset, self.corrected.passed_ms)
        if isinstance(record, Corrections):
            heard = self.corrected.take(offset, record, self.tags)
            if heard is not None:
                self._first_offsets.setdefault(heard, here)
            return
        if self._lost:
            self._lost = False
            self._hold_from(max(record.newest_ms, record.watermark_ms))
        self.facts.passed_ms = max(self.facts.passed_ms, record.watermark_ms)
        self.corrected.passed_ms = max(self.corrected.passed_ms, record.watermark_ms)
        for pane in set(np.frombuffer(record.panes, "<i8").tolist()):
            if pane > self.open.settled_pane:
                self._first_offsets.setdefault(pane, here)
        if record.retractions is not None:
            for pane in self.views.retracted.take(record.retractions, self.tags, self.open.settled_pane):
                self._first_offsets.setdefault(pane, here)
        self.looks.touch(self.open.apply(record))

    @property
    def settled_ms(self) -> int:
        """End of the last settled pane; 0 before the first."""
        return (self.open.settled_pane + 1) * PANE_MS

    @property
    def caught_up(self) -> bool:
        """Whether all that a predecessor has read was read again."""
        return self.offset >= self._say_after

    @property
    def known_offset(self) -> int:
        """The last record that this judge or a predecessor has read; -1 before the first."""
        return max(self.offset, self._say_after)

    @property
    def replaying(self) -> bool:
        """Whether a predecessor said all that there was to say early, up to here."""
        return self.offset <= self._say_after

    # ---- settled ticks ----

    def next_tick(self, up_to_ms: int | None = None) -> TickJob | None:
        """The next pane that the watermark has passed by this shard's part of the spread, or `up_to_ms` has passed."""
        pane = self.due(up_to_ms)
        if pane is None:
            return None
        model = self.in_force.model_of(pane)
        self._follow((pane + 1) * PANE_MS)
        self.views.expire_short((pane + 1) * PANE_MS)
        closed = self.open.settle(pane)
        kept, given_up = self.tail.cut_sum(closed.sum)
        closed = Closed(pane, kept, closed.pane)
        self._first_offsets = {one: at for one, at in self._first_offsets.items() if one > pane}
        worth = self._worth_scoring(closed)
        closed.pane.score_by(model)
        sampled = np.repeat(closed.sum.keys, np.diff(closed.sum.bounds)) >> COUNTRY_BITS
        entries = closed.sum.entries[np.isin(sampled, np.fromiter(worth, np.int64, len(worth)))]
        unscored = closed.pane.unscored(entries)
        return TickJob(closed, worth, unscored, closed.pane.texts(unscored), given_up, model)

    def due(self, up_to_ms: int | None = None) -> int | None:
        """The number of the pane that `next_tick` would settle."""
        watermark_ms = self.open.watermark_ms - self._after_ms if up_to_ms is None else up_to_ms
        if watermark_ms < 0:
            return None
        pane = self._next_pane(watermark_ms // PANE_MS)
        return pane if (pane + 1) * PANE_MS <= watermark_ms else None

    def _next_pane(self, reached: int) -> int:
        """The pane after the last settled. Where nothing is counted and nothing said, panes may be passed over.

        The one before `reached` never is: readers must hear that an empty shard is alive, too.
        """
        quiet = not self.states and not self.views.short_panes and not self.views.ladder.panes
        if self.open.settled_pane < 0 or quiet:
            earliest = min(self.open.panes, default=None)
            pane = reached - 1 if earliest is None else min(reached - 1, earliest)
            self.open.settled_pane = max(self.open.settled_pane, pane - 1)
        return self.open.settled_pane + 1

    def settle(self, job: TickJob, scores: Scores) -> Settled:
        """Settle a pane: count it, judge every busy tag, say what changed."""
        closed = job.closed
        tick_ms = (closed.number + 1) * PANE_MS
        closed.pane.score(job.unscored, scores)
        if self.in_force.policy is not None:
            mark_links(closed.pane, closed.sum.entries, self.in_force.policy)
        displays = spellings(closed.sum, closed.pane, self.tags.names(closed.sum.keys))
        pane = build_pane(closed.number, closed.sum, closed.pane, job.worth, displays, job.given_up)
        said = Settled(tick_ms)
        minute = self.views.push(pane)
        completed = (pane, minute, self.views.completed_quarter)
        said.panes = [one for one in completed if one is not None and len(one.keys)]
        said.retracted = self.views.retracted.settle(closed.number)
        said.unmatched = self.views.unmatched(said.retracted)
        said.corrected = self.corrected.settle(closed.number)
        said.heard = self.sketches.take_fresh()
        self._judge(tick_ms, said, blind=scores.silent or self._blind)
        self._forget(closed.number)
        minute_ms = tick_ms // MINUTE_MS * MINUTE_MS  # a long window is of the last whole minute
        self.facts.prune(minute_ms)
        self.sketches.prune(minute_ms, self.views.kept_from_ms)
        replay_offset, replay_passed_ms = min(
            self._first_offsets.values(), default=(self.offset + 1, self.corrected.passed_ms)
        )
        said.progress = Progress(
            shard=self.shard,
            settled_ms=tick_ms,
            position=self.offset,
            replay_offset=replay_offset,
            replay_passed_ms=replay_passed_ms,
            model_from_ms=self.corrected.model_from_ms,
            activations=[replace(one, policy="") for one in self.in_force.activations.to_list()],
            hold_until_ms=self.hold_until_ms,
            blocks=self.open.blocks(),
            minutes_from_ms=self.views.minutes_from_ms,
            facts=self.facts.to_list(),
            passed_ms=self.facts.passed_ms,
        )
        return said

    def finish(self) -> Pane | None:
        """End of a finite log: the minute that has begun is complete."""
        return self.views.close_minute() if self.views.end_ms % 60_000 else None

    def _follow(self, tick_ms: int) -> None:
        """Put the policy and the model in force that are active at a tick."""
        policy, model = self.in_force.follow(tick_ms)
        self._follow_model(model)
        if policy is None:
            return
        self.views.arrange(policy.windows_ms, policy.evidence_floor, policy.young_days, policy.burst_min_past)
        self.tail.floor = min(policy.tail_floor, policy.evidence_floor)
        self.tail.most_tags = max(1, policy.max_tags_per_pane // self.shards)
        self.rulings.follow(policy)
        self.sketches.asked = policy.asks_for_successors

    def _follow_model(self, other: Activation | None) -> None:
        """The model may change while the policy stays, and one that was away may be at hand by now."""
        if other is not None:
            self.corrected.follow(other.model_revision, other.from_tick_ms)
            self.views.forget_tables()
        scale = self._scale_of(self.model_revision)
        if scale is not self.views.scale:
            self.views.scale = scale
            self.views.forget_tables()
        self._blind = not self._at_hand(self.model_revision)

    def _judge(self, tick_ms: int, said: Settled, *, blind: bool) -> None:
        policy = self.in_force.policy
        if policy is None:
            return
        tables = self.views.tables()
        said.evidence = self._evidence(policy, tick_ms, tables)
        changes = self.rulings.settle(tables, tick_ms, holding=tick_ms < self.hold_until_ms, blind=blind)
        said.decisions = [self._decision(policy, key, tick_ms) for key in changes.keys]
        said.sketches = [sketch_of(one, self.views, self.tags, tick_ms) for one in changes.campaigns]
        self.rulings.drop_empty(tick_ms)
        said.confirmed, said.withdrawn = changes.confirmed, changes.withdrawn
        said.refused, said.scorer_fault = changes.refused, changes.scorer_fault

    def _evidence(self, policy: Policy, tick_ms: int, tables: Mapping[int, EvidenceTable]) -> TickEvidence:
        """What this tick saw, the windows that were counted anew."""
        fresh = {window_ms: table for window_ms, table in tables.items() if self._kept.get(window_ms) is not table}
        self._kept = dict(tables)
        conditions = conditions_of(
            policy,
            shards=self.shards,
            categories=self._categories,
            model_revision=self.model_revision,
            scale=self.views.scale,
        )
        return TickEvidence(tick_ms, conditions, tick_ms < self.hold_until_ms, fresh)

    def _decision(self, policy: Policy, key: int, tick_ms: int, *, look: LookJob | None = None) -> Decision:
        """The record of a key, settled or said by an early look."""
        hashtag, state = self.tags.name(key), self.states[key]
        return Decision(
            hashtag=hashtag,
            display=commonest(self.views.displays(key, look.displays(key) if look else ())) or hashtag,
            country=country_of(key),
            rulings=state.rulings(),
            version=version_of(self.offset, tick_ms),
            tick_ms=tick_ms,
            settled_ms=max(self.settled_ms, state.decided_ms),
            decided_at_ms=self.open.newest_ms if look else tick_ms,
            policy_revision=policy.revision,
            model_revision=look.parts[-1].model if look else self.model_revision,
            provisional=bool(state.early),
        )

    def _forget(self, pane: int) -> None:
        """Drop by settled tick: looks, and the numbers of tags that nothing counts any more."""
        shortest, longest = self.views.shortest, self.views.longest
        if shortest is not None:
            table = self.views.tables().get(shortest.window_ms)
            if table is not None:
                self.looks.settled(table)
        if pane % _SWEEP_PANES or longest is None:
            return
        self.views.forget_retracted()
        counted = [longest.counts.at_least(1), self.open.tweets.at_least(1), np.array([*self.states], np.int64)]
        others = (kept for kept in (*self.views.short_panes, *self.views.ladder.panes) if kept not in longest.panes)
        counted += [kept.keys for kept in others]
        numbers = np.sort(np.concatenate(counted) >> COUNTRY_BITS)  # np.unique would hash, at nine times the cost
        used = set(numbers[np.diff(numbers, prepend=-1) > 0].tolist())
        used |= self.views.retracted.tag_numbers() | set(self.corrected.tag_numbers().tolist())
        for source in self.open.sources.values():
            used.update(key >> COUNTRY_BITS for _, key in source.scopes())
        self.tags.forget([number for number in self.tags.numbers() if number not in used])
        self.rulings.forget_terms(used)

    # ---- early looks ----

    def next_look(self) -> LookJob | None:
        """The unflagged tags of the records since the last look that have grown enough to be worth one."""
        shortest, watermark_ms = self.views.shortest, self.open.watermark_ms
        newest_pane = max(self.open.panes, default=self.open.settled_pane)
        if self._ahead.follow(self.in_force.policy, self.in_force.policy_at((newest_pane + 1) * PANE_MS)):
            self.looks.begin_anew(shortest)
        timely = watermark_ms >= 0 and self.open.newest_ms - watermark_ms <= self._max_lag_ms
        held = self.settled_ms < self.hold_until_ms
        blind = self._ahead.policy is None or not self.open.panes
        if blind or shortest is None or not self._early or self.replaying or not timely or held:
            self.looks.pass_over()
            return None
        return self.looks.next(shortest, self._ahead.floor, self._ahead.least_share, self.in_force.model_of)

    def look(self, job: LookJob, scores: Scores) -> list[Decision]:
        """Early decisions: suppress at once what is over at the early confidence."""
        policy, shortest = self._ahead.policy, self.views.shortest
        assert policy is not None and shortest is not None
        if scores.silent or self._blind:
            return []
        for part in job.parts:
            mark_links(part.pane, part.unscored, policy)
        table = self.looks.see(job, scores, shortest)
        # No lower bound is above its estimate.
        could = np.flatnonzero((table.estimates() >= self._ahead.least_share).any(axis=1))
        if not len(could):
            return []
        table = table.take(could)
        version = version_of(self.offset, job.tick_ms)
        keys = self.rulings.look(
            policy, table, self.looks.busy, job.tick_ms, version=version, settled_ms=self.settled_ms
        )
        return [self._decision(policy, key, job.tick_ms, look=job) for key in keys]

    # ---- scoring ----

    def _worth_scoring(self, closed: Closed) -> set[int]:
        """Numbers of the tags that have enough tweets in the shortest window, this pane included.

        Tweets, where the policy says authors: never fewer, so all who have the authors are in, and known at once.
        """
        shortest, policy = self.views.shortest, self.in_force.policy
        if shortest is None or policy is None:
            return set()
        worlds, of = np.unique(closed.sum.keys & WORLD_MASK, return_inverse=True)
        tweets = shortest.counts.of(worlds) + np.bincount(of, closed.sum.counts, len(worlds)).astype(np.int64)
        return set((worlds[tweets >= policy.score_floor] >> COUNTRY_BITS).tolist())

    def candidates(self) -> list[Candidate]:
        """Of which tags of the last settled tick stage 2 should read some texts, the most urgent first."""
        policy = self.in_force.policy
        if policy is None or self.replaying:
            return []
        columns = {category: 1 + at for at, category in enumerate(self._categories)}
        return candidates(policy, columns, self.views.tables(), self.views, self.tags)

    # ---- after a restart ----

    def recover(
        self,
        progress: Progress | None,
        decisions: Iterable[Decision],
        panes: Sequence[Pane],
        minutes: Sequence[Pane],
        retracted: Rows = NO_ROWS,
        corrected: Iterable[Corrections] = (),
    ) -> None:
        """Take over from a predecessor, before the first record is applied.

        Args:
            progress: its last progress record, with the bodies of its activations' policies put back; None: there
                was none, begin with the log.
            decisions: all that the shard's partition of `suppression-decisions` holds.
            panes, minutes: settled panes of `hashtag-panes`, ascending, keyed by this judge's `tags`; quarters are
                among the minutes.
            retracted: the retractions beside them, keyed alike; corrected: the corrections, as records.
        """
        self.rulings.recover(list(decisions), progress.settled_ms if progress else 0)
        if progress is None:
            return
        self.in_force.recover(progress.activations)
        self.facts.recover(progress.facts, progress.passed_ms)
        self.hold_until_ms = progress.hold_until_ms
        self.open.settled_pane = progress.settled_ms // PANE_MS - 1
        self._say_after = progress.position
        self.open.old_blocks = dict(progress.blocks)
        self.views.read_back(panes, minutes, progress.settled_ms, progress.minutes_from_ms)
        self.views.retracted.recover(retracted, self.open.settled_pane)
        self.corrected.recover(
            corrected, self.tags, self.open.settled_pane, progress.replay_offset, progress.replay_passed_ms
        )
        self._follow(progress.settled_ms)
        self.corrected.model_from_ms = progress.model_from_ms
        if self.views.shortest is not None:
            table = self.views.settled(self.views.shortest)
            self.rulings.stand_by(table, blind=self._blind)
            self.looks.settled(table)

    def hold(self) -> None:
        """Records were lost to retention: no clear and no early flag until a whole window has gone by since they should
        have come. How late that is, the first record tells that is applied after this."""
        self._lost = True
        self._hold_from(max(self.settled_ms, self.open.newest_ms))

    def _hold_from(self, from_ms: int) -> None:
        policy = self.in_force.policy
        longest_ms = policy.longest_window_ms if policy else 3_600_000
        self.hold_until_ms = max(self.hold_until_ms, from_ms + longest_ms)
