"""The signals that this hushtag knows: every module of the package that has a `SIGNAL`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import streams.signals
from streams.signals.base import YES_NO, MeasuredSignal, Signal


def _discovered() -> tuple[Signal, ...]:
    modules = (import_module(f"streams.signals.{one.name}") for one in iter_modules(streams.signals.__path__))
    found: list[Signal] = [module.SIGNAL for module in modules if hasattr(module, "SIGNAL")]
    found.sort(key=lambda one: one.order)
    for taken in ([one.name for one in found], [one.order for one in found]):
        assert len(set(taken)) == len(taken), f"two signals share a name or an order: {taken}"
    return tuple(found)


SIGNALS = _discovered()
"""Every signal, in the order of policies and records."""
BY_NAME = {one.name: one for one in SIGNALS}
WEIGHED = tuple(sorted(SIGNALS, key=lambda one: one.kind is YES_NO))
"""Every signal in the order of reasons: those with a measured value first."""
MEASURED = tuple(one for one in SIGNALS if isinstance(one, MeasuredSignal))
"""The signals with a column of evidence."""
RECORDED = tuple(one for one in SIGNALS if one.recorded)
"""The signals with a field in a decision's evidence."""
