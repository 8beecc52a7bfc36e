"""Records of `hashtag-evidence`: every signal of every tag over `evidence_floor`, as columns, and never a text.

What a judge saw at a settled tick is kept, so that a changed policy can be tried on the past without scoring anything
again. One record per shard, tick and window (several where it would pass 512 KB); a window that was not counted anew at
a tick has no record there, its last one stands. Records may repeat, always saying the same.
"""

from __future__ import annotations

import msgspec

MAX_BYTES = 512 * 1024


class Conditions(msgspec.Struct, array_like=True, frozen=True):
    """Under which the signals were measured: a policy that asks for others cannot be tried on them."""

    shards: int
    categories: tuple[str, ...]
    """Of the model, in the order of the score columns behind `any`."""
    policy_revision: str
    model_revision: str
    windows_ms: tuple[int, ...]
    """Ascending."""
    evidence_floor: int
    """Tags with fewer tweets in the window were not kept."""
    score_floor: int
    young_days: int
    burst_min_past: int
    links: str = ""
    """Of the link domains that were told apart, as `Policy.links_revision` names them; "" for none."""
    successor: bool = False
    """Whether it was asked which hidden tags the authors come from."""
    scale: bytes = b""
    """What `share` means, as `models.share.Scale.to_bytes` says it; empty: it is the harmful share."""


class EvidenceRecord(msgspec.Struct, array_like=True, frozen=True):
    """A run of rows of one window at one settled tick, ascending by hashtag and country.

    Columns are little-endian arrays. `part` of `parts` says which run of the window it is.
    """

    shard: int
    tick_ms: int
    """End of the tick."""
    window_ms: int
    part: int
    parts: int
    conditions: Conditions
    holding: bool
    """A gap of the log was in the windows: nothing was cleared."""
    hashtags: list[str]
    countries: list[str]
    """ISO code, or `*` for the world."""
    tweets: bytes
    """int64 (rows,)"""
    authors: bytes
    """int64 (rows,)"""
    scored: bytes
    """uint16 (rows,): sampled authors with a scored text."""
    share: bytes
    """float64 (rows, 1 + categories): mean probability; NaN where nothing was scored."""
    copies: bytes
    """float64 (rows,)"""
    young: bytes
    """float64 (rows,)"""
    burst: bytes
    """float64 (rows,); NaN where the tag has no past."""
    may_miss: int = 0
    """So many tweets more than `tweets` says a tag may have had: panes of the window gave up their tail."""
    links: bytes = b""
    """float64 (rows,); empty where all are 0."""
    looked: bytes = b""
    """uint16 (rows,): scored authors whose texts stage 2 has read, too; empty where all are 0."""
    variance: bytes = b""
    """float64 (corrected, 1 + categories), of what stage 2 has added to `share` in the rows in which it looked."""
    stage_2: list[str] = []
    """(corrected,) its revision there."""
    successor: bytes = b""
    """float64 (rows,); empty where all are 0."""
    predecessors: dict[str, list[int]] = {}
    """Rows by the hidden tag that their authors come from."""
    groups: bytes = b""
    """uint8 (rows, groups of the scale): scored authors by the language of their text; empty without a scale."""

    @property
    def rows(self) -> int:
        return len(self.hashtags)


class EvidenceHead(msgspec.Struct, array_like=True, frozen=True):
    """The first members of a record, which tell it from others: much quicker to read than its rows."""

    shard: int
    tick_ms: int
    window_ms: int
    part: int


encode_evidence_record = msgspec.msgpack.Encoder().encode
"""EvidenceRecord to bytes."""
decode_evidence_record = msgspec.msgpack.Decoder(EvidenceRecord).decode
"""Bytes to EvidenceRecord."""
decode_evidence_head = msgspec.msgpack.Decoder(EvidenceHead).decode
"""Bytes of an EvidenceRecord to what it begins with."""
