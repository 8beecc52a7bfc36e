"""Expiries of a stopped shard's flags: renewed, while its judge cannot decide, so that no flag lapses for that alone.

A renewal is the last decision of a key with later expiries, under a version between that decision and the judge's next
one. So it may be sent late, twice, or by a worker that has lost the shard: each later decision of the judge wins.
No judge recovers from it: settled decisions stay those of the reference.

Only suppressions and discounts are renewed, since a hold waits for a person. None lasts longer than
`max_automated_hours`, and none begins again after it has expired. The live policy counts, although the stopped judge
has not reached it: a flag that it would not set is not renewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from streams.actions import AWAITING_PERSON, FLAGGING
from streams.constants import MINUTE_MS
from streams.judging.key_state import Scope, greatest
from streams.log.decisions import Decision, ScopeDecision, renewal_version
from streams.policy import Policy

RENEWED = FLAGGING - AWAITING_PERSON


class FlagRenewal:
    """Greatest decision of each key of one shard, renewals included.

    Args:
        decisions: all decisions of the shard, in any order.
        policy: the last policy of the shard, until `use` sets a later one.
    """

    def __init__(self, decisions: Iterable[Decision], policy: Policy) -> None:
        self._policy = policy
        self._latest = greatest(decisions)

    def use(self, policy: Policy) -> None:
        """Renew under another policy from now on."""
        self._policy = policy

    def due(self, now_ms: int) -> list[Decision]:
        """Return the renewals of flags that have less than a step to go, and note them as sent."""
        latest = [*self._latest.values()]
        return [
            renewal
            for decision in latest
            if (renewal := self._renewal(decision, _standing(decision, now_ms), now_ms)) is not None
        ]

    def follow(self, decision: Decision, now_ms: int) -> Decision | None:
        """Note a decision of the judge that catches up; return the renewal that keeps its flags standing, or None.

        Its ticks lie in the past, and so do its expiries. A flag that stands is extended from now on; one that does not
        stand is not.
        """
        last = self._latest.get((decision.hashtag, decision.country))
        standing = {} if last is None else dict.fromkeys(_standing(last, now_ms), now_ms)
        self._note(decision)
        return self._renewal(decision, standing, now_ms)

    def _note(self, decision: Decision) -> None:
        key = (decision.hashtag, decision.country)
        self._latest[key] = greatest([self._latest.get(key, decision), decision])[key]

    def _renewal(self, decision: Decision, standing: Mapping[Scope, int], now_ms: int) -> Decision | None:
        """Return the renewal of a key's last decision, and note it; None: none is due.

        `standing` has by scope of a flag that stands the time from which it is extended.
        """
        rulings = tuple(
            self._renewed(ruling, decision.country, now_ms, standing[scope])
            if (scope := (ruling.category, ruling.surface)) in standing
            else ruling
            for ruling in decision.rulings
        )
        if rulings == decision.rulings or self._policy.is_never_suppressed(decision.hashtag):
            return None
        try:
            renewal = replace(decision, rulings=rulings, version=renewal_version(decision.version))
        except ValueError:  # after days of renewals by the minute the flag expires
            return None
        self._note(renewal)
        return renewal

    def _renewed(self, ruling: ScopeDecision, country: str, now_ms: int, from_ms: int) -> ScopeDecision:
        """Extend a flag by a step from a time on, if it has less than a step to go."""
        if ruling.action not in RENEWED:
            return ruling
        try:
            rule = self._policy.rule(ruling.category, ruling.surface, country)
        except KeyError:  # the policy does not have the scope any more
            return ruling
        step_ms = max(rule.expiry_ms // 2, MINUTE_MS)
        if not rule.hides or ruling.expires_at_ms - now_ms > step_ms:
            return ruling
        limit_ms = ruling.since_ms + self._policy.max_automated_ms
        expires_at_ms = min(from_ms + step_ms, limit_ms)
        return replace(ruling, expires_at_ms=max(expires_at_ms, ruling.expires_at_ms))


def _standing(decision: Decision, now_ms: int) -> dict[Scope, int]:
    """Return the expiries of a decision's flags that stand, by scope."""
    return {
        (ruling.category, ruling.surface): ruling.expires_at_ms
        for ruling in decision.rulings
        if ruling.action in RENEWED and ruling.expires_at_ms > now_ms
    }
