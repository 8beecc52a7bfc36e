"""Which policy is in force at a tick: a function of records, never of when a worker read a file.

A policy file is only a proposal. Once it is kept in the `policy` topic it has a sequence (its offset there), and an
activation goes down every shard: *from this tick on, this policy*. Of the activations whose tick has come the one
with the greatest sequence is in force, so it does not matter in what order they are read, how often, or by whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec


class Activation(msgspec.Struct, frozen=True, tag_field="kind", tag="activation"):
    """A record in every shard's log: from a tick on, this policy and this model."""

    revision: str
    """Of the policy: 12 hex digits."""
    sequence: int
    """Offset of the policy in the `policy` topic."""
    from_tick_ms: int
    """First tick (its end) that is judged under it."""
    policy: str
    """Canonical JSON, so that a judge needs nothing but its shard's log."""
    model_revision: str
    """12 hex digits."""


class ActivationLog:
    """The activations that a judge has read, as far as any tick still to come can need them.

    Adding is idempotent and commutative. Two records of one sequence (a sender died halfway and its successor sent
    again) count as one, the earlier tick of the two.
    """

    def __init__(self, activations: Iterable[Activation] = ()) -> None:
        self._by_sequence: dict[int, Activation] = {}
        for activation in activations:
            self.add(activation)

    def add(self, activation: Activation) -> None:
        """Take an activation, in any order, any number of times."""
        known = self._by_sequence.get(activation.sequence)
        if known is None or _precedence(activation) < _precedence(known):
            self._by_sequence[activation.sequence] = activation

    def in_force(self, tick_ms: int) -> Activation | None:
        """The activation under which the tick that ends at `tick_ms` is judged; None before the first."""
        begun = (one for one in self._by_sequence.values() if one.from_tick_ms <= tick_ms)
        return max(begun, key=lambda one: one.sequence, default=None)

    @property
    def newest(self) -> Activation | None:
        """The greatest sequence, whether its tick has come or not: what a new proposal is measured against."""
        return max(self._by_sequence.values(), key=lambda one: one.sequence, default=None)

    def prune(self, settled_tick_ms: int) -> None:
        """Forget what no tick from `settled_tick_ms` on can need: all that is older than the one in force there."""
        current = self.in_force(settled_tick_ms)
        if current is not None:
            kept = {at: one for at, one in self._by_sequence.items() if at >= current.sequence}
            self._by_sequence = kept

    def to_list(self) -> list[Activation]:
        """Ascending by sequence, for the progress record."""
        return [self._by_sequence[at] for at in sorted(self._by_sequence)]

    @classmethod
    def from_list(cls, activations: Iterable[Activation]) -> ActivationLog:
        """The inverse of `to_list`."""
        return cls(activations)

    def __len__(self) -> int:
        return len(self._by_sequence)


def _precedence(activation: Activation) -> tuple[int, str, str]:
    return activation.from_tick_ms, activation.revision, activation.model_revision


class Proposed(Protocol):
    """What a proposal needs to know of a policy file."""

    @property
    def serial(self) -> int: ...

    @property
    def revision(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do about a policy file; true where it is to be proposed.

    `verdict` is a stable word for metrics: `propose`, `same` (it is live already), `drift` (the live policy has the
    same serial and other content), `behind` (the live serial is higher). The last two are a worker whose file is not
    what runs: shown, never fought over.
    """

    verdict: Literal["propose", "same", "drift", "behind"]
    message: str

    def __bool__(self) -> bool:
        return self.verdict == "propose"


def should_propose(file_policy: Proposed, live: Activation | None) -> Proposal:
    """Whether a policy file goes ahead of the live policy.

    Args:
        live: the newest activation known, in force or about to be; None where there has never been one.
    """
    serial, revision = file_policy.serial, file_policy.revision
    if live is None:
        return Proposal("propose", f"no policy is live yet: {revision} (serial {serial}) is the first")
    if live.revision == revision:
        return Proposal("same", f"{revision} (serial {serial}) is live already")
    live_serial = serial_of(live.policy)
    if serial > live_serial:
        return Proposal("propose", f"{revision} (serial {serial}) follows {live.revision} (serial {live_serial})")
    ask = f"to make this file live, set its serial to {live_serial + 1}"
    if serial == live_serial:
        return Proposal(
            "drift", f"the file ({revision}) differs from the live policy ({live.revision}) at serial {serial}; {ask}"
        )
    return Proposal(
        "behind", f"the file ({revision}) has serial {serial}, the live policy ({live.revision}) {live_serial}; {ask}"
    )


class _Serial(msgspec.Struct):
    serial: int


_serial_decoder = msgspec.json.Decoder(_Serial)


def serial_of(canonical: str) -> int:
    """The serial in a policy's canonical JSON, without reading the rest."""
    return _serial_decoder.decode(canonical).serial
