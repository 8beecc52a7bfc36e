"""Facts about accounts, as the moderation log states them, and their effect on an author sample.

    hidden     suspended (scope `*`) or withheld in a country: in no count of authors, no share and no list of tweets
    protected  counted as an author and in the other signals, but its score is not used

A fact is an interval of log time. One record of the moderation log begins it, another one ends it, or its own expiry
does. The store keeps every interval as columns, once for all shards of a process, with the offsets of both records. So
a query names a tick and a length of that log, and two judges that have read it to different ends get the same answer.

Facts name authors by the keyed hash that samples use. A sample is filtered after it was cut to k authors and is not
filled up again: the filter depends on the tick alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Ints
from streams.counting.columns import GrowingColumns
from streams.counting.keys import WORLD, country_code
from streams.counting.sketch import KeyedHash, UInts
from streams.judging.kernels.equal_pairs import equal_pairs, slots_of
from streams.windows.window import AuthorSample

FactKind = Literal["hidden", "protected"]
FACT_KINDS: tuple[FactKind, ...] = ("hidden", "protected")
MAX_ID = 2**63 - 1
"""Greatest id of an author in a tweet; a fact about a greater one has no effect."""
_NEVER = 2**63 - 1
_CACHED = 4
"""Answers of `active_at` that are kept: windows and shards ask for the same until a fact begins or ends."""


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact that a record begins; `expires_ms` None: it does not expire."""

    author_id: int
    kind: FactKind
    scope: str
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ActiveAccountFacts:
    """The facts of the ticks in [from_ms, to_ms), by the first `upto` offsets of the log. Shapes (f,)."""

    upto: int
    from_ms: int
    to_ms: int
    author: UInts
    """Keyed hashes, as in samples, ascending."""
    scope: npt.NDArray[np.uint16]
    """Country code, or `WORLD`."""
    kind: npt.NDArray[np.uint8]
    """Kind of each fact, as its index in `FACT_KINDS`."""
    slots: npt.NDArray[np.bool_]
    """(2 ** b,) pre-filter of `author`; see `slots_of`."""

    def apply(self, sample: AuthorSample, countries: Ints) -> AuthorSample:
        """Apply the facts to a sample, and return it as it may count; itself where no fact touches it.

        Args:
            sample: sampled authors, grouped by key.
            countries: country code of each group of the sample.
        """
        if not len(self.author):
            return sample
        row, fact = equal_pairs(self.author, sample.author, self.slots)
        applies = (self.scope[fact] == WORLD) | (self.scope[fact] == countries[sample.group[row]])
        row, kind = row[applies], self.kind[fact[applies]]
        hidden, protected = (row[kind == number] for number in range(len(FACT_KINDS)))
        if len(protected):
            scores = sample.scores.copy()
            scores[protected] = np.nan
            sample = replace(sample, scores=scores)
        if not len(hidden):
            return sample
        kept = np.ones(len(sample.group), bool)
        kept[hidden] = False
        return sample.take(kept)


class AccountFactStore:
    """Every fact of the moderation log, up to the offset to which it was read.

    Records are added in the order of their offsets, each once, with log times that do not go back. Meanwhile judges may
    read the facts of a tick in threads.
    """

    def __init__(self, hashes: KeyedHash, topic_id: str = "") -> None:
        self.topic_id = topic_id
        """Id of the moderation topic; known before the first record."""
        self.upto = 0
        """First offset of the log that was not read."""
        self._hashes = hashes
        self._changes: list[tuple[int, int]] = []
        """(offset, log time) of each record that began or ended a fact."""
        self._rows = GrowingColumns(
            author=np.uint64, kind=np.uint8, scope=np.uint16, begin=np.int64, from_ms=np.int64, end=np.int64,
            to_ms=np.int64, expires_ms=np.int64,
        )  # fmt: skip
        self._cached: list[ActiveAccountFacts] = []
        self._lock = Lock()
        """Held while rows are added, and while they are read in a judge's thread."""

    def count_unended(self) -> dict[FactKind, int]:
        """Count by kind the facts that no record has ended."""
        kinds = self._rows["kind"][self._rows["end"] == _NEVER]
        return dict(zip(FACT_KINDS, np.bincount(kinds, minlength=len(FACT_KINDS)).tolist(), strict=True))

    @property
    def changed_upto(self) -> int:
        """Offset after the last record that began or ended a fact; 0 before the first."""
        return self._changes[-1][0] + 1 if self._changes else 0

    def add(self, offset: int, log_time_ms: int, ended: Sequence[int], begun: Sequence[NewFact]) -> int:
        """Add the changes of one record.

        Args:
            offset: offset of the record in the moderation log.
            log_time_ms: log time of the record.
            ended: rows of the facts that it ends.
            begun: facts that it begins.

        Returns:
            The row of the first begun fact; the others follow it.
        """
        if ended or begun:
            with self._lock:
                self._add(offset, log_time_ms, ended, begun)
        return len(self._rows) - len(begun)

    def _add(self, offset: int, log_time_ms: int, ended: Sequence[int], begun: Sequence[NewFact]) -> None:
        self._changes.append((offset, log_time_ms))
        if ended:
            rows = np.array(ended, np.int64)
            self._rows["end"][rows] = offset
            self._rows["to_ms"][rows] = log_time_ms
        if begun:
            has_id = [fact.author_id <= MAX_ID for fact in begun]
            authors = self._hashes.authors([fact.author_id * there for fact, there in zip(begun, has_id, strict=True)])
            expires_ms = [_NEVER if fact.expires_ms is None else fact.expires_ms for fact in begun]
            self._rows.extend(
                len(begun),
                author=authors,
                kind=np.array([FACT_KINDS.index(fact.kind) for fact in begun], np.uint8),
                scope=np.array([country_code(fact.scope) for fact in begun], np.uint16),
                begin=offset,
                from_ms=log_time_ms,
                end=_NEVER,
                to_ms=_NEVER,
                expires_ms=np.where(has_id, np.array(expires_ms, np.int64), 0),  # 0: expired before it began
            )

    def first_change_ms(self, offset: int, upto: int) -> int | None:
        """Return the log time of the first record in [offset, upto) that began or ended a fact."""
        at = bisect_left(self._changes, (offset, -1))
        return self._changes[at][1] if at < len(self._changes) and self._changes[at][0] < upto else None

    def active_at(self, tick_ms: int, upto: int) -> ActiveAccountFacts:
        """Return the facts of a tick, by the first `upto` offsets of the log, all of which must have been read."""
        assert upto <= self.upto, (upto, self.upto)
        cached = self._cached
        for entry in cached:
            if entry.upto == upto and entry.from_ms <= tick_ms < entry.to_ms:
                return entry
        facts = self._find(tick_ms, upto)
        self._cached = [facts, *cached[: _CACHED - 1]]
        return facts

    def _find(self, tick_ms: int, upto: int) -> ActiveAccountFacts:
        with self._lock:
            rows = self._rows
            has_begun, ends = rows["begin"] < upto, rows["end"] < upto
            to_ms = np.where(ends, np.minimum(rows["to_ms"], rows["expires_ms"]), rows["expires_ms"])
            active = np.flatnonzero(has_begun & (rows["from_ms"] <= tick_ms) & (tick_ms < to_ms))
            active = active[np.argsort(rows["author"][active])]
            changes = np.concatenate((rows["from_ms"][has_begun], to_ms[has_begun]))
            end_ms = int(changes[changes > tick_ms].min(initial=_NEVER))
            author, scope, kind = (rows[name][active] for name in ("author", "scope", "kind"))
            return ActiveAccountFacts(upto, tick_ms, end_ms, author, scope, kind, slots_of(author))


def count_visible_authors(before: AuthorSample, after: AuthorSample, groups: int) -> Ints:
    """Return (groups,) distinct authors without the hidden ones.

    A filtered sample has fewer rows than k, so counting its rows would make 63 authors of ten thousand. The estimate is
    that of the sample before the filter, times the share of its rows that remain.

    Args:
        before: sample as drawn.
        after: the same with side inputs applied.
        groups: number of groups in both samples.
    """
    if after is before:
        return before.authors(groups)
    sizes, remaining = (np.bincount(sample.group, sample.weight, minlength=groups) for sample in (before, after))
    return np.rint(before.authors(groups) * (remaining / np.where(sizes > 0, sizes, 1.0))).astype(np.int64)
