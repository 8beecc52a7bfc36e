"""A witness: what it cosigns, what it refuses, and what it keeps."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.cosignature import cosignature_of
from moderation.publiclog.tlog.encoding import to_base64
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey
from moderation.publiclog.tlog.notes import SignedNote, read_note, read_signature_lines
from moderation.publiclog.tlog.proving import consistency_proof
from moderation.publiclog.tlog.tiles import TileBuilder, TileName, TileTree
from moderation.publiclog.witness.core import Seen, WitnessCore, WitnessReply
from moderation.publiclog.witness.server import witness_app
from moderation.publiclog.witness.state import StateFile
from streams.errors import CallerMistake, DependencyAway
from tests.support.public_log import LOG_KEY, NEW_LOG_KEY, WITNESS_KEYS

KEY = WITNESS_KEYS[0]
OTHER_LOG = PrivateKey("example.com/other", KeyKind.log, b"o" * 32)


class Memory:
    """Last checkpoints in memory."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}

    def load(self, origin: str) -> Seen | None:
        return self.seen.get(origin)

    def save(self, origin: str, seen: Seen, note: str) -> None:
        self.seen[origin] = seen


class Log:
    """A log whose leaves depend on a word, so that two words are two histories."""

    def __init__(self, word: str = "a", common: int = 0) -> None:
        self._word, self._common = word, common

    def _hashes(self, size: int) -> list[bytes]:
        return [leaf_hash(f"{self._word if n >= self._common else 'a'} {n}".encode()) for n in range(size)]

    def note(self, size: int, key: PrivateKey = LOG_KEY) -> str:
        tree = CompactRange()
        tree.extend(self._hashes(size))
        return sign_checkpoint(Checkpoint(key.name, size, tree.root()), [key]).encode()

    def body(self, old: int, size: int, key: PrivateKey = LOG_KEY) -> bytes:
        builder, tiles = TileBuilder(), dict[TileName, bytes]()
        for one in self._hashes(size):
            tiles |= {tile.name: tile.data for tile in builder.append(one)}
        tiles |= {tile.name: tile.data for tile in builder.partial_tiles()}
        proof = consistency_proof(TileTree(size, tiles.get), old, size)
        lines = "".join(f"{to_base64(one)}\n" for one in proof)
        return f"old {old}\n{lines}\n{self.note(size, key)}".encode()


def witness(store: Memory | None = None) -> WitnessCore:
    return WitnessCore(KEY, [LOG_KEY.public_key], store or Memory(), lambda: 1_700_000_000.9)


def status(reply: WitnessReply) -> tuple[int, str]:
    return reply.status.value, reply.body


def test_cosignature_fits_checkpoint_and_time() -> None:
    core, log = witness(), Log()
    for old, size in ((0, 1), (1, 7), (7, 300), (300, 300)):
        reply = core.submit(log.body(old, size))
        assert reply.status is HTTPStatus.OK, reply
        note = read_note(log.note(size))
        cosigned = cosignature_of(SignedNote(note.text, read_signature_lines(reply.body)), KEY.public_key)
        assert cosigned is not None and cosigned.at_seconds == 1_700_000_000


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6).map(sorted))
def test_growing_log_is_always_cosigned(sizes: list[int]) -> None:
    core, log, old = witness(), Log(), 0
    for size in sizes:
        assert core.submit(log.body(old, size)).status is HTTPStatus.OK
        old = size


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20))
def test_witness_signs_no_second_history(first: int, more: int, common: int) -> None:
    store = Memory()
    core = witness(store)
    assert core.submit(Log("a").body(0, first)).status is HTTPStatus.OK
    other, size = Log("b", common), first + more
    same = common >= first
    reply = core.submit(other.body(first, size))
    assert (reply.status is HTTPStatus.OK) is same, "only a log with the same beginning is the same log"
    assert store.seen[LOG_KEY.name].size == (size if same else first)
    assert same or core.submit(other.body(0, size)).status is HTTPStatus.CONFLICT


def test_other_root_of_the_same_size_is_a_conflict() -> None:
    core = witness()
    core.submit(Log("a").body(0, 4))
    reply = core.submit(f"old 4\n\n{Log('b').note(4)}".encode())
    assert (*status(reply), reply.content_type) == (409, "4\n", "text/x.tlog.size")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (Log().body(1, 5), 409),
        (f"old 9\n\n{Log().note(5)}".encode(), 400),
        (f"old 0\n{to_base64(bytes(32))}\n\n{Log().note(5)}".encode(), 422),
        (Log().body(0, 5, OTHER_LOG), 404),
        (Log().body(0, 5, NEW_LOG_KEY), 403),
        (Log().body(0, 5).replace(b"\n5\n", b"\n6\n"), 403),
        (b"", 400),
        (b"\xff", 400),
        (b"old 0\n\nno note\n", 400),
        (f"old 00\n\n{Log().note(5)}".encode(), 400),
        (f"old 0\nAAAA\n\n{Log().note(5)}".encode(), 400),
        (b"old 0\n" + f"{to_base64(bytes(32))}\n".encode() * 64 + b"\n" + Log().note(5).encode(), 400),
    ],
    ids=["size", "old above new", "proof", "log", "key", "changed", "empty", "bytes", "note", "number", "hash", "long"],
)
def test_bad_submission_is_refused_and_not_kept(body: bytes, code: int) -> None:
    store = Memory()
    assert witness(store).submit(body).status.value == code
    assert not store.seen


def test_wrong_proof_keeps_the_old_checkpoint() -> None:
    store = Memory()
    core = witness(store)
    core.submit(Log().body(0, 4))
    lines = Log().body(4, 9).split(b"\n")
    lines[1] = to_base64(bytes(32)).encode()
    assert core.submit(b"\n".join(lines)).status.value == 422
    assert store.seen[LOG_KEY.name].size == 4


def test_new_key_of_the_same_log_goes_on() -> None:
    store = Memory()
    witness(store).submit(Log().body(0, 4))
    both = WitnessCore(KEY, [LOG_KEY.public_key, NEW_LOG_KEY.public_key], store, lambda: 1.0)
    assert both.submit(Log().body(4, 6, NEW_LOG_KEY)).status is HTTPStatus.OK


def test_state_survives_restart_and_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.json"
    with StateFile(path, is_new=True) as state:
        core = WitnessCore(KEY, [LOG_KEY.public_key], state, lambda: 1.0)
        core.submit(Log().body(0, 4))
        with pytest.raises(CallerMistake, match="another witness uses"), StateFile(path):
            pass
    with StateFile(path) as state:
        core = WitnessCore(KEY, [LOG_KEY.public_key], state, lambda: 1.0)
        assert status(core.submit(Log("b").body(0, 9))) == (409, "4\n")
        assert core.submit(Log().body(4, 9)).status is HTTPStatus.OK
    path.write_bytes(b'{"example.com/log"')
    with pytest.raises(CallerMistake, match="is damaged") as damaged, StateFile(path):
        pass
    assert "retire its key" in damaged.value.fix


def test_missing_state_is_created_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with pytest.raises(CallerMistake, match="does not exist"), StateFile(path):
        pass
    assert not path.exists()
    with StateFile(path, is_new=True):
        pass
    with StateFile(path) as state:
        assert state.load(LOG_KEY.name) is None
    with pytest.raises(CallerMistake, match="exists already"), StateFile(path, is_new=True):
        pass


def test_state_is_on_disk_before_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes nothing: no cosignature leaves the witness, and the old state stays."""
    path = tmp_path / "state.json"
    with StateFile(path, is_new=True) as state:
        core = WitnessCore(KEY, [LOG_KEY.public_key], state, lambda: 1.0)
        core.submit(Log().body(0, 4))

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            core.submit(Log().body(4, 6))
        monkeypatch.undo()
        assert status(core.submit(Log().body(6, 7))) == (409, "4\n")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DependencyAway, match="No space left"), StateFile(tmp_path / "new.json", is_new=True):
        pass


def test_server_answers_as_the_core() -> None:
    with TestClient(witness_app(witness())) as client:
        answer = client.post("/add-checkpoint", content=Log().body(0, 3))
        assert (answer.status_code, answer.text.startswith("— w1.example ")) == (200, True)
        conflict = client.post("/add-checkpoint", content=Log().body(1, 3))
        assert (conflict.status_code, conflict.text) == (409, "3\n")
        assert conflict.headers["content-type"] == "text/x.tlog.size"
        assert client.post("/add-checkpoint", content=b"x" * 70_000).status_code == 413
        assert client.get("/add-checkpoint").status_code == 405
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
