"""Proposals: a policy file compared with the live policy, before it goes live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from streams.policy.activation import Activation
from streams.policy.model import Policy

GONE_MS = 90_000
"""Age of a worker's last report after which it counts as gone."""


class Proposed(Protocol):
    """Serial and revision of a policy file."""

    @property
    def serial(self) -> int:
        """Serial number that the file sets."""

    @property
    def revision(self) -> str:
        """Revision, a hash of the canonical content."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Comparison of a policy file with the live policy; true where the file is to be proposed.

    `verdict` is a stable word for metrics: `propose`, `same` (the file is live already), `drift` (equal serial, other
    content), `behind` (the live serial is higher). A worker whose file has drifted or is behind only reports it.
    """

    verdict: Literal["propose", "same", "drift", "behind"]
    message: str

    def __bool__(self) -> bool:
        return self.verdict == "propose"


def should_propose(file_policy: Proposed, live: Activation | None) -> Proposal:
    """Decide whether a policy file is to be proposed.

    Args:
        file_policy: the file's serial and revision.
        live: the newest activation, already in force or not; None before the first.
    """
    serial, revision = file_policy.serial, file_policy.revision
    if live is None:
        return Proposal("propose", f"no policy is live yet: {revision} (serial {serial}) is the first")
    if live.revision == revision:
        return Proposal("same", f"{revision} (serial {serial}) is live already")
    live_serial = serial_of(live.policy)
    if serial > live_serial:
        return Proposal("propose", f"{revision} (serial {serial}) follows {live.revision} (serial {live_serial})")
    fix = f"to make this file live, set its serial to {live_serial + 1}"
    if serial == live_serial:
        return Proposal(
            "drift", f"the file ({revision}) differs from the live policy ({live.revision}) at serial {serial}; {fix}"
        )
    return Proposal(
        "behind", f"the file ({revision}) has serial {serial}, the live policy ({live.revision}) {live_serial}; {fix}"
    )


class _Serial(msgspec.Struct):
    serial: int


_serial_decoder = msgspec.json.Decoder(_Serial)


def serial_of(canonical: str) -> int:
    """Read the serial of a policy's canonical JSON."""
    return _serial_decoder.decode(canonical).serial


def needs_restart(began_hours: int, policy: Policy) -> Iterator[str]:
    """Yield the reasons why a running worker cannot follow a policy without a restart.

    Publish keeps the version of a cleared flag for the longest automated expiry that it started with, so that no older
    record revives the flag. A longer expiry needs a longer memory first.

    Args:
        began_hours: `max_automated_hours` of the policy that the worker started with.
        policy: policy that is to go live.
    """
    hours = policy.valves.max_automated_hours
    if hours > began_hours:
        yield (
            f"valves.max_automated_hours {hours} is above the {began_hours} that workers began with: "
            "they need a restart"
        )


class PolicyNote(msgspec.Struct, frozen=True, kw_only=True):
    """Actor and reason of a change, written by `hushtag policy apply` next to the policy file."""

    revision: str
    actor: str
    reason: str


def note_path(policy: Path) -> Path:
    """Return the path of the note for a policy file."""
    return policy.with_name(policy.name + ".note.json")
