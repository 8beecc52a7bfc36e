"""The signals that this hushtag knows: every module of the package that has a `SIGNAL`.

The registry numbers the columns of the measured signals in `hashtag-evidence` by `order`, behind the first three.
"""

from __future__ import annotations

import streams.signals
from streams.discovery import discover
from streams.signals.base import YES_NO, MeasuredSignal, Signal

_FIRST_COLUMNS = ("copies", "young", "burst")
"""Signals whose columns come first, in another order than theirs."""


def _discovered() -> tuple[Signal, ...]:
    signals: list[Signal] = discover(streams.signals, "SIGNAL")
    signals.sort(key=lambda signal: signal.order)
    for values in ([signal.name for signal in signals], [signal.order for signal in signals]):
        assert len(set(values)) == len(values), f"two signals share a name or an order: {values}"
    return tuple(signals)


def _place(signal: MeasuredSignal) -> tuple[int, int]:
    first = signal.name in _FIRST_COLUMNS
    return (0, _FIRST_COLUMNS.index(signal.name)) if first else (1, signal.order)


SIGNALS = _discovered()
"""Every signal, in the order of policies and records."""
BY_NAME = {signal.name: signal for signal in SIGNALS}
WEIGHED = tuple(sorted(SIGNALS, key=lambda signal: signal.kind is YES_NO))
"""Every signal in the order of reasons: those with a measured value first."""
MEASURED = tuple(signal for signal in SIGNALS if isinstance(signal, MeasuredSignal))
"""The signals with a column of evidence."""
COLUMNS = tuple(signal.name for signal in sorted(MEASURED, key=_place))
"""Names of the measured signals in the order of their columns. A new signal comes last, so that no column moves."""
RECORDED = tuple(signal for signal in SIGNALS if signal.recorded)
"""The signals with a field in a decision's evidence."""
