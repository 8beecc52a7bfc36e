"""Keys, signed notes, checkpoints, cosignatures and the text of proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.tlog.checkpoint import Checkpoint, open_checkpoint, read_checkpoint, sign_checkpoint
from moderation.publiclog.tlog.cosignature import cosign, cosignature_of
from moderation.publiclog.tlog.errors import ProofCode, ProofError
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey, new_key, read_private_key, read_public_key
from moderation.publiclog.tlog.notes import NoteSignature, SignedNote, read_note
from moderation.publiclog.tlog.proof_text import TlogProof, read_proof
from streams.errors import CallerMistake

LOG = PrivateKey("example.com/log", KeyKind.log, bytes(range(32)))
NEXT = PrivateKey("example.com/log", KeyKind.log, bytes(range(1, 33)))
FIRST = PrivateKey("one.example/witness", KeyKind.witness, b"1" * 32)
SECOND = PrivateKey("two.example/witness", KeyKind.witness, b"2" * 32)
POINT = Checkpoint("example.com/log", 8, leaf_hash(b"root"))
# From the documentation of Go's golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def code_of(error: pytest.ExceptionInfo[ProofError]) -> ProofCode:
    return error.value.code


def test_note_of_another_implementation_verifies() -> None:
    key = read_public_key(GO_KEY, KeyKind.log)
    note = read_note(GO_NOTE)
    assert str(key) == GO_KEY
    assert note.encode() == GO_NOTE
    assert [key.verifies(one, note.text.encode()) for one in note.by(key)] == [True]


@pytest.mark.parametrize("kind", KeyKind)
def test_keys_survive_their_text(kind: KeyKind) -> None:
    key = new_key("example.com/x", kind)
    assert read_private_key(key.encode(), kind) == key
    assert read_public_key(str(key.public_key), kind) == key.public_key
    assert key.encode()[-44:] not in repr(key)


@pytest.mark.parametrize("text", ["", "a+b", GO_KEY.replace("c74f", "c74e"), GO_KEY[:-4], GO_KEY + "=", "x" + GO_KEY])
def test_damaged_public_key_is_refused(text: str) -> None:
    with pytest.raises(CallerMistake):
        read_public_key(text, KeyKind.log)


def test_key_of_another_kind_is_refused() -> None:
    with pytest.raises(CallerMistake, match="a log's key, and a witness's key is needed"):
        read_public_key(GO_KEY, KeyKind.witness)
    with pytest.raises(CallerMistake):
        read_private_key(FIRST.encode(), KeyKind.log)


def test_private_key_is_never_repeated_in_an_error() -> None:
    text = LOG.encode()
    for wrong in (text[:-4], text.replace("+", "-"), text.removeprefix("PRIVATE+KEY+"), text.replace("log+", "bog+")):
        with pytest.raises(CallerMistake) as error:
            read_private_key(wrong, KeyKind.log)
        assert text[-40:-8] not in f"{error.value} {error.value.fix}"


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak"])
def test_key_name_without_spaces_and_plus(name: str) -> None:
    with pytest.raises(CallerMistake):
        new_key(name, KeyKind.log)


@pytest.mark.parametrize("text", [
    "", "a\n", "a\n\n", "\n\n— a AAAA\n", "a\n\n— a AAAAAAA=", "a\n\n— a AAAAAAB=\n", "a\n\n— a AAAA\n",
    "a\n\n— a b c\n", "a\tb\n\n— a AAAAAAA=\n", "a\r\n\n— a AAAAAAA=\n", "a\n\n- a AAAAAAA=\n",
    "a\n\n" + "— a AAAAAAA=\n" * 101,
])  # fmt: skip
def test_note_outside_its_format_is_malformed(text: str) -> None:
    with pytest.raises(ProofError) as error:
        read_note(text)
    assert code_of(error) is ProofCode.malformed


@pytest.mark.parametrize("text", [
    "a\n1\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "\n1\nAAAA\n", "a\n1\nAAAA\n",
    "a\n9223372036854775808\nAAAA\n", "a\n١\nAAAA\n",
])  # fmt: skip
def test_checkpoint_outside_its_format_is_malformed(text: str) -> None:
    with pytest.raises(ProofError) as error:
        read_checkpoint(text)
    assert code_of(error) is ProofCode.malformed


def test_signed_checkpoint_opens_with_either_key_of_a_rotation() -> None:
    note = sign_checkpoint(POINT, [LOG, NEXT]).encode()
    for key in (LOG, NEXT):
        assert open_checkpoint(note, key.public_key)[0] == POINT


def test_checkpoint_of_another_log_is_wrong_log() -> None:
    note = sign_checkpoint(POINT, [LOG])
    for key in (NEXT, replace(LOG, name="example.com/other")):
        with pytest.raises(ProofError) as error:
            open_checkpoint(note.encode(), key.public_key)
        assert code_of(error) is ProofCode.wrong_log


def test_checkpoint_with_another_origin_than_its_key_is_wrong_log() -> None:
    note = sign_checkpoint(replace(POINT, origin="example.com/other"), [LOG])
    with pytest.raises(ProofError) as error:
        open_checkpoint(note.encode(), LOG.public_key)
    assert code_of(error) is ProofCode.wrong_log


def test_changed_checkpoint_has_a_bad_signature() -> None:
    note = sign_checkpoint(POINT, [LOG])
    changed = SignedNote(replace(POINT, size=9).text(), note.signatures)
    with pytest.raises(ProofError) as error:
        open_checkpoint(changed.encode(), LOG.public_key)
    assert code_of(error) is ProofCode.bad_signature


def test_one_bad_signature_of_the_log_spoils_the_note() -> None:
    good = sign_checkpoint(POINT, [LOG])
    bad = NoteSignature(LOG.name, LOG.public_key.key_id, bytes(64))
    with pytest.raises(ProofError) as error:
        open_checkpoint(good.with_signatures([bad]).encode(), LOG.public_key)
    assert code_of(error) is ProofCode.bad_signature


def cosigned(*keys: PrivateKey) -> SignedNote:
    note = sign_checkpoint(POINT, [LOG])
    return note.with_signatures([cosign(note.text, key, 1_800_000_000) for key in keys])


def test_cosignatures_verify_after_a_round_trip() -> None:
    note = read_note(cosigned(FIRST, SECOND).encode())
    found = [cosignature_of(note, one.public_key) for one in (FIRST, SECOND)]
    assert [(one.witness, one.at_seconds) for one in found if one is not None] == [
        (FIRST.name, 1_800_000_000),
        (SECOND.name, 1_800_000_000),
    ]
    assert cosignature_of(cosigned(FIRST), SECOND.public_key) is None


def test_cosignature_with_another_time_is_a_bad_signature() -> None:
    note = cosigned()
    one = cosign(note.text, FIRST, 1_800_000_000)
    later = replace(one, signature=(1_900_000_000).to_bytes(8, "big") + one.signature[8:])
    for changed in (later, replace(one, signature=one.signature + b"x"), replace(one, signature=one.signature[:8])):
        with pytest.raises(ProofError) as error:
            cosignature_of(note.with_signatures([changed]), FIRST.public_key)
        assert code_of(error) is ProofCode.bad_signature


def test_signature_of_the_text_is_no_cosignature() -> None:
    note = cosigned()
    plain = NoteSignature(FIRST.name, FIRST.public_key.key_id, bytes(8) + FIRST.sign(note.text.encode()))
    with pytest.raises(ProofError) as error:
        cosignature_of(note.with_signatures([plain]), FIRST.public_key)
    assert code_of(error) is ProofCode.bad_signature


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_proof_text_returns_its_parts(index: int, path: list[bytes]) -> None:
    proof = TlogProof(index, tuple(path), cosigned(FIRST).encode())
    assert read_proof(proof.encode()) == proof


@pytest.mark.parametrize("text", [
    "", "c2sp.org/tlog-proof@v1\nindex 1\n", "c2sp.org/tlog-proof@v2\nindex 1\n\na\n", "c2sp.org/tlog-proof@v1\n\na\n",
    "c2sp.org/tlog-proof@v1\nindex 01\n\na\n", "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\na\n",
    "c2sp.org/tlog-proof@v1\nextra ?\nindex 1\n\na\n", "c2sp.org/tlog-proof@v1\nindex 1\r\n\na\n",
    "c2sp.org/tlog-proof@v1\nindex 1\n" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + "\na\n",
])  # fmt: skip
def test_proof_text_outside_its_format_is_malformed(text: str) -> None:
    with pytest.raises(ProofError) as error:
        read_proof(text)
    assert code_of(error) is ProofCode.malformed
