"""Records of `hashtag-evidence`: every signal of every tag over `evidence_floor`, as columns and without texts.

The evidence of each settled tick is kept, so that a changed policy can be tried on the past without scoring again.
There is one record for each shard, tick and window, or several where one would exceed 512 KB. A long window has no
record at ticks at which it was not counted again: its last record still holds. Records may repeat, always with the same
content.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from streams.constants import DAY_MS
from streams.log.sense import Count, Ms, Part, Shard
from streams.signals.registry import COLUMNS

MAX_BYTES = 512 * 1024
Length = Annotated[int, msgspec.Meta(gt=0, le=DAY_MS)]
"""Length of a window in milliseconds."""


class EvidenceConditions(msgspec.Struct, array_like=True, frozen=True):
    """Conditions under which signals were measured: a policy that needs others cannot be tried on them."""

    shards: Annotated[int, msgspec.Meta(ge=1, le=1_024)]
    categories: tuple[str, ...]
    """Categories of the model, in the order of the score columns after `any`."""
    policy_revision: str
    model_revision: str
    windows_ms: Annotated[tuple[Length, ...], msgspec.Meta(min_length=1)]
    """Lengths of the windows, ascending."""
    evidence_floor: Count
    """Least tweets in the window from which the evidence of a tag is kept."""
    score_floor: Count
    young_days: Count
    burst_min_past: Count
    links: str = ""
    """`Policy.links_revision` of the domains that links were compared with; "" for none."""
    past_from: Part = 1.0
    """Estimated harmful share from which the established authors of a tag's past were measured."""
    scale: bytes = b""
    """Meaning of `share`, as `models.share.Scale.to_bytes` encodes it; empty: it is the harmful share."""
    harmless_below: Part = 0.0
    """Probability of harm below which a copied text cost no author the standing."""


class GroupColumns(msgspec.Struct, array_like=True, frozen=True):
    """Authors of one group and their scores, as little-endian columns; see `streams.judging.author_group`."""

    authors: bytes
    """int64 (rows,): estimated number of distinct authors."""
    scored: bytes
    """uint16 (rows,): sampled authors with a scored text."""
    share: bytes
    """float64 (rows, 1 + categories): mean probability; NaN where nothing was scored."""
    groups: bytes = b""
    """uint8 (rows, groups of the scale): scored authors by the language group of their text; empty without a scale."""
    looked: bytes = b""
    """uint16 (rows,): scored authors whose texts stage 2 has read too; empty where all are 0."""
    variance: bytes = b""
    """float64 (corrected, 1 + categories): variance of the correction of `share`, in rows that stage 2 corrected."""
    stage_2: list[str] = []
    """(corrected,) revision of stage 2."""
    unread: bytes = b""
    """uint8 (rows, MAX_GROUPS): sampled authors by the language group that is not read; empty where all are 0."""
    scales: list[bytes] = []
    """Different meanings of corrected means, as `models.share.Scale.to_bytes` encodes them."""
    scale_of: bytes = b""
    """int8 (corrected,): index into `scales`, -1 for the meaning of `share` elsewhere; empty where all are -1."""
    silent: bytes = b""
    """uint8 (rows,): sampled authors whose texts have no words; empty where all are 0."""


class EvidenceRecord(msgspec.Struct, frozen=True):
    """A run of rows of one window at one settled tick, ascending by hashtag and country.

    Columns are little-endian arrays. On the wire a record is an array of these fields in this order, with one column
    for each of `COLUMNS` in place of `signals`. The columns are the end, since a new signal adds one: a new field of
    the record goes into `conditions` or a group.
    """

    shard: Shard
    tick_ms: Ms
    """End of the tick."""
    window_ms: Length
    part: Count
    """Index of this run among the `parts` of the window."""
    parts: Count
    conditions: EvidenceConditions
    paused: bool
    """Whether a gap of the log was in the windows, so that no tag was cleared."""
    hashtags: list[str]
    countries: list[str]
    """ISO codes, or `*` for the world."""
    tweets: bytes
    """Column of int64 (rows,)."""
    everyone: GroupColumns
    """All authors in the window."""
    established: GroupColumns
    """The established authors in the window."""
    past_rows: bytes = b""
    """int32 (n,): rows with established authors in the longest window before the shortest, where they were measured."""
    past: GroupColumns | None = None
    """Established authors of the past, in n rows; None: there are none."""
    may_miss: Count = 0
    """Upper bound on the tweets of one tag that panes of the window lost to tail trimming."""
    predecessors: dict[str, list[int]] = {}
    """Rows by the hidden tag that their authors come from."""
    signals: dict[str, bytes] = {}
    """Column of float64 (rows,) by measured signal; for the meaning of an empty one see `MeasuredSignal`."""

    @property
    def rows(self) -> int:
        """Return the number of rows in the record."""
        return len(self.hashtags)


class EvidenceHead(msgspec.Struct, array_like=True, frozen=True):
    """The first members of a record, which identify it: much quicker to decode than its rows."""

    shard: int
    tick_ms: int
    window_ms: int
    part: int


_FIXED = [field for field in msgspec.structs.fields(EvidenceRecord) if field.name != "signals"]


def _wire_field(field: msgspec.structs.FieldInfo) -> Any:
    if field.required:
        return field.name, field.type
    factory = field.default_factory
    default = field.default if factory is msgspec.NODEFAULT else msgspec.field(default_factory=factory)
    return field.name, field.type, default


_WIRE_FIELDS: list[Any] = [*map(_wire_field, _FIXED), *((name, bytes, b"") for name in COLUMNS)]
_Wire: Any = msgspec.defstruct("_Wire", _WIRE_FIELDS, array_like=True, kw_only=True)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Wire).decode


def encode_evidence_record(record: EvidenceRecord) -> bytes:
    """Encode a record to the bytes of the topic."""
    return _encode(_Wire(**{field.name: getattr(record, field.name) for field in _FIXED}, **record.signals))


def decode_evidence_record(value: bytes) -> EvidenceRecord:
    """Decode the bytes of the topic; readers of the topic use `evidence_reading`, which checks the columns too.

    Raises:
        msgspec.MsgspecError: the bytes are no such record.
    """
    wire: Any = _decode(value)
    fixed = {field.name: getattr(wire, field.name) for field in _FIXED}
    return EvidenceRecord(**fixed, signals={name: getattr(wire, name) for name in COLUMNS})


decode_evidence_head = msgspec.msgpack.Decoder(EvidenceHead).decode
"""Bytes of an EvidenceRecord to its first members."""
