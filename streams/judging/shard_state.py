"""The state of one shard: what a judge keeps between ticks, and how an owner recovers it and continues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from models.share import Scale
from streams.constants import MINUTE_MS, PANE_MS
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.counting.sketch import KeyedHash
from streams.judging.activation_timeline import ActivationTimeline
from streams.judging.ahead_scoring import AheadScoring
from streams.judging.clearing_pause import ClearingPause
from streams.judging.early_trigger import EarlyTrigger
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.language_coverage import LanguageCounter
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_decisions import ShardDecisions
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.judging.side_inputs.account_facts_view import AccountFactsView
from streams.judging.side_inputs.author_sketches import AuthorSketchIndex
from streams.judging.side_inputs.base import SideInput
from streams.judging.side_inputs.corrections import CorrectionIndex
from streams.judging.side_inputs.retractions import RetractionIndex
from streams.judging.stage_2_candidates import Candidate, candidates
from streams.judging.ticks import delay_of
from streams.log.decisions import Progress
from streams.policy.activation import Activation, ActivationLog
from streams.windows.open_panes import OpenPanes
from streams.windows.tail_trimmer import TailTrimmer
from streams.windows.window_store import WindowStore


class ShardState:
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
        self.trimmer = TailTrimmer(self.tags, hashes)
        self.store = WindowStore(hashes, self.trimmer)
        self.evidence = EvidenceBuilder(self.store, columns, self.side_inputs)
        self.evidence.scale = scale_of(model_revision)
        self.languages = LanguageCounter(shard)
        self.pause = ClearingPause()
        self.score_columns = {category: 1 + at for at, category in enumerate(categories)}
        self.decisions = ShardDecisions(self.tags, self.score_columns, shards)
        self.trigger = EarlyTrigger(self.open, self.evidence)
        self.delay_ms = delay_of(shard, shards)
        self.ahead = AheadScoring(self.open, self.store, self.timeline, self.delay_ms)
        self.early, self.max_lag_ms, self.shards = early, max_lag_ms, shards
        self.incarnation = incarnation
        self.model_missing = False
        """Whether the model in force is not loaded."""
        self._scale_of, self._is_loaded = scale_of, is_loaded

    @property
    def settled_ms(self) -> int:
        """End of the last settled pane; 0 before the first."""
        return (self.open.settled_pane + 1) * PANE_MS

    def due(self, up_to_ms: int | None = None) -> int | None:
        """Return the number of the pane that `next_tick` would close: panes settle in their order, each once.

        Args:
            up_to_ms: time that counts as passed; None: the lowest watermark, less this shard's delay.
        """
        passed_ms = self.open.watermark_ms - self.delay_ms if up_to_ms is None else up_to_ms
        if passed_ms < 0:
            return None
        is_idle = not self.decisions.states and not self.store.short_panes and not self.store.rollups.panes
        if is_idle or self.open.settled_pane < 0:  # skip empty panes but the last, which shows that the shard is alive
            first = min([passed_ms // PANE_MS - 1, *self.open.panes])
            self.open.settled_pane = max(self.open.settled_pane, first - 1)
        pane = self.open.settled_pane + 1
        return pane if (pane + 1) * PANE_MS <= passed_ms else None

    def stage_2_candidates(self) -> list[Candidate]:
        """Return the tags of the last settled tick of which stage 2 should read texts, the most urgent first."""
        policy = self.timeline.policy
        if policy is None or self.position.is_replaying:
            return []
        return candidates(policy, self.score_columns, self.evidence, self.corrections, self.tags)

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
        self.decisions.recover(state.decisions, state.settled_ms)
        progress = state.progress
        if progress is None:
            return
        self.timeline.activations = ActivationLog.from_list(progress.activations)
        self.pause.until_ms = progress.hold_until_ms
        self.languages.recover(progress)
        self.open.recover(progress.settled_ms // PANE_MS - 1, progress.blocks)
        self.position.watermark_ms = progress.replay_passed_ms
        self.position.settled_offset, self.position.settled_watermark_ms = progress.position, progress.passed_ms
        self.store.recover(state.panes, state.rollups, progress.settled_ms, progress.minutes_from_ms)
        self.advance(progress.settled_ms)
        for side_input in self.side_inputs:
            side_input.recover(state)
        if self.store.shortest is not None:
            table = self.evidence.settled(self.store.shortest)
            self.decisions.check_scorer(table, blind=self.model_missing)
            self.trigger.settle(table)

    def pause_clearing(self) -> None:
        """Pause clears and early decisions after a gap of the log, until a whole window has passed."""
        self.pause.begin(max(self.settled_ms, self.open.newest_ms))

    # ---- ticks ----

    def advance(self, tick_ms: int) -> None:
        """Advance to the policy and the model of a tick."""
        policy, model = self.timeline.advance(tick_ms)
        self._follow_model(model)
        if policy is None:
            return
        self.store.arrange(policy.windows_ms, policy.evidence_floor)
        self.evidence.follow_policy(policy)
        self.pause.window_ms = policy.longest_window_ms
        self.trimmer.floor = min(policy.tail_floor, policy.evidence_floor)
        self.trimmer.most_tags = max(1, policy.max_tags_per_pane // self.shards)
        self.decisions.follow(policy)
        for side_input in self.side_inputs:
            side_input.follow_policy(policy)

    def _follow_model(self, changed: Activation | None) -> None:
        """Follow a model that was activated, and one whose file was loaded meanwhile.

        Another shard may load it while this runs. So the scale is read last: a loaded model has its scale.
        """
        self.model_missing = not self._is_loaded(self.timeline.model_revision)
        if changed is not None:
            for side_input in self.side_inputs:
                side_input.follow_model(changed.model_revision, changed.from_tick_ms)
            self.evidence.drop_tables()
        scale = self._scale_of(self.timeline.model_revision)
        if scale is not self.evidence.scale:
            self.evidence.scale = scale
            self.evidence.drop_tables()

    def release_tags(self) -> None:
        """Release the numbers of the tags that nothing counts or names any more."""
        named = self.open.tag_numbers().union(*(side_input.tag_numbers() for side_input in self.side_inputs))
        counters = [self.open.tweets, *(window.counts for window in self.store.windows.values())]
        in_windows = {id(pane) for window in self.store.windows.values() for pane in window.panes}
        others = (pane for pane in (*self.store.short_panes, *self.store.rollups.panes) if id(pane) not in in_windows)
        keys = [counter.at_least(1) for counter in counters] + [pane.keys for pane in others]
        keys += [np.fromiter(self.decisions.states, np.int64), np.fromiter(named, np.int64) << COUNTRY_BITS]
        numbers = np.sort(np.concatenate(keys) >> COUNTRY_BITS)  # np.unique would hash, at nine times the cost
        self.decisions.forget_terms(self.tags.release_all_but(numbers))

    def progress(self, tick_ms: int) -> Progress:
        """Return the record from which the next owner continues after a tick."""
        replay_offset, replay_passed_ms = self.position.replay_point
        fields = {name: value for side_input in self.side_inputs for name, value in side_input.progress().items()}
        return Progress(
            shard=self.shard,
            settled_ms=tick_ms,
            position=self.position.offset,
            replay_offset=replay_offset,
            replay_passed_ms=replay_passed_ms,
            activations=[replace(activation, policy="") for activation in self.timeline.activations.to_list()],
            hold_until_ms=self.pause.until_ms,
            blocks=self.open.blocks(),
            minutes_from_ms=self.store.minutes_from_ms,
            passed_ms=self.position.passed_ms,
            surfaces=() if self.timeline.policy is None else tuple(sorted(self.timeline.policy.surfaces)),
            **self.languages.progress(),
            **fields,
        )
