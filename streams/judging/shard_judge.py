"""The judge of one shard: a deterministic function of its shard's log.

Drive it like this, with the scores of the texts that each job asks for:

    judge.recover(state)                             # the previous owner's records.
    judge.apply(offset, record)                      # block counts, an activation, or a record of a side input.
    while (job := judge.next_tick()) is not None:    # every pane that the watermark has passed, in order.
        settled = judge.settle(job, scores)
    firing = judge.next_early()                      # unflagged tags that have grown, at a stricter confidence.
    if firing is not None:
        decisions = judge.decide_early(firing, scores)
    while (texts := judge.next_ahead()) is not None: # if nothing else is to be done: what the next ticks will score.
        texts.score(scores)

Only settled ticks clear, refresh and move the hysteresis; they equal the reference's. An early decision is confirmed or
withdrawn when its tick settles. It may also be taken while a tick is due, so that it need not wait for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from msgspec.structs import replace

from models.share import Scale
from streams.constants import HOUR_MS, MINUTE_MS, PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.keys import COUNTRY_BITS, Tags, country_of
from streams.counting.sketch import KeyedHash
from streams.judging.activation_timeline import ActivationTimeline
from streams.judging.ahead_scoring import AheadScoring, AheadTexts, busy_tags
from streams.judging.campaigns import sketch_of
from streams.judging.clearing_pause import LOST_AHEAD_MS, ClearingPause
from streams.judging.curated_links import mark_links
from streams.judging.early_trigger import EarlyFiring, EarlyTrigger
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.evidence_codec import TickEvidence, conditions_of
from streams.judging.key_state import KeyState
from streams.judging.language_coverage import LanguageCounter
from streams.judging.log_position import LogPosition, ReplayPoint
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_decisions import ShardDecisions
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.judging.side_inputs.account_facts_view import AccountFactsView
from streams.judging.side_inputs.author_sketches import AuthorSketchIndex
from streams.judging.side_inputs.base import SideInput
from streams.judging.side_inputs.corrections import CorrectionIndex
from streams.judging.side_inputs.retractions import RetractionIndex
from streams.judging.stage_2_candidates import Candidate, candidates
from streams.judging.tick_clock import TickClock, delay_of
from streams.judging.ticks import SettledTick, TickJob
from streams.log.decisions import Decision, Progress, version_of
from streams.log.partials import Partial
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.windows.open_pane import Scores
from streams.windows.open_panes import ClosedPane, OpenPanes
from streams.windows.pane import Pane, build_pane, commonest, spellings
from streams.windows.tail_trimmer import TailTrimmer
from streams.windows.window_store import WindowStore

_SWEEP_PANES = 6
"""Panes between two releases of the tag numbers that are not used any more."""


class ShardJudge:
    """All state of one shard between its assignment and its revocation.

    Args:
        categories: of the model, in the order of its score columns after `any`.
        model_revision: model before the first activation.
        max_lag_ms: greatest lag of the slowest source behind the fastest one at which decisions may be early.
        shards: number of judges.
        fact_store: account facts; must be read up to a mark before the mark is applied.
        scale_of: meaning of a model's probabilities as shares, by its revision; None: a probability is a share.
        is_loaded: whether a model is loaded. While the one in force is not, nothing begins and nothing is cleared.
        incarnation: of the shard's topics; it begins every version.
    """

    def __init__(
        self,
        shard: int,
        *,
        categories: Sequence[str],
        model_revision: str,
        hashes: KeyedHash,
        max_lag_ms: int = MINUTE_MS,
        early: bool = True,
        shards: int = 1,
        fact_store: AccountFactStore | None = None,
        scale_of: Callable[[str], Scale | None] = lambda _: None,
        is_loaded: Callable[[str], bool] = lambda _: True,
        incarnation: int = 0,
    ) -> None:
        columns = 1 + len(categories)
        self.shard = shard
        self.tags = Tags()
        self.position = LogPosition()
        self.timeline = ActivationTimeline(model_revision)
        self.open = OpenPanes(self.tags, hashes, columns)
        self.retractions = RetractionIndex(self.tags)
        self.facts = AccountFactsView(fact_store or AccountFactStore(hashes))
        self.corrections = CorrectionIndex(columns, model_revision, self.tags)
        self.sketches = AuthorSketchIndex(self.tags)
        self.side_inputs: list[SideInput] = [self.retractions, self.facts, self.corrections, self.sketches]
        self._trimmer = TailTrimmer(self.tags, hashes)
        self.store = WindowStore(hashes, columns, self._trimmer)
        self.evidence = EvidenceBuilder(self.store, columns, self.side_inputs)
        self.evidence.scale = scale_of(model_revision)
        self.languages = LanguageCounter(shard)
        self.pause = ClearingPause()
        self._score_columns = {category: 1 + at for at, category in enumerate(categories)}
        self._decisions = ShardDecisions(self.tags, self._score_columns, shards)
        self._clock = TickClock(self.open, shard, shards)
        self._replay_point = ReplayPoint()
        self._trigger = EarlyTrigger(self.open, self.evidence)
        self._ahead = AheadScoring(self.open, self.store, delay_of(shard, shards))
        self._early, self._max_lag_ms, self._shards = early, max_lag_ms, shards
        self._scale_of, self._is_loaded = scale_of, is_loaded
        self._incarnation = incarnation
        self._model_missing = False
        """Whether the model in force is not loaded."""
        self._lost_decisions: set[tuple[str, str]] = set()
        """Hashtag and country of the decisions to write again."""
        self._write_again_from = 0

    @property
    def states(self) -> dict[int, KeyState]:
        """Decisions in force, by key."""
        return self._decisions.states

    @property
    def model_revision(self) -> str:
        """Model in force at the last settled tick."""
        return self.timeline.model_revision

    @property
    def settled_ms(self) -> int:
        """End of the last settled pane; 0 before the first."""
        return self._clock.settled_ms

    # ---- the log ----

    def apply(self, offset: int, record: Partial) -> None:
        """Apply the record at an offset of the shard's log."""
        if isinstance(record, Flush):
            self.apply_flushes([(offset, record)])
            return
        self.position.offset = offset
        if isinstance(record, Activation):
            self.timeline.add(record)
            return
        self._apply_to_side_inputs(offset, record, self.position.watermark_ms)

    def apply_flushes(self, records: Sequence[tuple[int, Flush]]) -> int:
        """Apply the first of some records with their offsets, up to one after which a tick may be due.

        Returns:
            The number of records that were applied: 1 or more.
        """
        flushes = [flush for _, flush in records]
        count = self.open.count_until(flushes, self._clock.due_watermark_ms)
        for offset, flush in records[:count]:
            self._follow(offset, flush)
        self._trigger.touch(self.open.apply_all(flushes[:count]))
        return count

    def skip(self, offset: int) -> None:
        """Pass over a record at an offset of the shard's log that cannot be read; clearing pauses for a whole window.

        The pause follows from the log alone, so every owner and the reference pause at the same ticks.
        """
        self.position.offset = offset
        self.pause.begin(self.position.watermark_ms + LOST_AHEAD_MS, self._longest_window_ms)

    def _follow(self, offset: int, flush: Flush) -> None:
        """Follow the position, the watermarks and the side inputs of a record whose counts are applied with others."""
        position, watermark_ms = self.position, self.position.watermark_ms
        position.offset = offset
        if self.pause.gap_is_open:
            self.pause.end_gap(max(flush.newest_ms, flush.watermark_ms), self._longest_window_ms)
        panes = set(np.frombuffer(flush.panes, "<i8").tolist())
        unsettled = (pane for pane in panes if pane > self.open.settled_pane)
        self._replay_point.note(unsettled, offset, watermark_ms)
        position.watermark_ms = max(watermark_ms, flush.watermark_ms)
        self._apply_to_side_inputs(offset, flush, watermark_ms)

    def _apply_to_side_inputs(self, offset: int, record: Partial, watermark_ms: int) -> None:
        """Apply a record to each side input; `watermark_ms`: greatest watermark before it."""
        for side_input in self.side_inputs:
            self._replay_point.note(side_input.apply(record, self.position), offset, watermark_ms)

    # ---- settled ticks ----

    def next_tick(self, up_to_ms: int | None = None) -> TickJob | None:
        """Close the next pane that the watermark, or `up_to_ms`, has passed; None: none is due."""
        pane = self.due(up_to_ms)
        if pane is None:
            return None
        self.pause.reach(self.settled_ms, self._longest_window_ms)
        model = self.timeline.model_of(pane)
        tick_ms = (pane + 1) * PANE_MS
        self._advance(tick_ms)
        self.store.expire_short(tick_ms)
        self._replay_point.settle(pane)
        closed = self.open.settle(pane)
        self._ahead.settle(pane)
        kept, trimmed = self._trimmer.cut_sum(closed.sum)
        closed = ClosedPane(pane, kept, closed.pane)
        scored_tags = self._tags_to_score(closed)
        closed.pane.score_by(model)
        sampled = np.repeat(kept.keys, np.diff(kept.bounds)) >> COUNTRY_BITS
        entries = kept.entries[np.isin(sampled, np.fromiter(scored_tags, np.int64, len(scored_tags)))]
        unscored = closed.pane.unscored(entries)
        return TickJob(closed, trimmed, scored_tags, unscored, closed.pane.batch(unscored))

    def due(self, up_to_ms: int | None = None) -> int | None:
        """Return the number of the pane that `next_tick` would close."""
        idle = not self.states and not self.store.short_panes and not self.store.rollups.panes
        return self._clock.due(up_to_ms, idle=idle)

    def settle(self, job: TickJob, scores: Scores) -> SettledTick:
        """Settle a pane: count it, judge every busy tag, and return what is to be published."""
        number = job.closed.number
        settled = SettledTick(job.tick_ms)
        pane = self._build(job, scores)
        settled.coverage = self.languages.add(pane, self.evidence.scale)
        settled.panes = self._push(pane)
        settled.side_records = chain.from_iterable([one.settle(number, self.store) for one in self.side_inputs])
        if self.timeline.policy is not None:
            self._decide(self.timeline.policy, settled, model_missing=scores.silent or self._model_missing)
        minute_ms = job.tick_ms // MINUTE_MS * MINUTE_MS  # end of the long windows
        for side_input in self.side_inputs:
            side_input.prune(minute_ms, self.store.kept_from_ms)
        if number % _SWEEP_PANES == 0:
            self._release_tags()
        settled.progress = self._progress(job.tick_ms)
        return settled

    def close_minute(self) -> Pane | None:
        """End a finite log: return the pane of the minute that has begun."""
        return self.store.close_minute() if self.store.end_ms % MINUTE_MS else None

    def _advance(self, tick_ms: int) -> None:
        """Advance to the policy and the model of a tick."""
        policy, model = self.timeline.advance(tick_ms)
        self._follow_model(model)
        if policy is None:
            return
        self.store.arrange(policy.windows_ms, policy.evidence_floor)
        self.evidence.follow_policy(policy)
        self._trimmer.floor = min(policy.tail_floor, policy.evidence_floor)
        self._trimmer.most_tags = max(1, policy.max_tags_per_pane // self._shards)
        self._decisions.follow(policy)
        for side_input in self.side_inputs:
            side_input.follow_policy(policy)

    def _follow_model(self, changed: Activation | None) -> None:
        """Follow a model that was activated, and one whose file was loaded meanwhile.

        Another shard may load it while this runs. So the scale is read last: a loaded model has its scale.
        """
        self._model_missing = not self._is_loaded(self.model_revision)
        if changed is not None:
            for side_input in self.side_inputs:
                side_input.follow_model(changed.model_revision, changed.from_tick_ms)
            self.evidence.drop_tables()
        scale = self._scale_of(self.model_revision)
        if scale is not self.evidence.scale:
            self.evidence.scale = scale
            self.evidence.drop_tables()

    def _tags_to_score(self, closed: ClosedPane) -> set[int]:
        """Return the numbers of the tags that have enough tweets in the shortest window, this pane included.

        `score_floor` is one of authors. Tweets are never fewer than authors and are known at once, so no tag is missed.
        """
        shortest, policy = self.store.shortest, self.timeline.policy
        if shortest is None or policy is None:
            return set()
        return set(busy_tags(closed.sum, policy.score_floor, shortest.counts.of).tolist())

    def _build(self, job: TickJob, scores: Scores) -> Pane:
        closed = job.closed
        closed.pane.score(job.unscored, scores)
        if self.timeline.policy is not None:
            mark_links(closed.pane, closed.sum.entries, self.timeline.policy)
        displays = spellings(closed.sum, closed.pane, self.tags.lines_of(closed.sum.keys))
        return build_pane(closed.number, closed.sum, closed.pane, job.scored_tags, displays, job.trimmed)

    def _push(self, pane: Pane) -> list[Pane]:
        """Add a pane to the windows; return it with the minute and the 15-minute pane that it completes."""
        minute = self.store.push(pane)
        completed = (pane, minute, self.store.completed_quarter)
        return [one for one in completed if one is not None and len(one.keys)]

    def _decide(self, policy: Policy, settled: SettledTick, *, model_missing: bool) -> None:
        """Judge the tags of a tick, and add evidence, decisions and sketches to its output."""
        tick_ms, paused = settled.tick_ms, self.pause.covers(settled.tick_ms)
        tables = self.evidence.tables()
        settled.busy_keys = len(tables[policy.windows_ms[0]].keys)
        conditions = conditions_of(
            policy,
            shards=self._shards,
            categories=[*self._score_columns],
            model_revision=self.model_revision,
            scale=self.evidence.scale,
        )
        settled.evidence = TickEvidence(tick_ms, conditions, paused, self.evidence.take_new_tables())
        changes = self._decisions.settle(tables, tick_ms, paused=paused, blind=model_missing)
        if self._lost_decisions and self.position.offset >= self._write_again_from:
            again = {self.tags.key(*lost) for lost in self._lost_decisions}
            self._decisions.write_again(again, tick_ms)
            self._lost_decisions.clear()
            changes.keys = sorted(again.union(changes.keys))
        settled.decisions = [self._decision(policy, key, tick_ms) for key in changes.keys]
        settled.sketches = [sketch_of(one, self.evidence, self.tags, tick_ms) for one in changes.campaigns]
        settled.confirmed, settled.withdrawn = changes.confirmed, changes.withdrawn
        settled.refused, settled.scorer_fault = changes.refused, changes.scorer_fault
        self._decisions.drop_empty(tick_ms)
        self._trigger.settle(tables[policy.windows_ms[0]])

    def _decision(self, policy: Policy, key: int, tick_ms: int, *, firing: EarlyFiring | None = None) -> Decision:
        """Return the decision record of a key, settled or early."""
        hashtag, state = self.tags.name(key), self.states[key]
        return Decision(
            hashtag=hashtag,
            display=commonest(self.store.displays(key, firing.displays(key) if firing else ())) or hashtag,
            country=country_of(key),
            rulings=state.rulings(),
            version=self._version(tick_ms, firing),
            tick_ms=tick_ms,
            settled_ms=max(self.settled_ms, state.decided_ms),
            decided_at_ms=self.open.newest_ms if firing else tick_ms,
            policy_revision=policy.revision,
            model_revision=firing.panes[-1].batch.model if firing else self.model_revision,
            provisional=bool(state.early),
        )

    def _release_tags(self) -> None:
        """Release the numbers of the tags that nothing counts or names any more."""
        longest = self.store.longest
        if longest is None:
            return
        counted = [longest.counts.at_least(1), self.open.tweets.at_least(1), np.array([*self.states], np.int64)]
        others = (kept for kept in (*self.store.short_panes, *self.store.rollups.panes) if kept not in longest.panes)
        counted += [kept.keys for kept in others]
        numbers = np.sort(np.concatenate(counted) >> COUNTRY_BITS)  # np.unique would hash, at nine times the cost
        used = set(numbers[np.diff(numbers, prepend=-1) > 0].tolist())
        used.update(self.open.tag_numbers(), *(one.tag_numbers() for one in self.side_inputs))
        self.tags.forget([number for number in self.tags.numbers() if number not in used])
        self._decisions.forget_terms(used)

    def _progress(self, tick_ms: int) -> Progress:
        replay_offset, replay_passed_ms = self._replay_point.find(self.position)
        fields = {name: value for one in self.side_inputs for name, value in one.progress().items()}
        return Progress(
            shard=self.shard,
            settled_ms=tick_ms,
            position=self.position.offset,
            replay_offset=replay_offset,
            replay_passed_ms=replay_passed_ms,
            activations=[replace(one, policy="") for one in self.timeline.activations.to_list()],
            hold_until_ms=self.pause.until_ms,
            blocks=self.open.blocks(),
            minutes_from_ms=self.store.minutes_from_ms,
            passed_ms=self.position.passed_ms,
            surfaces=() if self.timeline.policy is None else tuple(sorted(self.timeline.policy.surfaces)),
            **self.languages.progress(),
            **fields,
        )

    @property
    def may_score_ahead(self) -> bool:
        """Whether `next_ahead` may have texts."""
        return self.timeline.policy is not None and not self._model_missing and self._ahead.is_due

    def next_ahead(self) -> AheadTexts | None:
        """Return some texts that the coming ticks will score; None: there are none yet."""
        policy = self.timeline.policy
        if policy is None or self._model_missing:
            return None
        return self._ahead.next(policy.score_floor, self.timeline.model_of)

    # ---- early decisions ----

    def next_early(self) -> EarlyFiring | None:
        """Return the unflagged tags of the records since the last call that have grown enough to be judged early."""
        shortest = self.store.shortest
        if self.timeline.advance_early(max(self.open.panes, default=self.open.settled_pane)):
            self._trigger.restart(shortest)
        if shortest is None or not self._may_decide_early():
            self._trigger.skip()
            return None
        timeline = self.timeline
        return self._trigger.next(shortest, timeline.early_floor, timeline.early_least_share, timeline.model_of)

    def skip_early(self) -> None:
        """Judge nothing early of what the records so far have counted."""
        self._trigger.skip()

    def _may_decide_early(self) -> bool:
        watermark_ms = self.open.watermark_ms
        timely = watermark_ms >= 0 and self.open.newest_ms - watermark_ms <= self._max_lag_ms
        paused = self.pause.covers(self.settled_ms) or self.position.is_replaying
        paused = paused or self.position.offset < 1  # no version is below those of offset 0
        has_policy = self.timeline.early_policy is not None
        return self._early and has_policy and bool(self.open.panes) and timely and not paused

    def decide_early(self, firing: EarlyFiring, scores: Scores) -> list[Decision]:
        """Suppress at once the tags of a firing that are over the threshold at the early confidence."""
        policy, shortest = self.timeline.early_policy, self.store.shortest
        assert policy is not None and shortest is not None
        if scores.silent or self._model_missing:
            return []
        for one in firing.panes:
            mark_links(one.pane, one.sampled.entries, policy)  # those scored ahead too: that marks no links
        table = self._trigger.fire(firing, scores, shortest, self.timeline.early_least_share)
        # No lower bound is above its estimate.
        could = np.flatnonzero(table.greatest_estimates() >= self.timeline.early_least_share)
        if not len(could):
            return []
        keys = self._decisions.decide_early(
            policy,
            table.take(could),
            self._trigger.busy,
            firing.tick_ms,
            version=self._version(firing.tick_ms, firing),
            settled_ms=self.settled_ms,
        )
        return [self._decision(policy, key, firing.tick_ms, firing=firing) for key in keys]

    def _version(self, tick_ms: int, firing: EarlyFiring | None) -> str:
        """Return the version of the decisions of a tick, or of a firing.

        A firing while a tick is due lies below that tick's decisions, which have the same offset and an earlier end. It
        lies above all decisions before this record.
        """
        offset = self.position.offset
        if firing is not None and self.due() is not None:
            offset, tick_ms = offset - 1, tick_ms + PANE_MS
        return version_of(offset, tick_ms, incarnation=self._incarnation)

    def adopt(self, decision: Decision) -> None:
        """Adopt an early decision of a worker that has lost this shard, to confirm or withdraw it at its tick."""
        self._decisions.adopt(decision)

    # ---- for the worker ----

    def stage_2_candidates(self) -> list[Candidate]:
        """Return the tags of the last settled tick of which stage 2 should read texts, the most urgent first."""
        policy = self.timeline.policy
        if policy is None or self.position.is_replaying:
            return []
        return candidates(policy, self._score_columns, self.evidence, self.corrections, self.tags)

    def take_counts(self) -> Mapping[str, int]:
        """Return what happened since the last call, by attribute of `streams.metrics.Metrics`, and reset it."""
        counts = Counter({"registers_after_settling": self.open.late_counts})
        self.open.late_counts = 0
        for side_input in self.side_inputs:
            counts.update(side_input.take_counts())
        return counts

    # ---- after a restart ----

    def recover(self, state: RecoveredState) -> None:
        """Recover from the previous owner's records, before the first record is applied."""
        self._decisions.recover(state.decisions, state.settled_ms)
        progress = state.progress
        if progress is None:
            return
        self.timeline.recover(progress.activations)
        self.pause.until_ms = progress.hold_until_ms
        self.languages.recover(progress)
        self.open.recover(progress.settled_ms // PANE_MS - 1, progress.blocks)
        self.position.watermark_ms = progress.replay_passed_ms
        self.position.settled_offset, self.position.settled_watermark_ms = progress.position, progress.passed_ms
        self.store.recover(state.panes, state.rollups, progress.settled_ms, progress.minutes_from_ms)
        self._advance(progress.settled_ms)
        for side_input in self.side_inputs:
            side_input.recover(state)
        if self.store.shortest is not None:
            table = self.evidence.settled(self.store.shortest)
            self._decisions.check_scorer(table, blind=self._model_missing)
            self._trigger.settle(table)

    def write_again(self, lost: Iterable[tuple[str, str]], from_offset: int) -> None:
        """Write the state of these keys again at the first tick that settles at an offset or later.

        Args:
            lost: hashtag and country of decisions whose records cannot be read.
            from_offset: end of the shard's log when they were read, so that the new version is above the lost one.
        """
        self._lost_decisions.update(lost)
        self._write_again_from = from_offset

    def pause_until(self, settled_ms: int) -> None:
        """Pause clears and early decisions until a window has passed after a tick whose pane was lost."""
        self.pause.until_ms = max(self.pause.until_ms, settled_ms + self._longest_window_ms)

    def pause_clearing(self) -> None:
        """Pause clears and early decisions after a gap of the log, until a whole window has passed."""
        self.pause.begin(max(self.settled_ms, self.open.newest_ms), self._longest_window_ms)

    @property
    def _longest_window_ms(self) -> int:
        return HOUR_MS if self.timeline.policy is None else self.timeline.policy.longest_window_ms
