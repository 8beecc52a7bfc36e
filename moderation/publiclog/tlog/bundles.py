"""Entry bundles (C2SP tlog-tiles): up to 256 entries, each after its length as a big-endian uint16."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.publiclog.tlog.errors import malformed
from moderation.publiclog.tlog.tiles import MAX_ENTRY_BYTES


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Encode entries, each of at most 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(f"an entry has at most {MAX_ENTRY_BYTES} bytes, not {len(entry)}")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Decode the `width` entries of a bundle.

    Raises:
        ProofError: The bundle has another number of entries, or ends within one.
    """
    entries = []
    at, end = 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at != end or len(entries) != width:
        raise malformed(f"an entry bundle does not have exactly {width} entries")
    return entries
