"""Cases that verify."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moderation.audit.tlog.notes import NoteSignature
from tests.support.proof_world import EARLY, LOG, NEXT_LOG, REPORTED, SHOWN, SIZE, WITNESSES, World, values_of, world

Case = dict[str, Any]
NAMES = [one.name for one in WITNESSES]


def good(name: str, file: Any, index: int, size: int = SIZE, names: tuple[str, ...] = SHOWN, **members: Any) -> Case:
    """Build a case whose file shows the fields of an entry of the world."""
    cosigned = members.pop("cosigned_by", NAMES)
    opened = {one: values_of(index).get(one) for one in names}
    answer = {"index": index, "log": LOG.name, "size": size, "opened": opened, "cosigned_by": cosigned}
    return {"name": name, "file": file, **members, "code": None, "answer": answer}


def good_cases() -> Iterator[Case]:
    """Build proofs, statements and replies that verify."""
    w = world()
    yield good("a statement of reasons", w.statement(2), 2)
    yield good("a proof file alone", w.proof(256), 256)
    reply_names = ("time", "country", "action", "reason")
    entry = {one: values_of(4).get(one) for one in reply_names}
    yield good(
        "an order's reply", {"text": "...", "entry": entry, "proof": w.proof(4, reply_names)}, 4, names=reply_names
    )
    yield good("nothing opened", w.proof(0, ()), 0, names=())
    yield good("a field whose value is null", w.proof(7, ("hashtag", "type")), 7, names=("type", "hashtag"))
    yield good("the last entry", w.statement(258), 258)
    yield good("a log of one entry", World(1).proof(0), 0, size=1)
    yield good("an earlier checkpoint", w.proof(20, size=EARLY), 20, size=EARLY)
    yield good("no witness asked for", w.proof(1), 1, witness_keys=[], cosigned_by=[])
    one = w.checkpoint(witnesses=WITNESSES[:1])
    yield good("one of two witnesses, and a quorum of one", w.proof(1, note=one), 1, quorum=1, cosigned_by=NAMES[:1])
    both = w.checkpoint(keys=(LOG, NEXT_LOG))
    yield good("signed by both keys of a rotation, old key", w.proof(1, note=both), 1)
    yield good("signed by both keys of a rotation, new key", w.proof(1, note=both), 1, log_key=str(NEXT_LOG.public_key))
    unknown = w.checkpoint().with_signatures([NoteSignature("three.example/w", b"abcd", bytes(72))])
    yield good("a signature of an unknown key", w.proof(1, note=unknown), 1)
    extra = w.proof(1)
    extra["proof"] = extra["proof"].replace("\nindex", "\nextra aHVzaHRhZw==\nindex", 1)
    yield good("extra data in the proof", extra, 1)
    text = json.dumps(w.proof(1, ("policy_revision",))).replace('"value": 7', '"value": 7.0')
    whole = good("a whole number with a point", None, 1, names=("policy_revision",), text=text)
    del whole["file"]
    yield whole
    yield good("the checkpoint seen before is the same", w.proof(1), 1, seen=w.checkpoint().encode())
    yield good("the checkpoint seen before is smaller", w.proof(1), 1, seen=w.checkpoint(EARLY).encode())


def report_case(name: str, report: Any, **members: Any) -> Case:
    """Build a report's case; `code` None: it verifies."""
    code = members.pop("code", None)
    case = {"name": name, "report": report, "log": "published", **members, "code": code}
    if code is None:
        section = report["log"]
        case["answer"] = {
            "log": LOG.name,
            "size": section["size"],
            "published_size": SIZE,
            "cosigned_by": NAMES,
            "without_effect": sum(section["without_effect"].values()) if section["entries"] is not None else 0,
        }
    return case


def report_cases() -> Iterator[Case]:
    """Build reports that verify."""
    w = world()
    yield report_case("a report of all countries", w.report())
    yield report_case("a report of one country", w.report("IN"))
    yield report_case("the checkpoint seen before is smaller", w.report(), seen=w.checkpoint(EARLY).encode())
    yield report_case("the checkpoint seen before is the published one", w.report(), seen=w.checkpoint().encode())
    part = w.report()
    part["log"] |= {"entries": None, "first_day": None, "last_day": None}
    yield report_case("a report of no whole days is not recounted", part)
    gone = {"tile/0/001.p/4": None, "tile/0/000": None}
    yield report_case("tiles are not needed", w.report(), changes=gone)
    early = w.report(size=EARLY)
    yield report_case(
        "a report at a small checkpoint", early, opening_changes=dict.fromkeys(map(str, range(EARLY, REPORTED)))
    )
