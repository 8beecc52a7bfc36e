"""Settled panes row by row, for readers that print or list them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from streams.counting.keys import Tags, country_of
from streams.counting.sketch import K, estimate_authors
from streams.log.panes import PaneRecord
from streams.windows.pane import Pane


def spellings_in(record: PaneRecord) -> Iterator[tuple[str, str]]:
    """Yield (hashtag, commonest spelling) of each row."""
    spans = np.frombuffer(record.spans, "<u2").tolist()
    names = (hashtag for hashtag, rows in zip(record.names, spans, strict=True) for _ in range(rows))
    return zip(names, record.spellings().tolist(), strict=True)


class PaneRow(msgspec.Struct, frozen=True):
    """One row of a pane, as `panes` and `replay --panes` print it."""

    hashtag: str
    country: str
    """ISO code, or `*` for the world, which includes tweets without a country."""
    start_ms: int
    length_ms: int
    tweets: int
    authors: int


@dataclass(slots=True)
class _Row:
    tweets: int
    authors: list[int]


def rows_of(pane: Pane, tags: Tags) -> Iterator[PaneRow]:
    """Yield the rows of a pane, those of the world included, by hashtag and country."""
    rows: dict[tuple[str, str], _Row] = {}
    for at, key in enumerate(pane.keys.tolist()):
        hashtag, country = tags.name(key), country_of(key)
        authors = pane.author[pane.bounds[at] : pane.bounds[at + 1]].tolist()
        if country:
            rows[hashtag, country] = _Row(int(pane.counts[at]), authors)
        world = rows.setdefault((hashtag, "*"), _Row(0, []))
        world.tweets += int(pane.counts[at])
        world.authors.extend(authors)
    for (hashtag, country), row in sorted(rows.items()):
        sketch = sorted(set(row.authors))[:K]
        authors = estimate_authors(len(sketch), sketch[-1] if sketch else 0)
        yield PaneRow(hashtag, country, pane.start_ms, pane.length_ms, row.tweets, authors)
