"""Young accounts: the share of sampled authors whose account is younger than the policy's `young_days`."""

from __future__ import annotations

from collections.abc import Iterator

from streams.signals.base import SHARE, Doubles, MeasuredSignal, Observations
from streams.signals.views import ConditionsView, PolicyView


class Young(MeasuredSignal):
    """Share of authors with a young account."""

    name = "young"
    order = 30
    kind = SHARE
    description = "Share of sampled authors whose account is younger than `young_days`."
    label = "Young accounts"
    statement = "many new accounts"

    def measure(self, seen: Observations) -> Doubles:
        """Divide authors with a young account by authors of known age."""
        return seen.share(seen.age_days >= 0, seen.age_days < seen.young_days)

    def uncovered(self, policy: PolicyView, kept: ConditionsView) -> Iterator[str]:
        """Compare the age limit with that of the policy."""
        if policy.young_days != kept.young_days:
            yield f"young_days {policy.young_days}: accounts were young up to {kept.young_days}"


SIGNAL = Young()
