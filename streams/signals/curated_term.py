"""Curated term: whether the tag is, or looks like, a term that people have found to be harmful."""

from __future__ import annotations

import numpy as np

from streams.signals.base import YES_NO, Bools, Numbers, Signal
from streams.signals.views import MeasuredTable, PolicyView, RuleView


class CuratedTermSignal(Signal):
    """The list may change with the policy, so it is compared under the policy that judges and kept in no column."""

    name = "term"
    order = 50
    kind = YES_NO
    description = "The tag is, or looks like, one of `curated_terms`."
    label = "Curated term"
    statement = "a term that people have found to be harmful"
    default = False

    def values(self, table: MeasuredTable, listed: Bools) -> Numbers:
        """Return 1 for tags on the curated list, else 0."""
        return listed.view(np.uint8)

    def unreachable(self, policy: PolicyView, rule: RuleView) -> str:
        """Require a list of curated terms in the policy."""
        return "" if policy.curated_terms else "term needs `curated_terms`"


SIGNAL = CuratedTermSignal()
