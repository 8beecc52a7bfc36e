"""Shared state of all runs of a simulated history: logs, time, and replay points."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence

from streams.log.lines import LogRecord
from streams.log.partials import Partial, decode_partial, encode_partial
from streams.policy import Policy
from streams.policy.activation import Activation
from tests.support.simulated_sizes import SHARDS, SHORT, START_MS, Span
from tests.support.simulated_source import random_source
from tests.support.simulated_words import SCORER


class Logs:
    """Logs, time, activations and replay points, shared by all runs.

    Args:
        policies: the first is in force from the start, a second from a later tick on.
        models: model revisions, in force with these policies.
        timely: whether early decisions are on, for all runs or for some.
        rules: `rules` of the versions that run at the same time; their counts are equal except with `other_grammar`.
        span: length of the history and rates of events.
        moderation: records about accounts, in the order of the topic.
        torn: empty records of other writers per shard, on average; people skip all of them.
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
        moderation: Sequence[LogRecord] = (),
        torn: int = 0,
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
        self.activations: list[Activation] = []
        self.activate(0, 0)
        self.moderation = moderation
        self.torn = torn

    def activate(self, sequence: int, from_tick_ms: int) -> None:
        policy = self.policies[sequence]
        self.activations.append(
            Activation(policy.revision, sequence, from_tick_ms, policy.canonical, self.models[sequence])
        )
        for shard in range(SHARDS):
            self.logs["partials", shard].append(encode_partial(self.activations[-1]))

    def partials(self, shard: int) -> list[Partial | None]:
        """Return a shard's log, None for a skipped record."""
        return [decode_partial(value) if value else None for value in self.logs["partials", shard]]

    def visible(self, partition: int) -> list[LogRecord]:
        return self.sources[partition][: bisect_right(self._times[partition], self.now_ms)]

    def moderation_log(self) -> list[LogRecord]:
        """Moderation log up to the present."""
        return [record for record in self.moderation if record.timestamp <= self.now_ms]
