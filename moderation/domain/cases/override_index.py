"""Index of people's overrides by hashtag, which follows the history of the topic. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice

from moderation.log.changes import ChangeMemory
from streams.flags.moderation_fold import Scope
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override, TagRecord


class OverrideIndex:
    """Records and people's scopes by hashtag, as far as `follow` has read."""

    def __init__(self) -> None:
        self.changes = ChangeMemory()
        """Hashtags in the order of their last record."""
        self._records: dict[str, list[tuple[int, TagRecord]]] = defaultdict(list)
        self._scopes: dict[str, list[Scope]] = defaultdict(list)
        self._read = 0
        self._indexed = 0

    def follow(self, history: OverrideHistory) -> None:
        """Read on to the end of a history, always the same one."""
        for offset, record in history.history[self._read :]:
            self.changes.note(record.hashtag)
            self._records[record.hashtag].append((offset, record))
        self._read = len(history.history)
        stacks = history.fold.stacks()
        for scope in islice(stacks, self._indexed, None) if len(stacks) > self._indexed else ():
            if scope[3] == "human":
                self._scopes[scope[0]].append(scope)
        self._indexed = len(stacks)

    def records(self, hashtag: str) -> Sequence[tuple[int, TagRecord]]:
        """Return the records of a hashtag with their offsets, refused ones too, oldest first."""
        return self._records.get(hashtag, ())

    def overrides(self, hashtag: str) -> list[tuple[int, Override]]:
        """Return the overrides of a hashtag with their offsets, refused ones too, oldest first."""
        return [(offset, record) for offset, record in self.records(hashtag) if isinstance(record, Override)]

    def scopes(self, hashtag: str) -> Sequence[Scope]:
        """Return the scopes of a hashtag in which a person has decided."""
        return self._scopes.get(hashtag, ())

    def hashtags(self) -> set[str]:
        """Return every hashtag with a record."""
        return set(self._records)
