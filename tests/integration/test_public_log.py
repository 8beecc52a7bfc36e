"""The published log on a real broker, with witnesses: crashes, tampering, lost folders and proofs."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from devkit.stack.ports import free_port
from moderation.publiclog.checkpoint_topic import read_checkpoints
from moderation.publiclog.entry_proofs import NotYetPublished, Proof, proofs_of
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.proofs.published_log import PublishedLog, published_log
from moderation.publiclog.proofs.verify_proof import read_keys, verify_proof
from moderation.publiclog.publisher import AuditPublisher
from moderation.publiclog.reading import first_since, log_state, read_entry
from moderation.publiclog.state import STATE_KEY
from moderation.publiclog.tlog.checkpoint import open_checkpoint
from moderation.publiclog.tlog.cosignature import cosignature_of
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.proof_checks import check_consistency
from moderation.publiclog.tlog.proving import consistency_proof
from moderation.publiclog.tlog.tiles import TileTree
from streams.clock import monotonic_seconds, now_ms
from streams.errors import CallerMistake
from streams.settings import Settings
from tests.support.public_log import (
    HUSHTAG,
    LOG_KEY,
    WITNESS_KEYS,
    command,
    environment,
    grow,
    publish,
    send_pairs,
    with_keys,
    witness_process,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def keyed(topics: Settings) -> Settings:
    return with_keys(topics)


async def proof_of(settings: Settings, number: int, names: Sequence[str]) -> Proof:
    return (await proofs_of(settings, [(await read_entry(settings, number), names)]))[0]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def checked(folder: Path) -> int:
    """Check that all leaves of a folder lead to its checkpoint; return the size."""
    log = published_log(str(folder))
    checkpoint, _ = open_checkpoint(log.checkpoint(), LOG_KEY.public_key)
    leaves = [leaf for bundle in log.bundles(checkpoint.size) for leaf in bundle]
    tree = TileTree(checkpoint.size, log.tile)
    path = consistency_proof(tree, checkpoint.size // 2, checkpoint.size)
    assert len(leaves) == checkpoint.size and (path or checkpoint.size < 3)
    return checkpoint.size


def consistent(before: str, folder: Path) -> None:
    """Check that a folder extends an earlier checkpoint."""
    log: PublishedLog = published_log(str(folder))
    old, _ = open_checkpoint(before, LOG_KEY.public_key)
    new, _ = open_checkpoint(log.checkpoint(), LOG_KEY.public_key)
    path = consistency_proof(TileTree(new.size, log.tile), old.size, new.size)
    check_consistency(old.size, old.root, new.size, new.root, path)


async def test_published_folder_grows_and_is_cosigned(keyed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    with (
        witness_process(tmp_path / "w1.json", WITNESS_KEYS[0]) as (first, _),
        witness_process(tmp_path / "w2.json", WITNESS_KEYS[1]) as (second, _),
    ):
        both = with_keys(keyed, witnesses=f"{first}, {second}", folder=str(folder))
        await grow(keyed, 3)
        assert isinstance(await proof_of(both, 1, ["time"]), NotYetPublished)
        assert await publish(both, folder) == 3 == checked(folder)
        before = (folder / "checkpoint").read_text()
        await grow(keyed, 297)
        async with AuditPublisher(both, folder) as publisher:
            assert await publisher.publish() == 300 == checked(folder)
            unchanged = files(folder)
            assert await publisher.publish() == 300
        assert files(folder) == unchanged
        consistent(before, folder)
        await grow(keyed, 1)
        assert await publish(both, folder) == 301
    partial = [name for name in files(folder) if ".p/" in name]
    assert sorted(partial) == sorted(
        [*(f"tile/{level}/001.p/{width}" for level in ("0", "entries") for width in (44, 45)), "tile/1/000.p/1"]
    )
    _, note = open_checkpoint((folder / "checkpoint").read_text(), LOG_KEY.public_key)
    assert all(cosignature_of(note, key.public_key) is not None for key in WITNESS_KEYS)
    witness_keys = [str(key.public_key) for key in WITNESS_KEYS]
    for number in (0, 255, 300):
        proof = await proof_of(both, number, ["time", "type"])
        assert not isinstance(proof, NotYetPublished)
        assert verify_proof(proof, read_keys(str(LOG_KEY.public_key), witness_keys))[0]["index"] == number
    assert await proof_of(keyed, 255, ["time"]) == await proof_of(both, 255, ["time"]), "without the folder"
    state = await log_state(both)
    assert state.published is not None and state.published.cosigned_by == ("w1.example", "w2.example")
    assert (state.entries, state.published.size, state.published.missing) == (301, 301, ())
    assert (await read_entry(keyed, 256)).number == 256
    assert await first_since(keyed, 0) == 0 and await first_since(keyed, now_ms() + 60_000) == 301


async def test_entry_of_a_long_log_is_proved_without_waiting(keyed: Settings, tmp_path: Path) -> None:
    """Each fetch at the end of a topic holds up the next read by half a second, unless the reader asks for no wait."""
    log = with_keys(keyed, folder=str(tmp_path / "log"))
    await grow(log, 3_000)
    await publish(log, tmp_path / "log")
    began = monotonic_seconds()
    for number in (2_999, 1_700, 40):
        assert not isinstance(await proof_of(log, number, ["time"]), NotYetPublished)
    assert monotonic_seconds() - began < 4


async def test_witness_away_does_not_stop_publishing(keyed: Settings, tmp_path: Path) -> None:
    folder, port = tmp_path / "log", free_port()
    address = f"{WITNESS_KEYS[0].public_key} http://127.0.0.1:{port}"
    settings = with_keys(keyed, witnesses=address)
    await grow(keyed, 5)
    assert await publish(settings, folder) == 5
    published = (await read_checkpoints(keyed)).newest
    assert published is not None and published.missing == ("w1.example",)
    with witness_process(tmp_path / "w1.json", port=port):
        assert await publish(settings, folder) == 5
    published = (await read_checkpoints(keyed)).newest
    assert published is not None and not published.missing
    assert published.checkpoint == (folder / "checkpoint").read_text()


async def test_lost_folder_is_rebuilt_with_the_same_tiles(keyed: Settings, tmp_path: Path) -> None:
    folder, again = tmp_path / "log", tmp_path / "again"
    with witness_process(tmp_path / "w1.json") as (witness, _):
        settings = with_keys(keyed, witnesses=witness)
        await grow(keyed, 260)
        await publish(settings, folder)
        await publish(settings, again)
    assert files(folder) == files(again)


TAMPERINGS: list[tuple[str, Callable[[bytes], bytes | None], str]] = [
    ("tile/0/001.p/4", lambda data: bytes(32) + data[32:], "do not lead to the root of its checkpoint"),
    ("tile/0/001.p/4", lambda data: None, "lacks tile/0/001.p/4"),
    ("checkpoint", lambda data: data.replace(b"\n260\n", b"\n999\n"), "the checkpoint was changed"),
]


@pytest.mark.parametrize(("name", "tamper", "what"), TAMPERINGS, ids=["tile", "missing tile", "checkpoint"])
async def test_publisher_finds_a_tampered_folder(
    keyed: Settings, tmp_path: Path, name: str, tamper: Callable[[bytes], bytes | None], what: str
) -> None:
    folder = tmp_path / "log"
    await grow(keyed, 260)
    await publish(keyed, folder)
    changed = tamper((folder / name).read_bytes())
    if changed is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(changed)
    await grow(keyed, 1)
    with pytest.raises(AuditBroken, match=what):
        await publish(keyed, folder)


async def test_verify_names_the_tampered_file_of_the_folder(keyed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    await grow(keyed, 260)
    await publish(keyed, folder)
    sound = await asyncio.to_thread(command, keyed, "verify", "--folder", str(folder))
    assert sound.returncode == 0, sound.stdout + sound.stderr
    tile = folder / "tile/0/000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    found = await asyncio.to_thread(command, keyed, "verify", "--folder", str(folder))
    assert found.returncode == 3 and "tile/0/000" in found.stdout, found.stdout
    bundle = folder / "tile/entries/000"
    data = bytearray(bundle.read_bytes())
    data[7 * (2 + 431) + 100] ^= 1  # each leaf follows its length
    bundle.write_bytes(data)
    found = await asyncio.to_thread(command, keyed, "verify", "--folder", str(folder))
    assert found.returncode == 3 and "entry 7: changed: the published folder has another leaf" in found.stdout


async def test_log_that_went_back_is_not_published(keyed: Settings, tmp_path: Path) -> None:
    """The folder has more entries than the log has signed: topics were restored from an older copy."""
    folder, older = tmp_path / "log", tmp_path / "older"
    await grow(keyed, 3)
    await publish(keyed, older)
    other = keyed.model_copy(update={"topic_prefix": f"{keyed.topic_prefix}b."})
    from streams.log.topics import create_topics

    await asyncio.to_thread(create_topics, other)
    await grow(other, 9)
    await publish(other, folder)
    with pytest.raises(AuditBroken, match="the folder has 9 entries, and the log has signed 3: the log went back"):
        await publish(keyed, folder)
    with pytest.raises(AuditBroken, match="changed"):
        await publish(other, older)


async def test_old_state_of_the_writer_is_refused(keyed: Settings, tmp_path: Path) -> None:
    """A program with write access repeats a genuine, earlier state."""
    await grow(keyed, 3)
    old = (await read_checkpoints(keyed)).state
    await grow(keyed, 2)
    await publish(keyed, tmp_path / "log")
    await send_pairs(keyed, "audit-checkpoints", 0, [(STATE_KEY, old)])
    with pytest.raises(AuditBroken, match="it has 3 entries, and 5 were published"):
        await grow(keyed, 1)
    with pytest.raises(AuditBroken, match="the folder has 5 entries, and the log has signed 3"):
        await publish(keyed, tmp_path / "log")


async def test_witness_signs_no_second_history(keyed: Settings, tmp_path: Path) -> None:
    other = keyed.model_copy(update={"topic_prefix": f"{keyed.topic_prefix}b."})
    from streams.log.topics import create_topics

    await asyncio.to_thread(create_topics, other)
    await grow(keyed, 3)
    await grow(other, 5)
    with witness_process(tmp_path / "w1.json") as (witness, _):
        assert await publish(with_keys(keyed, witnesses=witness), tmp_path / "one") == 3
        assert await publish(with_keys(other, witnesses=witness), tmp_path / "two") == 5
    records = await read_checkpoints(other)
    assert records.newest is not None and records.newest.missing == ("w1.example",)


@pytest.mark.long
async def test_publisher_killed_at_any_moment_leaves_a_sound_folder(keyed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    program = [HUSHTAG, "audit", "publish", "--to", str(folder), "--every", "1", "--metrics-port", "0"]
    with witness_process(tmp_path / "w1.json") as (witness, _):
        settings = with_keys(keyed, witnesses=witness)
        await grow(keyed, 10)
        assert await publish(settings, folder) == 10
        before = (folder / "checkpoint").read_text()
        for killed in range(3):
            await grow(keyed, 700)
            start = len(files(folder))
            process = subprocess.Popen(program, env=environment(settings), stderr=subprocess.DEVNULL)
            try:
                async with asyncio.timeout(60):
                    while len(files(folder)) == start:
                        assert process.poll() is None
                        await asyncio.sleep(0.005)
                await asyncio.sleep(0.02 * killed)
            finally:
                process.kill()
                await asyncio.to_thread(process.wait)
            checked(folder)
            consistent(before, folder)
            before = (folder / "checkpoint").read_text()
        assert await publish(settings, folder) == 2_110 == checked(folder)
        consistent(before, folder)
    newest = (await read_checkpoints(keyed)).newest
    assert newest is not None and newest.missing == ()


@pytest.mark.long
async def test_witness_killed_while_cosigning_keeps_its_word(keyed: Settings, tmp_path: Path) -> None:
    """Whatever it had cosigned before a kill, it refuses another history of that size afterwards."""
    folder, state, port = tmp_path / "log", tmp_path / "w1.json", free_port()
    settings = with_keys(keyed, witnesses=f"{WITNESS_KEYS[0].public_key} http://127.0.0.1:{port}")
    await grow(keyed, 4)
    for delay in (0.0, 0.002, 0.01):
        with witness_process(state, port=port) as (_, process):
            before = _content(state)
            publishing = asyncio.create_task(publish(settings, folder))
            while not publishing.done() and not (tmp_path / "w1.json.part").exists() and _content(state) == before:
                await asyncio.sleep(0.0005)
            await asyncio.sleep(delay)
            process.kill()
            await publishing
        await grow(keyed, 4)
    with witness_process(state, port=port):
        assert await publish(settings, folder) == 16
        async with httpx.AsyncClient() as client:
            body = f"old 0\n\n{(folder / 'checkpoint').read_text()}"
            answer = await client.post(f"http://127.0.0.1:{port}/add-checkpoint", content=body.encode())
        assert (answer.status_code, answer.text) == (409, "16\n")
        assert answer.headers["content-type"].startswith("text/x.tlog.size")
    assert checked(folder) == 16


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


async def test_second_publisher_fences_the_first(keyed: Settings, tmp_path: Path) -> None:
    from moderation.log.fenced_writer import TakenOver

    await grow(keyed, 2)
    async with AuditPublisher(keyed, tmp_path / "log") as first:
        await first.publish()
        await grow(keyed, 2)
        async with AuditPublisher(keyed, tmp_path / "log") as second:
            with pytest.raises(TakenOver):
                await first.publish()
            assert await second.publish() == 4


async def test_erased_entry_has_no_proof_and_keeps_its_leaf(keyed: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    await grow(keyed, 4)
    await publish(keyed, folder)
    leaf = (await read_entry(keyed, 2)).leaf
    ran = await asyncio.to_thread(command, keyed, "erase", "2", "--reason", "r", "--actor", "lee")
    assert ran.returncode == 0, ran.stderr
    await grow(keyed, 0)
    assert await publish(keyed, folder) == 5 == checked(folder)
    with pytest.raises(ProofError, match="was erased"):
        await proof_of(keyed, 2, ["time"])
    erased = await read_entry(keyed, 2)
    assert erased.leaf == leaf and erased.is_erased
    proof = await proof_of(keyed, 2, ["type", "period"])
    assert not isinstance(proof, NotYetPublished)
    assert verify_proof(proof, read_keys(str(LOG_KEY.public_key), []))[0]["index"] == 2
    shutil.rmtree(folder)
    with pytest.raises(CallerMistake):
        await read_entry(keyed, 99)
