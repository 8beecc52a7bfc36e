"""Ask witnesses for cosignatures (C2SP tlog-witness): POST /add-checkpoint with a consistency proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import httpx

from moderation.publiclog.keys import WitnessAddress
from moderation.publiclog.tlog.cosignature import cosignature_of
from moderation.publiclog.tlog.encoding import from_decimal, to_base64
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.notes import NoteSignature, SignedNote, read_signature_lines
from streams.exchange import BoundedClient

EXCHANGE_SECONDS = 10.0
"""Time that a witness has for an answer."""
_MAX_ANSWER_BYTES = 16 * 1024

Consistency = Callable[[int], list[bytes]]
"""Makes the proof that the checkpoint extends the log's first entries, by their number."""
Outcome = Literal["cosigned", "away", "refused", "ahead", "inconsistent", "unreadable"]
"""`ahead`: the witness has seen more entries; `inconsistent`: it does not accept the proof."""


class _Reply(NamedTuple):
    """Reply of a witness, as received."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """Answer of one witness."""

    outcome: Outcome
    signatures: tuple[NoteSignature, ...] = ()
    detail: str = ""


def witness_client(transport: httpx.AsyncBaseTransport | None = None) -> BoundedClient:
    """Make the HTTP client of all witnesses; `transport` replaces the network in tests."""
    return BoundedClient(seconds=EXCHANGE_SECONDS, answer_bytes=_MAX_ANSWER_BYTES, transport=transport)


class Witness:
    """Client of one witness. It remembers the size that the witness has cosigned."""

    def __init__(self, address: WitnessAddress, client: BoundedClient) -> None:
        self.key = address.key
        self._url, self._client = f"{address.url}/add-checkpoint", client
        self._size = 0

    async def cosign(self, note: SignedNote, size: int, consistency: Consistency) -> WitnessAnswer:
        """Submit a signed checkpoint; a witness that has another size than expected is asked once more.

        Args:
            note: checkpoint with the log's signatures.
            size: its number of entries.
            consistency: makes consistency proofs; it may block.
        """
        try:
            for _ in range(2):
                proof = await asyncio.to_thread(consistency, self._size) if self._size <= size else []
                answer = await self._post(note, min(self._size, size), proof)
                if answer.status != httpx.codes.CONFLICT:
                    break
                before = self._size
                self._size = from_decimal(answer.text.strip(), "the witness's size")
                if self._size > size:
                    detail = f"it has cosigned {self._size} entries, and the log has signed {size}"
                    return WitnessAnswer("ahead", detail=detail)
                if self._size == before:
                    return WitnessAnswer("inconsistent", detail=f"it has cosigned another root of {size} entries")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return WitnessAnswer("away", detail=str(error) or type(error).__name__)
        except ProofError as error:
            return WitnessAnswer("unreadable", detail=str(error))
        if answer.status == httpx.codes.UNPROCESSABLE_ENTITY:
            return WitnessAnswer("inconsistent", detail=answer.text[:200])
        if answer.status != httpx.codes.OK:
            return WitnessAnswer("refused", detail=f"{answer.status}: {answer.text[:200]}")
        return self._read(note, size, answer.text)

    async def _post(self, note: SignedNote, old: int, proof: list[bytes]) -> _Reply:
        body = "".join([f"old {old}\n", *(f"{to_base64(node)}\n" for node in proof), "\n", note.encode()])
        answer = await self._client.post(self._url, content=body.encode())
        return _Reply(answer.status_code, answer.content.decode(errors="replace"))

    def _read(self, note: SignedNote, size: int, text: str) -> WitnessAnswer:
        try:
            lines = read_signature_lines(text)
            if cosignature_of(SignedNote(note.text, lines), self.key) is None:
                return WitnessAnswer("unreadable", detail="the answer has no cosignature of this witness's key")
        except ProofError as error:
            return WitnessAnswer("unreadable", detail=str(error))
        self._size = size
        own = tuple(line for line in lines if (line.name, line.key_id) == (self.key.name, self.key.key_id))
        return WitnessAnswer("cosigned", own)
