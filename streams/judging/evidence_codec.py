"""Codec of evidence tables: to the records of `hashtag-evidence` and back. Only the sampled tweets are lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

import msgspec
import numpy as np

from models.share import Scale, from_bytes
from streams.counting.block_counts import MAX_GROUPS
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags, country_code, country_name
from streams.judging.author_group import AuthorGroup
from streams.judging.evidence import EvidenceTable
from streams.judging.two_stage_share import ShareCorrection
from streams.log.evidence import MAX_BYTES, EvidenceConditions, EvidenceRecord, GroupColumns
from streams.log.panes import rows_by_name
from streams.policy import Policy
from streams.signals.base import Doubles, Ints, MeasuredSignal, Numbers
from streams.signals.registry import MEASURED

_GROUPS = 3
"""Author groups of a row: everyone, the established ones, and those of the past."""
_ROW_BYTES = 8 + 8 * sum(not signal.zeros_left_out for signal in MEASURED)


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
        past_from=policy.least_suppress_at,
        scale=scale.to_bytes() if scale else b"",
        harmless_below=policy.harmless_below,
    )


def records_of(evidence: TickEvidence, shard: int, tags: Tags) -> list[EvidenceRecord]:
    """Encode a tick as records, the same on every worker: rows are ordered by name, not by number."""
    tables = (table for _, table in sorted(evidence.tables.items()))
    return [record for table in tables for record in _records_of(evidence, table, shard, tags)]


def _records_of(evidence: TickEvidence, table: EvidenceTable, shard: int, tags: Tags) -> Iterator[EvidenceRecord]:
    different, spans, rows = rows_by_name(table.keys, tags)
    names = different.lines().decode("utf-8", "surrogatepass").split("\n")[:-1]
    hashtags = [name for name, n in zip(names, spans.tolist(), strict=True) for _ in range(n)]
    countries = list(map(country_name, (table.keys[rows] & COUNTRY_MASK).tolist()))
    everyone = table.everyone
    row_bytes = _ROW_BYTES + _GROUPS * (10 + 8 * everyone.share.shape[1])
    row_bytes += _GROUPS * (everyone.silent is not None)
    row_bytes += sum(_GROUPS * part.shape[1] for part in (everyone.groups, everyone.unread) if part is not None)
    sizes = np.repeat(np.array([*map(len, names)], np.int64), spans)
    run = np.cumsum(4 * sizes + 8 + row_bytes) // MAX_BYTES
    cuts = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(rows)]
    for part, (first, last) in enumerate(pairwise(cuts)):
        chosen = rows[first:last]
        past_rows, past = _past_columns(table.past, chosen)
        yield EvidenceRecord(
            shard=shard,
            tick_ms=evidence.tick_ms,
            window_ms=table.window_ms,
            part=part,
            parts=len(cuts) - 1,
            conditions=evidence.conditions,
            paused=evidence.paused,
            hashtags=hashtags[first:last],
            countries=countries[first:last],
            tweets=_packed(table.tweets[chosen], "<i8"),
            everyone=_group_columns(everyone.take(chosen)),
            established=_group_columns(table.established.take(chosen)),
            past_rows=past_rows,
            past=past,
            may_miss=table.may_miss,
            predecessors=_rows_by_hidden_tag(table, chosen),
            signals={signal.name: _signal_column(signal, table, chosen) for signal in MEASURED},
        )


def _packed(values: Numbers, dtype: str) -> bytes:
    return values.astype(dtype).tobytes()


def _signal_column(signal: MeasuredSignal, table: EvidenceTable, rows: Ints) -> bytes:
    values = table.signals[signal.name]
    return b"" if signal.zeros_left_out and not values.any() else _packed(values[rows], "<f8")


def _group_columns(group: AuthorGroup) -> GroupColumns:
    """Encode a group of authors; the columns of the correction stay empty where stage 2 corrected no row."""
    columns = GroupColumns(
        authors=_packed(group.authors, "<i8"),
        scored=_packed(group.scored, "<u2"),
        share=_packed(group.share, "<f8"),
        groups=b"" if group.groups is None else _packed(group.groups, "u1"),
        unread=b"" if group.unread is None or not group.unread.any() else _packed(group.unread, "u1"),
        silent=b"" if group.silent is None or not group.silent.any() else _packed(group.silent, "u1"),
    )
    correction = group.correction
    if correction is None or not correction.looked.any():
        return columns
    corrected = np.flatnonzero(correction.looked)
    of = correction.scale_of[corrected]
    used = np.unique(of[of >= 0])
    return msgspec.structs.replace(
        columns,
        looked=_packed(correction.looked, "<u2"),
        variance=_packed(correction.variance[corrected], "<f8"),
        stage_2=[correction.revisions[row] for row in corrected.tolist()],
        scales=[correction.scales[number] for number in used.tolist()],
        scale_of=_packed(np.where(of >= 0, np.searchsorted(used, of), -1), "i1") if len(used) else b"",
    )


def _past_columns(past: AuthorGroup | None, rows: Ints) -> tuple[bytes, GroupColumns | None]:
    """Encode the rows that have a past, and their authors; most have none."""
    some = np.zeros(0, np.int64) if past is None else np.flatnonzero(past.authors[rows])
    if past is None or not len(some):
        return b"", None
    return _packed(some, "<i4"), _group_columns(past.take(rows[some]))


def _rows_by_hidden_tag(table: EvidenceTable, rows: Ints) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    if table.hidden_tags is not None:
        for place, row in enumerate(rows.tolist()):
            if table.hidden_tags[row]:
                places.setdefault(table.hidden_tags[row], []).append(place)
    return places


def table_of(records: Sequence[EvidenceRecord], tags: Tags) -> EvidenceTable:
    """Decode records, end to end, to one table with rows in their order; keyed by `tags`, not sorted.

    Args:
        records: at least one, of one shard and window and of any number of ticks.
        tags: numbers the hashtags of the records.
    """
    conditions = records[0].conditions
    columns = 1 + len(conditions.categories)
    scale = from_bytes(conditions.scale, columns) if conditions.scale else None

    numbers = tags.of([hashtag for record in records for hashtag in record.hashtags])
    countries = [country_code(country) for record in records for country in record.countries]
    return EvidenceTable(
        window_ms=records[0].window_ms,
        keys=numbers << COUNTRY_BITS | np.array(countries, np.int64),
        tweets=np.frombuffer(b"".join([record.tweets for record in records]), "<i8").astype(np.int64),
        everyone=_group([record.everyone for record in records], scale, columns),
        established=_group([record.established for record in records], scale, columns),
        signals={signal.name: _signal_values(signal, records) for signal in MEASURED},
        may_miss=max(record.may_miss for record in records),
        hidden_tags=_hidden_tags(records),
        past=_past(records, scale, columns),
    )


def _group(parts: Sequence[GroupColumns], scale: Scale | None, columns: int) -> AuthorGroup:
    """Decode a group of authors, end to end."""

    def column(name: str, dtype: str, zeros: int = 0) -> Numbers:
        """Return a column; `zeros`: number of bytes of a row for which a record without the column has zeros."""
        values = (getattr(part, name) or bytes(zeros * (len(part.scored) // 2)) for part in parts)
        return np.frombuffer(b"".join(values), dtype)

    unread, silent = any(part.unread for part in parts), any(part.silent for part in parts)
    return AuthorGroup(
        authors=column("authors", "<i8").astype(np.int64),
        scored=column("scored", "<u2").astype(np.int64),
        share=column("share", "<f8").astype(np.float64).reshape(-1, columns),
        correction=_correction(parts, column("looked", "<u2", zeros=2).astype(np.int64), columns),
        scale=scale,
        groups=None if scale is None else column("groups", "u1").astype(np.int64).reshape(-1, scale.n_groups),
        unread=column("unread", "u1", MAX_GROUPS).astype(np.int64).reshape(-1, MAX_GROUPS) if unread else None,
        silent=column("silent", "u1", 1).astype(np.int64) if silent else None,
    )


def _correction(parts: Sequence[GroupColumns], looked: Ints, columns: int) -> ShareCorrection | None:
    corrected = np.flatnonzero(looked)
    if not len(corrected):
        return None
    variance, revisions, scale_of = np.zeros((len(looked), columns)), [""] * len(looked), np.full(len(looked), -1)
    variance[corrected] = np.frombuffer(b"".join(part.variance for part in parts), "<f8").reshape(-1, columns)
    for row, name in zip(corrected.tolist(), chain.from_iterable(part.stage_2 for part in parts), strict=True):
        revisions[row] = name
    scales = tuple(sorted({scale for part in parts for scale in part.scales}))
    scale_of[corrected] = np.concatenate([_scale_numbers(part, scales) for part in parts])
    return ShareCorrection(looked, variance, tuple(revisions), scale_of, scales)


def _scale_numbers(part: GroupColumns, scales: Sequence[bytes]) -> Ints:
    """Number the scales of a record's corrected rows by their place in `scales`; -1 where a row has none."""
    places = np.array([*map(scales.index, part.scales), -1])  # the last place is that of -1
    numbers: Ints = places[np.frombuffer(part.scale_of or b"\xff" * len(part.stage_2), "i1")]
    return numbers


def _past(records: Sequence[EvidenceRecord], scale: Scale | None, columns: int) -> AuthorGroup | None:
    parts = [record.past for record in records if record.past is not None]
    if not parts:
        return None
    *starts, rows = accumulate((record.rows for record in records), initial=0)
    chosen = [
        start + np.frombuffer(record.past_rows, "<i4").astype(np.int64)
        for start, record in zip(starts, records, strict=True)
    ]
    return _group(parts, scale, columns).spread(np.concatenate(chosen), rows)


def _signal_values(signal: MeasuredSignal, records: Sequence[EvidenceRecord]) -> Doubles:
    absent = 0.0 if signal.zeros_left_out else np.nan
    parts = [
        np.frombuffer(values, "<f8") if (values := record.signals.get(signal.name)) else np.full(record.rows, absent)
        for record in records
    ]
    return np.concatenate(parts).astype(np.float64)


def _hidden_tags(records: Sequence[EvidenceRecord]) -> list[str] | None:
    if not any(record.predecessors for record in records):
        return None
    hidden_tags: list[str] = []
    for record in records:
        names = {row: hashtag for hashtag, rows in record.predecessors.items() for row in rows}
        hidden_tags += [names.get(row, "") for row in range(record.rows)]
    return hidden_tags
