"""What is in force when: the policy and the model that a shard's log has named, each from a tick on."""

from __future__ import annotations

from collections.abc import Iterable

from streams.counting.block_counts import PANE_MS
from streams.policy import Policy
from streams.policy.activation import Activation, ActivationLog


class InForce:
    """Policy and model, by what was read so far.

    Args:
        model_revision: of the model before an activation has named one.
    """

    def __init__(self, model_revision: str) -> None:
        self.activations = ActivationLog()
        self.policy: Policy | None = None
        """At the last settled tick."""
        self.model_revision = model_revision
        """The same."""
        self._bodies: dict[str, Policy] = {}

    def add(self, activation: Activation) -> None:
        """The log has named it."""
        self.activations.add(activation)

    def recover(self, activations: Iterable[Activation]) -> None:
        """Go on with those that a predecessor knew."""
        self.activations = ActivationLog.from_list(activations)

    def policy_at(self, tick_ms: int) -> Policy | None:
        """The policy that is active at a tick."""
        activation = self.activations.in_force(tick_ms)
        if activation is None:
            return None
        policy = self._bodies.get(activation.revision)
        if policy is None:
            policy = self._bodies[activation.revision] = Policy.from_canonical(activation.policy)
        return policy

    def model_of(self, pane: int) -> str:
        """The revision that scores a pane's entries: that of its start."""
        activation = self.activations.in_force(pane * PANE_MS)
        return self.model_revision if activation is None else activation.model_revision

    def follow(self, tick_ms: int) -> tuple[Policy | None, Activation | None]:
        """A tick settles: the policy and the activation of a model that are in force from it on, None where they were
        before. Earlier activations are forgotten."""
        policy, activation = self.policy_at(tick_ms), self.activations.in_force(tick_ms)
        self.activations.prune(tick_ms)
        other_policy = policy if policy is not self.policy else None
        other_model = activation if activation and activation.model_revision != self.model_revision else None
        if other_policy is not None:
            self.policy = other_policy
        if other_model is not None:
            self.model_revision = other_model.model_revision
        return other_policy, other_model
