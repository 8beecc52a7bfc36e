"""Proof files of entries from the published folder: read once for all, and faults of the folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from moderation.publiclog import entry_proofs
from moderation.publiclog.checkpoint_topic import CheckpointRecords
from moderation.publiclog.entries import LogEnd
from moderation.publiclog.entry_proofs import NotYetPublished, Proof, proofs_of
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.proofs.verify_proof import read_keys, verify_proof
from moderation.publiclog.state import PublishedCheckpoint
from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.tiles import TileBuilder
from streams.errors import DependencyAway
from streams.settings import Settings
from tests.support.public_log import LOG_KEY, NEW_LOG_KEY, with_keys

SIZE = 600
ENTRIES = LogEnd().extend(AuditInput(SourcePosition("moderation", 0, n, n), b"k", b"{}") for n in range(SIZE + 1))


class Log:
    """Published folder of the first SIZE entries; counts how often checkpoints and the folder are read."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = with_keys(Settings(), folder=str(folder))
        self.reads: list[str] = []
        builder = TileBuilder()
        tiles = [tile for one in ENTRIES[:SIZE] for tile in builder.append(leaf_hash(one.leaf))]
        for tile in [*tiles, *builder.partial_tiles()]:
            (folder / tile.name.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / tile.name.path).write_bytes(tile.data)
        checkpoint = Checkpoint(LOG_KEY.name, SIZE, builder.root())
        self.note = sign_checkpoint(checkpoint, [LOG_KEY]).encode()
        self.forged = sign_checkpoint(checkpoint, [NEW_LOG_KEY]).encode()
        (folder / "checkpoint").write_text(self.note)
        self.records = CheckpointRecords(newest=PublishedCheckpoint(size=SIZE, checkpoint=self.note, at_ms=1))
        opened = entry_proofs.published_log

        async def read_checkpoints(settings: Settings) -> CheckpointRecords:
            self.reads.append("checkpoints")
            return self.records

        def published_log(where: str) -> object:
            self.reads.append("folder")
            return opened(where)

        monkeypatch.setattr(entry_proofs, "read_checkpoints", read_checkpoints)
        monkeypatch.setattr(entry_proofs, "published_log", published_log)

    def prove(self, *numbers: int) -> list[Proof]:
        return asyncio.run(proofs_of(self.settings, [(ENTRIES[n], ["time", "source"]) for n in numbers]))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(tmp_path, monkeypatch)


def test_several_proofs_read_checkpoints_and_folder_once(log: Log) -> None:
    proofs = log.prove(599, 0, 256)
    assert log.reads == ["checkpoints", "folder"]
    for number, proof in zip((599, 0, 256), proofs, strict=True):
        assert not isinstance(proof, NotYetPublished)
        verified, _ = verify_proof(proof, read_keys(str(LOG_KEY.public_key), []))
        assert (verified["index"], verified["opened"]["source"]) == (number, f"moderation/0/{number}")


def test_entry_above_the_checkpoint_waits(log: Log) -> None:
    waiting, proof = log.prove(SIZE, 3)
    assert isinstance(waiting, NotYetPublished) and (waiting.number, waiting.size) == (SIZE, SIZE)
    assert not isinstance(proof, NotYetPublished)


def test_checkpoint_of_another_key_proves_nothing(log: Log) -> None:
    log.records.newest = PublishedCheckpoint(size=SIZE, checkpoint=log.forged, at_ms=1)
    with pytest.raises(AuditBroken, match="forged checkpoint"):
        log.prove(3)


def test_folder_without_its_tiles_is_broken(log: Log, tmp_path: Path) -> None:
    (tmp_path / "tile" / "0" / "000").unlink()
    with pytest.raises(AuditBroken, match="missing"):
        log.prove(3)


def test_folder_that_does_not_exist_is_away(log: Log, tmp_path: Path) -> None:
    log.settings = with_keys(Settings(), folder=str(tmp_path / "none"))
    with pytest.raises(DependencyAway, match="HUSHTAG_AUDIT_FOLDER"):
        log.prove(3)


def test_folder_of_another_log_is_broken(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "tile" / "0" / "001"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(AuditBroken, match="entry 256: changed"):
        log.prove(256)
