"""Backtest of a policy: its effect on evidence that was kept. Pure.

`Impact` is the entry point. Settled decisions are predicted exactly, by the judge's own `levels` and `step`. Early ones
are not: they depend on the arrival times of records.
"""

from streams.backtest.impact import Impact, ImpactReport

__all__ = ["Impact", "ImpactReport"]
