"""Verify a statement of reasons, an order's reply or a transparency report against hushtag's public log.

One file, without code of hushtag: it needs Python 3.11 and the package `cryptography`, and reads nothing but the files
that you name.

    python verify_proof.py statement FILE --log-key KEY --witness-key KEY [--witness-key KEY] [--quorum N] [--seen FILE]
    python verify_proof.py report FILE --openings FILE --folder DIR|URL --log-key KEY --witness-key KEY [--seen FILE]

Take the keys from a source that you trust, not from the folder. After a change of keys give --log-key twice, and both
keys of a witness; keys of one name are one witness. Exit codes: 0 it verifies, 2 the call is wrong, 3 it
does not verify. Formats: RFC 6962 (tree), c2sp.org/signed-note, /tlog-checkpoint, /tlog-cosignature, /tlog-tiles and
/tlog-proof, and docs/audit.md (leaves). docs/vectors/proofs.json has cases for a verifier of your own.
"""

import argparse
import base64
import datetime
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

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELDS = ["type", "period", "time", "source", "key", "record", "note"]
FIELDS += ["hashtag", "country", "action", "reason", "policy_revision"]
LEAF = b"hushtag-leaf-1\n"
LOG, WITNESS = 1, 4  # signature types of keys
GREATEST = 2**63 - 1
FILE_SECONDS, MOST_BYTES = 30, 256 * 65_537  # of one file of a website; MOST_BYTES: a bundle of the longest entries
DAY_MS, LAST_MS = 86_400_000, 253_402_300_800_000  # LAST_MS: end of the year 9999
BY_ORDER = ("reduced", "withheld", "suspended")
ACTIONS = {  # actions in the log that can be behind each measure of a statement
    "reduced": {"suppress", "block", "reduced"},
    "held": {"hold"},
    "discounted": {"discount"},
    "withheld": {"withheld"},
    "suspended": {"suspended"},
}


class Refused(Exception):
    """Something does not verify, or the call is wrong (`caller_mistake`)."""

    def __init__(self, code, what, field=""):
        super().__init__(what)
        self.code, self.field = code, field


def need(condition, code, what, field=""):
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused(code, what, field)


def sha256(data):
    """Hash bytes."""
    return hashlib.sha256(data).digest()


# ---- one spelling for each value ----


def decode(text, what):
    """Decode base64 in its one spelling."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        data = None
    need(data is not None and base64.b64encode(data).decode() == text, "malformed", f"{what} is not base64")
    return data


def number(text, what):
    """Read a whole number without sign or leading zeros."""
    fits = re.fullmatch("0|[1-9][0-9]{0,18}", text) and int(text) <= GREATEST
    need(fits, "malformed", f"{what} is not a whole number")
    return int(text)


def read_json(text):
    """Read a JSON object; 7.0 is the whole number 7, and no name may stand twice in an object."""

    def real(digits):
        return int(float(digits)) if float(digits).is_integer() else float(digits)

    def constant(word):
        raise ValueError(word)

    def once(pairs):
        need(len(dict(pairs)) == len(pairs), "malformed", "the file gives one name twice")
        return dict(pairs)

    try:
        found = json.loads(text, object_pairs_hook=once, parse_float=real, parse_constant=constant)
    except (ValueError, RecursionError):
        found = None
    need(isinstance(found, dict), "malformed", "the file is not a JSON object")
    return found


def canonical(value):
    """Write JSON as RFC 8785 does; the values here are strings, whole numbers and null."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def is_whole(value):
    """Return whether a value is a whole number that every JSON parser keeps exact, and not true or false."""
    return type(value) is int and abs(value) < 2**53


# ---- keys, signed notes, checkpoints ----


def read_key(text, kind):
    """Read a public key; return its name, identifier and Ed25519 key."""
    wrong = f"{text!r} is not a key of type {kind}"
    parts = text.strip().split("+", 2)
    need(len(parts) == 3 and re.fullmatch(r"\S+", parts[0]), "caller_mistake", wrong)
    try:
        data = decode(parts[2], "key")
    except Refused:
        raise Refused("caller_mistake", wrong) from None
    need(len(data) == 33 and data[0] == kind, "caller_mistake", wrong)
    identifier = sha256(parts[0].encode() + b"\n" + data)[:4]
    need(identifier.hex() == parts[1], "caller_mistake", f"{text!r} is damaged")
    return parts[0], identifier, data[1:]


def read_keys(log_key, witness_keys, quorum):
    """Read the checker's keys; return those of the log, those of each witness by its name, and the quorum."""
    logs = [read_key(text, LOG) for text in ([log_key] if isinstance(log_key, str) else log_key)]
    need(len({key[0] for key in logs}) == 1, "caller_mistake", "the keys are not those of one log")
    distinct = {key[2]: key for key in (read_key(text, WITNESS) for text in witness_keys)}
    need(all(key[2] not in distinct for key in logs), "caller_mistake", "a witness has the key of the log itself")
    witnesses = {}
    for key in distinct.values():
        witnesses.setdefault(key[0], []).append(key)
    needed = len(witnesses) if quorum is None else quorum
    need(0 <= needed <= len(witnesses), "caller_mistake", "the quorum is larger than the number of witnesses")
    return logs, witnesses, needed


def signed_by(public, signature, message):
    """Return whether an Ed25519 signature verifies."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_note(note):
    """Read a signed note; return its text and its signatures as (name, identifier, signature)."""
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", note), "malformed", "a signed note has a control character")
    text, gap, lines = note.rpartition("\n\n")
    need(gap and text and lines.endswith("\n"), "malformed", "a signed note has no text or no signature")
    signatures = []
    for line in lines[:-1].split("\n"):
        parts = re.fullmatch("— ([^ ]+) ([^ ]+)", line)
        need(parts, "malformed", "a line of a signed note is no signature")
        data = decode(parts[2], "a signature")
        need(len(data) >= 5, "malformed", "a signature is too short")
        signatures.append((parts[1], data[:4], data[4:]))
    need(len(signatures) <= 100, "malformed", "a signed note has more than 100 signatures")
    return text + "\n", signatures


def open_log_checkpoint(note, logs):
    """Verify the log's signature; return size, root, text and signatures."""
    text, signatures = read_note(note)
    lines = text[:-1].split("\n")
    need(len(lines) >= 3 and "" not in lines, "malformed", "a checkpoint has fewer than three lines")
    root, size = decode(lines[2], "the root"), number(lines[1], "the size")
    need(len(root) == 32, "malformed", "the root has not 32 bytes")
    name = logs[0][0]
    need(lines[0] == name, "wrong_log", f"the checkpoint is of the log {lines[0]!r}, not of {name!r}")
    own = [(key[2], one[2]) for key in logs for one in signatures if one[:2] == key[:2]]
    need(own, "wrong_log", f"the checkpoint is not signed by a key of {name!r} that you gave")
    good = all(signed_by(public, one, text.encode()) for public, one in own)
    need(good, "bad_signature", "the log's signature does not fit the checkpoint")
    return size, root, text, signatures


def open_checkpoint(note, keys):
    """Verify the signature of the log and the cosignatures of witnesses; return size, root and witnesses with times."""
    logs, witnesses, needed = keys
    size, root, text, signatures = open_log_checkpoint(note, logs)
    cosigned = {}
    for name, own in witnesses.items():
        for key in own:
            seconds = None
            for data in [one[2] for one in signatures if one[:2] == key[:2]]:
                seconds = int.from_bytes(data[:8], "big")
                message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
                good = len(data) == 72 and seconds <= GREATEST and signed_by(key[2], data[8:], message)
                need(good, "bad_signature", f"the cosignature of {name!r} does not fit the checkpoint")
            if seconds is not None:
                cosigned.setdefault(name, seconds)
    missing = ", ".join(name for name in witnesses if name not in cosigned)
    need(len(cosigned) >= needed, "missing_cosignature", f"not cosigned by: {missing}")
    return size, root, cosigned


def compare(old, old_root, size, root):
    """Compare a checkpoint with an earlier one of the same size or larger."""
    need(old <= size, "rolled_back", f"the log had {old} entries and now has {size}")
    need(root == old_root, "split_view", f"two histories of the log have {size} entries")


# ---- the tree ----


def node(left, right):
    """Hash two adjacent subtrees."""
    return sha256(b"\x01" + left + right)


def check_path(leaf, index, size, path, root):
    """Check that a leaf is in the tree: walk from the root down to it, then hash back up."""
    need(index < size, "wrong_index", f"the log of {size} entries has no entry {index}")
    turns, start, end = [], 0, size
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        turns.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    need(len(path) == len(turns), "wrong_index", f"the path does not fit entry {index} of {size}")
    found = sha256(b"\x00" + leaf)
    for left, sibling in zip(reversed(turns), path, strict=True):
        found = node(found, sibling) if left else node(sibling, found)
    need(found == root, "wrong_path", f"the entry is not in the log at number {index}")


class Tree:
    """Right edge of a tree that grows: roots of its complete subtrees."""

    def __init__(self):
        self.size, self.edge = 0, []

    def append(self, entry):
        """Append an entry."""
        found, rest = sha256(b"\x00" + entry), self.size
        while rest & 1:
            found, rest = node(self.edge.pop(), found), rest >> 1
        self.edge.append(found)
        self.size += 1

    def root(self):
        """Compute the root."""
        found = self.edge[-1] if self.edge else sha256(b"")
        for left in reversed(self.edge[:-1]):
            found = node(left, found)
        return found


# ---- leaves and opened fields ----


def is_salt(text):
    """Return whether a value is 16 bytes of base64url in their one spelling."""
    return isinstance(text, str) and re.fullmatch("[A-Za-z0-9_-]{21}[AQgw]", text) is not None


def is_value(value):
    """Return whether a field can have this value."""
    if isinstance(value, str):
        return not re.search("[\ud800-\udfff]", value)
    return value is None or is_whole(value)


def committed(leaf, name, salt, value):
    """Return whether a leaf commits to this value of a field."""
    start = len(LEAF) + 32 * FIELDS.index(name)
    return sha256(canonical([salt, name, value])) == leaf[start : start + 32]


def open_fields(leaf, opened):
    """Check opened fields against a leaf; return their values."""
    need(
        leaf.startswith(LEAF) and len(leaf) == len(LEAF) + 32 * len(FIELDS), "malformed", "the leaf is of another kind"
    )
    need(isinstance(opened, list), "malformed", "the opened fields are not a list")
    values = {}
    for one in opened:
        whole = isinstance(one, dict) and set(one) == {"name", "salt", "value"} and one["name"] in FIELDS
        need(whole and one["name"] not in values, "malformed", "an opened field is unknown, doubled or incomplete")
        name, salt, value = one["name"], one["salt"], one["value"]
        need(is_salt(salt) and is_value(value), "malformed", f"salt or value of the field {name} cannot be")
        need(committed(leaf, name, salt, value), "wrong_field", f"the field {name} was changed", name)
        values[name] = value
    return values


# ---- statements and replies ----


def read_proof(text):
    """Read a proof; return index, path and checkpoint."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    need(gap and lines.pop(0) == "c2sp.org/tlog-proof@v1", "malformed", "the proof is of another format")
    if lines and lines[0].startswith("extra "):
        decode(lines.pop(0)[6:], "the extra data")
    need(lines and lines[0].startswith("index "), "malformed", "the proof has no index")
    index = number(lines.pop(0)[6:], "the index")
    path = [decode(line, "a hash") for line in lines]
    need(len(path) <= 63 and all(len(one) == 32 for one in path), "malformed", "the path is no list of hashes")
    return index, path, checkpoint


def verify_proof(file, keys):
    """Verify a proof file; return the answer, and size and root of its checkpoint."""
    need(file.get("format") == "hushtag-proof-1", "malformed", "the proof is of another format")
    need(set(file) <= {"format", "leaf", "opened", "proof"}, "malformed", "the proof has members that no proof has")
    text, proof = file.get("leaf"), file.get("proof")
    need(isinstance(text, str) and isinstance(proof, str), "malformed", "the proof has no leaf or no path")
    leaf = decode(text, "the leaf")
    index, path, checkpoint = read_proof(proof)
    size, root, cosigned = open_checkpoint(checkpoint, keys)
    check_path(leaf, index, size, path, root)
    opened = open_fields(leaf, file.get("opened"))
    answer = {"index": index, "log": keys[0][0][0], "size": size, "opened": opened, "cosigned_by": list(cosigned)}
    return answer, size, root


def same(name, value, opened):
    """Check that a statement shows what the log contains."""
    fits = type(value) is type(opened[name]) and value == opened[name]
    need(fits, "wrong_field", f"the statement shows another {name} than the log", name)


def check_restriction(details, entry, opened):
    """Check the details of a statement against its entry, which must show all six fields."""
    for name in ("time", "hashtag", "country", "action", "reason", "policy_revision"):
        need(name in entry, "wrong_field", f"the statement does not show {name}", name)
    action, measure = opened["action"], details.get("measure")
    actions = ACTIONS.get(measure, set()) if isinstance(measure, str) else set()
    known = isinstance(action, str) and set(action.split(", ")) & actions
    need(known, "wrong_field", "the statement's measure is not the action in the log", "action")
    if action != "suspended" or details.get("country") != "*":
        same("country", details.get("country"), opened)
    policy = details.get("policy_revision")
    same("policy_revision", None if policy == "" and opened["policy_revision"] is None else policy, opened)
    if opened["hashtag"] is not None:
        need(details.get("kind") == "hashtag", "wrong_field", "the log's entry is about a hashtag", "hashtag")
        same("hashtag", details.get("target"), opened)
    else:  # an entry about an order does not open its targets
        need(action in BY_ORDER, "wrong_field", "the log's entry is not about the statement's target", "hashtag")


def verify_statement(text, log_key, witness_keys, quorum=None, seen=None):
    """Verify a statement, a reply or a proof file; return the answer."""
    keys = read_keys(log_key, witness_keys, quorum)
    file = read_json(text)
    if file.get("format") == "hushtag-proof-1":
        answer, size, root = verify_proof(file, keys)
    else:
        proof = file.get("proof")
        need(isinstance(proof, dict), "malformed", "the file has no proof, or none yet")
        answer, size, root = verify_proof(proof, keys)
        opened, entry = answer["opened"], file.get("entry")
        need(isinstance(entry, dict) and entry, "malformed", "the statement shows nothing of its entry in the log")
        for name, value in entry.items():
            need(name in opened, "wrong_field", f"the statement shows {name}, but does not open it", name)
            same(name, value, opened)
        if "restriction" in file:
            details = file["restriction"]
            need(isinstance(details, dict), "malformed", "the statement's details are no object")
            check_restriction(details, entry, opened)
    if seen is not None:
        old, old_root = open_log_checkpoint(seen, keys[0])[:2]
        if old >= size:
            compare(old, old_root, size, root)
    return answer


# ---- reports ----


def entries_of(read, size):
    """Read the entries of a published log; `read` returns the content of a file, or None."""
    for index in range((size + 255) // 256):
        width = min(256, size - index * 256)
        digits = f"{index:03d}"
        digits = digits.zfill((len(digits) + 2) // 3 * 3)
        parts = re.findall("...", digits)
        path = "tile/entries/" + "/".join(["x" + part for part in parts[:-1]] + parts[-1:])
        data, count = read(path + (f".p/{width}" if width < 256 else "")), width
        if data is None and width < 256:
            data, count = read(path), 256
        need(data is not None, "omitted_entry", f"the published log lacks entries from {index * 256} on")
        entries, at = [], 0
        while at < len(data):
            start = at + 2
            at = start + int.from_bytes(data[at:start], "big")
            entries.append(data[start:at])
        need(at == len(data) and len(entries) == count, "malformed", f"{path} does not have {count} entries")
        yield from entries[:width]


def read_opening(line, index, leaf):
    """Check a line of the openings against its leaf; return type and period."""
    need(line is not None, "omitted_entry", f"the openings leave out entry {index}")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    whole = isinstance(found, list) and len(found) == 5 and is_whole(found[0]) and isinstance(found[2], str)
    whole = whole and (found[4] is None or isinstance(found[4], str)) and is_salt(found[1]) and is_salt(found[3])
    need(whole and is_value(found[2]) and is_value(found[4]), "malformed", f"line {index + 1} is no opening")
    need(found[0] == index, "omitted_entry", f"the openings leave out entry {index}")
    for name, salt, value in (("type", found[1], found[2]), ("period", found[3], found[4])):
        need(committed(leaf, name, salt, value), "wrong_field", f"entry {index} has another {name}", name)
    return found[2], found[4]


def counts_of(parent, name):
    """Return a member of counts."""
    found = parent.get(name)
    whole = isinstance(found, dict) and all(is_whole(count) and count >= 0 for count in found.values())
    need(whole, "malformed", f"the report has no counts {name!r}")
    return found


def days_of(report):
    """Return first and last day of a report's period, None if it is not of whole days, and the period's end."""
    start, end = report.get("from_ms"), report.get("to_ms")
    real = is_whole(start) and is_whole(end) and 0 <= start < end <= LAST_MS
    need(real, "malformed", "the report's period is none")
    days = [datetime.datetime.fromtimestamp(at // 1000, datetime.UTC).date().isoformat() for at in (start, end - 1)]
    return None if start % DAY_MS or end % DAY_MS else days, end


def recount(report, section, counts, days):
    """Compare the report's numbers with counts of entries by type and period."""

    def equal(name, published, counted):
        need(published == counted, "wrong_number", f"{name!r} is {published}; the log has {counted}", name)

    for name, day in zip(("first_day", "last_day"), days, strict=True):
        need(section.get(name) == day, "wrong_number", f"the report's {name} is not that of its period", f"log.{name}")
    country, entries = report.get("country"), {}
    for (kind, period), count in counts.items():
        within = period is not None and days[0] <= period <= days[1]
        if within and country in ("*", kind.rpartition("/")[2]):
            entries[kind] = entries.get(kind, 0) + count
    published, without = counts_of(section, "entries"), counts_of(section, "without_effect")
    for kind in sorted({*entries, *published}):
        equal(f"log.entries.{kind}", published.get(kind), entries.get(kind))
    for kind, count in without.items():
        fits = count <= entries.get(kind, 0)
        need(fits, "wrong_number", f"more entries without effect than entries: {kind!r}", f"log.without_effect.{kind}")

    def total(prefix):
        return sum(n - without.get(kind, 0) for kind, n in entries.items() if kind.startswith(prefix))

    people = counts_of(report, "decisions_by_people")
    for verb in sorted({"block", "allow", "hold", "undo", "pause", *people}):
        equal(f"decisions_by_people.{verb}", people.get(verb, 0), total(f"override/{verb}/"))
    received, hidden = report.get("orders"), report.get("confidential_orders")
    need(is_whole(received) and is_whole(hidden), "malformed", "the report has no number of orders")
    equal("orders", received - hidden, total("order/received/"))
    if country == "*":
        by_country = counts_of(report, "orders_by_country")
        for kind in sorted(entries):
            where = kind.removeprefix("order/received/")
            enough = where == kind or by_country.get(where, 0) >= total(kind)
            need(enough, "wrong_number", f"orders of {where!r} are left out", f"orders_by_country.{where}")


def verify_report(text, openings, read, log_key, witness_keys, quorum=None, seen=None):
    """Verify a report; return the answer."""
    keys = read_keys(log_key, witness_keys, quorum)
    report = read_json(text)
    section = report.get("log")
    need(
        isinstance(section, dict) and isinstance(section.get("checkpoint"), str), "malformed", "the report names no log"
    )
    size, root, cosigned = open_checkpoint(section["checkpoint"], keys)
    need(is_whole(section.get("size")), "malformed", "the report names no size")
    need(section["size"] == size, "wrong_number", f"the report counts {section['size']} of {size} entries", "log.size")
    try:
        note = (read("checkpoint") or b"\xff").decode()
    except ValueError:
        raise Refused("malformed", "the published log has no checkpoint that can be read") from None
    now, now_root = open_checkpoint(note, keys)[:2]
    earlier = [(size, root)] if seen is None else [open_log_checkpoint(seen, keys[0])[:2], (size, root)]
    for old, old_root in earlier:
        if old >= now:
            compare(old, old_root, now, now_root)
    tree, roots, counts, lines = Tree(), {0: sha256(b"")}, {}, iter(openings)
    wanted = {now, *(old for old, _ in earlier)}
    for index, leaf in enumerate(entries_of(read, now)):
        tree.append(leaf)
        if tree.size in wanted:
            roots[tree.size] = tree.root()
        if index < size:
            found = read_opening(next(lines, None), index, leaf)
            counts[found] = counts.get(found, 0) + 1
    need(roots[now] == now_root, "wrong_path", "the published entries do not lead to the signed root")
    for old, old_root in earlier:
        compare(old, old_root, old, roots[old])
    need(not any(line.strip() for line in lines), "wrong_index", "the openings go beyond the report")
    days, end = days_of(report)
    dated = section.get("entries") is not None
    need(dated == (days is not None), "wrong_number", "entries are counted by day only for whole days", "log.entries")
    if days:
        recount(report, section, counts, days)
    as_of = min(cosigned.values(), default=None)
    return {
        "log": keys[0][0][0],
        "size": size,
        "published_size": now,
        "cosigned_by": list(cosigned),
        "without_effect": sum(section["without_effect"].values()) if days else 0,
        "days": days,
        "as_of_seconds": as_of,  # what the log received later is not counted
        "later_entries": now - size,
        "period_over": None if as_of is None else as_of * 1000 >= end,
    }


# ---- the command ----


def fetch(url):
    """Read a file of a website within 30 s; the time-out of urlopen is for each read only."""
    outcome = queue.SimpleQueue()

    def run():
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


def reader(where):
    """Return a function that reads files of a folder or of a website."""

    def read(path):
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


def lines_of(path):
    """Read the lines of a file, also one that gzip compressed."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with (gzip.open if packed else open)(path, "rb") as lines:
            yield from lines
    except (EOFError, OSError, zlib.error) as error:
        raise Refused("caller_mistake", f"cannot read {str(path)!r}: {error}") from error


def main():
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("statement", "report"))
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--log-key", action="append", required=True)
    parser.add_argument("--witness-key", action="append", default=[])
    parser.add_argument("--quorum", type=int)
    parser.add_argument("--seen", type=pathlib.Path, help="checkpoint that you saw before")
    parser.add_argument("--openings", type=pathlib.Path)
    parser.add_argument("--folder", help="published log: a folder or a URL")
    given = parser.parse_args()
    if given.what == "report" and not (given.openings and given.folder):
        parser.error("a report needs --openings and --folder")
    try:
        text = given.file.read_text("utf-8-sig")
        seen = None if given.seen is None else given.seen.read_text("utf-8")
        keys = (given.log_key, given.witness_key, given.quorum, seen)
        if given.what == "statement":
            answer = verify_statement(text, *keys)
        else:
            answer = verify_report(text, lines_of(given.openings), reader(given.folder), *keys)
    except Refused as refused:
        mistake = refused.code == "caller_mistake"
        print(refused if mistake else f"it does not verify ({refused.code}): {refused}", file=sys.stderr)
        return 2 if mistake else 3
    except (OSError, UnicodeDecodeError, http.client.HTTPException) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"verified": True, **answer}))
    if "days" in answer and not answer["days"]:
        print("not recounted: the report is not of whole days in UTC", file=sys.stderr)
    if answer.get("period_over") is False:
        print("not final: the report counts as of a time before its period ended", file=sys.stderr)
    if not given.witness_key:
        print("not excluded: another history of the log for others; no witness's key was given", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
