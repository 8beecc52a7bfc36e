"""Links: the share of scored authors whose tweet links to one of the policy's `link_domains`."""

from __future__ import annotations

from collections.abc import Iterator

from streams.signals.base import SHARE, Doubles, MeasuredSignal, Observations
from streams.signals.views import ConditionsView, PolicyView, RuleView


class Links(MeasuredSignal):
    """Share of authors who link to a listed domain."""

    name = "links"
    order = 60
    kind = SHARE
    description = "Share of scored authors whose tweet links to one of `link_domains`."
    label = "Links to listed domains"
    statement = "many links to sites that people have found to be harmful"
    zeros_left_out = True

    def measure(self, seen: Observations) -> Doubles:
        """Divide scored authors with a listed link by all scored authors."""
        return seen.share(seen.scored, seen.linked)

    def unreachable(self, policy: PolicyView, rule: RuleView) -> str:
        """Require a list of link domains in the policy."""
        return "" if policy.links_revision else "links need `link_domains`"

    def uncovered(self, policy: PolicyView, kept: ConditionsView) -> Iterator[str]:
        """Compare the list of domains with that of the policy."""
        if policy.links_revision != kept.links:
            yield "link_domains: links were compared with " + ("another list" if kept.links else "no list")


SIGNAL = Links()
