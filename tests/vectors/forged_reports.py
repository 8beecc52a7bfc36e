"""Reports, openings and published logs that do not verify."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.support.proof_world import (
    EARLY,
    FROM_MS,
    REPORTED,
    SIZE,
    TO_MS,
    WITNESSES,
    World,
    published_report,
    split_world,
    world,
)
from tests.vectors.encoded import changes, encoded
from tests.vectors.good_proofs import Case, report_case

ENTRY = 60
"""Entry that most cases are about."""


def edited(edit: Callable[[dict[str, Any]], object], country: str = "*") -> dict[str, Any]:
    """Return the report after an edit."""
    report = deepcopy(world().report(country))
    edit(report)
    return report


def forged(name: str, code: str, field: str = "", report: Any = None, **members: Any) -> Case:
    case = report_case(name, world().report() if report is None else report, code=code, **members)
    return case | ({"field": field} if field else {})


def forged_report_cases() -> Iterator[Case]:
    """Build every kind of forgery of a report."""
    yield from _openings()
    yield from _numbers()
    yield from _logs()


def _openings() -> Iterator[Case]:
    lines = world().opening_lines(SIZE)
    line = json.loads(lines[ENTRY])
    yield forged("omitted entry", "omitted_entry", opening_changes={str(ENTRY): None})
    yield forged("omitted last entry", "omitted_entry", opening_changes={str(REPORTED - 1): None})
    yield forged(
        "entry opened as a note", "wrong_field", "type", opening_changes={str(ENTRY): [*line[:2], "note", *line[3:]]}
    )
    yield forged(
        "entry opened with another day",
        "wrong_field",
        "period",
        opening_changes={str(ENTRY): [*line[:4], "2026-10-01"]},
    )
    yield forged("entry opened without a day", "wrong_field", "period", opening_changes={str(ENTRY): [*line[:4], None]})
    yield forged(
        "entry opened with another salt",
        "wrong_field",
        "type",
        opening_changes={str(ENTRY): [line[0], line[3], *line[2:]]},
    )
    yield forged("entry that is not opened", "malformed", opening_changes={str(ENTRY): [ENTRY, None, None, None, None]})
    yield forged("entry opened as another", "omitted_entry", opening_changes={str(ENTRY): json.loads(lines[ENTRY + 1])})
    yield forged(
        "openings beyond the report", "wrong_index", opening_changes={str(REPORTED): json.loads(lines[REPORTED])}
    )
    yield forged(
        "opening of two spellings of a salt",
        "malformed",
        opening_changes={str(ENTRY): [line[0], "A" * 21 + "B", *line[2:]]},
    )
    yield forged("opening with a further member", "malformed", opening_changes={str(ENTRY): [*line, 1]})


def _numbers() -> Iterator[Case]:
    def section(**changed: Any) -> dict[str, Any]:
        return edited(lambda r: r["log"].update(changed))

    def entries(**changed: int) -> dict[str, Any]:
        return edited(lambda r: r["log"]["entries"].update(changed))

    blocks, people = "log.entries.override/block/IN", "decisions_by_people.block"
    yield forged(
        "number that does not add up",
        "wrong_number",
        people,
        edited(lambda r: r["decisions_by_people"].update(block=18)),
    )
    yield forged(
        "decisions by people left out", "wrong_number", people, edited(lambda r: r["decisions_by_people"].pop("block"))
    )
    yield forged(
        "decisions by people invented",
        "wrong_number",
        "decisions_by_people.pause",
        edited(lambda r: r["decisions_by_people"].update(pause=1)),
    )
    yield forged("fewer entries than the log", "wrong_number", blocks, entries(**{"override/block/IN": 19}))
    yield forged(
        "kind of entries left out",
        "wrong_number",
        blocks,
        edited(lambda r: r["log"]["entries"].pop("override/block/IN")),
    )
    yield forged(
        "kind of entries without any",
        "wrong_number",
        "log.entries.override/allow/IN",
        entries(**{"override/allow/IN": 0}),
    )
    yield forged("fewer orders than the log", "wrong_number", "orders", edited(lambda r: r.update(orders=39)))
    yield forged(
        "more confidential orders", "wrong_number", "orders", edited(lambda r: r.update(confidential_orders=3))
    )
    yield forged(
        "fewer orders of a country",
        "wrong_number",
        "orders_by_country.DE",
        edited(lambda r: r["orders_by_country"].update(DE=19)),
    )
    yield forged(
        "block that is said to be without effect",
        "malformed",
        "log.without_effect",
        edited(
            lambda r: (
                r["decisions_by_people"].update(block=19),
                r["log"].update(without_effect={"override/block/IN": 1}),
            )
        ),
    )
    yield forged("member of the log that no report has", "malformed", "log.more", section(more=1))
    sums = "states.account"
    yield forged(
        "fewer suspended accounts", "wrong_number", sums, edited(lambda r: r["states"]["account"].update(suspended=6))
    )
    yield forged("kind of targets without its states", "malformed", sums, edited(lambda r: r["states"].pop("account")))
    yield forged(
        "more hashtags held back",
        "wrong_number",
        "hashtags_held_back.by",
        edited(lambda r: r["hashtags_held_back"].update(total=9)),
    )
    for value in ("<x", "5 to", "<1,0000000000000000000", "seven", -1, True, None, 7.5):
        yield forged(
            f"count that is none: {value!r}",
            "malformed",
            report=edited(lambda r, value=value: r["hashtags_held_back"].update(total=value)),  # type: ignore[misc]
        )
    yield from _publications()
    yield forged("other days than the period", "wrong_number", "log.last_day", section(last_day="2026-11-06"))
    yield forged(
        "other country than the numbers",
        "wrong_number",
        "log.entries.decision/clear/IN",
        edited(lambda r: r.update(country="DE")),
    )
    yield forged("size that is not the checkpoint's", "wrong_number", "log.size", section(size=REPORTED - 1))
    yield forged("number that is no count", "malformed", report=entries(**{"override/block/IN": -1}))
    yield forged("number beyond exact ones", "malformed", report=entries(**{"override/block/IN": 2**53}))
    yield forged("number that is a text", "malformed", report=edited(lambda r: r.update(orders="40")))
    yield forged("first day of another month", "wrong_number", "log.first_day", section(first_day="2026-10-02"))
    yield forged("day that is none", "wrong_number", "log.last_day", section(last_day="2026-11-31"))
    yield forged("days without a text", "wrong_number", "log.first_day", section(first_day=None))
    empty = edited(
        lambda r: (
            r.update(orders=2, orders_by_country={}, decisions_by_people={}),
            r["log"].update(first_day="2027-01-01", last_day="2027-01-01", entries={}),
        )
    )
    yield forged("days after the period, without entries", "wrong_number", "log.first_day", empty)
    hidden = section(entries=None, first_day=None, last_day=None)
    yield forged("numbers of whole days that are not given", "wrong_number", "log.entries", hidden)
    yield forged("numbers that are left out", "wrong_number", "log.entries", edited(lambda r: r["log"].pop("entries")))
    part = edited(lambda r: r.update(to_ms=TO_MS - 1))
    named = edited(lambda r: (r.update(to_ms=TO_MS - 1), r["log"].update(entries=None, last_day=None)))
    yield forged("a day that is named for a part of a day", "wrong_number", "log.first_day", named)
    yield forged("numbers by day for a part of a day", "wrong_number", "log.entries", part)
    yield forged(
        "report of another week",
        "wrong_number",
        "log.first_day",
        edited(lambda r: r.update(from_ms=FROM_MS - 86_400_000)),
    )
    yield forged("report without a period", "malformed", report=edited(lambda r: r.pop("from_ms")))
    yield forged("period that ends before it begins", "malformed", report=edited(lambda r: r.update(to_ms=FROM_MS)))
    yield forged(
        "period after the year 9999", "malformed", report=edited(lambda r: r.update(to_ms=253_402_387_200_000))
    )
    yield forged("report without a log", "malformed", report=edited(lambda r: r.pop("log")))


def _publications() -> Iterator[Case]:
    w, text = world(), published_report()
    publication = w.proof(SIZE - 1, ("type", "facts"))
    changed = text.replace('"suspended": 96', '"suspended": 95').replace('"20 to 23"', '"21 to 24"')
    yield forged(
        "headline number of a published report", "wrong_field", "report.json", changed, publication=publication
    )
    spaced = text.replace('"orders"', '"orders" ', 1)
    yield forged("published report in another spelling", "wrong_field", "report.json", spaced, publication=publication)
    other = w.proof(0, ("type", "facts"))
    yield forged("publication of nothing", "wrong_field", "publication", text, publication=other)
    closed = w.proof(SIZE - 1, ("type",))
    yield forged("publication that does not open its facts", "wrong_field", "publication", text, publication=closed)
    elsewhere = split_world().proof(SIZE - 1, ("type", "facts"))
    yield forged("publication in another history", "split_view", report=text, publication=elsewhere)
    untyped = w.proof(SIZE - 1, ("facts",))
    yield forged("publication without its type", "wrong_field", "publication", text, publication=untyped)


def _logs() -> Iterator[Case]:
    w, other = world(), split_world()
    files = w.files()

    def published(new: dict[str, bytes]) -> dict[str, str | None]:
        return changes(files, new)

    yield forged("rolled-back checkpoint", "rolled_back", changes=published(w.files(EARLY)))
    later = World(SIZE + 1).checkpoint().encode()
    yield forged("published log smaller than the one seen before", "rolled_back", seen=later)
    yield forged("split view", "split_view", changes=published(other.files()))
    yield forged("split view of the checkpoint seen before", "split_view", seen=other.checkpoint().encode())
    yield forged(
        "split view of a smaller checkpoint seen before",
        "split_view",
        seen=World(changed={3: {"action": "clear"}}).checkpoint(EARLY).encode(),
    )
    bundle = "tile/entries/001.p/4"
    changed = files[bundle][:-1] + bytes([files[bundle][-1] ^ 1])
    yield forged("entry after the report's checkpoint changed", "wrong_path", changes=encoded({bundle: changed}))
    in_report = files[bundle][:300] + bytes([files[bundle][300] ^ 1]) + files[bundle][301:]
    yield forged(
        "entry changed in a field that the report does not open", "wrong_path", changes=encoded({bundle: in_report})
    )
    yield forged("bundle missing", "omitted_entry", changes={"tile/entries/000": None})
    yield forged("bundle cut", "malformed", changes=encoded({bundle: files[bundle][:-1]}))
    yield forged("bundle with a further entry", "malformed", changes=encoded({bundle: files[bundle] + b"\0\0"}))
    yield forged("no checkpoint", "malformed", changes={"checkpoint": None})
    bare = w.checkpoint(witnesses=WITNESSES[:1]).encode()
    yield forged(
        "published checkpoint without a cosignature",
        "missing_cosignature",
        changes=encoded({"checkpoint": bare.encode()}),
    )
    yield forged(
        "report's checkpoint without a cosignature",
        "missing_cosignature",
        report=edited(lambda r: r["log"].update(checkpoint=w.checkpoint(REPORTED, witnesses=()).encode())),
    )
