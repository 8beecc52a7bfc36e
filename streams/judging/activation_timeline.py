"""The policy and the model of each tick, by the activations that a shard's log has named.

Early decisions use the policy under which the newest open pane will settle. An activation is in force from a tick that
settles 15 to 20 seconds after the record, and a lower threshold need not wait for that. Only where the new policy has
other windows, or measures its signals otherwise, is nothing early until it is in force.
"""

from __future__ import annotations

from streams.constants import PANE_MS
from streams.judging.standing import StandingKeys
from streams.policy import Policy
from streams.policy.activation import Activation, ActivationLog


class ActivationTimeline:
    """Activations as far as they were read.

    Args:
        model_revision: model of the ticks before the first activation.
    """

    def __init__(self, model_revision: str) -> None:
        self.activations = ActivationLog()
        self.policy: Policy | None = None
        """Policy of the last settled tick."""
        self.model_revision = model_revision
        """Model of the last settled tick."""
        self._bodies: dict[str, Policy] = {}

    def policy_at(self, tick_ms: int) -> Policy | None:
        """Return the policy that is active at a tick."""
        activation = self.activations.in_force(tick_ms)
        if activation is None:
            return None
        policy = self._bodies.get(activation.revision)
        if policy is None:
            policy = self._bodies[activation.revision] = Policy.from_canonical(activation.policy)
        return policy

    def model_of(self, pane: int) -> str:
        """Return the model that scores a pane: that of the pane's start."""
        activation = self.activations.in_force(pane * PANE_MS)
        return self.model_revision if activation is None else activation.model_revision

    def advance(self, tick_ms: int) -> tuple[Policy | None, Activation | None]:
        """Advance to the next tick to settle, and drop the activations before it.

        Returns:
            The policy, and the activation of the model, if they differ from those of the tick before; else None.
        """
        policy, activation = self.policy_at(tick_ms), self.activations.in_force(tick_ms)
        self.activations.prune(tick_ms)
        new_policy = policy if policy is not self.policy else None
        new_model = activation if activation and activation.model_revision != self.model_revision else None
        if new_policy is not None:
            self.policy = new_policy
        if new_model is not None:
            self.model_revision = new_model.model_revision
        return new_policy, new_model

    def early_policy(self, pane: int) -> Policy | None:
        """Return the policy of early decisions while this is the newest open pane; None: there are none."""
        coming = self.policy_at((pane + 1) * PANE_MS)
        if self.policy is None or coming is None:
            return None
        return coming if coming is self.policy or _measures(coming) == _measures(self.policy) else None


def _measures(policy: Policy) -> tuple[object, ...]:
    """List what determines a policy's evidence."""
    return policy.windows_ms, StandingKeys.of(policy), policy.burst_min_past, policy.links_revision
