"""Statements, replies and proof files that do not verify."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from moderation.publiclog.disclosure import disclose
from moderation.publiclog.tlog.cosignature import cosign
from moderation.publiclog.tlog.encoding import to_base64
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.keys import KeyKind
from moderation.publiclog.tlog.notes import NoteSignature, SignedNote, read_note
from moderation.publiclog.tlog.proof_text import TlogProof, read_proof
from tests.support.naive_tree import root_of
from tests.support.proof_world import (
    AT,
    EARLY,
    LOG,
    LOG_KEY,
    NEXT_LOG,
    NEXT_WITNESS,
    OTHER_LOG,
    SHOWN,
    SIZE,
    WITNESS_KEYS,
    WITNESSES,
    renamed,
    split_world,
    world,
)

Case = dict[str, Any]
INDEX = 2
"""Entry that most cases are about."""


def forged(name: str, file: Any, code: str, field: str = "", **members: Any) -> Case:
    case = {"name": name, "file": file, **members, "code": code}
    return case | ({"field": field} if field else {})


def forged_cases() -> Iterator[Case]:
    """Build every kind of forgery."""
    yield from _fields()
    yield from _paths()
    yield from _signatures()
    yield from _views()
    yield from _keys()
    yield from _malformed()


def edited(edit: Callable[[dict[str, Any]], object], index: int = INDEX) -> dict[str, Any]:
    """Return a statement after an edit."""
    file = deepcopy(world().statement(index))
    edit(file)
    return file


def opened_as(name: str, /, **changed: Any) -> dict[str, Any]:
    """Return a statement with one opened field changed."""

    def edit(file: dict[str, Any]) -> None:
        for one in file["proof"]["opened"]:
            if one["name"] == name:
                one |= changed

    return edited(edit)


def reproved(edit: Callable[[TlogProof], TlogProof], leaf: bytes | None = None) -> dict[str, Any]:
    """Return a proof file with another proof, or leaf."""
    file = deepcopy(world().proof(INDEX))
    file["proof"] = edit(read_proof(file["proof"])).encode()
    if leaf is not None:
        file["leaf"] = b64encode(leaf).decode()
    return file


def noted(note: SignedNote) -> dict[str, Any]:
    return world().proof(INDEX, note=note)


def _fields() -> Iterator[Case]:
    other_salt = disclose(world().openings[5], ["hashtag"])[0]["salt"]
    yield forged("changed field", opened_as("hashtag", value="other"), "wrong_field", "hashtag")
    yield forged("changed time", opened_as("time", value="2026-11-02T10:00:00.000Z"), "wrong_field", "time")
    yield forged("field emptied", opened_as("reason", value=None), "wrong_field", "reason")
    yield forged("number as text", opened_as("policy_revision", value="7"), "wrong_field", "policy_revision")
    yield forged("other salt", opened_as("hashtag", salt=other_salt), "wrong_field", "hashtag")
    yield forged("field under another name", opened_as("reason", name="note"), "wrong_field", "note")
    yield forged(
        "statement shows another action", edited(lambda f: f["entry"].update(action="clear")), "wrong_field", "action"
    )
    yield forged(
        "statement shows text for a number",
        edited(lambda f: f["entry"].update(policy_revision="7")),
        "wrong_field",
        "policy_revision",
    )
    yield forged(
        "statement shows true for a number",
        edited(lambda f: f["entry"].update(policy_revision=True)),
        "wrong_field",
        "policy_revision",
    )
    yield forged(
        "statement shows a field that is not opened",
        edited(lambda f: f["entry"].update(key="key-2")),
        "wrong_field",
        "key",
    )
    yield from _details()
    for name in SHOWN:
        hidden = edited(lambda f, name=name: f["entry"].pop(name))  # type: ignore[misc]
        yield forged(f"statement without its {name}", hidden, "wrong_field", name)
    unopened = edited(lambda f: f["entry"].pop("hashtag"))
    unopened["proof"]["opened"] = [one for one in unopened["proof"]["opened"] if one["name"] != "hashtag"]
    yield forged("statement whose hashtag is not opened", unopened, "wrong_field", "hashtag")


def _details() -> Iterator[Case]:
    """Build statements whose details or words are not those of their entry."""

    def changed(index: int = INDEX, **members: Any) -> dict[str, Any]:
        return edited(lambda f: f["restriction"].update(members), index)

    evidence = world().statement(0)["restriction"]["evidence"]
    other: dict[str, Any] = {
        "target": "x", "display": "X", "measure": "held", "country": "*", "source": "automated", "category": "abuse",
        "ends_ms": 1, "decision": "o3", "reason": "another", "kind": "account", "order": {"confidential": False},
        "policy_revision": "p2", "weight": 0.5, "surfaces": ["search", "suggest"], "signals": [{"signal": "burst"}],
    }  # fmt: skip
    for name, value in other.items():
        yield forged(f"details with another {name}", changed(**{name: value}), "wrong_field", f"restriction.{name}")
    yield forged("details begin later", changed(began_ms=2**50), "wrong_field", "restriction.began_ms")
    yield forged("surface twice", changed(surfaces=["trends"] * 2), "wrong_field", "restriction.surfaces")
    yield forged(
        "automated decision in another category", changed(0, category="abuse"), "wrong_field", "restriction.category"
    )
    yield forged("automated decision by a person", changed(0, source="human"), "wrong_field", "restriction.source")
    yield forged("automated decision that ends later", changed(0, ends_ms=2**50), "wrong_field", "restriction.ends_ms")
    yield forged(
        "evidence of another share",
        changed(0, evidence=evidence | {"lower": 0.6}),
        "wrong_field",
        "restriction.evidence.lower",
    )
    less = {name: value for name, value in evidence.items() if name != "scored"}
    yield forged("evidence without a count", changed(0, evidence=less), "wrong_field", "restriction.evidence.scored")
    yield forged("no evidence", changed(0, evidence=None), "wrong_field", "restriction.evidence")
    for name in ("source", "category", "ends_ms", "surfaces", "began_ms"):
        hidden = edited(lambda f, name=name: f["restriction"].pop(name))  # type: ignore[misc]
        yield forged(f"details without {name}", hidden, "wrong_field", f"restriction.{name}")
    for language in ("en", "hi"):
        words = edited(lambda f, to=language: f["text"].update({to: f["text"][to].replace("24", "25", 1)}))  # type: ignore[misc]
        yield forged(f"words with another day: {language}", words, "wrong_field", f"text.{language}")
    longer = edited(lambda f: f["text"].update(en=f["text"]["en"] + "\nThis is final."))
    yield forged("words with a further line", longer, "wrong_field", "text.en")
    ended = edited(lambda f: f["restriction"].update(in_force=False))
    yield forged("details that the words do not say", ended, "wrong_field", "text.en")
    yield forged("words that are no text", edited(lambda f: f["text"].update(en=["x"])), "wrong_field", "text.en")
    for name, text in (("no words", {}), ("no words in English", {"hi": "x"}), ("words as one text", "x")):
        yield forged(name, edited(lambda f, text=text: f.update(text=text)), "malformed", "text")  # type: ignore[misc]
    yield forged("statement without its words", edited(lambda f: f.pop("text")), "malformed", "text")
    yield forged("another reference", edited(lambda f: f.update(reference="x")), "wrong_field", "reference")
    both = changed(reference="hushtag-" + "0" * 24)
    yield forged("details with the reference of another", both, "wrong_field", "reference")
    yield forged("statement without its details", edited(lambda f: f.pop("restriction")), "malformed")
    yield forged("details that are no object", edited(lambda f: f.update(restriction=[])), "malformed")
    unrelated = edited(lambda f: f.update(proof=world().proof(7)))
    unrelated["entry"] = {name: world().openings[7].value(name) for name in SHOWN}
    yield forged("proof of an unrelated entry", unrelated, "wrong_field", "reference")
    lifted = edited(lambda f: f.update(proof=world().proof(1)))
    lifted["entry"] = {name: world().openings[1].value(name) for name in SHOWN}
    yield forged("proof of an entry that lifts a restriction", lifted, "wrong_field", "reference")
    facts = opened_as("facts", value='{"restrictions":[]}')
    yield forged("other facts", facts, "wrong_field", "facts")
    yield forged("order of another country", _ruled(country="*"), "wrong_field", "restriction.country")
    yield forged("order as a decision of people", _ruled(source="human"), "wrong_field", "restriction.source")
    yield forged("time that is none", _ruled(began_ms="x"), "malformed")
    yield forged("time after the year 9999", _ruled(ends_ms=253_402_300_800_000), "malformed")


def _ruled(**members: Any) -> dict[str, Any]:
    """Return the statement of a ruling, whose begin and end the log does not know, after a change."""
    from tests.vectors.good_proofs import stated_cases

    file = deepcopy(next(one for one in stated_cases() if one["name"].endswith("withheld"))["file"])
    file["restriction"] |= members
    return file


def _paths() -> Iterator[Case]:
    w = world()
    path = read_proof(w.proof(INDEX)["proof"]).path
    leaf = w.leaves[INDEX]
    yield forged("wrong path", reproved(lambda p: replace(p, path=(leaf_hash(b"x"), *p.path[1:]))), "wrong_path")
    yield forged(
        "path in another order", reproved(lambda p: replace(p, path=(p.path[1], p.path[0], *p.path[2:]))), "wrong_path"
    )
    yield forged("path too short", reproved(lambda p: replace(p, path=p.path[:-1])), "wrong_index")
    yield forged("path too long", reproved(lambda p: replace(p, path=(*p.path, p.path[0]))), "wrong_index")
    yield forged("wrong index", reproved(lambda p: replace(p, index=INDEX + 1)), "wrong_path")
    yield forged("wrong index at the end of the log", reproved(lambda p: replace(p, index=SIZE - 1)), "wrong_index")
    yield forged("index beyond the log", reproved(lambda p: replace(p, index=SIZE)), "wrong_index")
    yield forged("greatest index", reproved(lambda p: replace(p, index=2**63 - 1)), "wrong_index")
    yield forged("changed leaf", reproved(lambda p: p, leaf[:-1] + bytes([leaf[-1] ^ 1])), "wrong_path")
    yield forged("leaf of another entry", reproved(lambda p: p, w.leaves[3]), "wrong_path")
    pair = w.tree.leaves[2] + w.tree.leaves[3]
    yield forged("inner node as a leaf", reproved(lambda p: replace(p, index=1, path=path[1:]), pair), "wrong_index")


def _signatures() -> Iterator[Case]:
    w = world()
    note = w.checkpoint()
    yield forged(
        "checkpoint of another log", noted(w.checkpoint(keys=(OTHER_LOG,), origin=OTHER_LOG.name)), "wrong_log"
    )
    yield forged("checkpoint of another log under this name", noted(w.checkpoint(keys=(OTHER_LOG,))), "wrong_log")
    yield forged("checkpoint by another key of this name", noted(w.checkpoint(keys=(NEXT_LOG,))), "wrong_log")
    yield forged(
        "checkpoint with another origin, signed by this key",
        noted(w.checkpoint(origin="example.org/other")),
        "wrong_log",
    )
    larger = SignedNote(note.text.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"), note.signatures)
    yield forged("size of the checkpoint changed", noted(larger), "bad_signature")
    root = split_world().checkpoint().text.split("\n")[2]
    swapped = SignedNote(note.text.replace(note.text.split("\n")[2], root), note.signatures)
    yield forged("root of the checkpoint changed", noted(swapped), "bad_signature")
    unsigned = NoteSignature(LOG.name, LOG.public_key.key_id, bytes(64))
    yield forged("a second signature of the log that is bad", noted(note.with_signatures([unsigned])), "bad_signature")
    yield forged("no cosignature", noted(w.checkpoint(witnesses=())), "missing_cosignature")
    yield forged("missing cosignature", noted(w.checkpoint(witnesses=WITNESSES[:1])), "missing_cosignature")
    strangers = [renamed(WITNESSES[1], "four.example/w")]
    yield forged(
        "cosignature under another name",
        noted(w.checkpoint(witnesses=(WITNESSES[0], *strangers))),
        "missing_cosignature",
    )
    yield forged(
        "one witness twice, and a quorum of two",
        noted(w.checkpoint(witnesses=WITNESSES[:1])),
        "missing_cosignature",
        quorum=2,
        witness_keys=[WITNESS_KEYS[0], WITNESS_KEYS[0], WITNESS_KEYS[1]],
    )
    bare = w.checkpoint(witnesses=WITNESSES[:1])
    earlier = cosign(w.checkpoint(EARLY).text, WITNESSES[1], AT)
    yield forged("cosignature of another checkpoint", noted(bare.with_signatures([earlier])), "bad_signature")
    right = cosign(note.text, WITNESSES[1], AT)
    later = replace(right, signature=(AT + 1).to_bytes(8, "big") + right.signature[8:])
    yield forged("time of a cosignature changed", noted(bare.with_signatures([later])), "bad_signature")
    short = replace(right, signature=right.signature[8:])
    yield forged("cosignature without its time", noted(bare.with_signatures([short])), "bad_signature")
    plain = replace(right, signature=bytes(8) + WITNESSES[1].sign(note.text.encode()))
    yield forged("signature of the text as a cosignature", noted(bare.with_signatures([plain])), "bad_signature")
    late = w.checkpoint(keys=(LOG, NEXT_LOG)).with_signatures(
        [NoteSignature(LOG.name, NEXT_LOG.public_key.key_id, bytes(64))]
    )
    both = [LOG_KEY, str(NEXT_LOG.public_key)]
    yield forged("a bad signature of the second key that is given", noted(late), "bad_signature", log_key=both)
    yield forged("signed by neither of two keys", noted(w.checkpoint(keys=(OTHER_LOG,))), "wrong_log", log_key=both)
    yield forged(
        "two keys of one witness for a quorum of two",
        noted(w.checkpoint(witnesses=(WITNESSES[1], NEXT_WITNESS))),
        "missing_cosignature",
        quorum=2,
        witness_keys=[*WITNESS_KEYS, str(NEXT_WITNESS.public_key)],
    )
    yield forged("bad cosignature beyond the quorum", noted(bare.with_signatures([plain])), "bad_signature", quorum=1)


def _views() -> Iterator[Case]:
    w, other = world(), split_world()
    yield forged("rolled back", w.proof(INDEX, size=EARLY), "rolled_back", seen=w.checkpoint().encode())
    yield forged("split view", other.proof(INDEX), "split_view", seen=w.checkpoint().encode())
    seen = w.checkpoint(keys=(OTHER_LOG,), origin=OTHER_LOG.name).encode()
    yield forged("checkpoint seen before is of another log", w.proof(INDEX), "wrong_log", seen=seen)


def _keys() -> Iterator[Case]:
    file = world().proof(INDEX)
    own = replace(LOG, kind=KeyKind.witness)
    by_itself = world().proof(INDEX, note=world().checkpoint(witnesses=(own,)))
    mistake = "caller_mistake"
    yield forged("the log as its own witness", by_itself, mistake, witness_keys=[str(own.public_key)])
    yield forged("a witness's key for the log", file, mistake, log_key=WITNESS_KEYS[0])
    yield forged("the log's key for a witness", file, mistake, witness_keys=[LOG_KEY])
    yield forged("a damaged key", file, mistake, log_key=LOG_KEY.replace("hushtag", "hushtab"))
    yield forged("no key", file, mistake, log_key="")
    yield forged("keys of two logs", file, mistake, log_key=[LOG_KEY, str(OTHER_LOG.public_key)])
    own = replace(NEXT_LOG, kind=KeyKind.witness)
    both = [LOG_KEY, str(NEXT_LOG.public_key)]
    yield forged(
        "another key of the log as its witness", file, mistake, log_key=both, witness_keys=[str(own.public_key)]
    )
    two = [WITNESS_KEYS[1], str(NEXT_WITNESS.public_key)]
    yield forged("a quorum of two with two keys of one witness", file, mistake, quorum=2, witness_keys=two)
    names = [WITNESS_KEYS[0], str(renamed(WITNESSES[0], "three.example/w").public_key)]
    yield forged("a quorum of two with one key under two names", file, mistake, quorum=2, witness_keys=names)
    yield forged("a quorum beyond the witnesses", file, mistake, quorum=3)
    yield forged("a quorum beyond distinct witnesses", file, mistake, quorum=2, witness_keys=[WITNESS_KEYS[0]] * 2)


def _malformed() -> Iterator[Case]:
    w = world()
    proof: str = w.proof(INDEX)["proof"]
    leaf: str = w.proof(INDEX)["leaf"]

    def with_proof(text: str) -> dict[str, Any]:
        return w.proof(INDEX) | {"proof": text}

    def bad(name: str, file: Any) -> Case:
        return forged(name, file, "malformed")

    def bad_text(name: str, text: str) -> Case:
        return {"name": name, "text": text, "code": "malformed"}

    yield bad("no proof yet", edited(lambda f: f.update(proof=None)))
    yield bad("no proof", edited(lambda f: f.pop("proof")))
    yield bad("no entry beside the proof", edited(lambda f: f.pop("entry")))
    yield bad("nothing shown of the entry", edited(lambda f: f.update(entry={})))
    yield bad("nothing shown and nothing opened", edited(lambda f: (f.update(entry={}), f["proof"].update(opened=[]))))
    yield bad("details that are null", edited(lambda f: f.update(restriction=None)))
    yield bad("proof file with a statement beside it", w.proof(INDEX) | {"entry": {"hashtag": "x"}})
    yield bad("proof with a further member", edited(lambda f: f["proof"].update(text="x")))
    whole = json.dumps(w.statement(INDEX))
    false = json.dumps(w.statement(INDEX)["entry"] | {"hashtag": "x"})
    yield bad_text("entry given twice, the first one false", '{"entry": ' + false + ", " + whole[1:])
    yield bad_text("field given twice", whole.replace('"entry": {', '"entry": {"hashtag": "x", ', 1))
    yield bad_text("field given twice, once escaped", whole.replace('"entry": {', '"entry": {"h\u0061shtag": "x", ', 1))
    yield bad_text(
        "value of an opened field given twice", whole.replace('"name": "time"', '"name": "note", "name": "time"', 1)
    )
    yield bad("proof of another format", w.proof(INDEX) | {"format": "hushtag-proof-2"})
    yield bad("leaf of two spellings", w.proof(INDEX) | {"leaf": leaf[:-3] + chr(ord(leaf[-3]) + 1) + "=="})
    yield bad("leaf with a line break", w.proof(INDEX) | {"leaf": leaf + "\n"})
    yield bad("leaf that is a number", w.proof(INDEX) | {"leaf": 7})
    yield bad("opened fields that are no list", w.proof(INDEX) | {"opened": {}})
    yield bad("no opened fields", {name: value for name, value in w.proof(INDEX).items() if name != "opened"})
    yield bad("field opened twice", w.proof(INDEX) | {"opened": w.proof(INDEX)["opened"][:1] * 2})
    yield bad("unknown field", opened_as("hashtag", name="colour"))
    yield bad("field with a further member", opened_as("hashtag", more=1))
    yield bad("salt of two spellings", opened_as("hashtag", salt="AAAAAAAAAAAAAAAAAAAAAB"))
    yield bad("salt that is too short", opened_as("hashtag", salt="AAAA"))
    yield bad("value that is a list", opened_as("hashtag", value=["a"]))
    yield bad("value that is true", opened_as("hashtag", value=True))
    yield bad("value that is no whole number", opened_as("policy_revision", value=7.5))
    yield bad("value beyond exact numbers", opened_as("policy_revision", value=2**53))
    yield bad_text("value that is not Unicode", json.dumps(w.proof(INDEX)).replace('"tag2"', '"\\ud800"'))
    yield bad_text("value that is not finite", json.dumps(w.proof(INDEX)).replace('"value": 7', '"value": NaN'))
    yield bad_text("no JSON", "{")
    yield bad_text("an empty file", "")
    yield bad_text("a list", "[]")
    yield bad("index with a leading zero", with_proof(proof.replace("index 2", "index 02")))
    yield bad("index beyond the greatest", with_proof(proof.replace("index 2", "index 9223372036854775808")))
    yield bad("index in other digits", with_proof(proof.replace("index 2", "index \u0968")))
    yield bad("proof of another version", with_proof(proof.replace("@v1", "@v2")))
    yield bad("proof without index", with_proof(proof.replace("index 2\n", "")))
    yield bad("proof without checkpoint", with_proof(proof.split("\n\n")[0] + "\n"))
    yield bad("hash of the path cut", with_proof(proof.replace("\nindex 2\n", "\nindex 2\nAAAA\n")))
    yield bad("path beyond 63 hashes", reproved(lambda p: replace(p, path=p.path[:1] * 64)))
    yield bad("lines that end with CR LF", with_proof(proof.replace("\n", "\r\n")))
    note = w.checkpoint()
    line = note.signatures[0].line()
    yield bad("checkpoint without signatures", with_proof(proof.split("\u2014")[0]))
    yield bad("signature with a hyphen for the dash", with_proof(proof.replace(line, line.replace("\u2014", "-"))))
    yield bad("signature that is cut", with_proof(proof.replace(line, f"\u2014 {LOG.name} AAAA\n")))
    yield bad(
        "checkpoint without a root", with_proof(proof.replace(note.text, "\n".join(note.text.split("\n")[:2]) + "\n"))
    )
    yield bad("size with a sign", with_proof(proof.replace(f"\n{SIZE}\n", f"\n+{SIZE}\n")))
    root = to_base64(root_of(w.tree.leaves))
    yield bad("root that is cut", with_proof(proof.replace(root, "AAAA")))
    tabbed = SignedNote(note.text.replace(LOG.name, f"{LOG.name}\t"), note.signatures)
    yield bad("control character in the checkpoint", w.proof(INDEX, note=tabbed))
    lines = [NoteSignature("x.example", bytes([at, 0, 0, 0]), b"x") for at in range(101)]
    yield bad("more than 100 signatures", w.proof(INDEX, note=SignedNote(note.text, tuple(lines))))
    cut = deepcopy(w.proof(INDEX))
    short_leaf = b64decode(leaf)[:-32]
    small = _alone(short_leaf)
    yield bad("leaf without its last digest", cut | {"leaf": b64encode(short_leaf).decode(), "proof": small})
    other_kind = b"hushtag-leaf-2\n" + b64decode(leaf)[15:]
    yield bad("leaf of another format", cut | {"leaf": b64encode(other_kind).decode(), "proof": _alone(other_kind)})


def _alone(leaf: bytes) -> str:
    """Make a valid proof of a log that has only this leaf."""
    from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint

    note = sign_checkpoint(Checkpoint(LOG.name, 1, leaf_hash(leaf)), [LOG])
    note = note.with_signatures([cosign(note.text, one, AT) for one in WITNESSES])
    return TlogProof(0, (), read_note(note.encode()).encode()).encode()
