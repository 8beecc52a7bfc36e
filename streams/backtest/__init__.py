"""The past judged again: what a changed policy would have done to the evidence that was kept. Pure.

`Impact` is the way in. Settled decisions are predicted, and exactly: by the judge's own `levels` and `decide`. Early
ones are not: they depend on when records came.
"""

from streams.backtest.impact import Impact, Verdict

__all__ = ["Impact", "Verdict"]
