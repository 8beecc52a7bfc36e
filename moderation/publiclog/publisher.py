"""Publish the audit log: tiles first, then cosignatures, then the checkpoint.

A crash between two steps leaves the old checkpoint with all its tiles. The cosigned checkpoint goes to its topic before
it goes to the folder, so that proofs can name it, and a lost folder is rebuilt without a second history. Only one
process publishes: a second one fences the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Self

from moderation.log.fenced_writer import FencedWriter, TakenOver
from moderation.publiclog.checkpoint_topic import CheckpointRecords, read_checkpoints
from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.folder import PublishedFolder
from moderation.publiclog.keys import required_log_keys, witnesses_of
from moderation.publiclog.metrics import PublishMetrics
from moderation.publiclog.state import PublishedCheckpoint, open_checkpoints, open_state, published_records, state_note
from moderation.publiclog.tile_growth import folder_lacks, new_tiles, resume
from moderation.publiclog.tlog.checkpoint import Checkpoint, open_checkpoint
from moderation.publiclog.tlog.cosignature import cosignature_of
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.hashing import EMPTY_ROOT
from moderation.publiclog.tlog.keys import PublicKey
from moderation.publiclog.tlog.notes import NoteSignature, SignedNote, read_note
from moderation.publiclog.tlog.proof_checks import check_consistency
from moderation.publiclog.tlog.proving import consistency_proof
from moderation.publiclog.tlog.tiles import TileTree
from moderation.publiclog.witnesses import Witness, witness_client
from streams.clock import now_ms
from streams.log.topic_specs import AUDIT_CHECKPOINTS
from streams.logs import logger
from streams.settings import Settings

_MAX_REQUEST_BYTES = 1024 * 1024


class AuditPublisher:
    """Publisher of the log into one folder: an async context manager, then `run` or `publish`.

    Args:
        settings: addresses, topic names, public keys of the log, and witnesses.
        folder: folder that a web server serves.
        metrics: metrics to update.

    Raises (on entering):
        SettingsError, CallerMistake: a key, a witness or the folder is unusable.
        DependencyAway: Kafka does not answer.
    """

    def __init__(self, settings: Settings, folder: Path, metrics: PublishMetrics | None = None) -> None:
        self.metrics = metrics if metrics is not None else PublishMetrics()
        self.folder = PublishedFolder(folder)
        self._settings = settings
        self._topic = settings.topic(AUDIT_CHECKPOINTS)
        self._keys: Sequence[PublicKey] = required_log_keys(settings)
        self._client = witness_client()
        self._witnesses = [Witness(address, self._client) for address in witnesses_of(settings)]
        self._writer = FencedWriter(
            settings, self._topic, command="hushtag audit publish", max_request_bytes=_MAX_REQUEST_BYTES
        )
        self._log = logger(__name__)

    async def __aenter__(self) -> Self:
        try:
            await self._writer.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._client.aclose()
        await self._writer.stop()

    async def run(self, stopped: asyncio.Event, *, every_seconds: float) -> int:
        """Publish until stopped; return the published size.

        Raises:
            TakenOver: another publisher has started.
            AuditBroken: log, folder and signatures contradict each other.
            DependencyAway: Kafka does not answer.
        """
        while True:
            size = await self.publish()
            if stopped.is_set():
                return size
            try:
                async with asyncio.timeout(every_seconds):
                    await stopped.wait()
                return size
            except TimeoutError:
                pass

    async def publish(self) -> int:
        """Publish the writer's newest checkpoint, if it is new or lacks a cosignature; return the published size."""
        records = await read_checkpoints(self._settings)
        if records.state is None:
            return 0
        state = open_state(records.state, self._keys, self._topic)
        signed, note = state.checkpoint, read_note(state_note(records.state))
        before = await asyncio.to_thread(self.folder.checkpoint)
        have = await asyncio.to_thread(self._published, before, signed)
        earlier = self._earlier(records, signed)
        # 1. Tiles and bundles of the new size, which must extend what was published before.
        if have.size < signed.size:
            await self._grow(have, signed)
        await asyncio.to_thread(self._check_folder, signed, earlier)
        # 2. Cosignatures; those that this checkpoint has already are kept.
        published = self._with_published(records, signed, note)
        cosigned, missing = await self._cosigned(published, signed)
        # 3. The topic, then the folder.
        note_text, newest = cosigned.encode(), records.newest
        if newest is None or (newest.checkpoint, newest.missing) != (note_text, missing):
            record = PublishedCheckpoint(size=signed.size, checkpoint=note_text, at_ms=now_ms(), missing=missing)
            await self._writer.commit(published_records(record))
        if before != note_text:
            replace = partial(self.folder.replace_checkpoint, size=signed.size, previous=have.size)
            if not await asyncio.to_thread(replace, before, note_text):
                raise TakenOver(
                    f"another process now publishes into {self.folder.folder}",
                    fix="run only one `hushtag audit publish`",
                )
            self._log.info("audit checkpoint published", size=signed.size, missing=list(missing))
        self.metrics.set_published(now_ms(), signed.size)
        return signed.size

    def _published(self, note: str | None, signed: Checkpoint) -> Checkpoint:
        """Open the folder's checkpoint, of size 0 without one."""
        if note is None:
            return Checkpoint(signed.origin, 0, EMPTY_ROOT)
        place = str(self.folder.folder)
        try:
            have, _ = open_checkpoint(note, *self._keys)
        except ProofError as error:
            raise AuditBroken(place, AuditFault(0, "forged checkpoint", str(error))) from None
        if have.size > signed.size:
            detail = f"the folder has {have.size} entries, and the log has signed {signed.size}: the log went back"
            raise AuditBroken(place, AuditFault(signed.size, "cut off", detail))
        if have.size == signed.size and have.root != signed.root:
            detail = "the folder has another root at the same size: the log has two histories"
            raise AuditBroken(place, AuditFault(0, "changed", detail))
        return have

    async def _grow(self, have: Checkpoint, signed: Checkpoint) -> None:
        async with aclosing(new_tiles(self._settings, have, signed, self.folder.tile)) as tiles:
            async for tile in tiles:
                await asyncio.to_thread(self.folder.write_tile, tile)

    def _earlier(self, records: CheckpointRecords, signed: Checkpoint) -> list[Checkpoint]:
        """Return the checkpoints that the topic names as published.

        A complete one may be old, of a key that has been retired since; it is then passed over.

        Raises:
            AuditBroken: one is not the log's, or the log has gone back since.
        """
        notes = {} if records.newest is None else {"the published checkpoint": records.newest.checkpoint}
        if records.complete is not None and not self._is_of_retired_key(records.complete.checkpoint):
            notes["the last complete checkpoint"] = records.complete.checkpoint
        checkpoints = open_checkpoints(notes, self._keys, self._topic)
        for name, checkpoint in checkpoints:
            if checkpoint.size > signed.size:
                detail = (
                    f"{name} has {checkpoint.size} entries, and the log has signed {signed.size}: the log went back"
                )
                raise AuditBroken(self._topic, AuditFault(signed.size, "cut off", detail))
        return [checkpoint for _, checkpoint in checkpoints]

    def _is_of_retired_key(self, text: str) -> bool:
        try:
            note = read_note(text)
        except ProofError:
            return False
        return not any(note.by(key) for key in self._keys)

    def _check_folder(self, signed: Checkpoint, earlier: Sequence[Checkpoint]) -> None:
        """Check that the folder has the right edge of the tree, and that the tree extends earlier ones.

        Raises:
            AuditBroken: it does not.
        """
        resume(signed, self.folder.tile)
        if not self.folder.has_edge(signed.size):
            raise folder_lacks(signed.size, "its last entry bundle is missing")
        for old in earlier:
            path = self._consistency(signed, old.size)
            try:
                check_consistency(old.size, old.root, signed.size, signed.root, path)
            except ProofError as error:
                fault = AuditFault(0, "changed", f"the log does not extend what was published: {error}")
                raise AuditBroken(self._topic, fault) from None

    def _consistency(self, signed: Checkpoint, old: int) -> list[bytes]:
        try:
            return consistency_proof(TileTree(signed.size, self.folder.tile), old, signed.size)
        except ProofError as error:
            raise folder_lacks(signed.size, str(error)) from None

    def _with_published(self, records: CheckpointRecords, signed: Checkpoint, note: SignedNote) -> SignedNote:
        """Add to the writer's note the cosignatures that were published with it, and that fit."""
        if records.newest is None or records.newest.size != signed.size:
            return note
        published = read_note(records.newest.checkpoint)
        if published.text != note.text:
            return note
        return note.with_signatures(
            [signature for signature in published.signatures if self._is_cosignature(published.text, signature)]
        )

    def _is_cosignature(self, text: str, line: NoteSignature) -> bool:
        """Return whether a line is a cosignature of one of the witnesses; anyone with write access can add others."""
        alone = SignedNote(text, (line,))
        try:
            return any(cosignature_of(alone, witness.key) is not None for witness in self._witnesses)
        except ProofError:
            return False

    async def _cosigned(self, note: SignedNote, checkpoint: Checkpoint) -> tuple[SignedNote, tuple[str, ...]]:
        """Return the note with the cosignatures of all witnesses that answer, and the names of the others."""
        lacking = [witness for witness in self._witnesses if not note.by(witness.key)]
        unsigned = SignedNote(
            note.text, tuple(signature for signature in note.signatures if signature.name == checkpoint.origin)
        )
        consistency = partial(self._consistency, checkpoint)
        answers = await asyncio.gather(*(witness.cosign(unsigned, checkpoint.size, consistency) for witness in lacking))
        missing = []
        for witness, answer in zip(lacking, answers, strict=True):
            self.metrics.answers.labels(witness=witness.key.name, outcome=answer.outcome).inc()
            if answer.outcome == "cosigned":
                note = note.with_signatures(answer.signatures)
            else:
                missing.append(witness.key.name)
                self._log.warning("no cosignature", witness=witness.key.name, outcome=answer.outcome, why=answer.detail)
        for witness in self._witnesses:
            if witness.key.name not in missing:
                self.metrics.set_cosigned(now_ms(), witness.key.name)
        return note, tuple(missing)
