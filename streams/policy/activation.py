"""Activations: records that put a policy in force from a tick on.

A policy file is only a proposal. Once it is kept in the `policy` topic it has a sequence (its offset there), and an
activation goes down every shard: from this tick on, this policy. The activation with the greatest sequence whose tick
has come is in force. So the order, the number and the source of the records do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Activation(msgspec.Struct, frozen=True, tag_field="kind", tag="activation"):
    """Record in every shard's log that sets the policy and the model from a tick on."""

    revision: str
    """Revision of the policy, 12 hex digits."""
    sequence: int
    """Offset of the policy in the `policy` topic."""
    from_tick_ms: int
    """End of the first tick that is judged under it."""
    policy: str
    """The policy's canonical JSON, so that a judge needs only its shard's log."""
    model_revision: str
    """Revision of the model, 12 hex digits."""


class ActivationLog:
    """Activations that a judge has read and that a tick to come may need.

    Adding is idempotent and commutative. Two records of one sequence (the sender died halfway and another worker sent
    it again) count as one, with the earlier tick of the two.
    """

    def __init__(self, activations: Iterable[Activation] = ()) -> None:
        self._by_sequence: dict[int, Activation] = {}
        for activation in activations:
            self.add(activation)

    def add(self, activation: Activation) -> None:
        """Add an activation, in any order, any number of times."""
        earlier = self._by_sequence.get(activation.sequence)
        if earlier is None or _precedence(activation) < _precedence(earlier):
            self._by_sequence[activation.sequence] = activation

    def in_force(self, tick_ms: int) -> Activation | None:
        """Return the activation in force for the tick that ends at `tick_ms`; None before the first."""
        begun = (activation for activation in self._by_sequence.values() if activation.from_tick_ms <= tick_ms)
        return max(begun, key=lambda activation: activation.sequence, default=None)

    @property
    def newest(self) -> Activation | None:
        """Activation of the greatest sequence, in force or still to come; a new proposal is compared with it."""
        return max(self._by_sequence.values(), key=lambda activation: activation.sequence, default=None)

    def prune(self, settled_tick_ms: int) -> None:
        """Drop activations older than the one in force at `settled_tick_ms`: no later tick needs them."""
        current = self.in_force(settled_tick_ms)
        if current is not None:
            kept = {at: activation for at, activation in self._by_sequence.items() if at >= current.sequence}
            self._by_sequence = kept

    def to_list(self) -> list[Activation]:
        """Return the activations in order of sequence, for the progress record."""
        return [self._by_sequence[at] for at in sorted(self._by_sequence)]

    @classmethod
    def from_list(cls, activations: Iterable[Activation]) -> ActivationLog:
        """Restore a log from `to_list`."""
        return cls(activations)

    def __len__(self) -> int:
        return len(self._by_sequence)


def _precedence(activation: Activation) -> tuple[int, str, str]:
    return activation.from_tick_ms, activation.revision, activation.model_revision
