"""Burst: the rate of a tag in the window against its own rate before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from streams.constants import MINUTE_MS
from streams.signals.base import RATIO, Doubles, MeasuredSignal, Observations
from streams.signals.views import ConditionsView, PolicyView, RuleView


class Burst(MeasuredSignal):
    """Rate of tweets in the window, as a multiple of the earlier rate."""

    name = "burst"
    order = 10
    kind = RATIO
    description = (
        "Times its own earlier rate, measured over the longest window. A tag with fewer than `burst_min_past` earlier "
        "tweets has no burst."
    )
    label = "Rate against its own past"
    statement = "a sudden rise in its use"

    def measure(self, seen: Observations) -> Doubles:
        """Divide the rate in the window by the earlier rate."""
        past = seen.past
        if past is None:
            return np.full(len(seen.tweets), np.nan)
        # Tweets lost to tail trimming may have been this tag's past, which would make the burst smaller.
        earlier_rate = np.maximum(past.tweets + past.may_miss, 1) / past.span_ms
        ratio = (seen.tweets / seen.window_ms) / earlier_rate
        return np.where(past.tweets >= max(seen.burst_min_past, 1), ratio, np.nan)

    def unreachable(self, policy: PolicyView, rule: RuleView) -> str:
        """Require a window that is longer than the shortest of the rule."""
        short = min(rule.windows_ms) < policy.longest_window_ms
        return "" if short else "burst needs a longer window in `windows` to hold a tag's past"

    def uncovered(self, policy: PolicyView, kept: ConditionsView) -> Iterator[str]:
        """Compare the longest window and `burst_min_past` with those of the policy."""
        kept_ms = kept.windows_ms[-1]
        if policy.longest_window_ms != kept_ms:
            yield (
                f"longest window {policy.longest_window_ms / MINUTE_MS:g} min: a tag's past was measured over "
                f"{kept_ms / MINUTE_MS:g} min"
            )
        if policy.burst_min_past != kept.burst_min_past:
            yield f"burst_min_past {policy.burst_min_past}: it was {kept.burst_min_past}"


SIGNAL = Burst()
