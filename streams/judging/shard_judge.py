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


class ShardJudge(ShardState):
    """Applies the records of a shard's log, and decides: early, and when a tick settles."""

    # ---- the log ----

    def apply(self, offset: int, record: Partial) -> None:
        """Apply the record at an offset of the shard's log."""
        if isinstance(record, Flush):
            self.apply_flushes([(offset, record)])
            return
        if isinstance(record, Activation):
            self.timeline.activations.add(record)
        self._apply_to_side_inputs(offset, record)

    def apply_flushes(self, records: Sequence[tuple[int, Flush]]) -> int:
        """Apply the first of some records with their offsets, up to one after which a tick may be due.

        Returns:
            The number of records that were applied: 1 or more.
        """
        flushes = [flush for _, flush in records]
        due_ms = self.settled_ms + PANE_MS + self.delay_ms if self.open.settled_pane >= 0 else 0
        count = self.open.count_until(flushes, due_ms)
        for offset, flush in records[:count]:
            self._apply_to_side_inputs(offset, flush)
            panes = set(np.frombuffer(flush.panes, "<i8").tolist())
            self.position.note(pane for pane in panes if pane > self.open.settled_pane)
            self.position.watermark_ms = max(self.position.watermark_ms, flush.watermark_ms)
            self.pause.end_gap(max(flush.newest_ms, flush.watermark_ms))
        self.trigger.touch(self.open.apply_all(flushes[:count]))
        return count

    def _apply_to_side_inputs(self, offset: int, record: Partial) -> None:
        """Move to a record's offset, and apply it to each side input."""
        self.position.offset = offset
        for side_input in self.side_inputs:
            self.position.note(side_input.apply(record, self.position))

    def skip(self, offset: int) -> None:
        """Pass over a record at an offset of the shard's log that cannot be read; clearing pauses for a whole window.

        The pause follows from the log alone, so every owner and the reference pause at the same ticks.
        """
        self.position.offset = offset
        self.pause.begin(self.position.watermark_ms + LOST_AHEAD_MS)

    # ---- settled ticks ----

    def next_tick(self, up_to_ms: int | None = None) -> TickJob | None:
        """Close the next pane that the watermark, or `up_to_ms`, has passed; None: none is due."""
        pane = self.due(up_to_ms)
        if pane is None:
            return None
        self.pause.reach(self.settled_ms)
        model = self.timeline.model_of(pane)
        tick_ms = (pane + 1) * PANE_MS
        self.advance(tick_ms)
        self.store.expire_short(tick_ms)
        self.position.settle(pane)
        closed = self.open.settle(pane)
        self.ahead.settle(pane)
        total, trimmed = self.trimmer.cut(closed.sum)
        closed.pane.score_by(model)
        scored_tags = self._tags_to_score(total)
        is_scored = np.repeat(np.isin(total.keys >> COUNTRY_BITS, scored_tags), np.diff(total.bounds))
        texts = UnscoredTexts.of(closed.pane, total.entries[is_scored])
        return TickJob(ClosedPane(pane, total, closed.pane), trimmed, scored_tags, texts)

    def settle(self, job: TickJob, scores: Scores) -> SettledTick:
        """Settle a pane: count it, judge every busy tag, and return what is to be published."""
        closed, policy, settled = job.closed, self.timeline.policy, SettledTick(job.tick_ms)
        job.texts.score(scores)
        if policy is not None:
            mark_links(closed.pane, closed.sum.entries, policy)
        displays = spellings(closed.sum, closed.pane, self.tags.lines_of(closed.sum.keys))
        pane = build_pane(closed.number, closed.sum, closed.pane, job.scored_tags, displays, job.trimmed)
        settled.coverage = self.languages.add(pane, self.evidence.scale)
        completed = (pane, self.store.push(pane), self.store.completed_quarter)
        settled.panes = [one for one in completed if one is not None and len(one.keys)]
        settled.side_records = chain.from_iterable([one.settle(closed.number, self.store) for one in self.side_inputs])
        if policy is not None:
            self._decide(policy, settled, model_missing=scores.silent or self.model_missing)
        minute_ms = job.tick_ms // MINUTE_MS * MINUTE_MS  # end of the long windows
        for side_input in self.side_inputs:
            side_input.prune(minute_ms, self.store.kept_from_ms)
        if closed.number % _SWEEP_PANES == 0:
            self.release_tags()
        settled.progress = self.progress(job.tick_ms)
        return settled

    def close_minute(self) -> Pane | None:
        """End a finite log: return the pane of the minute that has begun."""
        return self.store.close_minute() if self.store.end_ms % MINUTE_MS else None

    def _tags_to_score(self, total: PaneSum) -> Ints:
        """Return the numbers of the tags that have enough tweets in the shortest window, a closed pane included.

        `score_floor` is one of authors. Tweets are never fewer than authors and are known at once, so no tag is missed.
        """
        shortest, policy = self.store.shortest, self.timeline.policy
        if shortest is None or policy is None:
            return np.zeros(0, np.int64)
        worlds, of = np.unique(total.keys & WORLD_MASK, return_inverse=True)
        tweets = np.bincount(of, total.counts, len(worlds)) + shortest.counts.of(worlds)
        busy: Ints = worlds[tweets >= policy.score_floor] >> COUNTRY_BITS
        return busy

    def _decide(self, policy: Policy, settled: SettledTick, *, model_missing: bool) -> None:
        """Judge the tags of a tick, and add evidence, decisions and sketches to its output."""
        tick_ms, paused = settled.tick_ms, self.pause.covers(settled.tick_ms)
        tables = self.evidence.tables()
        settled.busy_keys = len(tables[policy.windows_ms[0]].keys)
        conditions = conditions_of(
            policy,
            shards=self.shards,
            categories=[*self.score_columns],
            model_revision=self.timeline.model_revision,
            scale=self.evidence.scale,
        )
        settled.evidence = TickEvidence(tick_ms, conditions, paused, self.evidence.take_new_tables())
        settled.changes = self.decisions.settle(
            tables, tick_ms, self.position.offset, paused=paused, blind=model_missing
        )
        settled.decisions = [self._decision(policy, key, tick_ms) for key in settled.changes.keys]
        settled.sketches = [sketch_of(one, self.evidence, self.tags, tick_ms) for one in settled.changes.campaigns]
        self.decisions.drop_empty(tick_ms)
        self.trigger.settle(tables[policy.windows_ms[0]])

    def _decision(self, policy: Policy, key: int, tick_ms: int, *, firing: EarlyFiring | None = None) -> Decision:
        """Return the decision record of a key, settled or early."""
        hashtag, state = self.tags.name(key), self.decisions.states[key]
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
            model_revision=firing.panes[-1].texts.batch.model if firing else self.timeline.model_revision,
            provisional=bool(state.early),
        )

    @property
    def may_score_ahead(self) -> bool:
        """Whether `next_ahead` may have texts."""
        return self.timeline.policy is not None and not self.model_missing and self.ahead.is_due

    def next_ahead(self) -> UnscoredTexts | None:
        """Return some texts that the coming ticks will score; None: there are none yet."""
        return self.ahead.next() if self.may_score_ahead else None

    # ---- early decisions ----

    def next_early(self) -> EarlyFiring | None:
        """Return the unflagged tags of the records since the last call that have grown enough to be judged early."""
        newest = max(self.open.panes, default=self.open.settled_pane)
        self.trigger.follow(self.timeline.early_policy(newest))
        if not self._may_decide_early():
            self.trigger.skip()
            return None
        return self.trigger.next(self.timeline.model_of)

    def _may_decide_early(self) -> bool:
        watermark_ms = self.open.watermark_ms
        timely = watermark_ms >= 0 and self.open.newest_ms - watermark_ms <= self.max_lag_ms
        paused = self.pause.covers(self.settled_ms) or self.position.is_replaying
        paused = paused or self.position.offset < 1  # no version is below those of offset 0
        has_policy = self.trigger.policy is not None and self.store.shortest is not None
        return self.early and has_policy and bool(self.open.panes) and timely and not paused

    def decide_early(self, firing: EarlyFiring, scores: Scores) -> list[Decision]:
        """Suppress at once the tags of a firing that are over the threshold at the early confidence."""
        policy = firing.policy
        if scores.silent or self.model_missing:
            return []
        for one in firing.panes:
            mark_links(one.texts.pane, one.sampled.entries, policy)  # those scored ahead too: that marks no links
        table = self.trigger.fire(firing, scores)
        # No lower bound is above its estimate.
        could = np.flatnonzero(table.greatest_estimates() >= policy.least_suppress_at)
        keys = self.decisions.decide_early(
            policy,
            table.take(could),
            self.trigger.busy,
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
        return version_of(offset, tick_ms, incarnation=self.incarnation)
