"""The public log on a real broker against forged and old records of its topics, and after a restore."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from moderation.log.service import ModerationService
from moderation.publiclog.checkpoint_topic import read_checkpoints
from moderation.publiclog.erasures import ERASED_NOTE, KEPT_FIELDS, AuditErasure, encode_erasure
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.state import PUBLISHED_KEY, STATE_KEY
from moderation.publiclog.tlog.checkpoint import open_checkpoint
from moderation.publiclog.tlog.cosignature import cosignature_of
from moderation.publiclog.tlog.notes import NoteSignature, read_note
from moderation.publiclog.writer import AuditWriter
from streams.clock import now_ms
from streams.log.policies import INCARNATION_KEY
from streams.settings import Settings
from tests.support.public_log import (
    LOG_KEY,
    WITNESS_KEYS,
    command,
    draft,
    entries,
    grow,
    publish,
    replace_topic,
    send,
    send_pairs,
    with_keys,
    witness_process,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def keyed(topics: Settings) -> Settings:
    return with_keys(topics)


async def order(settings: Settings, entry: int, offset: int) -> AuditErasure:
    """Order the erasure of a record of `moderation`."""
    erasure = AuditErasure(
        id=f"e{entry}", entry=entry, topic="moderation", partition=0, offset=offset, actor="lee", reason="r",
        at_ms=now_ms(),
    )  # fmt: skip
    async with ModerationService(settings) as desk:
        await desk.transact(lambda view: [encode_erasure(erasure)])
    return erasure


async def test_cosignature_of_the_topic_counts_only_if_it_fits(keyed: Settings, tmp_path: Path) -> None:
    folder, key = tmp_path / "log", WITNESS_KEYS[0].public_key
    with witness_process(tmp_path / "w1.json") as (witness, _):
        settings = with_keys(keyed, witnesses=witness)
        await grow(keyed, 3)
        await publish(keyed, folder)
        newest = (await read_checkpoints(keyed)).newest
        assert newest is not None
        junk = read_note(newest.checkpoint).with_signatures([NoteSignature(key.name, key.key_id, bytes(72))])
        forged = {"size": 3, "checkpoint": junk.encode(), "at_ms": 1, "missing": []}
        await send_pairs(keyed, "audit-checkpoints", 0, [(PUBLISHED_KEY, json.dumps(forged).encode())])
        assert await publish(settings, folder) == 3
    _, note = open_checkpoint((folder / "checkpoint").read_text(), LOG_KEY.public_key)
    assert len(note.by(key)) == 1 and cosignature_of(note, key) is not None


async def test_old_state_is_not_published_into_an_empty_folder(keyed: Settings, tmp_path: Path) -> None:
    await grow(keyed, 3)
    old = (await read_checkpoints(keyed)).state
    await grow(keyed, 2)
    await publish(keyed, tmp_path / "log")
    await send_pairs(keyed, "audit-checkpoints", 0, [(STATE_KEY, old)])
    with pytest.raises(AuditBroken, match="the published checkpoint has 5 entries, and the log has signed 3"):
        await publish(keyed, tmp_path / "empty")
    await send_pairs(keyed, "audit-checkpoints", 0, [(STATE_KEY, None), (PUBLISHED_KEY, None)])
    with pytest.raises(AuditBroken, match="the writer's state is gone, and 5 entries were published"):
        await grow(keyed, 1)


async def test_folder_without_its_last_tile_is_reported(keyed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    await grow(keyed, 3)
    await publish(keyed, folder)
    for name in ("tile/0/000.p/3", "tile/entries/000.p/3"):
        data = (folder / name).read_bytes()
        (folder / name).unlink()
        with pytest.raises(AuditBroken, match="missing: the published folder") as error:
            await publish(keyed, folder)
        assert "publish into an empty one" in error.value.fix
        (folder / name).write_bytes(data)
    assert await publish(keyed, folder) == 3


async def test_new_log_leaves_out_what_was_erased_from_the_old_one(keyed: Settings) -> None:
    """The order has the number of the former log, which is that of another record now."""
    async with ModerationService(keyed) as desk:
        await desk.override([draft("one"), draft("two")])
    await order(keyed, 0, offset=1)
    async with AuditWriter(keyed) as writer:
        assert await writer.catch_up() == 3
        await writer.sign()
    log = await entries(keyed)
    assert [(entry.is_erased, entry.opening.value("note")) for entry in log] == [
        (False, None), (False, ERASED_NOTE), (False, None),
    ]  # fmt: skip
    verified = await asyncio.to_thread(command, keyed, "verify", "--sources")
    assert verified.returncode == 0, verified.stdout


@pytest.mark.long
async def test_copy_of_a_running_log_is_signed_with_consent(keyed: Settings) -> None:
    """A backup reads checkpoints before leaves, so its log has an end without signature, of which one is erased."""
    await grow(keyed, 2)
    async with ModerationService(keyed) as desk:
        await desk.override([draft("one"), draft("two")])
    await grow(keyed, 2, sign=False)
    log = await entries(keyed)
    at = next(entry for entry in log if entry.input is not None and entry.input.source.topic == "moderation")
    assert at.input is not None and at.number == 2
    await send_pairs(keyed, "audit-erasures", 0, [(b"2", at.opening.erased(KEPT_FIELDS).encode())])
    await send_pairs(keyed, "audit-openings", 0, [(b"2", None)])
    with pytest.raises(AuditBroken, match="erased before it was signed"):
        await grow(keyed, 0)
    await order(keyed, 2, offset=at.input.source.offset)
    await replace_topic(keyed, "suppression-decisions", [])
    with pytest.raises(AuditBroken, match="3 unsigned entries, the first is 2, cannot be compared"):
        await grow(keyed, 0)
    await send_pairs(keyed, "policy", 0, [(INCARNATION_KEY, b"{}")])
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision","n":"of the new topic"}'] * 5)
    with pytest.raises(AuditBroken, match="3 unsigned entries, the first is 2, cannot be compared"):
        await grow(keyed, 0)
    ran = await asyncio.to_thread(command, keyed, "run", "--once", "--sign-unchecked")
    assert ran.returncode == 0, ran.stderr
    verified = await asyncio.to_thread(command, keyed, "verify")
    assert verified.returncode == 0 and "all entries, 13" in verified.stdout, verified.stdout
