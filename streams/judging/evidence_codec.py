"""Evidence tables to the records of `hashtag-evidence`, and back. Both ways lose nothing but the sampled tweet ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np

from models.share import Scale, from_bytes
from streams.counting.keys import Tags, country_of
from streams.judging.bounds import Doubles
from streams.judging.evidence import EvidenceTable
from streams.judging.side_inputs.author_sketches import Found
from streams.judging.two_stage_share import Correction
from streams.log.evidence import MAX_BYTES, Conditions, EvidenceRecord
from streams.policy import Policy
from streams.windows.corrections import Ints

_ROW_BYTES = 8 + 8 + 2 + 8 + 8 + 8


@dataclass(frozen=True, slots=True)
class TickEvidence:
    """What a judge saw at a settled tick; `tables` by window, those that were counted anew."""

    tick_ms: int
    conditions: Conditions
    holding: bool
    tables: Mapping[int, EvidenceTable]


def conditions_of(
    policy: Policy, *, shards: int, categories: Sequence[str], model_revision: str, scale: Scale | None = None
) -> Conditions:
    """The conditions that a policy and a model (`scale`: what its probabilities mean) set for the signals."""
    return Conditions(
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
        successor=policy.asks_for_successors,
        scale=scale.to_bytes() if scale else b"",
    )


def records_of(evidence: TickEvidence, shard: int, tags: Tags) -> list[EvidenceRecord]:
    """A tick as records, the same whoever settled it: rows go by name and not by number."""
    return [
        record
        for window_ms in sorted(evidence.tables)
        for record in _records_of(evidence, evidence.tables[window_ms], shard, tags)
    ]


def _records_of(evidence: TickEvidence, table: EvidenceTable, shard: int, tags: Tags) -> Iterable[EvidenceRecord]:
    named = sorted((tags.name(key), country_of(key), row) for row, key in enumerate(table.keys.tolist()))
    rows = np.array([row for _, _, row in named], np.int64)
    row_bytes = _ROW_BYTES + 8 * table.share.shape[1] + (0 if table.groups is None else table.groups.shape[1])
    run = np.cumsum(np.array([len(name) * 4 + 8 + row_bytes for name, _, _ in named], np.int64)) // MAX_BYTES
    cuts = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(named)]
    for part, (first, last) in enumerate(pairwise(cuts)):
        chosen = rows[first:last]

        def packed(name: str, dtype: str, chosen: np.ndarray[tuple[int], np.dtype[np.int64]] = chosen) -> bytes:
            return np.ascontiguousarray(getattr(table, name)[chosen], dtype=dtype).tobytes()

        yield EvidenceRecord(
            shard=shard,
            tick_ms=evidence.tick_ms,
            window_ms=table.window_ms,
            part=part,
            parts=len(cuts) - 1,
            conditions=evidence.conditions,
            holding=evidence.holding,
            hashtags=[name for name, _, _ in named[first:last]],
            countries=[country for _, country, _ in named[first:last]],
            tweets=packed("tweets", "<i8"),
            authors=packed("authors", "<i8"),
            scored=packed("scored", "<u2"),
            share=packed("share", "<f8"),
            copies=packed("copies", "<f8"),
            young=packed("young", "<f8"),
            burst=packed("burst", "<f8"),
            may_miss=table.may_miss,
            links=packed("links", "<f8") if table.links.any() else b"",
            **_correction_columns(table.correction, chosen),
            successor=packed("successor", "<f8") if table.successor.any() else b"",
            predecessors=_predecessors(table, chosen),
            groups=packed("groups", "u1") if table.groups is not None else b"",
        )


def _correction_columns(correction: Correction | None, rows: Ints) -> dict[str, Any]:
    """The columns of a record that say what stage 2 has added; none where it has added nothing to these rows."""
    if correction is None or not correction.looked[rows].any():
        return {}
    some = correction.take(rows)
    corrected = np.flatnonzero(some.looked)
    return {
        "looked": some.looked.astype("<u2").tobytes(),
        "variance": np.ascontiguousarray(some.variance[corrected], "<f8").tobytes(),
        "stage_2": [some.revisions[row] for row in corrected.tolist()],
    }


def table_of(records: Sequence[EvidenceRecord], tags: Tags) -> EvidenceTable:
    """Records of windows, end to end, to one table with rows in their order; keyed by `tags`, not sorted.

    Args:
        records: at least one, of one shard and window and of any number of ticks.
    """
    conditions = records[0].conditions
    columns = 1 + len(conditions.categories)
    scale = from_bytes(conditions.scale, columns) if conditions.scale else None

    def column(name: str, dtype: str) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
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
        copies=column("copies", "<f8").astype(np.float64),
        young=column("young", "<f8").astype(np.float64),
        burst=column("burst", "<f8").astype(np.float64),
        sampled=np.zeros((len(keys), 0), np.int64),
        may_miss=max(record.may_miss for record in records),
        links=np.concatenate([_or_zeros(record.links, record.rows) for record in records]),
        correction=_correction(records, columns),
        successors=_successors(records),
        scale=scale,
        groups=None if scale is None else column("groups", "u1").astype(np.int64).reshape(-1, scale.n_groups),
    )


def _correction(records: Sequence[EvidenceRecord], columns: int) -> Correction | None:
    if not any(record.looked for record in records):
        return None
    looked = np.concatenate(
        [
            np.frombuffer(record.looked, "<u2") if record.looked else np.zeros(record.rows, np.uint16)
            for record in records
        ]
    ).astype(np.int64)
    corrected = np.flatnonzero(looked)
    variance = np.zeros((len(looked), columns))
    variance[corrected] = np.frombuffer(b"".join(record.variance for record in records), "<f8").reshape(-1, columns)
    names = chain.from_iterable(record.stage_2 for record in records)
    revisions = dict(zip(corrected.tolist(), names, strict=True))
    return Correction(looked, variance, tuple(revisions.get(row, "") for row in range(len(looked))))


def _or_zeros(column: bytes, rows: int) -> Doubles:
    return np.frombuffer(column, "<f8").astype(np.float64) if column else np.zeros(rows)


def _predecessors(table: EvidenceTable, chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    if table.successors is not None:
        for at, row in enumerate(chosen.tolist()):
            if table.successors.of[row]:
                found.setdefault(table.successors.of[row], []).append(at)
    return found


def _successors(records: Sequence[EvidenceRecord]) -> Found | None:
    if not any(record.conditions.successor for record in records):
        return None
    of: list[str] = []
    for record in records:
        names = {row: hashtag for hashtag, rows in record.predecessors.items() for row in rows}
        of += [names.get(row, "") for row in range(record.rows)]
    return Found(np.concatenate([_or_zeros(record.successor, record.rows) for record in records]), of)


def sorted_by_key(table: EvidenceTable) -> EvidenceTable:
    """The table as a judge has it, ascending by key."""
    return table.take(np.argsort(table.keys))
