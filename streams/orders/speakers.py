"""Registry of protected speakers, folded from the log, and the two-person rule that protects them. Pure.

`Speaker` records alone decide who is protected. `SpeakerDetails` name a speaker and never change whether the account is
protected, so compaction may drop them at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streams.orders.records import Outcome, RegistryRecord, Speaker, SpeakerCategory, SpeakerDetails, Target
from streams.orders.states import RESTRICTING
from streams.policy.look_alikes import visual_form


@dataclass(frozen=True, slots=True)
class ProtectedSpeaker:
    """Protected account: its latest `Speaker` record joined with its latest details."""

    account: str
    category: SpeakerCategory
    actor: str
    at_ms: int
    name: str = ""
    basis: str = ""
    reason: str = ""


class SpeakerRegistry:
    """Protected accounts. Records must be applied in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.speakers: dict[str, ProtectedSpeaker] = {}
        """Protected speakers by account id."""
        self._removed_by: dict[str, str] = {}
        """Actor of the removal, for each account that is no longer protected."""

    def apply(self, record: RegistryRecord) -> None:
        """Apply a record of the registry."""
        account = record.account
        speaker = self.speakers.get(account)
        if isinstance(record, SpeakerDetails):
            if speaker is not None:
                self.speakers[account] = replace(speaker, name=record.name, basis=record.basis, reason=record.reason)
        elif record.removed:
            self.speakers.pop(account, None)
            self._removed_by[account] = record.actor
        else:
            entered = _entered(record)
            if speaker is not None:
                entered = replace(entered, name=speaker.name, basis=speaker.basis, reason=speaker.reason)
            self.speakers[account] = entered
            self._removed_by.pop(account, None)

    def needs_two(self, target: Target, outcome: Outcome, actor: str) -> bool:
        """Return whether a ruling by this actor is only a proposal until another person confirms it.

        The actor who removed a speaker from the registry counts as the first person, else one person could do both.
        """
        if outcome not in RESTRICTING or not target.account:
            return False
        remover = self._removed_by.get(target.account)
        return target.account in self.speakers or (remover is not None and same_person(remover, actor))


def same_person(actor: str, other: str) -> bool:
    """Return whether two actors count as one person: names that look alike do.

    >>> same_person("ann", " ANN"), same_person("ann", "an\u200bn"), same_person("a", "b")
    (True, True, False)
    """
    return visual_form(actor) == visual_form(other)


def _entered(record: Speaker) -> ProtectedSpeaker:
    return ProtectedSpeaker(record.account, record.category, record.actor, record.at_ms)
