"""The note that `hushtag policy apply` leaves beside a policy file: who applied it, and why."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Lies beside a policy file that `hushtag policy apply` has written: who, and why."""

    revision: str
    actor: str
    reason: str


def note_path(policy: Path) -> Path:
    """Where the note to a policy file lies."""
    return policy.with_name(policy.name + ".note.json")
