"""Builders of evidence tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from streams.judging.author_group import AuthorGroup
from streams.judging.evidence import EvidenceTable
from streams.signals.base import Doubles
from streams.signals.registry import MEASURED


def signal_columns(m: int, **given: Any) -> dict[str, Doubles]:
    """Return a column (m,) for each measured signal: the given values, or zeros."""
    assert given.keys() <= {one.name for one in MEASURED}
    return {one.name: np.broadcast_to(np.asarray(given.get(one.name, 0.0), float), m).copy() for one in MEASURED}


def evidence_table(window_ms: int = 600_000, **given: Any) -> EvidenceTable:
    """Build a table of m keys, numbered from 1 unless given, with defaults for the columns that are left out.

    The columns of an `AuthorGroup` are those of all authors; all of them are established unless given.
    """
    names = {one.name for one in MEASURED}
    signals = {name: given.pop(name) for name in names & given.keys()}
    m = len(given["share"])
    of_group = {"authors": np.full(m, 50), "scored": np.full(m, 50)}
    of_group |= {name: given.pop(name) for name in AuthorGroup.__dataclass_fields__.keys() & given.keys()}
    everyone = AuthorGroup(**of_group)
    columns = {"keys": np.arange(1, m + 1), "tweets": np.full(m, 100), "established": everyone} | given
    return EvidenceTable(window_ms, everyone=everyone, signals=signal_columns(m, **signals), **columns)


def sorted_by_key(table: EvidenceTable) -> EvidenceTable:
    """Sort a table by key, ascending, as a judge builds it."""
    return table.take(np.argsort(table.keys))
