"""Codec of evidence tables: to the records of `hashtag-evidence` and back. Only the sampled tweet ids are lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np

from models.share import Scale, from_bytes
from streams.counting.keys import Tags, country_of
from streams.judging.evidence import EvidenceTable
from streams.judging.two_stage_share import ShareCorrection
from streams.log.evidence import MAX_BYTES, EvidenceConditions, EvidenceRecord
from streams.policy import Policy
from streams.signals.base import Doubles, Ints, MeasuredSignal, Numbers
from streams.signals.registry import MEASURED

_ROW_BYTES = 8 + 8 + 2 + 8 * sum(not one.column.zeros_left_out for one in MEASURED)


@dataclass(frozen=True, slots=True)
class TickEvidence:
    """Evidence of a settled tick; `tables` by window, of the windows that were counted again at it."""

    tick_ms: int
    conditions: EvidenceConditions
    paused: bool
    tables: Mapping[int, EvidenceTable]


def conditions_of(
    policy: Policy, *, shards: int, categories: Sequence[str], model_revision: str, scale: Scale | None = None
) -> EvidenceConditions:
    """Collect the conditions under which a policy and a model measure signals.

    Args:
        policy: policy that sets the windows and the floors.
        shards: number of shards.
        categories: categories of the model, in the order of its score columns.
        model_revision: revision of the model.
        scale: meaning of the model's probabilities.
    """
    return EvidenceConditions(
        shards=shards,
        categories=tuple(categories),
        policy_revision=policy.revision,
        model_revision=model_revision,
        windows_ms=policy.windows_ms,
        evidence_floor=policy.evidence_floor,
        score_floor=policy.score_floor,
        young_days=policy.young_days,
        burst_min_past=policy.burst_min_past,
        links=policy.links_revision,
        successor=policy.asks_for_migrated_campaigns,
        scale=scale.to_bytes() if scale else b"",
    )


def records_of(evidence: TickEvidence, shard: int, tags: Tags) -> list[EvidenceRecord]:
    """Encode a tick as records, the same on every worker: rows are ordered by name, not by number."""
    return [
        record
        for window_ms in sorted(evidence.tables)
        for record in _records_of(evidence, evidence.tables[window_ms], shard, tags)
    ]


def _records_of(evidence: TickEvidence, table: EvidenceTable, shard: int, tags: Tags) -> Iterator[EvidenceRecord]:
    named = sorted((tags.name(key), country_of(key), row) for row, key in enumerate(table.keys.tolist()))
    rows = np.array([row for _, _, row in named], np.int64)
    row_bytes = _ROW_BYTES + 8 * table.share.shape[1] + (0 if table.groups is None else table.groups.shape[1])
    run = np.cumsum(np.array([len(name) * 4 + 8 + row_bytes for name, _, _ in named], np.int64)) // MAX_BYTES
    cuts = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(named)]
    for part, (first, last) in enumerate(pairwise(cuts)):
        chosen = rows[first:last]
        yield EvidenceRecord(
            shard=shard,
            tick_ms=evidence.tick_ms,
            window_ms=table.window_ms,
            part=part,
            parts=len(cuts) - 1,
            conditions=evidence.conditions,
            paused=evidence.paused,
            hashtags=[name for name, _, _ in named[first:last]],
            countries=[country for _, country, _ in named[first:last]],
            tweets=_packed(table.tweets[chosen], "<i8"),
            authors=_packed(table.authors[chosen], "<i8"),
            scored=_packed(table.scored[chosen], "<u2"),
            share=_packed(table.share[chosen], "<f8"),
            may_miss=table.may_miss,
            **_correction_columns(table.correction, chosen),
            predecessors=_rows_by_hidden_tag(table, chosen),
            groups=b"" if table.groups is None else _packed(table.groups[chosen], "u1"),
            signals={one.name: _signal_column(one, table, chosen) for one in MEASURED},
        )


def _packed(values: Numbers, dtype: str) -> bytes:
    return np.ascontiguousarray(values, dtype=dtype).tobytes()


def _signal_column(signal: MeasuredSignal, table: EvidenceTable, rows: Ints) -> bytes:
    values = table.signals[signal.name]
    return b"" if signal.column.zeros_left_out and not values.any() else _packed(values[rows], signal.column.dtype)


def _correction_columns(correction: ShareCorrection | None, rows: Ints) -> dict[str, Any]:
    """Encode the correction of rows by stage 2; empty where none of them was corrected."""
    if correction is None or not correction.looked[rows].any():
        return {}
    some = correction.take(rows)
    corrected = np.flatnonzero(some.looked)
    return {
        "looked": _packed(some.looked, "<u2"),
        "variance": _packed(some.variance[corrected], "<f8"),
        "stage_2": [some.revisions[row] for row in corrected.tolist()],
    }


def _rows_by_hidden_tag(table: EvidenceTable, rows: Ints) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    if table.hidden_tags is not None:
        for at, row in enumerate(rows.tolist()):
            if table.hidden_tags[row]:
                found.setdefault(table.hidden_tags[row], []).append(at)
    return found


def table_of(records: Sequence[EvidenceRecord], tags: Tags) -> EvidenceTable:
    """Decode records, end to end, to one table with rows in their order; keyed by `tags`, not sorted.

    Args:
        records: at least one, of one shard and window and of any number of ticks.
        tags: numbers the hashtags of the records.
    """
    conditions = records[0].conditions
    columns = 1 + len(conditions.categories)
    scale = from_bytes(conditions.scale, columns) if conditions.scale else None

    def column(name: str, dtype: str) -> Numbers:
        return np.frombuffer(b"".join([getattr(record, name) for record in records]), dtype)

    key = tags.key
    keys = [
        key(hashtag, country)
        for record in records
        for hashtag, country in zip(record.hashtags, record.countries, strict=True)
    ]
    return EvidenceTable(
        window_ms=records[0].window_ms,
        keys=np.array(keys, np.int64),
        tweets=column("tweets", "<i8").astype(np.int64),
        authors=column("authors", "<i8").astype(np.int64),
        scored=column("scored", "<u2").astype(np.int64),
        share=column("share", "<f8").astype(np.float64).reshape(-1, columns),
        signals={one.name: _signal_values(one, records) for one in MEASURED},
        sampled=np.zeros((len(keys), 0), np.int64),
        may_miss=max(record.may_miss for record in records),
        correction=_correction(records, columns),
        hidden_tags=_hidden_tags(records),
        scale=scale,
        groups=None if scale is None else column("groups", "u1").astype(np.int64).reshape(-1, scale.n_groups),
    )


def _signal_values(signal: MeasuredSignal, records: Sequence[EvidenceRecord]) -> Doubles:
    column = signal.column
    absent = 0.0 if column.zeros_left_out else np.nan
    parts = [
        np.frombuffer(values, column.dtype)
        if (values := record.signals.get(signal.name))
        else np.full(record.rows, absent)
        for record in records
    ]
    return np.concatenate(parts).astype(np.float64)


def _correction(records: Sequence[EvidenceRecord], columns: int) -> ShareCorrection | None:
    if not any(record.looked for record in records):
        return None
    parts = [
        np.frombuffer(record.looked, "<u2") if record.looked else np.zeros(record.rows, np.uint16) for record in records
    ]
    looked = np.concatenate(parts).astype(np.int64)
    corrected = np.flatnonzero(looked)
    variance = np.zeros((len(looked), columns))
    variance[corrected] = np.frombuffer(b"".join(record.variance for record in records), "<f8").reshape(-1, columns)
    names = chain.from_iterable(record.stage_2 for record in records)
    revisions = dict(zip(corrected.tolist(), names, strict=True))
    return ShareCorrection(looked, variance, tuple(revisions.get(row, "") for row in range(len(looked))))


def _hidden_tags(records: Sequence[EvidenceRecord]) -> list[str] | None:
    if not any(record.conditions.successor for record in records):
        return None
    found: list[str] = []
    for record in records:
        names = {row: hashtag for hashtag, rows in record.predecessors.items() for row in rows}
        found += [names.get(row, "") for row in range(record.rows)]
    return found


def sorted_by_key(table: EvidenceTable) -> EvidenceTable:
    """Sort a table by key, ascending, as a judge builds it."""
    return table.take(np.argsort(table.keys))
