"""Twelve forgeries of a story's evidence, each as the platform could make it: it has all of the log's keys. Pure.

For the split view the platform even has the keys of both witnesses. Only the checkpoint that the third party saw
before reveals it then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from devkit.scenario.evidence_files import EvidenceFiles
from moderation.publiclog.proofs.published_log import CHECKPOINT
from moderation.publiclog.tlog.bundles import decode_bundle, encode_bundle
from moderation.publiclog.tlog.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from moderation.publiclog.tlog.cosignature import cosign
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.keys import PrivateKey
from moderation.publiclog.tlog.notes import read_note
from moderation.publiclog.tlog.proof_text import TlogProof, read_proof
from moderation.publiclog.tlog.tiles import TILE_WIDTH, TileBuilder, names_at

_OTHER_SALT = "AAAAAAAAAAAAAAAAAAAAAA"
Forge = Callable[["Forger", EvidenceFiles], EvidenceFiles]


@dataclass(frozen=True, slots=True)
class Forgery:
    """One forgery, and the codes of `moderation.publiclog.proofs` with which it may be found."""

    name: str
    codes: tuple[str, ...]
    forge: Forge


@dataclass(frozen=True, slots=True)
class Forger:
    """Keys and files of a platform that forges.

    Args:
        log: private key of the log.
        other: private key of another log.
        witnesses: private keys of the witnesses.
        earlier: content of the published folder at an earlier time.
        at_seconds: time of forged cosignatures.
    """

    log: PrivateKey
    other: PrivateKey
    witnesses: tuple[PrivateKey, ...]
    earlier: Mapping[str, bytes]
    at_seconds: int

    def signed(self, checkpoint: Checkpoint, key: PrivateKey) -> str:
        """Sign and cosign a checkpoint."""
        note = sign_checkpoint(checkpoint, [key])
        return note.with_signatures(
            [cosign(note.text, witness, self.at_seconds) for witness in self.witnesses]
        ).encode()


def _changed_field(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    """Claim another action, in the statement and in its opened fields."""
    opened = [
        field | {"value": "allow"} if field["name"] == "action" else field
        for field in files.statement["proof"]["opened"]
    ]
    statement = _with_proof(files.statement, opened=opened)
    return replace(files, statement={**statement, "entry": statement["entry"] | {"action": "allow"}})


def _changed_words(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    """Say something else in words than in the statement's own members."""
    words = {language: text + " This cannot be appealed." for language, text in files.statement["text"].items()}
    return replace(files, statement={**files.statement, "text": words})


def _other_salt(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    opened = files.statement["proof"]["opened"]
    return replace(
        files, statement=_with_proof(files.statement, opened=[opened[0] | {"salt": _OTHER_SALT}, *opened[1:]])
    )


def _wrong_path(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    proof = _proof(files)
    return _with_tlog(files, replace(proof, path=(proof.path[0][::-1], *proof.path[1:])))


def _wrong_index(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    proof = _proof(files)
    return _with_tlog(files, replace(proof, index=proof.index ^ 1))


def _other_log(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    """Prove the statement in a log of another key, which has the same name and the same entries."""
    proof = _proof(files)
    checkpoint = read_checkpoint(read_note(proof.checkpoint).text)
    return _with_tlog(files, replace(proof, checkpoint=forger.signed(checkpoint, forger.other)))


def _rolled_back(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    return replace(files, published=forger.earlier)


def _split_view(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    """Publish another history of the same length, signed and cosigned, in which the first entry is another."""
    checkpoint = read_checkpoint(read_note(files.published[CHECKPOINT].decode()).text)
    leaves = _leaves(files.published, checkpoint.size)
    other = leaves[0][:-1] + bytes([leaves[0][-1] ^ 1])
    return replace(files, published=_published(forger, [other, *leaves[1:]]))


def _missing_cosignature(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    proof = _proof(files)
    note = read_note(proof.checkpoint)
    note = replace(note, signatures=note.signatures[:-1])
    return _with_tlog(files, replace(proof, checkpoint=note.encode()))


def _omitted_entry(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    """Leave a decision out of the openings and of the report's numbers, so that these agree with each other."""
    rows = [json.loads(line) for line in files.openings]
    omitted = next(row for row in reversed(rows) if row[2].startswith("decision/"))
    log = files.report["log"]
    entries = log["entries"] | {omitted[2]: log["entries"][omitted[2]] - 1}
    others = tuple(line for line, row in zip(files.openings, rows, strict=True) if row is not omitted)
    return replace(files, openings=others, report={**files.report, "log": log | {"entries": entries}})


def _wrong_number(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    counts = files.report["decisions_by_people"]
    return replace(files, report={**files.report, "decisions_by_people": counts | {"block": counts["block"] - 1}})


def _fewer_suspended(forger: Forger, files: EvidenceFiles) -> EvidenceFiles:
    """Publish a tenth of the suspended accounts, in the one place where people read them."""
    states = files.report["states"]
    accounts = states["account"] | {"suspended": int(states["account"]["suspended"]) // 10}
    return replace(files, report={**files.report, "states": {**states, "account": accounts}})


FORGERIES = (
    Forgery("changed field", ("wrong_field",), _changed_field),
    Forgery("changed words", ("wrong_field",), _changed_words),
    Forgery("other salt", ("wrong_field",), _other_salt),
    Forgery("wrong path", ("wrong_path",), _wrong_path),
    Forgery("wrong index", ("wrong_index", "wrong_path"), _wrong_index),
    Forgery("other log", ("wrong_log",), _other_log),
    Forgery("rolled-back checkpoint", ("rolled_back",), _rolled_back),
    Forgery("split view", ("split_view",), _split_view),
    Forgery("missing cosignature", ("missing_cosignature",), _missing_cosignature),
    Forgery("omitted entry", ("omitted_entry",), _omitted_entry),
    Forgery("number that does not add up", ("wrong_number",), _wrong_number),
    Forgery("fewer suspended accounts", ("wrong_number",), _fewer_suspended),
)


def _proof(files: EvidenceFiles) -> TlogProof:
    return read_proof(files.statement["proof"]["proof"])


def _with_tlog(files: EvidenceFiles, proof: TlogProof) -> EvidenceFiles:
    return replace(files, statement=_with_proof(files.statement, proof=proof.encode()))


def _with_proof(statement: Mapping[str, Any], **changes: Any) -> Mapping[str, Any]:
    return {**statement, "proof": {**statement["proof"], **changes}}


def _leaves(published: Mapping[str, bytes], size: int) -> list[bytes]:
    leaves: list[bytes] = []
    for name in names_at(size, None):
        leaves += decode_bundle(published[name.path], name.width)
    return leaves


def _published(forger: Forger, leaves: list[bytes]) -> dict[str, bytes]:
    builder, files = TileBuilder(), dict[str, bytes]()
    for leaf in leaves:
        files |= {tile.name.path: tile.data for tile in builder.append(leaf_hash(leaf))}
    files |= {tile.name.path: tile.data for tile in builder.partial_tiles()}
    for name in names_at(len(leaves), None):
        first = name.index * TILE_WIDTH
        files[name.path] = encode_bundle(leaves[first : first + name.width])
    checkpoint = Checkpoint(forger.log.name, len(leaves), builder.root())
    return files | {CHECKPOINT: forger.signed(checkpoint, forger.log).encode()}
