"""How often one caller may call: a token bucket each. Pure; time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_seconds: float


class RateLimit:
    """At most `burst` calls at once and `per_second` in the long run, for each caller.

    Args:
        most_callers: so many are remembered; one who comes back after being forgotten starts with a full bucket.
    """

    def __init__(self, per_second: float, burst: int, *, most_callers: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._most_callers = most_callers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, now_seconds: float) -> float:
        """Spend one call; 0.0, or the seconds until there is one to spend.

        >>> limit = RateLimit(per_second=2, burst=1)
        >>> limit.take("ann", 0.0), limit.take("ann", 0.0), limit.take("ben", 0.0), limit.take("ann", 0.5)
        (0.0, 0.5, 0.0, 0.0)
        """
        bucket = self._buckets.pop(caller, None) or _Bucket(float(self._burst), now_seconds)
        gained = max(0.0, now_seconds - bucket.at_seconds) * self._per_second
        bucket.tokens = min(float(self._burst), bucket.tokens + gained)
        bucket.at_seconds = now_seconds
        self._buckets[caller] = bucket
        while len(self._buckets) > self._most_callers:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_second
        bucket.tokens -= 1
        return 0.0
