"""The client of a witness: its answers, and sizes that differ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest

from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.keys import WitnessAddress
from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.notes import SignedNote
from moderation.publiclog.tlog.proving import consistency_proof
from moderation.publiclog.tlog.tiles import TileBuilder, TileTree
from moderation.publiclog.witness.core import WitnessCore
from moderation.publiclog.witness.server import witness_app
from moderation.publiclog.witnesses import Witness, WitnessAnswer, witness_client
from tests.support.public_log import LOG_KEY, WITNESS_KEYS

KEY = WITNESS_KEYS[0]


class _Seen:
    def __init__(self) -> None:
        self.last: dict[str, object] = {}

    def load(self, origin: str):  # type: ignore[no-untyped-def]
        return self.last.get(origin)

    def save(self, origin: str, seen: object, note: str) -> None:
        self.last[origin] = seen


def leaves(size: int, word: str) -> list[bytes]:
    return [leaf_hash(f"{word} {n}".encode()) for n in range(size)]


def note_of(size: int, word: str = "a") -> SignedNote:
    tree = CompactRange()
    tree.extend(leaves(size, word))
    return sign_checkpoint(Checkpoint(LOG_KEY.name, size, tree.root()), [LOG_KEY])


async def ask(client: Witness, size: int, word: str = "a") -> WitnessAnswer:
    builder = TileBuilder()
    for one in leaves(size, word):
        builder.append(one)
    tiles = {tile.name: tile.data for tile in builder.partial_tiles()}
    return await client.cosign(
        note_of(size, word), size, lambda old: consistency_proof(TileTree(size, tiles.get), old, size)
    )


def client_of(transport: httpx.AsyncBaseTransport) -> Witness:
    return Witness(WitnessAddress(KEY.public_key, "http://w"), witness_client(transport))


@pytest.fixture
def served() -> httpx.ASGITransport:
    return httpx.ASGITransport(witness_app(WitnessCore(KEY, [LOG_KEY.public_key], _Seen(), lambda: 7.0)))


async def test_client_learns_the_size_of_the_witness(served: httpx.ASGITransport) -> None:
    first, second = client_of(served), client_of(served)
    assert (await ask(first, 3)).outcome == "cosigned"
    assert (await ask(first, 8)).outcome == "cosigned"
    answer = await ask(second, 9)
    assert (answer.outcome, [one.name for one in answer.signatures]) == ("cosigned", [KEY.name])


async def test_history_that_the_witness_does_not_know_is_reported(served: httpx.ASGITransport) -> None:
    await ask(client_of(served), 8)
    assert (await ask(client_of(served), 5)).outcome == "ahead"
    assert (await ask(client_of(served), 9, "b")).outcome == "inconsistent"
    assert (await ask(client_of(served), 8, "b")).outcome == "inconsistent"
    assert (await ask(client_of(served), 8)).outcome == "cosigned"


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (200, "— w1.example AAAA\n", "unreadable"),
        (200, "nonsense", "unreadable"),
        (200, "", "unreadable"),
        (409, "many\n", "unreadable"),
        (404, "unknown log", "refused"),
        (500, "", "refused"),
    ],
)
async def test_answer_that_is_no_cosignature_is_reported(status: int, text: str, outcome: str) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, text=text))
    assert (await ask(client_of(transport), 3)).outcome == outcome


async def test_witness_that_is_away_is_reported() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    assert (await ask(client_of(httpx.MockTransport(away)), 3)).outcome == "away"


@pytest.mark.parametrize("endless", [False, True], ids=["slow", "long"])
async def test_witness_cannot_stall_or_bloat_the_publisher(monkeypatch: pytest.MonkeyPatch, endless: bool) -> None:
    sent = 0

    async def drip() -> AsyncGenerator[bytes, None]:
        nonlocal sent
        while True:
            sent += 1_000
            yield b"x" * 1_000 if endless else b"x"
            await asyncio.sleep(0 if endless else 0.01)

    monkeypatch.setattr("moderation.publiclog.witnesses.EXCHANGE_SECONDS", 5.0 if endless else 0.05)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=drip()))
    answer = await asyncio.wait_for(ask(client_of(transport), 3), 60)
    assert answer.outcome == "away" and (sent == 17_000 or not endless), answer


async def test_proof_that_the_log_cannot_make_is_no_fault_of_the_witness() -> None:
    def lacking(old: int) -> list[bytes]:
        raise AuditBroken("folder", "a tile is missing")

    with pytest.raises(AuditBroken):
        await client_of(httpx.MockTransport(lambda _: httpx.Response(200))).cosign(note_of(3), 3, lacking)


async def test_cosignature_of_another_witness_does_not_count() -> None:
    core = WitnessCore(WITNESS_KEYS[1], [LOG_KEY.public_key], _Seen(), lambda: 7.0)
    assert (await ask(client_of(httpx.ASGITransport(witness_app(core))), 3)).outcome == "unreadable"
