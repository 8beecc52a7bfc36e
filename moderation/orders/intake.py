"""From a file to orders: CSV with a row for each target, or JSON. Every row that cannot be used is told; the rest is
taken. Pure.

In CSV the order's own fields may stand in every row, or be given beside the file and left out of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moderation.drafts import duration_ms
from moderation.orders.dates import BEYOND_MS, When, read_as, when_of
from moderation.orders.model import FIELDS, Head, OrderDraft
from moderation.tables import BadCell, Line, RowProblem, account_of, one_of, read_table, words
from streams.errors import CallerMistake
from streams.naming import country_of, in_words, tag_of
from streams.orders.records import MOST_TARGETS, TARGET_KINDS, Target, TargetKind

COLUMNS = (*FIELDS, "kind", "target", "author")
MOST_ORDERS = 1_000
_TWEET = re.compile(
    r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/[A-Za-z0-9_]+/(?:web/)?status(?:es)?/([0-9]{1,20})\b.*"
)
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n", ""})


@dataclass(frozen=True, slots=True)
class Intake:
    """What a file holds. `notes` are for whoever takes it in."""

    drafts: tuple[OrderDraft, ...]
    problems: tuple[RowProblem, ...]
    notes: tuple[str, ...]


def parse_csv(data: bytes, name: str, given: Mapping[str, str], now_ms: int) -> Intake:
    """Read a CSV file.

    Args:
        given: fields of the order that are not in the file.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    lines = read_table(data, name, columns=COLUMNS, required=("target",), most_rows=MOST_TARGETS)
    return _collect(lines, given, now_ms)


def parse_json(data: bytes, name: str, given: Mapping[str, str], now_ms: int) -> Intake:
    """Read JSON: an order or a list of orders, each an object of the same fields with `targets`, a list of strings
    or of objects with `kind`, `target` and `author`.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    try:
        read = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CallerMistake(f"{name} is not JSON: {str(error)[:120]}", fix="a JSON object in UTF-8") from None
    orders = read if isinstance(read, list) else [read]
    if len(orders) > MOST_ORDERS:
        raise CallerMistake(f"{name} has more than {MOST_ORDERS:,} orders", fix="split it")
    return _collect(_json_lines(orders, isinstance(read, list)), given, now_ms)


def target_of(written: str, kind: str = "", author: str = "") -> Target:
    """A target from what an order writes: `#tag`, an account id or address, a tweet's address.

    Raises:
        BadCell: it is none of these, or not of the kind that is named.
    """
    text = written.strip()
    if not text:
        raise BadCell("target", written, "it is empty", "an account id, a #hashtag or a tweet's address")
    wanted = one_of("kind", kind, TARGET_KINDS) if kind.strip() else _kind(text)
    by = account_of("author", author) if author.strip() else ""
    if wanted == "account":
        return Target("account", account_of("target", text))
    if wanted == "tweet":
        match = _TWEET.fullmatch(text) or re.fullmatch(r"([0-9]{1,20})", text)
        if match is None:
            raise BadCell("target", text, "not a tweet's address", "such as https://x.com/i/status/1234567890")
        return Target("tweet", match[1], author=by)
    try:
        tag = tag_of(text)
    except CallerMistake as error:
        raise BadCell("target", text, str(error).rpartition(": ")[2], error.fix) from None
    return Target("hashtag", tag.hashtag, tag.display)


def time_of(field: str, written: str, *, end: bool = False) -> int:
    """A time in ISO 8601, in UTC without an offset; a date alone is its first moment in UTC, or its last with `end`.

    Raises:
        BadCell: it cannot be read.
    """
    when = when_of(field, written)
    return when.end_ms if end else when.at_ms


def head_of(cells: Mapping[str, str], now_ms: int) -> Head:
    """An order's own fields.

    Raises:
        BadCell: one cannot be used, or they contradict each other.
    """
    try:
        country = country_of(words("country", cells.get("country", "")))
    except CallerMistake as error:
        raise BadCell("country", cells.get("country", ""), "unknown", error.fix) from None
    if country == "*":
        raise BadCell("country", "*", "an order is a country's", "its ISO 3166-1 code, such as IN")
    received = when_of("received", cells["received"]) if cells.get("received", "").strip() else When(now_ms, False)
    issued = when_of("issued", words("issued", cells.get("issued", "")))
    deadline = words("deadline", cells.get("deadline", ""))
    due = _due(deadline, received, cells)
    for field, when in (("issued", issued), ("received", received)):
        if when.first_ms > now_ms:
            raise BadCell(field, cells.get(field, ""), "lies in the future", "the day on which it happened")
    if issued.first_ms > received.last_ms:
        raise BadCell("issued", cells.get("issued", ""), "after the order was received", "check both dates")
    if due.last_ms < received.first_ms:
        raise BadCell("deadline", deadline, "before the order was received", "check both dates")
    said = cells.get("confidential", "").strip().lower()
    if said not in _YES | _NO:
        raise BadCell("confidential", said, "unknown", "yes or no")
    return Head(
        authority=words("authority", cells.get("authority", "")),
        country=country,
        legal_basis=words("legal_basis", cells.get("legal_basis", ""), most=2000),
        reference=words("reference", cells.get("reference", "")),
        issued_ms=issued.at_ms,
        received_ms=min(received.at_ms, now_ms),
        deadline_ms=due.due_ms,
        confidential=said in _YES,
    )


def _due(deadline: str, received: When, cells: Mapping[str, str]) -> When:
    if not deadline.startswith("+"):
        return when_of("deadline", deadline)
    if not cells.get("received", "").strip():
        raise BadCell("received", "", "missing, and the deadline counts from it", "say when the order came")
    try:
        due_ms = received.first_ms + duration_ms(deadline[1:])
    except CallerMistake as error:
        raise BadCell("deadline", deadline, "not a duration", error.fix) from None
    if not 0 <= due_ms < BEYOND_MS:
        raise BadCell("deadline", deadline, "out of range", "such as +48h")
    return When(due_ms, False)


def _collect(lines: Iterable[Line | RowProblem], given: Mapping[str, str], now_ms: int) -> Intake:
    drafts: dict[str, OrderDraft] = {}
    problems: list[RowProblem] = []
    heads: dict[tuple[str, ...], Head | BadCell] = {}
    disputed: set[tuple[str, tuple[str, str]]] = set()
    for line in lines:
        if isinstance(line, RowProblem):
            problems.append(line)
            continue
        try:
            draft = _draft_of(line, given, now_ms, heads, drafts)
            cells = line.cells
            target = target_of(cells.get("target", ""), cells.get("kind", ""), cells.get("author", ""))
            key: tuple[str, str] = (target.kind, target.value)
            known = draft.targets.get(key)
            if known is None and len(draft.targets) >= MOST_TARGETS:
                raise BadCell("target", target.value, f"beyond {MOST_TARGETS:,} targets", "split the order")
            if known is not None and known.author and target.author not in ("", known.author):
                disputed.add((draft.head.id, key))
                told = f"another row of this order says that tweet {target.value} is by {known.author}"
                raise BadCell("author", target.author, told, "correct one; the tweet is not taken in")
            draft.repeated += known is not None
            if known is None or (target.author and not known.author):
                draft.targets[key] = target
                if target.author:
                    draft.authors_at[key] = line.where
        except BadCell as bad:
            problems.append(bad.at(line.where))
    for order, key in disputed:
        del drafts[order].targets[key]
    found = tuple(draft for draft in drafts.values() if draft.targets)
    return Intake(found, tuple(problems), tuple(_notes(found, now_ms)))


def _draft_of(
    line: Line,
    given: Mapping[str, str],
    now_ms: int,
    heads: dict[tuple[str, ...], Head | BadCell],
    drafts: dict[str, OrderDraft],
) -> OrderDraft:
    written = tuple(line.cells.get(name, "") or given.get(name, "") for name in FIELDS)
    head = heads.get(written)
    if head is None:
        try:
            head = head_of(dict(zip(FIELDS, written, strict=True)), now_ms)
        except BadCell as bad:
            head = bad
        heads[written] = head
    if isinstance(head, BadCell):
        raise head
    if (draft := drafts.get(head.id)) is None:
        cells = dict(zip(FIELDS, written, strict=True))
        read = read_as(cells["deadline"], cells["received"], head.deadline_ms)
        draft = drafts[head.id] = OrderDraft(head, read_as=read)
    for name in ("legal_basis", "issued_ms", "deadline_ms", "confidential"):
        if getattr(draft.head, name) != getattr(head, name):
            field = name.removesuffix("_ms")
            told = "another row of this order says otherwise"
            raise BadCell(field, line.cells.get(field, ""), told, "one order has one of each, or two references")
    return draft


def _notes(drafts: Iterable[OrderDraft], now_ms: int) -> Iterator[str]:
    for draft in drafts:
        if draft.read_as:
            yield f"{draft.head.reference}: {draft.read_as}"
        if draft.head.deadline_ms <= now_ms:
            ago = in_words(now_ms - draft.head.deadline_ms)
            yield f"{draft.head.reference}: the deadline has passed {ago} ago"
        if draft.repeated:
            again = "1 target is named again and counts" if draft.repeated == 1 else None
            again = again or f"{draft.repeated:,} targets are named again and count"
            yield f"{draft.head.reference}: {again} once"


def _kind(text: str) -> TargetKind:
    if text.startswith(("#", "＃")):
        return "hashtag"
    if _TWEET.fullmatch(text):
        return "tweet"
    if re.fullmatch(r"[0-9]{1,20}", text) or text.startswith(("http", "@")):
        return "account"
    raise BadCell(
        "target", text, "what it is cannot be told", "an account id, a #hashtag, a tweet's address; or a kind"
    )


def _json_lines(orders: Iterable[Any], listed: bool) -> Iterator[Line | RowProblem]:
    for number, order in enumerate(orders):
        where = f"order {number + 1}" if listed else "the order"
        if not isinstance(order, dict) or not isinstance(order.get("targets"), list):
            yield RowProblem(where, "targets", "", "missing", "an object of the order's fields with a list of targets")
            continue
        if unknown := [name for name in order if name not in (*FIELDS, "targets")]:
            fix = f"the fields are {', '.join(FIELDS)}, targets"
            yield RowProblem(where, str(unknown[0])[:60], "", "there is no such field", fix)
            continue
        head = {name: _plain(order[name]) for name in FIELDS if name in order}
        for at, target in enumerate(order["targets"]):
            place = f"{where}, target {at + 1}"
            said = target if isinstance(target, dict) else {"target": target}
            if unknown := [name for name in said if name not in ("kind", "target", "author")]:
                yield RowProblem(place, str(unknown[0])[:60], "", "there is no such field", "kind, target, author")
                continue
            yield Line(place, head | {name: _plain(value) for name, value in said.items()})


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int) else "" if value is None else json.dumps(value)[:80]
