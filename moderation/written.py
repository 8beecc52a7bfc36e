"""A decision that is in the log."""

from __future__ import annotations

from dataclasses import dataclass

from streams.log.decisions import version_of
from streams.log.moderation import TagRecord


@dataclass(frozen=True, slots=True)
class Written:
    """A decision that is in the log and counts."""

    record: TagRecord
    offset: int

    @property
    def version(self) -> str:
        """The version of its scope from now on: what the next edit of it names."""
        return version_of(self.offset, 0)
