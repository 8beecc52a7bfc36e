"""Proofs as text (C2SP tlog-proof): index, inclusion path and checkpoint of one entry."""

from __future__ import annotations

from dataclasses import dataclass

from moderation.publiclog.tlog.encoding import from_base64, from_decimal, to_base64
from moderation.publiclog.tlog.errors import malformed
from moderation.publiclog.tlog.hashing import HASH_BYTES

_HEADER = "c2sp.org/tlog-proof@v1"
_MAX_PATH = 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Proof that the entry `index` is in the tree of a checkpoint; nothing in it is verified yet."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    """Signed checkpoint, as published."""

    def encode(self) -> str:
        """Write the proof as text."""
        lines = (_HEADER, f"index {self.index}", *map(to_base64, self.path), "")
        return "".join(f"{line}\n" for line in lines) + self.checkpoint


def read_proof(text: str) -> TlogProof:
    """Read a proof.

    Raises:
        ProofError: The text does not follow the format.
    """
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != _HEADER:
        raise malformed(f"the proof does not begin with {_HEADER!r}, or has no checkpoint")
    if lines and lines[0].startswith("extra "):
        from_base64(lines.pop(0).removeprefix("extra "), "the proof's extra data")
    if not lines or not lines[0].startswith("index "):
        raise malformed("the proof does not name the index of its entry")
    index = from_decimal(lines.pop(0).removeprefix("index "), "the proof's index")
    path = tuple(from_base64(line, "a hash of the path") for line in lines)
    if len(path) > _MAX_PATH or any(len(hash_) != HASH_BYTES for hash_ in path):
        raise malformed(f"the path has a hash that has not {HASH_BYTES} bytes, or more than {_MAX_PATH} hashes")
    return TlogProof(index, path, checkpoint)
