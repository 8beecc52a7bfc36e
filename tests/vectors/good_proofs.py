"""Cases that verify."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from moderation.domain.restrictions.answers import restriction_answer
from moderation.domain.restrictions.restriction import LegalOrder, Restriction
from moderation.publiclog.disclosure import Value
from moderation.publiclog.entry_facts import ruling_facts
from moderation.publiclog.proofs.verify_proof import VERBS
from moderation.publiclog.tlog.cosignature import cosign
from moderation.publiclog.tlog.notes import NoteSignature
from tests.support.proof_world import (
    AT,
    COSIGNED,
    EARLY,
    FROM_MS,
    LOG,
    LOG_KEY,
    NEXT_LOG,
    NEXT_WITNESS,
    NOT_IN_LOG,
    PUBLICATION,
    REPORTED,
    SHOWN,
    SIZE,
    TO_MS,
    WITNESS_KEYS,
    WITNESSES,
    World,
    published_report,
    restriction_of,
    values_of,
    world,
)
from tests.support.statement_builders import HOUR_MS, NOW_MS, ORDER, order_ruling
from tests.vectors.encoded import encoded

Case = dict[str, Any]
NOT_COUNTED = [
    "orders", "confidential_orders", "orders_by_country", "targets", "states", "hashtags_held_back",
]  # fmt: skip
"""Members of the world's reports that nothing in the log counts."""


def good(name: str, file: Any, index: int, size: int = SIZE, names: tuple[str, ...] = SHOWN, **members: Any) -> Case:
    """Build a case whose file shows the fields of an entry of the world."""
    cosigned, unbound = members.pop("cosigned_by", COSIGNED), members.pop("not_verified", [])
    values = values_of(index) | members.pop("values", {})
    opened = {one: values.get(one) for one in names}
    answer = {"index": index, "log": LOG.name, "size": size, "opened": opened, "cosigned_by": cosigned}
    answer["not_verified"] = unbound
    return {"name": name, "file": file, **members, "code": None, "answer": answer}


def good_cases() -> Iterator[Case]:
    """Build proofs, statements and replies that verify."""
    w = world()
    yield good("a statement of a person's decision", w.statement(2), 2, not_verified=NOT_IN_LOG)
    absent = [f"restriction.evidence.{one}" for one in ("burst", "copies", "young", "links", "successor", "term")]
    unbound = [*NOT_IN_LOG[:2], *absent, *NOT_IN_LOG[2:]]
    yield good("a statement of an automated decision", w.statement(0), 0, not_verified=unbound)
    yield good("a statement of a decision that holds back", w.statement(8), 8, not_verified=NOT_IN_LOG)
    yield from stated_cases()
    yield good("a proof file alone", w.proof(256), 256)
    reply_names = ("time", "country", "action", "reason")
    entry = {one: values_of(4).get(one) for one in reply_names}
    yield good(
        "an order's reply",
        {"text": "...", "entry": entry, "proof": w.proof(4, reply_names)},
        4,
        names=reply_names,
        not_verified=["text"],
    )
    yield good("nothing opened", w.proof(0, ()), 0, names=())
    yield good("a field whose value is null", w.proof(7, ("hashtag", "type")), 7, names=("type", "hashtag"))
    yield good("the last entry", w.proof(SIZE - 1), SIZE - 1)
    yield good("a log of one entry", World(1).proof(0), 0, size=1)
    yield good("an earlier checkpoint", w.proof(20, size=EARLY), 20, size=EARLY)
    yield good("no witness asked for", w.proof(1), 1, witness_keys=[], cosigned_by={})
    one = w.checkpoint(witnesses=WITNESSES[:1])
    yield good(
        "one of two witnesses, and a quorum of one",
        w.proof(1, note=one),
        1,
        quorum=1,
        cosigned_by=dict([*COSIGNED.items()][:1]),
    )
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
    twice = w.checkpoint().with_signatures([cosign(w.checkpoint().text, WITNESSES[0], AT + more) for more in (-9, 9)])
    earliest = COSIGNED | {WITNESSES[0].name: AT - 9}
    yield good("a witness that cosigned three times", w.proof(1, note=twice), 1, cosigned_by=earliest)
    old, new = (cosign(w.checkpoint().text, key, AT + more) for key, more in ((WITNESSES[1], 9), (NEXT_WITNESS, -9)))
    later = w.checkpoint(witnesses=WITNESSES[:1]).with_signatures([old, new])
    earliest = COSIGNED | {WITNESSES[1].name: AT - 9}
    yield good(
        "a witness that cosigned first with its later key",
        w.proof(1, note=later),
        1,
        witness_keys=renewed,
        cosigned_by=earliest,
    )
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


def stated_cases() -> Iterator[Case]:
    """Build statements whose restriction differs from its entry in what the log cannot know."""
    restriction, facts = restriction_of(2)
    assert restriction is not None
    some = replace(restriction, surfaces=("trends",), began_ms=restriction.began_ms - 1, in_force=False)
    more = ["dsa", "restriction.surfaces", "restriction.actor", "restriction.began_ms", *NOT_IN_LOG[2:]]
    yield stated("a person's decision, in part overruled, which prolongs one", some, {"facts": facts}, more)
    for outcome, measure in (("withheld", "withheld"), ("suspended", "suspended")):
        ruled = ruling_facts(order_ruling(outcome, 0, 0, 3))  # type: ignore[arg-type]
        ruling = {"type": "record", "hashtag": None, "action": outcome, "policy_revision": None, "facts": ruled}
        own = outcome == "suspended"
        details = Restriction(
            kind="account", target="1001", display="1001", measure=measure, surfaces=("account",),  # type: ignore[arg-type]
            country="*" if own else "IN", source="human" if own else "legal", actor="lee", began_ms=NOW_MS,
            ends_ms=0 if own else NOW_MS + HOUR_MS, decision=f"{ORDER}-1", identity=f"order|{ORDER}|0",
            reason="within the law", order=None if own else LegalOrder("Ministry", "69A", "R/1", False),
            also_hidden_in=() if own else ("DE",),
        )  # fmt: skip
        bound = {"measure", "country", "source", "category", "weight", "reason", "signals", "evidence"}
        bound |= {"policy_revision", "model_revision"} | ({"kind", "ends_ms", "order"} if own else set())
        unbound = [f"restriction.{one}" for one in restriction_answer(details).members() if one not in bound]
        yield stated(f"an order, whose entry names no target: {outcome}", details, ruling, ["dsa", *unbound])


def stated(name: str, restriction: Restriction, changed: Mapping[str, Value], not_verified: list[str]) -> Case:
    """Build a case of a statement about a log's only entry."""
    file = World(1, {0: changed}).statement(0, restriction)
    return good(name, file, 0, 1, values=changed, not_verified=not_verified)


def report_case(name: str, report: Any, **members: Any) -> Case:
    """Build a report's case; `code` None: it verifies, and `answer` replaces members of the usual answer."""
    code, changed = members.pop("code", None), members.pop("answer", {})
    file = {"text": report} if isinstance(report, str) else {"file": report}
    case = {"name": name, **file, "log": "published", **members, "code": code}
    if code is None:
        report = json.loads(report) if isinstance(report, str) else report
        section = report["log"]
        dated = section["entries"] is not None
        case["answer"] = {
            "log": LOG.name,
            "size": section["size"],
            "published_size": SIZE,
            "cosigned_by": COSIGNED,
            **numbers_of(report),
            "not_verified": NOT_COUNTED if dated else [one for one in report if one != "log"],
            "published_as": None,
            "days": [section["first_day"], section["last_day"]] if dated else None,
            "as_of_seconds": AT,
            "later_entries": SIZE - section["size"],
            "period_over": True,
        } | dict(changed)
    return case


def numbers_of(report: Mapping[str, Any]) -> Case:
    """List the numbers of a report that are counted again."""
    entries, people = report["log"]["entries"] or {}, report["decisions_by_people"]
    if not entries:
        return {"numbers": {}, "at_least": {}}
    orders = {one.rpartition("/")[2]: n for one, n in entries.items() if one.startswith("order/")}
    numbers = {f"log.entries.{one}": count for one, count in entries.items()}
    numbers |= {f"decisions_by_people.{one}": people.get(one, 0) for one in VERBS}
    numbers["orders without confidential_orders"] = sum(orders.values())
    everywhere = report["country"] == "*"
    return {"numbers": numbers, "at_least": {f"orders_by_country.{one}": n for one, n in orders.items() if everywhere}}


def report_cases() -> Iterator[Case]:
    """Build reports that verify."""
    w = world()
    text, publication = published_report(), w.proof(SIZE - 1, ("type", "facts"))
    answer = {"published_as": PUBLICATION, "not_verified": []}
    yield report_case("a report with the proof of its publication", text, publication=publication, answer=answer)
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
            f"a report that counts {name} of its period",
            report,
            answer={
                "as_of_seconds": at,
                "period_over": over,
                "cosigned_by": {one: at + more for more, one in enumerate(COSIGNED)},
            },
        )
    unseen: Case = {"cosigned_by": {}, "as_of_seconds": None, "period_over": None}
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
