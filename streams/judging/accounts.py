"""What is known about authors, applied to author samples: the hidden leave them, the protected leave the harmful share.

Facts are intervals over ticks and name authors by the same keyed hash as the samples do, so a judge never sees an id. A
sample is filtered after it was cut to k, and is not filled up again: what is filtered depends on the tick alone.

    hidden     suspended (scope `*`), or withheld in a country: not in `authors`, not in any share, not among the ids
    protected  in `authors` and in the other signals as before; its score counts for nothing
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from streams.counting.window import Sample

What = Literal["hidden", "protected"]
WORLD = "*"
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AuthorFact:
    """One interval: in force for the ticks in [from_ms, to_ms); `to_ms` None: not ended."""

    author: int
    """The keyed hash that samples have."""
    what: What
    scope: str
    """A country, or `*`: everywhere."""
    from_ms: int
    to_ms: int | None

    def holds(self, tick_ms: int) -> bool:
        """Whether it is in force at the tick that ends then."""
        return self.from_ms <= tick_ms and (self.to_ms is None or tick_ms < self.to_ms)


def authors_left(before: Sample, after: Sample, groups: int) -> npt.NDArray[np.int64]:
    """(groups,) distinct authors that are not hidden.

    A sample that was filtered looks like one that is not full, and counting its rows would make 63 authors of ten
    thousand. The estimate is that of the sample before, times the share of its rows that are left.

    Args:
        before, after: a sample and what `AuthorFacts.apply` left of it.
    """
    sizes = np.bincount(before.group, minlength=groups)
    left = np.bincount(after.group, minlength=groups)
    return np.rint(before.authors(groups) * (left / np.maximum(sizes, 1))).astype(np.int64)


class AuthorFacts:
    """The facts of one shard. Adding is idempotent; the record of the same beginning with an end ends it."""

    def __init__(self, facts: Iterable[AuthorFact] = ()) -> None:
        self._ends: dict[tuple[int, What, str, int], int | None] = {}
        self._at: tuple[int, dict[tuple[What, str], npt.NDArray[np.uint64]]] | None = None
        for fact in facts:
            self.add(fact)

    def __len__(self) -> int:
        """How many intervals are remembered."""
        return len(self._ends)

    def add(self, fact: AuthorFact) -> None:
        """Take a fact, in any order, any number of times; the earlier of two ends stands."""
        key = fact.author, fact.what, fact.scope, fact.from_ms
        known = self._ends.get(key)
        ends = [one for one in (known, fact.to_ms) if one is not None]
        self._ends[key] = min(ends, default=None)
        self._at = None

    def forget(self, before_ms: int) -> None:
        """Drop what ended at or before a tick that can no longer be judged."""
        self._ends = {key: to_ms for key, to_ms in self._ends.items() if to_ms is None or to_ms > before_ms}
        self._at = None

    def apply(self, sample: Sample, scopes: Sequence[str], tick_ms: int) -> Sample:
        """The sample as a judge may count it at a tick.

        Args:
            scopes: (m,) country or `*` of each group of the sample.
        """
        if not self._ends or not len(sample.group):
            return sample
        authors = self._in_force(tick_ms)
        if not authors:
            return sample
        protected = self._among(sample, scopes, "protected", authors)
        if protected.any():
            scores = sample.scores.copy()
            scores[protected] = np.nan
            sample = replace(sample, scores=scores)
        hidden = self._among(sample, scopes, "hidden", authors)
        if not hidden.any():
            return sample
        kept = ~hidden
        return Sample(
            group=sample.group[kept],
            author=sample.author[kept],
            tweet=sample.tweet[kept],
            age_days=sample.age_days[kept],
            flags=sample.flags[kept],
            copy=sample.copy[kept],
            scores=sample.scores[kept],
        )

    def _among(
        self,
        sample: Sample,
        scopes: Sequence[str],
        what: What,
        authors: dict[tuple[What, str], npt.NDArray[np.uint64]],
    ) -> Bools:
        found: Bools = np.zeros(len(sample.group), bool)
        for (kind, scope), hashes in authors.items():
            if kind != what:
                continue
            named = np.isin(sample.author, hashes)
            if scope != WORLD:
                named &= np.fromiter((one == scope for one in scopes), bool, len(scopes))[sample.group]
            found |= named
        return found

    def _in_force(self, tick_ms: int) -> dict[tuple[What, str], npt.NDArray[np.uint64]]:
        if self._at is None or self._at[0] != tick_ms:
            by_scope: dict[tuple[What, str], list[int]] = {}
            for (author, what, scope, from_ms), to_ms in self._ends.items():
                if AuthorFact(author, what, scope, from_ms, to_ms).holds(tick_ms):
                    by_scope.setdefault((what, scope), []).append(author)
            self._at = tick_ms, {key: np.array(found, np.uint64) for key, found in by_scope.items()}
        return self._at[1]
