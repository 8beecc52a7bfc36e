"""The policy that early looks are under: the one under which the newest open pane will settle.

A policy is in force from a tick on, and that tick settles fifteen to twenty seconds after the policy was read. A lower
threshold need not wait for that: what is early is judged by what will judge it. Only where the new policy counts over
other windows, or measures other signals, there is nothing to look at yet: nothing is early until it is in force.
"""

from __future__ import annotations

from streams.policy import Policy


class Ahead:
    """The policy of early looks, and what of it they ask for again and again."""

    def __init__(self) -> None:
        self.policy: Policy | None = None
        self.floor = 1 << 62
        """No tag with fewer tweets is looked at."""
        self.least_share = 1.0
        """No tag is suppressed whose harmful share is below it."""

    def follow(self, settled: Policy | None, coming: Policy | None) -> bool:
        """Look under the coming policy from now on, or not at all; returns whether it is another one than before.

        Args:
            settled: under which the last tick has settled: its windows and signals are measured.
            coming: under which the newest open pane will settle.
        """
        policy = coming if settled is not None and coming is not None and _alike(settled, coming) else None
        if policy is self.policy:
            return False
        self.policy = policy
        if policy is not None:
            rules = policy.rule_table.values()
            self.floor = min(rule.min_tweets for rule in rules)
            self.least_share = min(rule.suppress_at for rule in rules)
        return True


def _alike(one: Policy, other: Policy) -> bool:
    """Whether the signals of a look mean the same under both."""
    return one is other or _measures(one) == _measures(other)


def _measures(policy: Policy) -> tuple[object, ...]:
    return (
        policy.windows_ms,
        policy.young_days,
        policy.burst_min_past,
        policy.links_revision,
        policy.asks_for_successors,
    )
