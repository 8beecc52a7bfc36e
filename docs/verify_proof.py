"""Verify a statement of reasons, an order's reply, a transparency report, or hushtag's whole public log.

One file, without code of hushtag: it needs Python 3.11 and the package `cryptography`, and reads nothing but the files
that you name. `hushtag proof` runs it too.

    python verify_proof.py statement FILE --log-key KEY --witness-key KEY [--quorum N] [--seen FILE] [--folder DIR|URL]

    python verify_proof.py report FILE --openings FILE --folder DIR|URL --log-key KEY ... [--publication FILE]

    python verify_proof.py log --folder DIR|URL --log-key KEY ...

Take the keys from a source that you trust, not from the folder. After a change of keys give --log-key twice, and both
keys of a witness; keys of one name are one witness. Exit codes: 0 it verifies, except for the members that are printed
as not verified; 2 the call is wrong; 3 it does not verify. Formats: RFC 6962 (tree), c2sp.org/signed-note,
/tlog-checkpoint, /tlog-cosignature, /tlog-tiles and /tlog-proof, and docs/audit.md (leaves, statements, reports).
docs/vectors/proofs.json has cases for a verifier of your own.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import decimal
import functools
import gzip
import hashlib
import http.client
import json
import pathlib
import queue
import re
import sys
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELDS = ["type", "period", "time", "source", "key", "record", "note"]
FIELDS += ["hashtag", "country", "action", "reason", "policy_revision", "facts"]
SHOWN = ["time", "hashtag", "country", "action", "reason", "policy_revision", "facts"]  # opened by each statement
LEAF = b"hushtag-leaf-1\n"
DIGEST_AT = {name: len(LEAF) + 32 * at for at, name in enumerate(FIELDS)}  # where a field's digest begins in a leaf
SALT, SURROGATE = re.compile("[A-Za-z0-9_-]{21}[AQgw]"), re.compile("[\ud800-\udfff]")
LOG, WITNESS = 1, 4  # signature types of keys
GREATEST = 2**63 - 1
FILE_SECONDS, MOST_BYTES = 30, 256 * 65_537  # of one file of a website; MOST_BYTES: a bundle of the longest entries
DAY_MS, LAST_MS = 86_400_000, 253_402_300_800_000  # LAST_MS: end of the year 9999
LANGUAGES = ("en", "hi")
CATEGORIES = {
    "hateful_conduct": "attacks on people for who they are",
    "abuse": "insults and threats",
    "gendered_abuse": "abuse of people for their gender",
}
ORDER_PARTS = (("authority", "authority"), ("basis", "legal_basis"), ("number", "reference"))
VERBS = ("block", "allow", "hold", "undo", "pause")
RECOUNTED = {"from_ms", "to_ms", "country", "decisions_by_people", "log"}  # members of a report

Read = Callable[[str], bytes | None]  # returns the content of a published file by its path; None: it is missing
Object = dict[str, Any]


class Refused(Exception):
    """Something does not verify, or the call is wrong (`caller_mistake`)."""

    def __init__(self, code: str, what: str, field: str = "") -> None:
        super().__init__(what)
        self.code, self.field = code, field


class Key(NamedTuple):
    """Public key: its name, identifier and 32 bytes."""

    name: str
    identifier: bytes
    public: bytes


class Signature(NamedTuple):
    """Signature of a note."""

    name: str
    identifier: bytes
    data: bytes


@dataclass(frozen=True)
class Keys:
    """Keys that the checker trusts: those of one log, those of each witness by its name, and how many must sign."""

    logs: list[Key]
    witnesses: dict[str, list[Key]]
    quorum: int

    @property
    def log(self) -> str:
        """Name of the log."""
        return self.logs[0].name


@dataclass(frozen=True)
class VerifiedCheckpoint:
    """Verified checkpoint, with the time of each witness's earliest cosignature in POSIX seconds."""

    size: int
    root: bytes
    note: str
    cosigned: dict[str, int]


def need(condition: object, code: str, what: str, field: str = "") -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused(code, what, field)


def sha256(data: bytes) -> bytes:
    """Hash bytes with SHA-256."""
    return hashlib.sha256(data).digest()


# ---- one spelling for each value ----


def decode(text: str, what: str) -> bytes:
    """Decode base64 in its one spelling."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Refused("malformed", f"{what} is not base64") from None
    need(base64.b64encode(data).decode() == text, "malformed", f"{what} is not base64")
    return data


def number(text: str, what: str) -> int:
    """Read a whole number without sign or leading zeros."""
    fits = re.fullmatch("0|[1-9][0-9]{0,18}", text) and int(text) <= GREATEST
    need(fits, "malformed", f"{what} is not a whole number")
    return int(text)


def read_json(text: str) -> Object:
    """Read a JSON object; 7.0 is the whole number 7, and no name may stand twice in an object."""

    def real(digits: str) -> float:
        return int(float(digits)) if float(digits).is_integer() else float(digits)

    def constant(word: str) -> Any:
        raise ValueError(word)

    def once(pairs: list[tuple[str, Any]]) -> Object:
        content = dict(pairs)
        names = [name for name, _ in pairs]
        double = next((name for name in content if names.count(name) > 1), None) if len(content) < len(pairs) else None
        need(double is None, "malformed", f"the file gives {double!r} twice in one place")
        return content

    try:
        content = json.loads(text, object_pairs_hook=once, parse_float=real, parse_constant=constant)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Refused("malformed", "the file is not a JSON object")
    return content


@functools.lru_cache(10_000, typed=True)
def canonical(value: str | int | None) -> bytes:
    """Write a string, a whole number or null as RFC 8785 does; types and days repeat, so they are kept."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number that every JSON parser keeps exact, and not true or false."""
    return type(value) is int and abs(value) < 2**53


def is_text(value: Any) -> bool:
    """Return whether a value is a text of Unicode."""
    return isinstance(value, str) and (value.isascii() or not SURROGATE.search(value))


def equal(left: Any, right: Any) -> bool:
    """Compare two JSON values; true is not 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def shown(value: Any) -> str:
    """Cut a value for a message."""
    return repr(value)[:80]


# ---- keys, signed notes, checkpoints ----


def read_key(text: str, kind: int) -> Key:
    """Read a public key."""
    wrong = f"{text!r} is not the public key of a {'log' if kind == LOG else 'witness'}"
    parts = text.strip().split("+", 2)
    need(len(parts) == 3 and re.fullmatch(r"\S+", parts[0]), "caller_mistake", wrong)
    try:
        data = decode(parts[2], "key")
    except Refused:
        raise Refused("caller_mistake", wrong) from None
    need(len(data) == 33 and data[0] == kind, "caller_mistake", wrong)
    identifier = sha256(parts[0].encode() + b"\n" + data)[:4]
    need(identifier.hex() == parts[1], "caller_mistake", f"the key {text!r} is damaged")
    return Key(parts[0], identifier, data[1:])


def read_keys(log_key: str | Iterable[str], witness_keys: Iterable[str], quorum: int | None = None) -> Keys:
    """Read the keys of the checker; `quorum` None: all witnesses must have signed."""
    logs = [read_key(text, LOG) for text in ([log_key] if isinstance(log_key, str) else log_key)]
    need(len({key.name for key in logs}) == 1, "caller_mistake", "the keys are not those of one log")
    distinct = {key.public: key for key in (read_key(text, WITNESS) for text in witness_keys)}
    own = next((key.name for key in distinct.values() if key.public in {log.public for log in logs}), None)
    need(own is None, "caller_mistake", f"the witness {own!r} has the key of the log itself, so it witnesses nothing")
    witnesses: dict[str, list[Key]] = {}
    for key in distinct.values():
        witnesses.setdefault(key.name, []).append(key)
    needed = len(witnesses) if quorum is None else quorum
    most = len(witnesses)
    need(0 <= needed <= most, "caller_mistake", f"a quorum of {needed} cannot be met with the keys of {most} witnesses")
    return Keys(logs, witnesses, needed)


def signed_by(key: Key, signature: bytes, message: str) -> bool:
    """Return whether an Ed25519 signature verifies."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def read_note(note: str) -> tuple[str, list[Signature]]:
    """Read a signed note; return its text and its signatures."""
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", note), "malformed", "a signed note has a control character")
    text, gap, lines = note.rpartition("\n\n")
    need(gap and text and lines.endswith("\n"), "malformed", "a signed note has no text or no signature")
    signatures = []
    for line in lines[:-1].split("\n"):
        parts = re.fullmatch("— ([^ ]+) ([^ ]+)", line)
        if parts is None:
            raise Refused("malformed", "a line of a signed note is no signature")
        data = decode(parts[2], "a signature")
        need(len(data) >= 5, "malformed", "a signature is too short")
        signatures.append(Signature(parts[1], data[:4], data[4:]))
    need(len(signatures) <= 100, "malformed", "a signed note has more than 100 signatures")
    return text + "\n", signatures


def own_signatures(signatures: list[Signature], key: Key) -> list[bytes]:
    """Return the signatures of one key."""
    return [line.data for line in signatures if (line.name, line.identifier) == (key.name, key.identifier)]


def open_log_checkpoint(note: str, keys: Keys) -> VerifiedCheckpoint:
    """Verify the log's signature of a checkpoint, and no cosignature."""
    text, signatures = read_note(note)
    lines = text[:-1].split("\n")
    need(len(lines) >= 3 and "" not in lines, "malformed", "a checkpoint has fewer than three lines")
    root, size = decode(lines[2], "the root"), number(lines[1], "the size")
    need(len(root) == 32, "malformed", "the root has not 32 bytes")
    name = keys.log
    need(lines[0] == name, "wrong_log", f"the checkpoint is of the log {lines[0]!r}, not of {name!r}")
    own = [(key, data) for key in keys.logs for data in own_signatures(signatures, key)]
    need(own, "wrong_log", f"the checkpoint is not signed by a key of {name!r} that you gave")
    good = all(signed_by(key, data, text) for key, data in own)
    need(good, "bad_signature", "the log's signature does not fit the checkpoint: the checkpoint was changed")
    return VerifiedCheckpoint(size, root, note, {})


def open_checkpoint(note: str, keys: Keys) -> VerifiedCheckpoint:
    """Verify the signature of the log and the cosignatures of witnesses."""
    signed = open_log_checkpoint(note, keys)
    text, signatures = read_note(note)
    cosigned: dict[str, int] = {}
    for name, own in keys.witnesses.items():
        for key in own:
            for data in own_signatures(signatures, key):
                seconds = int.from_bytes(data[:8], "big")
                message = f"cosignature/v1\ntime {seconds}\n{text}"
                good = len(data) == 72 and seconds <= GREATEST and signed_by(key, data[8:], message)
                need(good, "bad_signature", f"the cosignature of the witness {name!r} does not fit the checkpoint")
                cosigned[name] = min(seconds, cosigned.get(name, seconds))
    missing = ", ".join(repr(name) for name in keys.witnesses if name not in cosigned)
    enough = len(cosigned) >= keys.quorum
    need(
        enough, "missing_cosignature", f"{keys.quorum} witnesses must have cosigned the checkpoint; missing: {missing}"
    )
    return VerifiedCheckpoint(signed.size, signed.root, note, cosigned)


def compare(old: VerifiedCheckpoint, size: int, root: bytes) -> None:
    """Compare a checkpoint with an earlier one of the same size or larger."""
    need(old.size <= size, "rolled_back", f"the log had {old.size} entries before and now has {size}")
    need(root == old.root, "split_view", f"there are two histories of the log with {size} entries")


# ---- the tree ----


def node(left: bytes, right: bytes) -> bytes:
    """Hash two adjacent subtrees."""
    return sha256(b"\x01" + left + right)


def middle_of(start: int, end: int) -> int:
    """Return where RFC 6962 divides the tree over leaves [start, end), which has two leaves or more."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def check_path(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    """Check that a leaf is in the tree: walk from the root down to it, then hash back up."""
    need(index < size, "wrong_index", f"the proof names entry {index}, but the log had {size} entries")
    turns, start, end = [], 0, size
    while end - start > 1:
        middle = middle_of(start, end)
        turns.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    need(len(path) == len(turns), "wrong_index", f"the path does not fit entry {index} of a log of {size} entries")
    top = sha256(b"\x00" + leaf)
    for left, sibling in zip(reversed(turns), path, strict=True):
        top = node(top, sibling) if left else node(sibling, top)
    need(
        top == root, "wrong_path", f"the entry is not in the log at number {index}: it does not lead to the signed root"
    )


class Tree:
    """Right edge of a tree that grows: roots of its complete subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self.edge: list[bytes] = []

    def append(self, entry: bytes) -> None:
        """Append an entry to the tree."""
        top, rest = sha256(b"\x00" + entry), self.size
        while rest & 1:
            top, rest = node(self.edge.pop(), top), rest >> 1
        self.edge.append(top)
        self.size += 1

    def root(self) -> bytes:
        """Compute the root of the tree."""
        top = self.edge[-1] if self.edge else sha256(b"")
        for left in reversed(self.edge[:-1]):
            top = node(left, top)
        return top


# ---- the published log ----


def path_of(level: str, index: int) -> str:
    """Return the path of a full tile."""
    digits = f"{index:03d}"
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    parts = re.findall("...", digits)
    return f"tile/{level}/" + "/".join(["x" + part for part in parts[:-1]] + parts[-1:])


def read_tile(read: Read, level: str, index: int, width: int) -> tuple[bytes, int]:
    """Read a tile, or the full one where the partial one is gone; return its content and width."""
    path = path_of(level, index)
    data = read(path if width == 256 else f"{path}.p/{width}")
    if data is None and width < 256:
        data, width = read(path), 256
    if data is None:
        raise Refused("omitted_entry", f"the published log lacks {path}, which the checkpoint covers")
    return data, width


def read_head(read: Read, keys: Keys) -> VerifiedCheckpoint:
    """Read and verify the published checkpoint."""
    try:
        note = (read("checkpoint") or b"\xff").decode()
    except ValueError:
        raise Refused("malformed", "the published log has no checkpoint that can be read") from None
    return open_checkpoint(note, keys)


def entries_of(read: Read, size: int) -> Iterator[bytes]:
    """Read the entries of a published log."""
    for index in range((size + 255) // 256):
        width = min(256, size - index * 256)
        data, count = read_tile(read, "entries", index, width)
        entries, at = [], 0
        while at < len(data):
            start = at + 2
            at = start + int.from_bytes(data[at:start], "big")
            entries.append(data[start:at])
        whole = at == len(data) and len(entries) == count
        need(whole, "malformed", f"{path_of('entries', index)} does not have {count} entries")
        yield from entries[:width]


class Tiles:
    """Roots of subtrees of a published log, from its tiles."""

    def __init__(self, read: Read, size: int) -> None:
        self.read, self.size = read, size

    def root(self, start: int, end: int) -> bytes:
        """Compute the root over the leaves [start, end), a subtree of the log's tree."""
        if end == start:
            return sha256(b"")
        count = end - start
        if count & (count - 1):
            middle = middle_of(start, end)
            return node(self.root(start, middle), self.root(middle, end))
        level, spare = divmod(count.bit_length() - 1, 8)
        first = start >> 8 * level
        width = min(256, (self.size >> 8 * level) - (first & ~255))
        data, width = read_tile(self.read, str(level), first >> 8, width)
        need(len(data) == 32 * width, "malformed", f"{path_of(str(level), first >> 8)} does not have {width} hashes")
        at = 32 * (first & 255)
        row = [data[at + 32 * index : at + 32 * index + 32] for index in range(1 << spare)]
        while len(row) > 1:
            row = [node(row[index], row[index + 1]) for index in range(0, len(row), 2)]
        return row[0]

    def roots(self, start: int, end: int, old: int) -> tuple[bytes, bytes]:
        """Compute the roots over [start, old) and over [start, end) from the same hashes; start < old <= end."""
        if old == end:
            root = self.root(start, end)
            return root, root
        middle = middle_of(start, end)
        if old <= middle:
            before, left = self.roots(start, middle, old)
            return before, node(left, self.root(middle, end))
        left = self.root(start, middle)
        before, right = self.roots(middle, end, old)
        return node(left, before), node(left, right)


def check_extends(read: Read, now: VerifiedCheckpoint, old: VerifiedCheckpoint) -> None:
    """Check that the published log contains an earlier checkpoint."""
    if old.size >= now.size:
        compare(old, now.size, now.root)
    elif old.size:
        before, root = Tiles(read, now.size).roots(0, now.size, old.size)
        need(root == now.root, "wrong_path", "the published tiles do not lead to the signed root: one was changed")
        compare(old, old.size, before)


def check_entries(
    read: Read, now: VerifiedCheckpoint, earlier: list[VerifiedCheckpoint], on_entry: Callable[[bytes], None]
) -> None:
    """Read every entry, and check that they lead to the roots of the published and of earlier checkpoints."""
    for old in earlier:
        if old.size >= now.size:
            compare(old, now.size, now.root)
    tree, roots = Tree(), {0: sha256(b"")}
    sizes = {now.size, *(old.size for old in earlier)}
    for leaf in entries_of(read, now.size):
        tree.append(leaf)
        if tree.size in sizes:
            roots[tree.size] = tree.root()
        on_entry(leaf)
    good = roots[now.size] == now.root
    need(good, "wrong_path", "the published entries do not lead to the signed root: one was changed")
    for old in earlier:
        compare(old, old.size, roots[old.size])


def seen_before(seen: str | None, keys: Keys) -> list[VerifiedCheckpoint]:
    """Read the checkpoint that the checker saw before."""
    return [] if seen is None else [open_log_checkpoint(seen, keys)]


def verify_log(read: Read, keys: Keys, seen: str | None = None) -> Object:
    """Verify every entry of a published log against its checkpoint, and against the one that was seen before."""
    now, earlier = read_head(read, keys), seen_before(seen, keys)
    check_entries(read, now, earlier, lambda leaf: None)
    return {"log": keys.log, "size": now.size, "cosigned_by": now.cosigned, "published_checkpoint": now.note}


# ---- leaves and opened fields ----


def is_salt(text: Any) -> bool:
    """Return whether a value is 16 bytes of base64url in their one spelling."""
    return isinstance(text, str) and SALT.fullmatch(text) is not None


def is_value(value: Any) -> bool:
    """Return whether a field can have this value."""
    return value is None or is_text(value) or is_whole(value)


def committed(leaf: bytes, name: str, salt: str, value: Any) -> bool:
    """Return whether a leaf commits to this value of a field."""
    start = DIGEST_AT[name]
    return sha256(b'["%b","%b",%b]' % (salt.encode(), name.encode(), canonical(value))) == leaf[start : start + 32]


def open_fields(leaf: bytes, opened: Any) -> Object:
    """Check opened fields against a leaf; return their values."""
    whole = leaf.startswith(LEAF) and len(leaf) == len(LEAF) + 32 * len(FIELDS)
    need(whole, "malformed", "the leaf is of another kind")
    need(isinstance(opened, list), "malformed", "the opened fields are not a list")
    values: Object = {}
    for item in opened:
        whole = isinstance(item, dict) and set(item) == {"name", "salt", "value"} and item["name"] in FIELDS
        need(whole and item["name"] not in values, "malformed", "an opened field is unknown, doubled or incomplete")
        name, salt, value = item["name"], item["salt"], item["value"]
        need(is_salt(salt) and is_value(value), "malformed", f"the field {name} has a salt or a value that cannot be")
        good = committed(leaf, name, salt, value)
        need(good, "wrong_field", f"the field {name} was changed: the log contains another value", name)
        values[name] = value
    return values


# ---- statements and replies ----


def read_proof(text: str) -> tuple[int, list[bytes], str]:
    """Read a proof; return index, path and checkpoint."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    need(gap and lines.pop(0) == "c2sp.org/tlog-proof@v1", "malformed", "the proof is of another format")
    if lines and lines[0].startswith("extra "):
        decode(lines.pop(0)[6:], "the extra data")
    need(lines and lines[0].startswith("index "), "malformed", "the proof has no index")
    index = number(lines.pop(0)[6:], "the index")
    path = [decode(line, "a hash") for line in lines]
    need(len(path) <= 63 and all(len(hashed) == 32 for hashed in path), "malformed", "the path is no list of hashes")
    return index, path, checkpoint


def verify_proof(file: Object, keys: Keys) -> tuple[Object, VerifiedCheckpoint]:
    """Verify a proof file; return the answer and its checkpoint."""
    need(file.get("format") == "hushtag-proof-1", "malformed", "the proof is of another format")
    complete = set(file) <= {"format", "leaf", "opened", "proof"}
    need(complete, "malformed", "the proof has a member that no proof has, and that nothing proves")
    text, proof = file.get("leaf"), file.get("proof")
    if not isinstance(text, str) or not isinstance(proof, str):
        raise Refused("malformed", "the proof has no leaf or no path")
    leaf = decode(text, "the leaf")
    index, path, note = read_proof(proof)
    checkpoint = open_checkpoint(note, keys)
    check_path(leaf, index, checkpoint.size, path, checkpoint.root)
    opened = open_fields(leaf, file.get("opened"))
    cosigned = checkpoint.cosigned
    answer = {"index": index, "log": keys.log, "size": checkpoint.size, "opened": opened, "cosigned_by": cosigned}
    return answer | {"not_verified": []}, checkpoint


def same(name: str, value: Any, logged: Any) -> None:
    """Check that a file shows what the log contains."""
    good = equal(value, logged)
    need(good, "wrong_field", f"the file shows another {name} than the log: {shown(value)}, not {shown(logged)}", name)


def restriction_in(facts: Any, reference: Any) -> Object:
    """Return the facts of the log on the restriction that a statement is about."""
    logged = read_json(facts).get("restrictions") if isinstance(facts, str) else None
    for restriction in logged if isinstance(logged, list) else []:
        if isinstance(restriction, dict) and restriction.get("reference", reference) == reference:
            return restriction
    raise Refused("wrong_field", f"the log's entry is about no restriction {shown(reference)}", "reference")


def check_restriction(details: Object, logged: Object) -> list[str]:
    """Compare a statement's details with the log; return the members that the log leaves out."""
    unbound = []
    for name, value in details.items():
        path = f"restriction.{name}"
        if name == "evidence" and isinstance(value, dict) and isinstance(logged.get(name), dict):
            for part, number in value.items():
                if part in logged[name]:
                    same(f"{path}.{part}", number, logged[name][part])
                else:
                    unbound.append(f"{path}.{part}")
        elif name in logged:
            same(path, value, logged[name])
        elif f"most_{name}" in logged:  # surfaces: a stronger decision may overrule it on some
            most = logged[f"most_{name}"]
            good = (
                isinstance(value, list) and all(surface in most for surface in value) and len(set(value)) == len(value)
            )
            need(good, "wrong_field", f"the file shows other {name} than the log: {shown(value)}", path)
            unbound += [path] if value != most else []
        elif f"latest_{name}" in logged:  # beginning of a person's decision: it may prolong an earlier one
            latest = logged[f"latest_{name}"]
            good = is_whole(value) and value <= latest
            need(good, "wrong_field", f"the file shows another {name} than the log: {shown(value)}", path)
            unbound += [path] if value != latest else []
        else:
            unbound.append(path)
    for name in logged:
        member = re.sub("^(most|latest)_", "", name)
        need(member in details, "wrong_field", f"the statement does not show {member}", f"restriction.{member}")
    parts = logged.get("evidence") or {}
    for part in parts:
        need(part in details["evidence"], "wrong_field", f"it does not show {part}", f"restriction.evidence.{part}")
    return unbound


def check_statement(file: Object, opened: Object) -> list[str]:
    """Compare a statement or a reply with the opened fields; return the members that nothing binds to the log."""
    entry = file.get("entry")
    if not isinstance(entry, dict) or not entry:
        raise Refused("malformed", "the file does not show what the log contains about it")
    for name, value in entry.items():
        need(name in opened, "wrong_field", f"the file shows the field {name}, but does not open it in the log", name)
        same(name, value, opened[name])
    texts, details = file.get("text"), file.get("restriction")
    unbound = [name for name in file if name not in ("entry", "proof")]
    if "restriction" not in file and not isinstance(texts, dict):
        return unbound  # a reply to an authority
    if not isinstance(details, dict):
        raise Refused("malformed", "the statement's details are no object")
    if not isinstance(texts, dict) or "en" not in texts:
        raise Refused("malformed", "the statement has no words in English", "text")
    for name in SHOWN:
        need(name in entry, "wrong_field", f"the statement does not show the field {name} of its entry", name)
    logged = restriction_in(opened["facts"], details.get("reference"))
    for name in ("restriction", "reference", "text"):
        if name in unbound:
            unbound.remove(name)
    same("reference", file.get("reference"), details.get("reference"))
    return unbound + check_restriction(details, logged) + check_words(texts, details)


# ---- words of a statement: those that its details say, in each language ----


def member(details: Object, name: str, kind: type) -> Any:
    """Return a member of a statement's details that its words need."""
    value = details.get(name)
    good = is_text(value) if kind is str else is_whole(value) if kind is int else type(value) is kind
    if kind is list:
        good = isinstance(value, list) and all(is_text(text) for text in value)
    need(good, "malformed", f"the statement's details have no {name!r} of the expected kind", f"restriction.{name}")
    return value


class Wording:
    """Messages and formats of one language; a message in English is its own key."""

    def __init__(self, language: str) -> None:
        self.wording = WORDING[language]

    def text(self, message: str, **values: str) -> str:
        """Translate a message and insert its values."""
        template = str(self.wording["messages"].get(message, message))
        return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template)

    def time(self, at_ms: Any) -> str:
        """Format a Unix time in ms as date and time in UTC."""
        need(is_whole(at_ms) and 0 <= at_ms < LAST_MS, "malformed", "the statement has a time that is none")
        at = datetime.datetime.fromtimestamp(at_ms // 1000, datetime.UTC)
        return f"{at.day} {self.wording['months'][at.month - 1]} {at.year}, {at:%H:%M} UTC"

    def country(self, code: str) -> str:
        """Return a country's name; an unknown code stays a code."""
        return str(self.wording["countries"].get(code, code))

    def share(self, value: Any) -> str:
        """Format a share in [0, 1] as a percentage; a half is rounded to even."""
        real = type(value) in (int, float) and 0 <= value <= 1
        need(real, "malformed", "the statement has a share that is none")
        return f"{(decimal.Decimal(repr(value)) * 100).quantize(1, decimal.ROUND_HALF_EVEN)}%"

    def number(self, value: Any) -> str:
        """Format a count with the language's separators."""
        need(is_whole(value) and value >= 0, "malformed", "the statement has a count that is none")
        digits, parts, width = str(value), list[str](), self.wording["groups"]
        while digits:
            size = width[min(len(parts), 1)]
            digits, parts = digits[:-size], [digits[-size:], *parts]
        return ",".join(parts)

    def all_of(self, items: list[str]) -> str:
        """Join items with the language's commas and its word for "and"."""
        if len(items) < 3:
            return str(self.wording["two"]).join(items)
        return ", ".join(items[:-1]) + str(self.wording["last"]) + items[-1]


def words(details: Object, language: str) -> str:
    """Write the statement for the affected user, a paragraph a line."""
    tr = Wording(language)
    lines = [] if details.get("in_force", True) is True else [tr.text("This decision is not in force now. It was:")]
    start, end = tr.time(details.get("began_ms")), details.get("ends_ms")
    lines.append(effect_words(details, tr))
    if equal(end, 0):
        lines.append(tr.text("This began on {start} and lasts until it is revoked.", start=start))
    else:
        message = "This began on {start} and ends on {end}, unless it is renewed."
        lines.append(tr.text(message, start=start, end=tr.time(end)))
    lines += reason_words(details, tr)
    if details["measure"] == "held":
        lines.append(tr.text("It is held back until a person has looked at it."))
    if member(details, "kind", str) == "hashtag":
        lines.append(tr.text("Tweets with it are not deleted, and people who type it still find them."))
    message = "If you think this is wrong, you can appeal. Give the reference {reference}."
    return "\n".join([*lines, tr.text(message, reference=member(details, "reference", str))])


def effect_words(details: Object, tr: Wording) -> str:
    """Say what is hidden from whom."""
    measure, code = member(details, "measure", str), member(details, "country", str)
    country = tr.country(code)
    if measure == "suspended":
        return tr.text("Your account is suspended.")
    if measure == "withheld":
        hidden = tr.text("Your account is not visible to viewers in {country}.", country=country)
        if member(details, "kind", str) == "tweet":
            message = "Your tweet {tweet} is not visible to viewers in {country}."
            hidden = tr.text(message, tweet=member(details, "target", str), country=country)
        return hidden + elsewhere_words(details, tr)
    names = {"trends": tr.text("the list of trends"), "search": tr.text("search suggestions")}
    places = tr.all_of([names.get(surface, surface) for surface in member(details, "surfaces", list)])
    tag = member(details, "display", str)
    if measure == "discounted":
        message = "#{tag} is shown in {places}, but only tweets of established accounts count for its rank there."
        if code != "*":
            message = (
                "#{tag} is shown in {places} to viewers in {country}, but only tweets of established accounts count "
                "for its rank there."
            )
        return tr.text(message, tag=tag, places=places, country=country)
    if code != "*":
        message = "#{tag} is not shown in {places} to viewers in {country}."
        return tr.text(message, tag=tag, places=places, country=country)
    hidden = tr.text("#{tag} is not shown in {places}.", tag=tag, places=places)
    if not details.get("shown_in"):
        return hidden
    countries = tr.all_of([tr.country(code) for code in member(details, "shown_in", list)])
    return hidden + " " + tr.text("Other decisions show it to viewers in {countries}.", countries=countries)


def elsewhere_words(details: Object, tr: Wording) -> str:
    """Say whether viewers in other countries see an account or a tweet."""
    if details.get("also_hidden_in") is None or details.get("in_force", True) is not True:
        return ""
    others = member(details, "also_hidden_in", list)
    if not others:
        return " " + tr.text("Everywhere else it is.")
    if "*" in others:
        return " " + tr.text("Other decisions hide it everywhere else too.")
    message = "Other decisions hide it from viewers in {countries} too. Everywhere else it is visible."
    return " " + tr.text(message, countries=tr.all_of([tr.country(code) for code in others]))


def reason_words(details: Object, tr: Wording) -> list[str]:
    """Say who decided, and why."""
    source = member(details, "source", str)
    if source == "automated":
        return automated_words(details, tr)
    if source == "human":
        message = "A person on our team decided this. The reason that they gave: {reason}"
        return [tr.text(message, reason=member(details, "reason", str))]
    order = details.get("order")
    if order is None or member(details, "order", dict).get("confidential") is not False:
        return [tr.text("We did this because of a legal order that we may not say more about.")]
    parts = {name: member(order, key, str) for name, key in ORDER_PARTS}
    return [tr.text("We did this because of a legal order by {authority} ({basis}, {number}).", **parts)]


def automated_words(details: Object, tr: Wording) -> list[str]:
    """Say on which evidence the automated system decided."""
    category, evidence = member(details, "category", str), details.get("evidence")
    name = tr.text(CATEGORIES[category]) if category in CATEGORIES else category.replace("_", " ")
    lines = [tr.text("An automated system decided this under our rules on {category}.", category=name)]
    part = details.get("weight")
    if evidence is not None:
        evidence = member(details, "evidence", dict)
        message = (
            "It looked at tweets by {people} people who used the hashtag, and estimates that {lower} to {upper} of "
            "them break these rules."
        )
        lower, upper = tr.share(evidence.get("lower")), tr.share(evidence.get("upper"))
        lines.append(tr.text(message, people=tr.number(evidence.get("scored")), lower=lower, upper=upper))
        lines += unread_words(member(evidence, "unread", dict), tr)
        authors = member(evidence, "authors", int)
        part = member(evidence, "established", int) / authors if authors else part
    if details["measure"] == "discounted":
        message = (
            "Of the people who used it, {part} have established accounts. It found that the others break these rules; "
            "it did not find that of the established accounts."
        )
        lines.append(tr.text(message, part=tr.share(part)))
    signals = details.get("signals")
    listed = signals if isinstance(signals, list) and all(isinstance(row, dict) for row in signals) else None
    need(listed is not None, "malformed", "the statement has no list of signals", "restriction.signals")
    names = [member(row, "signal", str) for row in listed or []]
    supporting = [tr.text(WORDING["signals"][name]) for name in names if name in WORDING["signals"]]
    if supporting:
        message = "Besides the texts, these signals supported it: {signals}."
        lines.append(tr.text(message, signals=tr.all_of(supporting)))
    return lines


def unread_words(unread: Object, tr: Wording) -> list[str]:
    """Say of how many people the texts were not read, and in which languages."""
    if not unread:
        return []
    need(all(is_whole(count) for count in unread.values()), "malformed", "the statement has a count that is none")
    people = tr.number(sum(unread.values()))
    ordered = sorted(unread, key=lambda tag: (-unread[tag], tag))
    languages = [str(tr.wording["languages"].get(tag, tag)) for tag in ordered if tag not in ("other", "und")]
    if not languages:
        message = "It does not read the languages of {people} more people; it did not assess their tweets."
        return [tr.text(message, people=people)]
    message = (
        "It does not read the languages of {people} more people, such as {languages}; it did not assess their tweets."
    )
    return [tr.text(message, people=people, languages=tr.all_of(languages))]


def check_words(texts: Object, details: Object) -> list[str]:
    """Compare the words with the details; return the languages in which this verifier has no words."""
    for language in sorted({*LANGUAGES} & {*texts}):
        good = texts[language] == words(details, language)
        what = f"the words in {language!r} do not say what the statement's details say; or this verifier is older"
        need(good, "wrong_field", what, f"text.{language}")
    return [f"text.{language}" for language in texts if language not in LANGUAGES]


def read_document(data: bytes) -> Object:
    """Read a JSON file."""
    try:
        return read_json(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused("malformed", "the file is not text in UTF-8") from None


def verify_statement(data: bytes, keys: Keys, seen: str | None = None, read: Read | None = None) -> Object:
    """Verify a statement, a reply or a proof file; with `read`, also that the published log contains its checkpoint."""
    file = read_document(data)
    if file.get("format") == "hushtag-proof-1":
        answer, checkpoint = verify_proof(file, keys)
    else:
        proof = file.get("proof")
        need(proof is not None or "proof" not in file, "malformed", "the file has no proof yet: ask for it in a minute")
        if not isinstance(proof, dict):
            raise Refused("malformed", "the file has no proof: it is neither a statement nor a proof file")
        answer, checkpoint = verify_proof(proof, keys)
        answer["not_verified"] = check_statement(file, answer["opened"])
    earlier = seen_before(seen, keys)
    if read is None:
        for old in earlier:
            if old.size >= checkpoint.size:
                compare(old, checkpoint.size, checkpoint.root)
        return answer
    now = read_head(read, keys)
    for old in (checkpoint, *earlier):
        check_extends(read, now, old)
    return answer | {"published_size": now.size, "published_checkpoint": now.note}


# ---- reports ----


def read_opening(line: str | bytes | None, index: int, leaf: bytes) -> tuple[str, str | None]:
    """Check a line of the openings against its leaf; return type and period."""
    if line is None:
        raise Refused("omitted_entry", f"the openings leave out entry {index}: the report hides what it is")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, list) or len(row) != 5:
        raise Refused("malformed", f"line {index + 1} of the openings is no opening")
    at, type_salt, kind, period_salt, period = row
    whole = is_whole(at) and is_text(kind) and (period is None or is_text(period))
    whole = whole and is_salt(type_salt) and is_salt(period_salt)
    need(whole, "malformed", f"line {index + 1} of the openings is no opening")
    need(at == index, "omitted_entry", f"the openings leave out entry {index}: the report hides what it is")
    for name, salt, value in (("type", type_salt, kind), ("period", period_salt, period)):
        good = committed(leaf, name, salt, value)
        need(good, "wrong_field", f"entry {index} is not what the openings say: its {name} in the log is another", name)
    return kind, period


def counts_of(parent: Object, name: str) -> dict[str, int]:
    """Return a member of counts."""
    counts = parent.get(name)
    whole = isinstance(counts, dict) and all(is_whole(count) and count >= 0 for count in counts.values())
    need(whole, "malformed", f"the report has no counts {name!r}")
    return counts or {}


def days_of(report: Object) -> tuple[str, str] | None:
    """Return first and last day of a report's period; None if it is not of whole days."""
    start, end = report.get("from_ms"), report.get("to_ms")
    real = is_whole(start) and is_whole(end) and 0 <= start < end <= LAST_MS  # type: ignore[operator]
    if not real or start is None or end is None:
        raise Refused("malformed", "the report's period is none")
    first, last = (datetime.datetime.fromtimestamp(at // 1000, datetime.UTC).date() for at in (start, end - 1))
    return None if start % DAY_MS or end % DAY_MS else (first.isoformat(), last.isoformat())


def bounds_of(count: Any) -> tuple[int, int]:
    """Return the least and the greatest value of a published count: 7, "<5" or "36 to 39"."""
    if is_whole(count) and count >= 0:
        return count, count
    digits = re.fullmatch("<([0-9,]{1,19})|([0-9,]{1,19}) to ([0-9,]{1,19})", count) if isinstance(count, str) else None
    texts = [None if part is None else part.replace(",", "") for part in digits.groups()] if digits else []
    if not any(texts) or "" in texts:
        raise Refused("malformed", f"the report has no count {shown(count)}")
    below, least, most = (int(part or 0) for part in texts)
    return (1, below - 1) if below else (least, most)


def check_sum(name: str, parts: Any, total: Any) -> None:
    """Check that published parts can add up to their total."""
    need(isinstance(parts, dict), "malformed", f"the report has no counts {name!r}", name)
    bounds = [bounds_of(count) for count in parts.values()]
    least, most = bounds_of(total)
    fits = sum(low for low, _ in bounds) <= most and sum(high for _, high in bounds) >= least
    need(fits, "wrong_number", f"the parts of {name!r} do not add up to {shown(total)}", name)


def check_sums(report: Object) -> None:
    """Check the totals that a report shows with all of their parts."""
    states, targets, held = (report.get(name) for name in ("states", "targets", "hashtags_held_back"))
    if isinstance(states, dict) and isinstance(targets, dict):
        for kind in sorted({*states, *targets}):
            check_sum(f"states.{kind}", states.get(kind), targets.get(kind))
    if isinstance(held, dict):
        check_sum("hashtags_held_back.by", held.get("by"), held.get("total"))


def recount(
    report: Object, section: Object, counts: dict[tuple[str, str | None], int], days: tuple[str, str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Compare the report's numbers with counts of entries by type and period.

    Returns:
        Numbers that equal the count, and numbers that are at least the count.
    """
    numbers: dict[str, int] = {}

    def same_number(name: str, published: Any, counted: int | None) -> None:
        good = published == counted and type(published) is type(counted)
        what = f"the report's number {name!r} is {shown(published)}, but the log's entries give {counted or 0}"
        need(good, "wrong_number", what, name)
        numbers[name] = counted or 0

    for name, day in zip(("first_day", "last_day"), days, strict=True):
        what = f"the report's period has the {name} {day}, but its entries are counted for {shown(section.get(name))}"
        need(section.get(name) == day, "wrong_number", what, f"log.{name}")
    country = report.get("country")
    entries: dict[str, int] = {}
    for (kind, period), count in counts.items():
        within = period is not None and days[0] <= period <= days[1]
        if within and country in ("*", kind.rpartition("/")[2]):
            entries[kind] = entries.get(kind, 0) + count
    published = counts_of(section, "entries")
    for kind in sorted({*entries, *published}):
        same_number(f"log.entries.{kind}", published.get(kind), entries.get(kind))

    def total(prefix: str) -> int:
        return sum(count for kind, count in entries.items() if kind.startswith(prefix))

    people = counts_of(report, "decisions_by_people")
    for verb in sorted({*VERBS, *people}):
        same_number(f"decisions_by_people.{verb}", people.get(verb, 0), total(f"override/{verb}/"))
    received, hidden = report.get("orders"), report.get("confidential_orders")
    if not is_whole(received) or not is_whole(hidden) or received is None or hidden is None:
        raise Refused("malformed", "the report has no number of orders")
    need(hidden >= 0, "malformed", "the report has no number of confidential orders")
    public = total("order/received/")
    what = f"the report's number 'orders' without the confidential ones is {received - hidden}, the log has {public}"
    need(received - hidden == public, "wrong_number", what, "orders")
    numbers["orders without confidential_orders"] = public
    least: dict[str, int] = {}
    if country == "*":
        by_country = counts_of(report, "orders_by_country")
        for kind in sorted(entries):
            where = kind.removeprefix("order/received/")
            if where != kind:
                name, least[f"orders_by_country.{where}"] = f"orders_by_country.{where}", entries[kind]
                what = f"orders of {where!r} are left out: the log has {entries[kind]}"
                need(by_country.get(where, 0) >= entries[kind], "wrong_number", what, name)
    return numbers, least


def published_name(publication: bytes, report: bytes, keys: Keys) -> tuple[str, VerifiedCheckpoint]:
    """Check that the log has the publication of exactly this report; return its name, and the proof's checkpoint."""
    answer, checkpoint = verify_proof(read_document(publication), keys)
    opened = answer["opened"]
    facts = opened.get("facts")
    logged = read_json(facts) if opened.get("type") == "report" and isinstance(facts, str) else {}
    files, name = logged.get("files"), logged.get("name")
    if not isinstance(files, dict) or not isinstance(name, str):
        raise Refused("wrong_field", "the proof is not about the publication of a report", "publication")
    good = files.get("report.json") == sha256(report).hex()
    need(good, "wrong_field", f"the report is not the one that was published as {name}", "report.json")
    return name, checkpoint


def verify_report(
    data: bytes,
    openings: Iterable[str | bytes],
    read: Read,
    keys: Keys,
    seen: str | None = None,
    publication: bytes | None = None,
) -> Object:
    """Verify a report, within bounded memory; `publication` is the proof of the log's entry on its publication."""
    report = read_document(data)
    section = report.get("log")
    if not isinstance(section, dict) or not isinstance(section.get("checkpoint"), str):
        raise Refused("malformed", "the report names no log")
    unknown = sorted(set(section) - {"checkpoint", "size", "first_day", "last_day", "entries"})
    what = f"the report's section on the log has the member {unknown[:1]}, which nothing verifies"
    need(not unknown, "malformed", what, f"log.{unknown[0]}" if unknown else "")
    counted = open_checkpoint(section["checkpoint"], keys)
    size = counted.size
    need(is_whole(section.get("size")), "malformed", "the report names no size")
    what = f"the report counts {section['size']} entries, but its checkpoint has {size}"
    need(section["size"] == size, "wrong_number", what, "log.size")
    name, earlier = None, [*seen_before(seen, keys), counted]
    if publication is not None:
        name, checkpoint = published_name(publication, data, keys)
        earlier.append(checkpoint)
    now = read_head(read, keys)
    counts: dict[tuple[str, str | None], int] = {}
    lines, index = iter(openings), 0

    def count(leaf: bytes) -> None:
        nonlocal index
        if index < size:
            opened = read_opening(next(lines, None), index, leaf)
            counts[opened] = counts.get(opened, 0) + 1
        index += 1

    check_entries(read, now, earlier, count)
    further = any(line.strip() for line in lines)
    need(not further, "wrong_index", "the openings go beyond the entries that the report counts")
    days = days_of(report)
    dated = section.get("entries") is not None
    what = "entries are counted by day for a report of whole days, and for no other"
    need(dated == (days is not None), "wrong_number", what, "log.entries")
    for member_name in ("first_day", "last_day") if days is None else ():
        good = section.get(member_name) is None
        need(good, "wrong_number", "a report of parts of days names no days", f"log.{member_name}")
    numbers, least = recount(report, section, counts, days) if days else ({}, {})
    check_sums(report)
    others = [name for name in report if name not in (RECOUNTED if days else {"log"})]
    as_of = min(counted.cosigned.values(), default=None)  # what the log received later is not counted
    return {
        "log": keys.log,
        "size": size,
        "published_size": now.size,
        "cosigned_by": counted.cosigned,
        "numbers": numbers,
        "at_least": least,
        "not_verified": others if name is None else [],
        "published_as": name,
        "days": days and list(days),
        "as_of_seconds": as_of,
        "later_entries": now.size - size,
        "period_over": None if as_of is None else as_of * 1000 >= report["to_ms"],
        "published_checkpoint": now.note,
    }


# ---- the command ----


def fetch(url: str) -> bytes:
    """Read a file of a website within 30 s; the time-out of urlopen is for each read only."""
    outcome: queue.SimpleQueue[tuple[bytes, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            with urllib.request.urlopen(url, timeout=FILE_SECONDS) as answer:  # noqa: TID251
                outcome.put((answer.read(MOST_BYTES + 1), None))
        except (OSError, ValueError, http.client.HTTPException) as error:
            outcome.put((b"", error))

    threading.Thread(target=run, daemon=True).start()
    try:
        content, error = outcome.get(timeout=FILE_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"{url} has no whole answer within {FILE_SECONDS:g} s") from None
    if error is not None:
        raise error
    need(len(content) <= MOST_BYTES, "malformed", f"{url} is larger than any file of a log can be")
    return content


def reader(where: str) -> Read:
    """Return a function that reads files of a folder or of a website."""

    def read(path: str) -> bytes | None:
        try:
            if where.startswith(("http://", "https://")):
                return fetch(f"{where.rstrip('/')}/{path}")
            return (pathlib.Path(where) / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            raise

    return read


def lines_of(path: pathlib.Path) -> Iterator[bytes]:
    """Read the lines of a file, also one that gzip compressed."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as lines:
            yield from lines
    except (EOFError, OSError, zlib.error) as error:
        raise Refused("caller_mistake", f"cannot read {str(path)!r}: {error}") from error


def remarks(answer: Object) -> list[str]:
    """List what an answer does not prove."""
    lines = []
    if answer.get("not_verified"):
        lines.append(f"not verified: {', '.join(answer['not_verified'])}")
    if "days" in answer and not answer["days"]:
        lines.append("not recounted: the report is not of whole days in UTC")
    if answer.get("period_over") is False:
        lines.append("not final: the report counts as of a time before its period ended")
    if not answer["cosigned_by"]:
        lines.append("not excluded: another history of the log for others; no witness's cosignature was asked for")
    return lines


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("statement", "report", "log"))
    parser.add_argument("file", type=pathlib.Path, nargs="?")
    parser.add_argument("--log-key", action="append", required=True)
    parser.add_argument("--witness-key", action="append", default=[])
    parser.add_argument("--quorum", type=int)
    parser.add_argument("--seen", type=pathlib.Path, help="checkpoint that you saw before")
    parser.add_argument("--openings", type=pathlib.Path)
    parser.add_argument("--folder", help="published log: a folder or a URL")
    parser.add_argument("--publication", type=pathlib.Path, help="proof of the report's publication")
    call = parser.parse_args()
    if (call.file is None) != (call.what == "log"):
        parser.error("a statement or report needs a file, and the log none")
    if (call.what == "report" and not (call.openings and call.folder)) or (call.what == "log" and not call.folder):
        parser.error("a report needs --openings and --folder, and the log --folder")
    read = reader(call.folder) if call.folder else None
    try:
        keys = read_keys(call.log_key, call.witness_key, call.quorum)
        seen = call.seen and call.seen.read_text("utf-8")
        if call.what == "statement":
            answer = verify_statement(call.file.read_bytes(), keys, seen, read)
        elif call.what == "report":
            publication = call.publication and call.publication.read_bytes()
            answer = verify_report(
                call.file.read_bytes(), lines_of(call.openings), reader(call.folder), keys, seen, publication
            )
        else:
            answer = verify_log(reader(call.folder), keys, seen)
    except Refused as refused:
        mistake = refused.code == "caller_mistake"
        print(refused if mistake else f"it does not verify ({refused.code}): {refused}", file=sys.stderr)
        return 2 if mistake else 3
    except (OSError, UnicodeDecodeError, http.client.HTTPException) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"verified": True, **answer}))
    for line in remarks(answer):
        print(line, file=sys.stderr)
    return 0


# ---- wording: messages by their English text, names from Unicode's CLDR; written by `python -m tests.vectors` ----

WORDING: Object = json.loads(
    r"""
{ "signals": { "authors": "the number of people who use it", "burst": "a sudden rise in its use",
"copies": "many copies of the same text", "links": "many links to sites that people have found to be harmful",
"successor": "people who wrote under a hashtag that was held back before",
"term": "a term that people have found to be harmful", "young": "many new accounts" }, "en": { "messages": {},
"months": [ "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
"November", "December" ], "two": " and ", "last": ", and ", "groups": [ 3, 3 ], "languages": { "am": "Amharic",
"ar": "Arabic", "as": "Assamese", "be": "Belarusian", "bg": "Bulgarian", "bho": "Bhojpuri", "bn": "Bengali",
"bo": "Tibetan", "brx": "Bodo", "ca": "Catalan", "ckb": "Central Kurdish", "cs": "Czech", "de": "German",
"doi": "Dogri", "dv": "Divehi", "el": "Greek", "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish",
"fr": "French", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hi-Latn": "Hindi in Latin letters", "hr": "Croatian",
"hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ka": "Georgian",
"kk": "Kazakh", "km": "Khmer", "kn": "Kannada", "ko": "Korean", "kok": "Konkani", "ks": "Kashmiri", "ku": "Kurdish",
"ky": "Kyrgyz", "lo": "Lao", "mai": "Maithili", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian",
"mni": "Manipuri", "mr": "Marathi", "my": "Burmese", "nb": "Norwegian Bokmål", "ne": "Nepali", "nl": "Dutch",
"or": "Odia", "other": "other", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian",
"ru": "Russian", "sa": "Sanskrit", "sat": "Santali", "sd": "Sindhi", "si": "Sinhala", "sr": "Serbian", "sv": "Swedish",
"sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai", "ti": "Tigrinya", "tl": "Tagalog",
"tr": "Turkish", "ug": "Uyghur", "uk": "Ukrainian", "und": "unknown language", "ur": "Urdu", "vi": "Vietnamese",
"yi": "Yiddish", "zgh": "Standard Moroccan Tamazight", "zh": "Chinese" }, "countries": { "AC": "Ascension Island",
"AD": "Andorra", "AE": "United Arab Emirates", "AF": "Afghanistan", "AG": "Antigua & Barbuda", "AI": "Anguilla",
"AL": "Albania", "AM": "Armenia", "AO": "Angola", "AQ": "Antarctica", "AR": "Argentina", "AS": "American Samoa",
"AT": "Austria", "AU": "Australia", "AW": "Aruba", "AX": "Åland Islands", "AZ": "Azerbaijan",
"BA": "Bosnia & Herzegovina", "BB": "Barbados", "BD": "Bangladesh", "BE": "Belgium", "BF": "Burkina Faso",
"BG": "Bulgaria", "BH": "Bahrain", "BI": "Burundi", "BJ": "Benin", "BL": "St. Barthélemy", "BM": "Bermuda",
"BN": "Brunei", "BO": "Bolivia", "BQ": "Caribbean Netherlands", "BR": "Brazil", "BS": "Bahamas", "BT": "Bhutan",
"BV": "Bouvet Island", "BW": "Botswana", "BY": "Belarus", "BZ": "Belize", "CA": "Canada",
"CC": "Cocos (Keeling) Islands", "CD": "Congo - Kinshasa", "CF": "Central African Republic",
"CG": "Congo - Brazzaville", "CH": "Switzerland", "CI": "Côte d’Ivoire", "CK": "Cook Islands", "CL": "Chile",
"CM": "Cameroon", "CN": "China", "CO": "Colombia", "CP": "Clipperton Island", "CQ": "Sark", "CR": "Costa Rica",
"CU": "Cuba", "CV": "Cape Verde", "CW": "Curaçao", "CX": "Christmas Island", "CY": "Cyprus", "CZ": "Czechia",
"DE": "Germany", "DG": "Diego Garcia", "DJ": "Djibouti", "DK": "Denmark", "DM": "Dominica", "DO": "Dominican Republic",
"DZ": "Algeria", "EA": "Ceuta & Melilla", "EC": "Ecuador", "EE": "Estonia", "EG": "Egypt", "EH": "Western Sahara",
"ER": "Eritrea", "ES": "Spain", "ET": "Ethiopia", "EU": "European Union", "EZ": "Eurozone", "FI": "Finland",
"FJ": "Fiji", "FK": "Falkland Islands", "FM": "Micronesia", "FO": "Faroe Islands", "FR": "France", "GA": "Gabon",
"GB": "United Kingdom", "GD": "Grenada", "GE": "Georgia", "GF": "French Guiana", "GG": "Guernsey", "GH": "Ghana",
"GI": "Gibraltar", "GL": "Greenland", "GM": "Gambia", "GN": "Guinea", "GP": "Guadeloupe", "GQ": "Equatorial Guinea",
"GR": "Greece", "GS": "South Georgia & South Sandwich Islands", "GT": "Guatemala", "GU": "Guam", "GW": "Guinea-Bissau",
"GY": "Guyana", "HK": "Hong Kong SAR China", "HM": "Heard & McDonald Islands", "HN": "Honduras", "HR": "Croatia",
"HT": "Haiti", "HU": "Hungary", "IC": "Canary Islands", "ID": "Indonesia", "IE": "Ireland", "IL": "Israel",
"IM": "Isle of Man", "IN": "India", "IO": "British Indian Ocean Territory", "IQ": "Iraq", "IR": "Iran",
"IS": "Iceland", "IT": "Italy", "JE": "Jersey", "JM": "Jamaica", "JO": "Jordan", "JP": "Japan", "KE": "Kenya",
"KG": "Kyrgyzstan", "KH": "Cambodia", "KI": "Kiribati", "KM": "Comoros", "KN": "St. Kitts & Nevis",
"KP": "North Korea", "KR": "South Korea", "KW": "Kuwait", "KY": "Cayman Islands", "KZ": "Kazakhstan", "LA": "Laos",
"LB": "Lebanon", "LC": "St. Lucia", "LI": "Liechtenstein", "LK": "Sri Lanka", "LR": "Liberia", "LS": "Lesotho",
"LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia", "LY": "Libya", "MA": "Morocco", "MC": "Monaco", "MD": "Moldova",
"ME": "Montenegro", "MF": "St. Martin", "MG": "Madagascar", "MH": "Marshall Islands", "MK": "North Macedonia",
"ML": "Mali", "MM": "Myanmar (Burma)", "MN": "Mongolia", "MO": "Macao SAR China", "MP": "Northern Mariana Islands",
"MQ": "Martinique", "MR": "Mauritania", "MS": "Montserrat", "MT": "Malta", "MU": "Mauritius", "MV": "Maldives",
"MW": "Malawi", "MX": "Mexico", "MY": "Malaysia", "MZ": "Mozambique", "NA": "Namibia", "NC": "New Caledonia",
"NE": "Niger", "NF": "Norfolk Island", "NG": "Nigeria", "NI": "Nicaragua", "NL": "Netherlands", "NO": "Norway",
"NP": "Nepal", "NR": "Nauru", "NU": "Niue", "NZ": "New Zealand", "OM": "Oman", "PA": "Panama", "PE": "Peru",
"PF": "French Polynesia", "PG": "Papua New Guinea", "PH": "Philippines", "PK": "Pakistan", "PL": "Poland",
"PM": "St. Pierre & Miquelon", "PN": "Pitcairn Islands", "PR": "Puerto Rico", "PS": "Palestinian Territories",
"PT": "Portugal", "PW": "Palau", "PY": "Paraguay", "QA": "Qatar", "QO": "Outlying Oceania", "RE": "Réunion",
"RO": "Romania", "RS": "Serbia", "RU": "Russia", "RW": "Rwanda", "SA": "Saudi Arabia", "SB": "Solomon Islands",
"SC": "Seychelles", "SD": "Sudan", "SE": "Sweden", "SG": "Singapore", "SH": "St. Helena", "SI": "Slovenia",
"SJ": "Svalbard & Jan Mayen", "SK": "Slovakia", "SL": "Sierra Leone", "SM": "San Marino", "SN": "Senegal",
"SO": "Somalia", "SR": "Suriname", "SS": "South Sudan", "ST": "São Tomé & Príncipe", "SV": "El Salvador",
"SX": "Sint Maarten", "SY": "Syria", "SZ": "Eswatini", "TA": "Tristan da Cunha", "TC": "Turks & Caicos Islands",
"TD": "Chad", "TF": "French Southern Territories", "TG": "Togo", "TH": "Thailand", "TJ": "Tajikistan", "TK": "Tokelau",
"TL": "Timor-Leste", "TM": "Turkmenistan", "TN": "Tunisia", "TO": "Tonga", "TR": "Türkiye", "TT": "Trinidad & Tobago",
"TV": "Tuvalu", "TW": "Taiwan", "TZ": "Tanzania", "UA": "Ukraine", "UG": "Uganda", "UM": "U.S. Outlying Islands",
"UN": "United Nations", "US": "United States", "UY": "Uruguay", "UZ": "Uzbekistan", "VA": "Vatican City",
"VC": "St. Vincent & Grenadines", "VE": "Venezuela", "VG": "British Virgin Islands", "VI": "U.S. Virgin Islands",
"VN": "Vietnam", "VU": "Vanuatu", "WF": "Wallis & Futuna", "WS": "Samoa", "XA": "Pseudo-Accents", "XB": "Pseudo-Bidi",
"XK": "Kosovo", "YE": "Yemen", "YT": "Mayotte", "ZA": "South Africa", "ZM": "Zambia", "ZW": "Zimbabwe",
"ZZ": "Unknown Region" } }, "hi": { "messages": {
"It is held back until a person has looked at it.": "जब तक कोई व्यक्ति इसकी जाँच नहीं कर लेता, तब तक इसे रोका गया है।",
"Tweets with it are not deleted, and people who type it still find them.": "इस हैशटैग वाले ट्वीट हटाए नहीं गए हैं, और इसे टाइप करने पर वे अब भी मिलते हैं।",
"If you think this is wrong, you can appeal. Give the reference {reference}.": "यदि आपको लगता है कि यह गलत है, तो आप अपील कर सकते हैं। संदर्भ {reference} बताएँ।",
"Your account is suspended.": "आपका खाता निलंबित है।",
"This decision is not in force now. It was:": "यह निर्णय अब लागू नहीं है। निर्णय यह था:",
"Your account is not visible to viewers in {country}.": "आपका खाता {country} के दर्शकों को दिखाई नहीं देता।",
"Your tweet {tweet} is not visible to viewers in {country}.": "आपका ट्वीट {tweet} {country} के दर्शकों को दिखाई नहीं देता।",
"Everywhere else it is.": "बाकी हर जगह दिखाई देता है।",
"Other decisions hide it everywhere else too.": "अन्य निर्णयों के कारण यह बाकी हर जगह भी दिखाई नहीं देता।",
"Other decisions hide it from viewers in {countries} too. Everywhere else it is visible.": "अन्य निर्णयों के कारण यह {countries} के दर्शकों को भी दिखाई नहीं देता। बाकी हर जगह दिखाई देता है।",
"#{tag} is not shown in {places}.": "#{tag} {places} में नहीं दिखाया जा रहा है।",
"Other decisions show it to viewers in {countries}.": "अन्य निर्णयों के कारण यह {countries} के दर्शकों को दिखाया जा रहा है।",
"#{tag} is not shown in {places} to viewers in {country}.": "{country} के दर्शकों को {places} में #{tag} नहीं दिखाया जा रहा है।",
"#{tag} is shown in {places}, but only tweets of established accounts count for its rank there.": "#{tag} {places} में दिखाया जा रहा है, लेकिन वहाँ इसका क्रम केवल स्थापित खातों के ट्वीट से तय होता है।",
"#{tag} is shown in {places} to viewers in {country}, but only tweets of established accounts count for its rank there.": "{country} के दर्शकों को {places} में #{tag} दिखाया जा रहा है, लेकिन वहाँ इसका क्रम केवल स्थापित खातों के ट्वीट से तय होता है।",
"This began on {start} and lasts until it is revoked.": "यह {start} को शुरू हुआ और वापस लिए जाने तक लागू रहेगा।",
"This began on {start} and ends on {end}, unless it is renewed.": "यह {start} को शुरू हुआ और {end} को समाप्त होगा, यदि इसे बढ़ाया न जाए।",
"We did this because of a legal order that we may not say more about.": "हमने यह एक कानूनी आदेश के कारण किया है, जिसके बारे में हमें और बताने की अनुमति नहीं है।",
"We did this because of a legal order by {authority} ({basis}, {number}).": "हमने यह {authority} के कानूनी आदेश ({basis}, {number}) के कारण किया है।",
"A person on our team decided this. The reason that they gave: {reason}": "यह निर्णय हमारी टीम के एक व्यक्ति ने लिया है। बताया गया कारण: {reason}",
"An automated system decided this under our rules on {category}.": "यह निर्णय एक स्वचालित प्रणाली ने लिया है। संबंधित नियम: {category}।",
"It looked at tweets by {people} people who used the hashtag, and estimates that {lower} to {upper} of them break these rules.": "उसने इस हैशटैग का प्रयोग करने वाले {people} लोगों के ट्वीट देखे; उसका अनुमान है कि उनमें से {lower} से {upper} लोग इन नियमों का उल्लंघन करते हैं।",
"Of the people who used it, {part} have established accounts. It found that the others break these rules; it did not find that of the established accounts.": "इसका प्रयोग करने वालों में से {part} के खाते स्थापित हैं। उसने पाया कि बाकी लोग इन नियमों का उल्लंघन करते हैं; स्थापित खातों के बारे में उसने ऐसा नहीं पाया।",
"It does not read the languages of {people} more people; it did not assess their tweets.": "इनके अलावा {people} लोगों की भाषाएँ वह नहीं पढ़ती; उनके ट्वीट उसने नहीं जाँचे।",
"It does not read the languages of {people} more people, such as {languages}; it did not assess their tweets.": "इनके अलावा {people} लोगों की भाषाएँ, जैसे {languages}, वह नहीं पढ़ती; उनके ट्वीट उसने नहीं जाँचे।",
"Besides the texts, these signals supported it: {signals}.": "पाठ के अलावा इन बातों ने भी इसका संकेत दिया: {signals}।",
"the list of trends": "रुझानों की सूची", "search suggestions": "खोज के सुझावों",
"attacks on people for who they are": "लोगों पर उनकी पहचान के कारण हमले", "insults and threats": "अपमान और धमकियाँ",
"abuse of people for their gender": "लिंग के आधार पर दुर्व्यवहार",
"a sudden rise in its use": "इसके प्रयोग में अचानक बढ़ोतरी",
"many copies of the same text": "एक ही पाठ की बहुत-सी प्रतियाँ", "many new accounts": "बहुत-से नए खाते",
"many links to sites that people have found to be harmful": "ऐसी साइटों के बहुत-से लिंक जिन्हें लोगों ने हानिकारक पाया है",
"people who wrote under a hashtag that was held back before": "वे लोग जो पहले रोके गए एक हैशटैग के तहत लिखते थे",
"the number of people who use it": "इसका प्रयोग करने वालों की संख्या",
"a term that people have found to be harmful": "ऐसा शब्द जिसे लोगों ने हानिकारक पाया है" }, "months": [ "जनवरी",
"फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर" ], "two": " और ",
"last": ", और ", "groups": [ 3, 2 ], "languages": { "am": "अम्हेरी", "ar": "अरबी", "as": "असमिया", "be": "बेलारूसी",
"bg": "बुल्गारियाई", "bho": "भोजपुरी", "bn": "बंगाली", "bo": "तिब्बती", "brx": "बोडो", "ca": "कातालान",
"ckb": "सोरानी कुर्दिश", "cs": "चेक", "de": "जर्मन", "doi": "डोगरी", "dv": "दिवेही", "el": "यूनानी", "en": "अंग्रेज़ी",
"es": "स्पेनिश", "fa": "फ़ारसी", "fi": "फ़िनिश", "fr": "फ़्रेंच", "gu": "गुजराती", "he": "हिब्रू", "hi": "हिन्दी",
"hi-Latn": "हिंग्लिश", "hr": "क्रोएशियाई", "hu": "हंगेरियाई", "hy": "आर्मेनियाई", "id": "इंडोनेशियाई", "it": "इतालवी",
"ja": "जापानी", "ka": "जॉर्जियाई", "kk": "कज़ाख़", "km": "खमेर", "kn": "कन्नड़", "ko": "कोरियाई", "kok": "कोंकणी",
"ks": "कश्मीरी", "ku": "कुर्दिश", "ky": "किर्गीज़", "lo": "लाओ", "mai": "मैथिली", "mk": "मकदूनियाई", "ml": "मलयालम",
"mn": "मंगोलियाई", "mni": "मणिपुरी", "mr": "मराठी", "my": "बर्मीज़", "nb": "नॉर्वेजियाई बोकमाल", "ne": "नेपाली",
"nl": "डच", "or": "ओड़िया", "other": "other", "pa": "पंजाबी", "pl": "पोलिश", "ps": "पश्तो", "pt": "पुर्तगाली",
"ro": "रोमानियाई", "ru": "रूसी", "sa": "संस्कृत", "sat": "संथाली", "sd": "सिंधी", "si": "सिंहली", "sr": "सर्बियाई",
"sv": "स्वीडिश", "sw": "स्वाहिली", "ta": "तमिल", "te": "तेलुगू", "tg": "ताजिक", "th": "थाई", "ti": "तिग्रीन्या",
"tl": "टैगलॉग", "tr": "तुर्की", "ug": "उइगर", "uk": "यूक्रेनियाई", "und": "अज्ञात भाषा", "ur": "उर्दू",
"vi": "वियतनामी", "yi": "यहूदी", "zgh": "मानक मोरक्कन तामाज़ाइट", "zh": "चीनी" }, "countries": { "AC": "असेंशन द्वीप",
"AD": "एंडोरा", "AE": "संयुक्त अरब अमीरात", "AF": "अफ़गानिस्तान", "AG": "एंटिगुआ और बरबुडा", "AI": "एंग्विला",
"AL": "अल्बानिया", "AM": "आर्मेनिया", "AO": "अंगोला", "AQ": "अंटार्कटिका", "AR": "अर्जेंटीना", "AS": "अमेरिकी समोआ",
"AT": "ऑस्ट्रिया", "AU": "ऑस्ट्रेलिया", "AW": "अरूबा", "AX": "एलैंड द्वीपसमूह", "AZ": "अज़रबैजान",
"BA": "बोस्निया और हर्ज़ेगोविना", "BB": "बारबाडोस", "BD": "बांग्लादेश", "BE": "बेल्जियम", "BF": "बुर्किना फ़ासो",
"BG": "बुल्गारिया", "BH": "बहरीन", "BI": "बुरुंडी", "BJ": "बेनिन", "BL": "सेंट बार्थेलेमी", "BM": "बरमूडा",
"BN": "ब्रूनेई", "BO": "बोलीविया", "BQ": "कैरिबियन नीदरलैंड", "BR": "ब्राज़ील", "BS": "बहामास", "BT": "भूटान",
"BV": "बोवेत द्वीप", "BW": "बोत्स्वाना", "BY": "बेलारूस", "BZ": "बेलीज़", "CA": "कनाडा",
"CC": "कोकोस (कीलिंग) द्वीपसमूह", "CD": "कांगो - किंशासा", "CF": "मध्य अफ़्रीकी गणराज्य", "CG": "कांगो – ब्राज़ाविल",
"CH": "स्विट्ज़रलैंड", "CI": "कोत दिवुआर", "CK": "कुक द्वीपसमूह", "CL": "चिली", "CM": "कैमरून", "CN": "चीन",
"CO": "कोलंबिया", "CP": "क्लिपर्टन द्वीप", "CR": "कोस्टारिका", "CU": "क्यूबा", "CV": "केप वर्ड", "CW": "कुरासाओ",
"CX": "क्रिसमस द्वीप", "CY": "साइप्रस", "CZ": "चेकिया", "DE": "जर्मनी", "DG": "डिएगो गार्सिया", "DJ": "जिबूती",
"DK": "डेनमार्क", "DM": "डोमिनिका", "DO": "डोमिनिकन गणराज्य", "DZ": "अल्जीरिया", "EA": "सेउटा और मेलिला",
"EC": "इक्वाडोर", "EE": "एस्टोनिया", "EG": "मिस्र", "EH": "पश्चिमी सहारा", "ER": "इरिट्रिया", "ES": "स्पेन",
"ET": "इथियोपिया", "EU": "यूरोपीय संघ", "EZ": "यूरोज़ोन", "FI": "फ़िनलैंड", "FJ": "फ़िजी", "FK": "फ़ॉकलैंड द्वीपसमूह",
"FM": "माइक्रोनेशिया", "FO": "फ़ेरो द्वीपसमूह", "FR": "फ़्रांस", "GA": "गैबॉन", "GB": "यूनाइटेड किंगडम",
"GD": "ग्रेनाडा", "GE": "जॉर्जिया", "GF": "फ़्रेंच गुयाना", "GG": "गर्नसी", "GH": "घाना", "GI": "जिब्राल्टर",
"GL": "ग्रीनलैंड", "GM": "गाम्बिया", "GN": "गिनी", "GP": "ग्वाडेलूप", "GQ": "इक्वेटोरियल गिनी", "GR": "यूनान",
"GS": "दक्षिण जॉर्जिया और दक्षिण सैंडविच द्वीपसमूह", "GT": "ग्वाटेमाला", "GU": "गुआम", "GW": "गिनी-बिसाउ",
"GY": "गुयाना", "HK": "हाँग काँग (चीन विशेष प्रशासनिक क्षेत्र)", "HM": "हर्ड द्वीप और मैकडोनॉल्ड द्वीपसमूह",
"HN": "होंडूरास", "HR": "क्रोएशिया", "HT": "हैती", "HU": "हंगरी", "IC": "कैनेरी द्वीपसमूह", "ID": "इंडोनेशिया",
"IE": "आयरलैंड", "IL": "इज़राइल", "IM": "आइल ऑफ़ मैन", "IN": "भारत", "IO": "ब्रिटिश हिंद महासागरीय क्षेत्र",
"IQ": "इराक", "IR": "ईरान", "IS": "आइसलैंड", "IT": "इटली", "JE": "जर्सी", "JM": "जमैका", "JO": "जॉर्डन", "JP": "जापान",
"KE": "केन्या", "KG": "किर्गिज़स्तान", "KH": "कंबोडिया", "KI": "किरिबाती", "KM": "कोमोरोस",
"KN": "सेंट किट्स और नेविस", "KP": "उत्तर कोरिया", "KR": "दक्षिण कोरिया", "KW": "कुवैत", "KY": "कैमेन द्वीपसमूह",
"KZ": "कज़ाखस्तान", "LA": "लाओस", "LB": "लेबनान", "LC": "सेंट लूसिया", "LI": "लिचेंस्टीन", "LK": "श्रीलंका",
"LR": "लाइबेरिया", "LS": "लेसोथो", "LT": "लिथुआनिया", "LU": "लग्ज़मबर्ग", "LV": "लातविया", "LY": "लीबिया",
"MA": "मोरक्को", "MC": "मोनाको", "MD": "मॉल्डोवा", "ME": "मोंटेनेग्रो", "MF": "सेंट मार्टिन", "MG": "मेडागास्कर",
"MH": "मार्शल द्वीपसमूह", "MK": "उत्तरी मकदूनिया", "ML": "माली", "MM": "म्यांमार (बर्मा)", "MN": "मंगोलिया",
"MO": "मकाऊ (विशेष प्रशासनिक क्षेत्र चीन)", "MP": "उत्तरी मारियाना द्वीपसमूह", "MQ": "मार्टीनिक", "MR": "मॉरिटानिया",
"MS": "मोंटसेरात", "MT": "माल्टा", "MU": "मॉरीशस", "MV": "मालदीव", "MW": "मलावी", "MX": "मैक्सिको", "MY": "मलेशिया",
"MZ": "मोज़ांबिक", "NA": "नामीबिया", "NC": "न्यू कैलेडोनिया", "NE": "नाइजर", "NF": "नॉरफ़ॉक द्वीप", "NG": "नाइजीरिया",
"NI": "निकारागुआ", "NL": "नीदरलैंड", "NO": "नॉर्वे", "NP": "नेपाल", "NR": "नाउरु", "NU": "नीयू", "NZ": "न्यूज़ीलैंड",
"OM": "ओमान", "PA": "पनामा", "PE": "पेरू", "PF": "फ़्रेंच पोलिनेशिया", "PG": "पापुआ न्यू गिनी", "PH": "फ़िलिपींस",
"PK": "पाकिस्तान", "PL": "पोलैंड", "PM": "सेंट पिएरे और मिक्वेलान", "PN": "पिटकैर्न द्वीपसमूह", "PR": "पोर्टो रिको",
"PS": "फ़िलिस्तीनी क्षेत्र", "PT": "पुर्तगाल", "PW": "पलाऊ", "PY": "पराग्वे", "QA": "क़तर", "QO": "आउटलाइंग ओशिनिया",
"RE": "रियूनियन", "RO": "रोमानिया", "RS": "सर्बिया", "RU": "रूस", "RW": "रवांडा", "SA": "सऊदी अरब",
"SB": "सोलोमन द्वीपसमूह", "SC": "सेशेल्स", "SD": "सूडान", "SE": "स्वीडन", "SG": "सिंगापुर", "SH": "सेंट हेलेना",
"SI": "स्लोवेनिया", "SJ": "स्वालबार्ड और जान मायेन", "SK": "स्लोवाकिया", "SL": "सिएरा लियोन", "SM": "सैन मेरीनो",
"SN": "सेनेगल", "SO": "सोमालिया", "SR": "सूरीनाम", "SS": "दक्षिण सूडान", "ST": "साओ टोम और प्रिंसिपे",
"SV": "अल सल्वाडोर", "SX": "सिंट मार्टिन", "SY": "सीरिया", "SZ": "एस्वाटिनी", "TA": "ट्रिस्टन दा कुना",
"TC": "तुर्क और कैकोज़ द्वीपसमूह", "TD": "चाड", "TF": "फ़्रांसीसी दक्षिणी क्षेत्र", "TG": "टोगो", "TH": "थाईलैंड",
"TJ": "ताजिकिस्तान", "TK": "तोकेलाउ", "TL": "तिमोर-लेस्त", "TM": "तुर्कमेनिस्तान", "TN": "ट्यूनीशिया", "TO": "टोंगा",
"TR": "तुर्किये", "TT": "त्रिनिदाद और टोबैगो", "TV": "तुवालू", "TW": "ताइवान", "TZ": "तंज़ानिया", "UA": "यूक्रेन",
"UG": "युगांडा", "UM": "यू॰एस॰ आउटलाइंग द्वीपसमूह", "UN": "संयुक्त राष्ट्र", "US": "संयुक्त राज्य", "UY": "उरूग्वे",
"UZ": "उज़्बेकिस्तान", "VA": "वेटिकन सिटी", "VC": "सेंट विंसेंट और ग्रेनाडाइंस", "VE": "वेनेज़ुएला",
"VG": "ब्रिटिश वर्जिन द्वीपसमूह", "VI": "यू॰एस॰ वर्जिन द्वीपसमूह", "VN": "वियतनाम", "VU": "वनुआतू",
"WF": "वालिस और फ़्यूचूना", "WS": "समोआ", "XA": "सूडो-एक्सेंट", "XB": "सूडो-बायडायरेक्शनल", "XK": "कोसोवो",
"YE": "यमन", "YT": "मायोते", "ZA": "दक्षिण अफ़्रीका", "ZM": "ज़ाम्बिया", "ZW": "ज़िम्बाब्वे", "ZZ": "अज्ञात क्षेत्र" }
} }
"""  # noqa: E501
)

if __name__ == "__main__":
    sys.exit(main())
