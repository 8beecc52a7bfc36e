"""The judge of one shard: a deterministic function of its shard's log.

Drive it like this, with the scores of the texts that each job asks for:

    judge.state.recover(recovered)                   # the previous owner's records.
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

from collections.abc import Sequence
from itertools import chain

import numpy as np

from streams.constants import MINUTE_MS, PANE_MS
from streams.counting.block_counts import Flush, Ints
from streams.counting.keys import COUNTRY_BITS, WORLD_MASK, country_of
from streams.judging.campaigns import sketch_of
from streams.judging.clearing_pause import LOST_AHEAD_MS
from streams.judging.curated import mark_links
from streams.judging.early_trigger import EarlyFiring
from streams.judging.evidence_codec import TickEvidence, conditions_of
from streams.judging.shard_state import ShardState
from streams.judging.ticks import SettledTick, TickJob, UnscoredTexts
from streams.log.decisions import Decision, version_of
from streams.log.partials import Partial
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.windows.open_pane import PaneSum, Scores
from streams.windows.open_panes import ClosedPane
from streams.windows.pane import Pane, build_pane, commonest, spellings

_SWEEP_PANES = 6
"""Panes between two releases of the tag numbers that are not used any more."""


class ShardJudge:
    """Applies the records of a shard's log to its state, and decides: early, and when a tick settles."""

    def __init__(self, state: ShardState) -> None:
        self.state = state

    # ---- the log ----

    def apply(self, offset: int, record: Partial) -> None:
        """Apply the record at an offset of the shard's log."""
        if isinstance(record, Flush):
            self.apply_flushes([(offset, record)])
            return
        if isinstance(record, Activation):
            self.state.timeline.activations.add(record)
        self._apply_to_side_inputs(offset, record)

    def apply_flushes(self, records: Sequence[tuple[int, Flush]]) -> int:
        """Apply the first of some records with their offsets, up to one after which a tick may be due.

        Returns:
            The number of records that were applied: 1 or more.
        """
        flushes = [flush for _, flush in records]
        due_ms = self.state.settled_ms + PANE_MS + self.state.delay_ms if self.state.open.settled_pane >= 0 else 0
        count = self.state.open.count_until(flushes, due_ms)
        for offset, flush in records[:count]:
            self._apply_to_side_inputs(offset, flush)
            panes = set(np.frombuffer(flush.panes, "<i8").tolist())
            self.state.position.note(pane for pane in panes if pane > self.state.open.settled_pane)
            self.state.position.watermark_ms = max(self.state.position.watermark_ms, flush.watermark_ms)
            self.state.pause.end_gap(max(flush.newest_ms, flush.watermark_ms))
        replayed = self.state.position.is_replaying  # a record of a former topic is the last one here
        self.state.trigger.touch(self.state.open.apply_all(flushes[:count], replayed=replayed))
        return count

    def _apply_to_side_inputs(self, offset: int, record: Partial) -> None:
        """Move to a record's offset, and apply it to each side input."""
        self.state.position.offset = offset
        for side_input in self.state.side_inputs:
            self.state.position.note(side_input.apply(record, self.state.position))

    def skip(self, offset: int) -> None:
        """Pass over a record at an offset of the shard's log that cannot be read; clearing pauses for a whole window.

        The pause follows from the log alone, so every owner and the reference pause at the same ticks.
        """
        self.state.position.offset = offset
        self.state.pause.begin(self.state.position.watermark_ms + LOST_AHEAD_MS)

    # ---- settled ticks ----

    def next_tick(self, up_to_ms: int | None = None) -> TickJob | None:
        """Close the next pane that the watermark, or `up_to_ms`, has passed; None: none is due."""
        pane = self.state.due(up_to_ms)
        if pane is None:
            return None
        self.state.pause.reach(self.state.settled_ms)
        model = self.state.timeline.model_of(pane)
        tick_ms = (pane + 1) * PANE_MS
        self.state.advance(tick_ms)
        self.state.store.expire_short(tick_ms)
        self.state.position.settle(pane)
        closed = self.state.open.settle(pane)
        self.state.ahead.settle(pane)
        total, trimmed = self.state.trimmer.cut(closed.sum)
        closed.pane.score_by(model)
        scored_tags = self._tags_to_score(total)
        is_scored = np.repeat(np.isin(total.keys >> COUNTRY_BITS, scored_tags), np.diff(total.bounds))
        texts = UnscoredTexts.of(closed.pane, total.entries[is_scored])
        return TickJob(ClosedPane(pane, total, closed.pane), trimmed, scored_tags, texts)

    def settle(self, job: TickJob, scores: Scores) -> SettledTick:
        """Settle a pane: count it, judge every busy tag, and return what is to be published."""
        closed, policy, settled = job.closed, self.state.timeline.policy, SettledTick(job.tick_ms)
        job.texts.score(scores)
        if policy is not None:
            mark_links(closed.pane, closed.sum.entries, policy)
        displays = spellings(closed.sum, closed.pane, self.state.tags.lines_of(closed.sum.keys))
        pane = build_pane(closed.number, closed.sum, closed.pane, job.scored_tags, displays, job.trimmed)
        settled.coverage = self.state.languages.add(pane, self.state.evidence.scale)
        store, side_inputs = self.state.store, self.state.side_inputs
        completed = (pane, store.push(pane), store.completed_quarter)
        settled.panes = [pane for pane in completed if pane is not None and len(pane.keys)]
        settled.side_records = chain.from_iterable([side.settle(closed.number, store) for side in side_inputs])
        if policy is not None:
            self._decide(policy, settled, model_missing=scores.silent or self.state.model_missing)
        minute_ms = job.tick_ms // MINUTE_MS * MINUTE_MS  # end of the long windows
        for side_input in side_inputs:
            side_input.prune(minute_ms, store.kept_from_ms)
        if closed.number % _SWEEP_PANES == 0:
            self.state.release_tags()
        settled.progress = self.state.progress(job.tick_ms)
        return settled

    def close_minute(self) -> Pane | None:
        """End a finite log: return the pane of the minute that has begun."""
        return self.state.store.close_minute() if self.state.store.end_ms % MINUTE_MS else None

    def _tags_to_score(self, total: PaneSum) -> Ints:
        """Return the numbers of the tags that have enough tweets in the shortest window, a closed pane included.

        `score_floor` is one of authors. Tweets are never fewer than authors and are known at once, so no tag is missed.
        """
        shortest, policy = self.state.store.shortest, self.state.timeline.policy
        if shortest is None or policy is None:
            return np.zeros(0, np.int64)
        worlds, of = np.unique(total.keys & WORLD_MASK, return_inverse=True)
        tweets = np.bincount(of, total.counts, len(worlds)) + shortest.counts.of(worlds)
        busy: Ints = worlds[tweets >= policy.score_floor] >> COUNTRY_BITS
        return busy

    def _decide(self, policy: Policy, settled: SettledTick, *, model_missing: bool) -> None:
        """Judge the tags of a tick, and add evidence, decisions and sketches to its output."""
        tick_ms, paused = settled.tick_ms, self.state.pause.covers(settled.tick_ms)
        tables = self.state.evidence.tables()
        settled.busy_keys = len(tables[policy.windows_ms[0]].keys)
        conditions = conditions_of(
            policy,
            shards=self.state.shards,
            categories=[*self.state.score_columns],
            model_revision=self.state.timeline.model_revision,
            scale=self.state.evidence.scale,
        )
        settled.evidence = TickEvidence(tick_ms, conditions, paused, self.state.evidence.take_new_tables())
        settled.changes = self.state.decisions.settle(
            tables, tick_ms, self.state.position.offset, paused=paused, blind=model_missing
        )
        settled.decisions = [self._decision(policy, key, tick_ms) for key in settled.changes.keys]
        settled.sketches = [
            sketch_of(campaign, self.state.evidence, self.state.tags, tick_ms) for campaign in settled.changes.campaigns
        ]
        self.state.decisions.drop_empty(tick_ms)
        self.state.trigger.settle(tables[policy.windows_ms[0]])

    def _decision(self, policy: Policy, key: int, tick_ms: int, *, firing: EarlyFiring | None = None) -> Decision:
        """Return the decision record of a key, settled or early."""
        hashtag, state = self.state.tags.name(key), self.state.decisions.states[key]
        return Decision(
            hashtag=hashtag,
            display=commonest(self.state.store.displays(key, firing.displays(key) if firing else ())) or hashtag,
            country=country_of(key),
            rulings=state.rulings(),
            version=self._version(tick_ms, firing),
            tick_ms=tick_ms,
            settled_ms=max(self.state.settled_ms, state.decided_ms),
            decided_at_ms=self.state.open.newest_ms if firing else tick_ms,
            policy_revision=policy.revision,
            model_revision=firing.panes[-1].texts.batch.model if firing else self.state.timeline.model_revision,
            provisional=bool(state.early),
        )

    @property
    def may_score_ahead(self) -> bool:
        """Whether `next_ahead` may have texts."""
        return self.state.timeline.policy is not None and not self.state.model_missing and self.state.ahead.is_due

    def next_ahead(self) -> UnscoredTexts | None:
        """Return some texts that the coming ticks will score; None: there are none yet."""
        return self.state.ahead.next() if self.may_score_ahead else None

    # ---- early decisions ----

    def next_early(self) -> EarlyFiring | None:
        """Return the unflagged tags of the records since the last call that have grown enough to be judged early."""
        newest = max(self.state.open.panes, default=self.state.open.settled_pane)
        self.state.trigger.follow(self.state.timeline.early_policy(newest))
        if not self._may_decide_early():
            self.state.trigger.skip()
            return None
        return self.state.trigger.next(self.state.timeline.model_of)

    def _may_decide_early(self) -> bool:
        watermark_ms = self.state.open.watermark_ms
        timely = watermark_ms >= 0 and self.state.open.newest_ms - watermark_ms <= self.state.max_lag_ms
        paused = self.state.pause.covers(self.state.settled_ms) or self.state.position.is_replaying
        paused = paused or self.state.position.offset < 1  # no version is below those of offset 0
        has_policy = self.state.trigger.policy is not None and self.state.store.shortest is not None
        return self.state.early and has_policy and bool(self.state.open.panes) and timely and not paused

    def decide_early(self, firing: EarlyFiring, scores: Scores) -> list[Decision]:
        """Suppress at once the tags of a firing that are over the threshold at the early confidence."""
        policy = firing.policy
        if scores.silent or self.state.model_missing:
            return []
        for pane in firing.panes:
            mark_links(pane.texts.pane, pane.sampled.entries, policy)  # those scored ahead too: that marks no links
        table = self.state.trigger.fire(firing, scores)
        # No lower bound is above its estimate.
        could = np.flatnonzero(table.greatest_estimates() >= policy.least_suppress_at)
        keys = self.state.decisions.decide_early(
            policy,
            table.take(could),
            self.state.trigger.busy,
            firing.tick_ms,
            version=self._version(firing.tick_ms, firing),
            settled_ms=self.state.settled_ms,
        )
        return [self._decision(policy, key, firing.tick_ms, firing=firing) for key in keys]

    def _version(self, tick_ms: int, firing: EarlyFiring | None) -> str:
        """Return the version of the decisions of a tick, or of a firing.

        A firing while a tick is due lies below that tick's decisions, which have the same offset and an earlier end. It
        lies above all decisions before this record.
        """
        offset = self.state.position.offset
        if firing is not None and self.state.due() is not None:
            offset, tick_ms = offset - 1, tick_ms + PANE_MS
        return version_of(offset, tick_ms, incarnation=self.state.incarnation)
