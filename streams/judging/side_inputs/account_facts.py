"""What is known about authors, applied to author samples: the hidden leave them, the protected leave the harmful share.

    hidden     suspended (scope `*`), or withheld in a country: not in `authors`, not in any share, not among the ids
    protected  in `authors` and in the other signals as before; its score counts for nothing

A fact is an interval of log time, begun by one record of the moderation log and ended by another, or by itself. The
book keeps all of them as columns, once for all shards of a process, with the offsets of both records: what is in force
is asked for a tick and for a length of that log, so that two who have read it to different ends answer alike.

Facts name authors by the same keyed hash as the samples do. A sample is filtered after it was cut to k, and is not
filled up again: what is filtered depends on the tick alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from streams.counting.columns import Columns
from streams.counting.keys import country_code, country_name
from streams.counting.sketch import KeyedHash, UInts
from streams.windows.window import Sample

What = Literal["hidden", "protected"]
WHATS: tuple[What, ...] = ("hidden", "protected")
WORLD = country_code("*")
MAX_ID = 2**63 - 1
"""No tweet has an author with a greater id: what is said of one touches nothing."""
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_NEVER = 2**63 - 1
_KEPT = 4
_SPARSE = 16
"""Slots for each author: the fewer are taken, the fewer rows are looked at twice."""
_MOST_BITS = 24


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


@dataclass(frozen=True, slots=True)
class Begin:
    """A fact that begins with a record; `expires_ms` None: it does not end by itself."""

    author_id: int
    what: What
    scope: str
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Among:
    """Author hashes, ascending: those of whom something holds in every country, and in some."""

    everywhere: UInts
    by_country: dict[int, UInts]
    """By country code."""

    def holds(self, authors: UInts, countries: Ints) -> Bools:
        """(n,) whether it holds of each author in a country, given by its code."""
        found = _among(self.everywhere, authors)
        for code in set(countries.tolist()) & self.by_country.keys():
            there = np.flatnonzero(countries == code)
            found[there] |= _among(self.by_country[code], authors[there])
        return found


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds for the ticks in [from_ms, to_ms), by a log of `upto` records."""

    upto: int
    from_ms: int
    to_ms: int
    among: dict[What, Among]
    slots: Bools
    """(2**b,) whether the lowest b bits of some author in it are these: nearly all rows need no other look."""

    def apply(self, sample: Sample, countries: Ints) -> Sample:
        """The sample as a judge may count it; itself where nothing in it is touched."""
        if not self.among or not len(sample.group):
            return sample
        near = np.flatnonzero(self.slots[sample.author & np.uint64(len(self.slots) - 1)])
        authors, there = sample.author[near], countries[sample.group[near]]
        rows = {what: near[among.holds(authors, there)] for what, among in self.among.items()}
        if len(protected := rows.get("protected", near[:0])):
            scores = sample.scores.copy()
            scores[protected] = np.nan
            sample = replace(sample, scores=scores)
        if not len(hidden := rows.get("hidden", near[:0])):
            return sample
        kept = np.ones(len(sample.group), bool)
        kept[hidden] = False
        return sample.take(kept)


class FactBook:
    """Every interval that a moderation log has told, up to where it was read.

    Records are entered in the order of their offsets, each once, with log times that do not go back.
    """

    def __init__(self, hashes: KeyedHash, topic_id: str = "") -> None:
        self.topic_id = topic_id
        """Of the log; known before the first record."""
        self.upto = 0
        """The first offset of the log that was not read."""
        self._hashes = hashes
        self._turns: list[tuple[int, int]] = []
        """(offset, log time) of each record that began or ended something."""
        self._rows = Columns(
            author=np.uint64, what=np.uint8, scope=np.uint16, begin=np.int64, from_ms=np.int64, end=np.int64,
            to_ms=np.int64, expires_ms=np.int64,
        )  # fmt: skip
        self._kept: list[InForce] = []

    def running(self) -> dict[What, int]:
        """How many of each kind no record has ended."""
        of = self._rows["what"][self._rows["end"] == _NEVER]
        return dict(zip(WHATS, np.bincount(of, minlength=len(WHATS)).tolist(), strict=True))

    @property
    def changed_upto(self) -> int:
        """The offset after the last record that began or ended something; 0: none ever did."""
        return self._turns[-1][0] + 1 if self._turns else 0

    def enter(self, offset: int, log_time_ms: int, ended: Sequence[int], begun: Sequence[Begin]) -> int:
        """What a record does: the rows that it ends, and the facts that it begins; the row of the first of these."""
        first = len(self._rows)
        if not ended and not begun:
            return first
        self._turns.append((offset, log_time_ms))
        if ended:
            rows = np.array(ended, np.int64)
            self._rows["end"][rows] = offset
            self._rows["to_ms"][rows] = log_time_ms
        if begun:
            known = [one.author_id <= MAX_ID for one in begun]
            authors = self._hashes.authors([one.author_id * there for one, there in zip(begun, known, strict=True)])
            never = np.where(known, _NEVER, 0)  # an id that no author has: over before it began
            self._rows.extend(
                len(begun),
                author=authors,
                what=np.array([WHATS.index(one.what) for one in begun], np.uint8),
                scope=np.array([country_code(one.scope) for one in begun], np.uint16),
                begin=offset,
                from_ms=log_time_ms,
                end=_NEVER,
                to_ms=_NEVER,
                expires_ms=np.minimum(
                    never, np.array([_NEVER if one.expires_ms is None else one.expires_ms for one in begun], np.int64)
                ),
            )
        return first

    def first_turn_ms(self, offset: int, upto: int) -> int | None:
        """Log time of the first record in [offset, upto) that began or ended something."""
        at = bisect_left(self._turns, (offset, -1))
        return self._turns[at][1] if at < len(self._turns) and self._turns[at][0] < upto else None

    def in_force(self, tick_ms: int, upto: int) -> InForce:
        """What holds at a tick by the first `upto` offsets of the log, all of which must have been read."""
        assert upto <= self.upto, (upto, self.upto)
        for known in self._kept:
            if known.upto == upto and known.from_ms <= tick_ms < known.to_ms:
                return known
        found = self._find(tick_ms, upto)
        self._kept = [found, *self._kept[: _KEPT - 1]]
        return found

    def facts(self) -> Iterator[AuthorFact]:
        """Every interval, as the whole log has it."""
        rows = self._rows
        over = np.minimum(rows["to_ms"], rows["expires_ms"]).tolist()
        for at, (author, what, scope, from_ms) in enumerate(
            zip(*(rows[name].tolist() for name in ("author", "what", "scope", "from_ms")), strict=True)
        ):
            to_ms = over[at] if over[at] != _NEVER else None
            yield AuthorFact(author, WHATS[what], country_name(scope), from_ms, to_ms)

    def _find(self, tick_ms: int, upto: int) -> InForce:
        rows = self._rows
        known, ends = rows["begin"] < upto, rows["end"] < upto
        from_ms, expires_ms = rows["from_ms"], rows["expires_ms"]
        to_ms = np.where(ends, np.minimum(rows["to_ms"], expires_ms), expires_ms)
        turns = np.concatenate([from_ms[known], to_ms[known]])
        holds = np.flatnonzero(known & (from_ms <= tick_ms) & (tick_ms < to_ms))
        authors, scopes, whats = (rows[name][holds] for name in ("author", "scope", "what"))
        among: dict[What, Among] = {}
        for number, what in enumerate(WHATS):
            of = whats == number
            codes = np.flatnonzero(np.bincount(scopes[of])).tolist()
            if codes:
                by_country = {code: np.sort(authors[of & (scopes == code)]) for code in codes}
                among[what] = Among(by_country.pop(WORLD, np.zeros(0, np.uint64)), by_country)
        slots = np.zeros(1 << min((_SPARSE * len(holds)).bit_length(), _MOST_BITS), bool)
        slots[authors & np.uint64(len(slots) - 1)] = True
        return InForce(upto, tick_ms, int(turns[turns > tick_ms].min(initial=_NEVER)), among, slots)


def authors_left(before: Sample, after: Sample, groups: int) -> Ints:
    """(groups,) distinct authors that are not hidden.

    A sample that was filtered looks like one that is not full, and counting its rows would make 63 authors of ten
    thousand. The estimate is that of the sample before, times the share of its rows that are left.

    Args:
        before, after: a sample and what `InForce.apply` left of it.
    """
    sizes = np.bincount(before.group, minlength=groups)
    left = np.bincount(after.group, minlength=groups)
    return np.rint(before.authors(groups) * (left / np.maximum(sizes, 1))).astype(np.int64)


def _among(hashes: UInts, authors: UInts) -> Bools:
    """(n,) which authors are among ascending hashes."""
    if not len(hashes):
        return np.zeros(len(authors), bool)
    at = np.searchsorted(hashes, authors)
    at[at == len(hashes)] = 0
    return np.asarray(hashes[at] == authors)
