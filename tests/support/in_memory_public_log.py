"""A public log over records in memory: real leaves, proofs and signed checkpoints, with fixed keys and salts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from hashlib import sha256, shake_256

from moderation.publiclog.disclosure import disclose
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.entry_proofs import NotYetPublished, Opened, Proof
from moderation.publiclog.inputs import AuditInput
from moderation.publiclog.proofs.proof_file import proof_file
from moderation.publiclog.reading import CheckpointState, LogState
from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.cosignature import cosign
from moderation.publiclog.tlog.hashing import complete_root, leaf_hash
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey
from moderation.publiclog.tlog.proving import inclusion_proof
from streams.errors import CallerMistake

LOG_KEY = PrivateKey("example.com/hushtag", KeyKind.log, sha256(b"log").digest())
WITNESS_KEY = PrivateKey("witness.example/w1", KeyKind.witness, sha256(b"witness").digest())
AT_MS = 1_612_800_000_000
Inputs = Callable[[], Iterable[AuditInput]]


class _Leaves:
    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = hashes

    def subtree(self, height: int, index: int) -> bytes:
        return complete_root(self._hashes[index << height : (index + 1) << height])


class InMemoryPublicLog:
    """Log of the records that `inputs` returns now; its checkpoint covers all but the last `uncovered` entries."""

    def __init__(self, inputs: Inputs = lambda: (), uncovered: int = 0) -> None:
        self.uncovered = uncovered
        self.erased: set[int] = set()
        self._inputs = inputs

    def all_entries(self) -> list[AuditEntry]:
        """List all entries."""
        number = iter(range(1 << 62))
        found = LogEnd().extend(self._inputs(), lambda size: shake_256(str(next(number)).encode()).digest(size))
        return [
            AuditEntry(one.number, one.leaf, one.opening.erased()) if one.number in self.erased else one
            for one in found
        ]

    def checkpoint(self, size: int | None = None) -> str:
        """Sign and cosign a checkpoint of the first entries."""
        hashes = self._hashes()
        size = self._covered() if size is None else size
        tree = CompactRange()
        tree.extend(hashes[:size])
        note = sign_checkpoint(Checkpoint(LOG_KEY.name, size, tree.root()), [LOG_KEY])
        return note.with_signatures([cosign(note.text, WITNESS_KEY, AT_MS // 1000)]).encode()

    async def state(self) -> LogState:
        """Return the state of the log."""
        size = self._covered()
        found = CheckpointState(self.checkpoint(), size, "", AT_MS, (WITNESS_KEY.name,), ("witness.example/w2",))
        return LogState(len(self._hashes()), found, found if size else None)

    async def entry(self, number: int) -> AuditEntry:
        """Return an entry."""
        entries = self.all_entries()
        if number >= len(entries):
            raise CallerMistake(f"the audit log has no entry {number}", fix="take another")
        return entries[number]

    async def batches(self, since_ms: int) -> AsyncGenerator[list[AuditEntry], None]:
        """Yield all entries."""
        yield self.all_entries()

    async def proofs_of(self, wanted: Sequence[Opened]) -> list[Proof]:
        """Build the proof files of entries."""
        return [self._proof_of(entry, names) for entry, names in wanted]

    def _proof_of(self, entry: AuditEntry, names: Sequence[str]) -> Proof:
        number, size = entry.number, self._covered()
        if number >= size:
            return NotYetPublished(number, size, AT_MS)
        path = inclusion_proof(_Leaves(self._hashes()), number, size)
        return proof_file(entry.leaf, disclose(entry.opening, names), number, path, self.checkpoint())

    def _hashes(self) -> list[bytes]:
        return [leaf_hash(one.leaf) for one in self.all_entries()]

    def _covered(self) -> int:
        return max(0, len(self._hashes()) - self.uncovered)
