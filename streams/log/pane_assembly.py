"""Assemble panes from the records of both topics of panes: numbers for the names, then one pass over the entries."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.log.frames import read_frame
from streams.log.kernels.pane_entries import place_entries
from streams.log.panes import PaneRecord
from streams.windows.open_pane import ranges
from streams.windows.pane import Pane
from streams.windows.shared_texts import SharedTexts
from streams.windows.spellings import Spellings


class PaneParts:
    """Collects the records of complete panes of any shards, in any order and with repeats."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int, int], dict[int, PaneRecord]] = {}
        self._complete: set[tuple[int, int, int]] = set()

    def add(self, record: PaneRecord) -> list[PaneRecord]:
        """Add a record; return all parts of the pane that it completes, once and in order, else []."""
        key = (record.shard, record.length_ms, record.start_ms)
        if key in self._complete:
            return []
        parts = self._parts.setdefault(key, {})
        parts[record.part] = record
        if len(parts) < record.parts:
            return []
        self._complete.add(key)
        del self._parts[key]
        return [parts[part] for part in sorted(parts)]


class Assembler:
    """Assembles panes from the records of one shard, in any order and with repeats."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._parts = PaneParts()
        self._panes: dict[tuple[int, int], Pane] = {}

    def add(self, record: PaneRecord) -> None:
        """Add one record of a pane."""
        if parts := self._parts.add(record):
            self._panes[record.start_ms, record.length_ms] = _assemble(parts, self._tags)

    def panes(self) -> list[Pane]:
        """Return the complete panes, ascending by start, the shorter one first."""
        return [pane for _, pane in sorted(self._panes.items())]


def assemble(records: Iterable[PaneRecord], tags: Tags) -> list[Pane]:
    """Assemble the panes of one shard from its records."""
    assembler = Assembler(tags)
    for record in records:
        assembler.add(record)
    return assembler.panes()


def _assemble(parts: list[PaneRecord], tags: Tags) -> Pane:
    spans = np.concatenate([np.frombuffer(part.spans, "<u2") for part in parts])
    countries = np.concatenate([np.frombuffer(part.countries, "<u2") for part in parts])
    names = b"".join([part.hashtags for part in parts])
    keys = np.repeat(tags.of_lines(names, len(spans)), spans) << COUNTRY_BITS | countries
    rows = np.argsort(keys)
    keys = keys[rows]
    if (np.diff(keys) <= 0).any() or len({part.columns for part in parts}) > 1:
        raise ValueError("the parts of a pane do not belong together")
    sizes = np.concatenate([read_frame(part.sizes, part.rows) for part in parts])
    bounds = np.concatenate(([0], np.cumsum(sizes[rows])))
    places = np.empty_like(sizes)
    places[rows] = bounds[:-1]
    n, columns = int(bounds[-1]), parts[0].columns
    pane = Pane(
        start_ms=parts[0].start_ms,
        length_ms=parts[0].length_ms,
        keys=keys,
        counts=np.concatenate([read_frame(part.counts, part.rows) for part in parts])[rows],
        displays=Spellings.joined([part.spellings() for part in parts])[rows],
        bounds=bounds,
        author=np.empty(n, np.uint64),
        tweet=np.empty(n, np.int64),
        origin=np.empty(n, np.int64),
        age_days=np.empty(n, np.int32),
        flags=np.empty(n, np.uint8),
        copy=np.empty(n, np.uint32),
        scores=np.empty((n, columns), np.float32),
        texts=_texts(parts, keys, rows),
        trimmed=parts[0].trimmed,
    )
    first = 0
    for part in parts:
        last = first + part.rows
        _place(part, sizes[first:last], places[first:last], pane)
        first = last
    return pane


def _texts(parts: list[PaneRecord], keys: Ints, rows: Ints) -> SharedTexts:
    """Return the texts of keys (r,), which have the numbers `rows` in the records."""
    sizes = np.concatenate([read_frame(part.text_sizes, part.rows) for part in parts])
    uses = np.concatenate([np.frombuffer(part.texts, "<u8") for part in parts])
    firsts, sizes = (np.cumsum(sizes) - sizes)[rows], sizes[rows]
    some = sizes > 0
    bounds = np.append(0, np.cumsum(sizes[some]))
    return SharedTexts(keys[some], bounds, uses[ranges(firsts[some], sizes[some])])


def _place(part: PaneRecord, sizes: Ints, places: Ints, pane: Pane) -> None:
    framed = (part.tweet, part.partition, part.offset, part.age_days)
    place_entries(
        sizes, places, np.frombuffer(part.author, "<u8"), *(read_frame(column, part.entries) for column in framed),
        np.frombuffer(part.flags, np.uint8), np.frombuffer(part.copy, "<u4"), np.frombuffer(part.scores, "<f4"),
        pane.author, pane.tweet, pane.origin, pane.age_days, pane.flags, pane.copy, pane.scores,
    )  # fmt: skip
