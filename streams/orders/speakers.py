"""Folds the registry of protected speakers: who is protected, who said otherwise, and what is known of them. Pure.

Protection is the history's alone. Details name a speaker and never change whether the account is protected, so that
compaction may forget them at any time.
"""

from __future__ import annotations

import msgspec

from streams.orders.records import RegistryRecord, Speaker, SpeakerDetails


class Registry:
    """The registry. Records must come in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.speakers: dict[str, Speaker] = {}
        """Protected accounts by id: the last record of each, with name, basis and reason as last given."""
        self.removed_by: dict[str, str] = {}
        """Accounts that are protected no longer, and who said so."""

    def apply(self, record: RegistryRecord) -> None:
        """Take a record."""
        account = record.account
        known = self.speakers.get(account)
        if isinstance(record, SpeakerDetails):
            if known is not None and not record.former:
                self.speakers[account] = _named(known, record)
        elif record.removed:
            self.speakers.pop(account, None)
            self.removed_by[account] = record.actor
        else:
            self.speakers[account] = _named(record, known) if record.id else record
            self.removed_by.pop(account, None)


def _named(speaker: Speaker, by: RegistryRecord | None) -> Speaker:
    """A speaker with what another record says of who it is; without any of that where there is none."""
    name, basis, reason = (by.name, by.basis, by.reason) if by else ("", "", "")
    return msgspec.structs.replace(speaker, name=name, basis=basis, reason=reason)
