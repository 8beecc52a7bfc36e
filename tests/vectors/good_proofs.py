"""Cases that verify."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moderation.audit.disclosure import Value
from moderation.audit.tlog.notes import NoteSignature
from tests.support.proof_world import (
    AT,
    EARLY,
    FROM_MS,
    LOG,
    LOG_KEY,
    NEXT_LOG,
    NEXT_WITNESS,
    REPORTED,
    SHOWN,
    SIZE,
    TO_MS,
    WITNESS_KEYS,
    WITNESSES,
    World,
    values_of,
    world,
)
from tests.vectors.encoded import encoded

Case = dict[str, Any]
NAMES = [one.name for one in WITNESSES]


def good(name: str, file: Any, index: int, size: int = SIZE, names: tuple[str, ...] = SHOWN, **members: Any) -> Case:
    """Build a case whose file shows the fields of an entry of the world."""
    cosigned = members.pop("cosigned_by", NAMES)
    values = values_of(index) | members.pop("values", {})
    opened = {one: values.get(one) for one in names}
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
    yield good("the last entry", w.proof(SIZE - 1), SIZE - 1)
    yield stated("a decision with several actions", {"action": "suppress, discount"}, measure="discounted")
    ruling = {"type": "record", "hashtag": None, "action": "withheld", "policy_revision": None}
    ordered = {"kind": "account", "target": "1", "policy_revision": ""}
    yield stated("an order, whose entry names no target", ruling, **ordered, measure="withheld")
    ruling = ruling | {"action": "suspended"}
    yield stated("a suspension everywhere after an order", ruling, **ordered, measure="suspended", country="*")
    yield good("a log of one entry", World(1).proof(0), 0, size=1)
    yield good("an earlier checkpoint", w.proof(20, size=EARLY), 20, size=EARLY)
    yield good("no witness asked for", w.proof(1), 1, witness_keys=[], cosigned_by=[])
    one = w.checkpoint(witnesses=WITNESSES[:1])
    yield good("one of two witnesses, and a quorum of one", w.proof(1, note=one), 1, quorum=1, cosigned_by=NAMES[:1])
    both = w.checkpoint(keys=(LOG, NEXT_LOG))
    yield good("signed by both keys of a rotation, old key", w.proof(1, note=both), 1)
    yield good("signed by both keys of a rotation, new key", w.proof(1, note=both), 1, log_key=str(NEXT_LOG.public_key))
    both_keys = [LOG_KEY, str(NEXT_LOG.public_key)]
    yield good("signed by the earlier of two keys that are given", w.proof(1), 1, log_key=both_keys)
    new = w.checkpoint(keys=(NEXT_LOG,))
    yield good("signed by the later of two keys that are given", w.proof(1, note=new), 1, log_key=both_keys)
    yield good(
        "seen under the earlier key of the log",
        w.proof(1, note=new),
        1,
        log_key=both_keys,
        seen=w.checkpoint(EARLY).encode(),
    )
    renewed = [*WITNESS_KEYS, str(NEXT_WITNESS.public_key)]
    new = w.checkpoint(witnesses=(WITNESSES[0], NEXT_WITNESS))
    yield good("a witness with a later key", w.proof(1, note=new), 1, witness_keys=renewed)
    new = w.checkpoint(witnesses=(*WITNESSES, NEXT_WITNESS))
    yield good("a witness with two keys counts once", w.proof(1, note=new), 1, witness_keys=renewed)
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


def stated(name: str, changed: Mapping[str, Value], **restriction: Value) -> Case:
    """Build a case of a statement about a log's only entry."""
    file = World(1, {0: changed}).statement(0)
    return good(name, file | {"restriction": file["restriction"] | restriction}, 0, 1, values=changed)


def report_case(name: str, report: Any, **members: Any) -> Case:
    """Build a report's case; `code` None: it verifies, and `answer` replaces members of the usual answer."""
    code, changed = members.pop("code", None), members.pop("answer", {})
    case = {"name": name, "report": report, "log": "published", **members, "code": code}
    if code is None:
        section = report["log"]
        dated = section["entries"] is not None
        case["answer"] = {
            "log": LOG.name,
            "size": section["size"],
            "published_size": SIZE,
            "cosigned_by": NAMES,
            "without_effect": sum(section["without_effect"].values()) if dated else 0,
            "days": [section["first_day"], section["last_day"]] if dated else None,
            "as_of_seconds": AT,
            "later_entries": SIZE - section["size"],
            "period_over": True,
        } | dict(changed)
    return case


def report_cases() -> Iterator[Case]:
    """Build reports that verify."""
    w = world()
    yield report_case("a report of all countries", w.report())
    yield report_case("a report of one country", w.report("IN"))
    yield report_case("the checkpoint seen before is smaller", w.report(), seen=w.checkpoint(EARLY).encode())
    yield report_case("the checkpoint seen before is the published one", w.report(), seen=w.checkpoint().encode())
    for name, part in (
        ("begins within a day", {"from_ms": FROM_MS + 1}),
        ("ends within a day", {"to_ms": TO_MS - 3_600_000}),
    ):
        report = w.report() | part
        report["log"] = report["log"] | {"entries": None, "first_day": None, "last_day": None}
        yield report_case(f"a report that {name} is not recounted", report)
    at_end = w.report()
    for name, at, over in (("at the end", TO_MS // 1000, True), ("before the end", TO_MS // 1000 - 1, False)):
        note = w.checkpoint(REPORTED, at_seconds=at).encode()
        report = at_end | {"log": at_end["log"] | {"checkpoint": note}}
        yield report_case(
            f"a report that counts {name} of its period", report, answer={"as_of_seconds": at, "period_over": over}
        )
    unseen: Case = {"cosigned_by": [], "as_of_seconds": None, "period_over": None}
    yield report_case("a report without witnesses", w.report(), witness_keys=[], answer=unseen)
    old_keys = {
        "log_key": [str(NEXT_LOG.public_key), LOG_KEY],
        "witness_keys": [*WITNESS_KEYS, str(NEXT_WITNESS.public_key)],
    }
    head = w.checkpoint(keys=(NEXT_LOG,), witnesses=(WITNESSES[0], NEXT_WITNESS)).encode().encode()
    yield report_case(
        "a report from before log and witness changed their keys",
        w.report(),
        **old_keys,
        seen=w.checkpoint(EARLY).encode(),
        changes=encoded({"checkpoint": head}),
    )
    gone = {"tile/0/001.p/4": None, "tile/0/000": None}
    yield report_case("tiles are not needed", w.report(), changes=gone)
    early = w.report(size=EARLY)
    yield report_case(
        "a report at a small checkpoint", early, opening_changes=dict.fromkeys(map(str, range(EARLY, REPORTED)))
    )
