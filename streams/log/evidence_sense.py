"""Sense of evidence records: columns of one length, and values that a judge can have measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.share import from_bytes
from streams.counting.block_counts import MAX_GROUPS
from streams.log.evidence import EvidenceRecord, GroupColumns
from streams.log.sense import absurd, are_probabilities, require_column, require_names, require_range, require_tick
from streams.signals.base import SHARE
from streams.signals.registry import MEASURED

_COUNTRY = re.compile(r"[A-Z]{2}|\*")


def check_evidence(record: EvidenceRecord) -> None:
    """Check a record that decodes.

    Raises:
        ContractError: `absurd`; no judge can have written it.
        ValueError: the bytes of a column, or of a scale, are no whole number of values.
    """
    rows, conditions = record.rows, record.conditions
    require_tick("tick_ms", record.tick_ms)
    require_range("shard", record.shard, 0, conditions.shards - 1)
    require_range("part", record.part, 0, record.parts - 1)
    if record.window_ms not in conditions.windows_ms:
        raise absurd("window_ms", record.window_ms, f"one of {conditions.windows_ms}")
    if "" in record.hashtags or "\n" in "".join(record.hashtags):
        require_names("hashtags", record.hashtags)  # slower, and names the wrong one
    _require_length("countries", record.countries, rows)
    for country in set(record.countries):
        if not _COUNTRY.fullmatch(country):
            raise absurd("countries", country, "a country")
    require_column("tweets", _column("tweets", record.tweets, "<i8", rows), 0)
    columns = 1 + len(conditions.categories)
    n_groups = from_bytes(conditions.scale, columns).n_groups if conditions.scale else 0
    _check_group(record.everyone, rows, columns, n_groups)
    _check_group(record.established, rows, columns, n_groups)
    past_rows = np.frombuffer(record.past_rows, "<i4")
    _require_rows("past_rows", past_rows, rows)
    if record.past is not None:
        _check_group(record.past, len(past_rows), columns, n_groups)
    elif len(past_rows):
        raise absurd("past", None, "the authors of past_rows")
    for of_hidden in record.predecessors.values():
        _require_rows("predecessors", np.array(of_hidden, np.int64), rows)
    for signal in MEASURED:
        if value := record.signals[signal.name]:
            column = _column(signal.name, value, "<f8", rows)
            is_share = signal.kind is SHARE
            if not are_probabilities(column) if is_share else ((column < 0) | np.isinf(column)).any():
                raise absurd(signal.name, "a value out of range", "a share" if is_share else "0 or more")


def _check_group(group: GroupColumns, rows: int, columns: int, n_groups: int) -> None:
    require_column("authors", _column("authors", group.authors, "<i8", rows), 0)
    _column("scored", group.scored, "<u2", rows)
    if not are_probabilities(_column("share", group.share, "<f8", rows * columns)):
        raise absurd("share", "a value out of range", "a probability")
    _column("groups", group.groups, "u1", rows * n_groups)
    if group.unread:
        _column("unread", group.unread, "u1", rows * MAX_GROUPS)
    if group.silent:
        _column("silent", group.silent, "u1", rows)
    looked = _column("looked", group.looked, "<u2", rows) if group.looked else np.zeros(0, "<u2")
    corrected = int(np.count_nonzero(looked))
    if not (_column("variance", group.variance, "<f8", corrected * columns) >= 0).all():
        raise absurd("variance", "a value out of range", "0 or more")
    _require_length("stage_2", group.stage_2, corrected)
    for scale in group.scales:
        from_bytes(scale, columns)
    if group.scale_of:
        require_column("scale_of", _column("scale_of", group.scale_of, "i1", corrected), -1, len(group.scales) - 1)


def _column(field: str, value: bytes, dtype: str, length: int) -> npt.NDArray[Any]:
    values = np.frombuffer(value, dtype)
    _require_length(field, values, length)
    return values


def _require_length(field: str, values: Sequence[Any] | npt.NDArray[Any], length: int) -> None:
    if len(values) != length:
        raise absurd(field, f"{len(values)} values", f"{length}")


def _require_rows(field: str, rows: npt.NDArray[Any], most: int) -> None:
    """Check numbers of rows, which ascend."""
    require_column(field, rows, 0, most - 1)
    if len(rows) > 1 and (np.diff(rows) <= 0).any():
        raise absurd(field, "rows out of order", "ascending rows")
