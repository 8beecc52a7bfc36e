"""Migrated campaign: the share of a tag's authors who wrote under one hidden tag before."""

from __future__ import annotations

import numpy as np

from streams.signals.base import SHARE, Doubles, MeasuredSignal, Observations
from streams.signals.views import PolicyView, RuleView


class MigratedCampaign(MeasuredSignal):
    """The lower bound of the share, computed from the author sketches of hidden tags."""

    name = "successor"
    order = 70
    kind = SHARE
    description = (
        "Lower bound of the share of the tag's authors who wrote under one hidden tag before: a campaign that has "
        "moved to another hashtag."
    )
    label = "Authors of a hidden tag"
    statement = "people who wrote under a hashtag that was held back before"
    zeros_left_out = True

    def measure(self, seen: Observations) -> Doubles:
        """Return the shares that the judge estimated; 0 while no tag is hidden."""
        return np.zeros(len(seen.tweets)) if seen.migrated is None else seen.migrated

    def unreachable(self, policy: PolicyView, rule: RuleView) -> str:
        """Require a hiding rule that can begin without the signal."""
        if any(rule.hides and _begins_without(rule) for rule in policy.rule_table.values()):
            return ""
        return "successor needs a rule in a mode that hides and that can begin without it"


def _begins_without(rule: RuleView) -> bool:
    return rule.corroboration.need <= len({*rule.corroboration.named} - {MigratedCampaign.name})


SIGNAL = MigratedCampaign()
