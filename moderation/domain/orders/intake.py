"""Parse orders from files: CSV with a row for each target, or JSON. Pure.

Each bad row is reported with its place and a fix, and the other rows are taken. In CSV, the order's own fields may
stand in every row, or be given as options and left out of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moderation.domain.orders.addresses import named_target
from moderation.domain.orders.dates import BEYOND_MS, OrderDate, deadline_note, parse_date, read_local_dates
from moderation.domain.orders.handles import Handles
from moderation.domain.orders.intake_plan import FIELDS, UNIQUE_FIELDS, OrderDraft, OrderHead
from moderation.domain.tables import BadCell, RowProblem, TableLine, one_of, read_table, words
from moderation.log.drafts import duration_ms
from streams.errors import CallerMistake
from streams.events.grammar import extract_hashtags
from streams.naming import country_of, format_duration, recordable_tag
from streams.orders.records import MOST_TARGETS, TARGET_KINDS, Target, TargetKind

COLUMNS = (*FIELDS, "kind", "target", "author")
MOST_ORDERS = 1_000
NO_HANDLES = Handles()
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n", ""})


@dataclass(frozen=True, slots=True)
class ParsedOrders:
    """The orders of a file, with its bad rows and with notes for the person who takes them in."""

    drafts: tuple[OrderDraft, ...]
    problems: tuple[RowProblem, ...]
    notes: tuple[str, ...]


def parse_csv(
    data: bytes, name: str, order_fields: Mapping[str, str], now_ms: int, handles: Handles = NO_HANDLES
) -> ParsedOrders:
    """Parse a CSV file.

    Args:
        data: content of the file.
        name: name of the file, for errors.
        order_fields: fields of the order that are not in the file.
        now_ms: time of the intake, Unix time in ms.
        handles: accounts of the handles in the file.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    return parse_lines(csv_lines(data, name), order_fields, now_ms, handles)


def parse_json(
    data: bytes, name: str, order_fields: Mapping[str, str], now_ms: int, handles: Handles = NO_HANDLES
) -> ParsedOrders:
    """Parse JSON: an order or a list of orders.

    An order is an object of the same fields with `targets`: a list of strings, or of objects with `kind`, `target` and
    `author`.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    return parse_lines(json_lines(data, name), order_fields, now_ms, handles)


def parse_lines(
    lines: Iterable[TableLine | RowProblem], order_fields: Mapping[str, str], now_ms: int, handles: Handles = NO_HANDLES
) -> ParsedOrders:
    """Group the rows of a file into orders."""
    return _Parser(order_fields, now_ms, handles).parse(lines)


def parse_targets(
    lines: Iterable[TableLine | RowProblem], head: OrderHead, now_ms: int, handles: Handles = NO_HANDLES
) -> ParsedOrders:
    """Read a list of targets of one known order; a row with fields of the order is a problem."""
    return _Parser({}, now_ms, handles, head).parse(lines)


def csv_lines(data: bytes, name: str) -> Iterator[TableLine | RowProblem]:
    """Yield the rows of a CSV file.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    return read_table(data, name, columns=COLUMNS, required=("target",), most_rows=MOST_TARGETS)


def json_lines(data: bytes, name: str) -> Iterator[TableLine | RowProblem]:
    """Yield a row for each target of a JSON file.

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
    return _json_lines(orders, isinstance(read, list))


def parse_target(written: str, kind: str = "", author: str = "", handles: Handles = NO_HANDLES) -> Target:
    """Parse a target as an order writes it: `#tag`, an account's id, handle or address, a tweet's address.

    Raises:
        BadCell: it is none of these, or not of this kind.
    """
    text = written.strip()
    if not text:
        raise BadCell("target", written, "it is empty", "an account id, a #hashtag or a tweet's address")
    target_kind = one_of("kind", kind, TARGET_KINDS) if kind.strip() else _kind(text)
    by, named, resolved_ms = handles.account("author", author) if author.strip() else ("", "", 0)
    if target_kind == "account":
        account, named, resolved_ms = handles.account("target", text)
        return Target("account", account, handle=named, resolved_ms=resolved_ms)
    if target_kind == "tweet":
        tweet = _tweet(text) or (text if re.fullmatch(r"[0-9]{1,20}", text) else "")
        if not tweet:
            raise BadCell("target", text, "not a tweet's address", "such as https://x.com/i/status/1234567890")
        return Target("tweet", tweet, author=by, handle=named, resolved_ms=resolved_ms)
    try:
        tag = recordable_tag(text)
    except CallerMistake as error:
        raise BadCell("target", text, str(error).rpartition(": ")[2], error.fix) from None
    if [use.display for use in extract_hashtags(f"#{tag.display}")] != [tag.display]:
        fix = "letters of any script, digits and _, with one letter at least, as shown in tweets"
        raise BadCell("target", text, "no tweet can have it as a hashtag", fix)
    return Target("hashtag", tag.hashtag, tag.display)


def parse_head(cells: Mapping[str, str], now_ms: int) -> OrderHead:
    """Parse an order's own fields.

    Raises:
        BadCell: a field cannot be used, or two fields contradict each other.
    """
    try:
        country = country_of(words("country", cells.get("country", "")))
    except CallerMistake as error:
        raise BadCell("country", cells.get("country", ""), "unknown", error.fix) from None
    if country == "*":
        raise BadCell("country", "*", "not one country", "the ISO 3166-1 code of the order's country, such as IN")
    cells = read_local_dates(cells, country).cells
    has_receipt = bool(cells.get("received", "").strip())
    received = parse_date("received", cells["received"]) if has_receipt else OrderDate(now_ms, False)
    issued = parse_date("issued", words("issued", cells.get("issued", "")))
    deadline = words("deadline", cells.get("deadline", ""))
    due = _due(deadline, received)
    for field, date in (("issued", issued), ("received", received)):
        if date.first_ms > now_ms:
            raise BadCell(field, cells.get(field, ""), "in the future", "the day on which it happened")
    if issued.first_ms > received.last_ms:
        raise BadCell("issued", cells.get("issued", ""), "after the order was received", "check both dates")
    if due.last_ms < received.first_ms:
        raise BadCell("deadline", deadline, "before the order was received", "check both dates")
    confidential = cells.get("confidential", "").strip().lower()
    if confidential not in _YES | _NO:
        raise BadCell("confidential", confidential, "unknown", "yes or no")
    return OrderHead(
        authority=words("authority", cells.get("authority", "")),
        country=country,
        legal_basis=words("legal_basis", cells.get("legal_basis", ""), most=2000),
        reference=words("reference", cells.get("reference", "")),
        issued_ms=issued.at_ms,
        received_ms=min(received.at_ms, now_ms),
        deadline_ms=due.due_ms,
        confidential=confidential in _YES,
    )


def _due(deadline: str, received: OrderDate) -> OrderDate:
    if not deadline.startswith("+"):
        return parse_date("deadline", deadline)
    try:
        due_ms = received.first_ms + duration_ms(deadline[1:])
    except CallerMistake as error:
        raise BadCell("deadline", deadline, "not a duration", error.fix) from None
    if not 0 <= due_ms < BEYOND_MS:
        raise BadCell("deadline", deadline, "out of range", "such as +48h")
    return OrderDate(due_ms, False)


class _Parser:
    """Groups the rows of a file into orders."""

    def __init__(
        self, order_fields: Mapping[str, str], now_ms: int, handles: Handles, head: OrderHead | None = None
    ) -> None:
        self._order_fields, self._now_ms, self._handles, self._head = order_fields, now_ms, handles, head
        self._drafts: dict[str, OrderDraft] = {}
        self._heads: dict[tuple[str, ...], OrderHead | BadCell] = {}
        """Parsed fields by their text, so that equal fields are parsed once."""
        self._disputed: set[tuple[str, tuple[str, str]]] = set()
        """(order, target) of tweets to which two rows give different authors."""

    def parse(self, lines: Iterable[TableLine | RowProblem]) -> ParsedOrders:
        problems: list[RowProblem] = []
        for line in lines:
            if isinstance(line, RowProblem):
                problems.append(line)
                continue
            try:
                self._add(line)
            except BadCell as bad:
                problems.append(bad.at(line.where))
        for order, key in self._disputed:
            del self._drafts[order].targets[key]
        drafts = tuple(draft for draft in self._drafts.values() if draft.targets)
        notes = () if self._head is not None else tuple(_notes(drafts, self._now_ms))
        return ParsedOrders(drafts, tuple(problems), notes)

    def _add(self, line: TableLine) -> None:
        draft, cells = self._draft(line), line.cells
        written = (cells.get("target", ""), cells.get("kind", ""), cells.get("author", ""))
        target = parse_target(*written, self._handles)
        key: tuple[str, str] = (target.kind, target.value)
        earlier = draft.targets.get(key)
        if earlier is None and len(draft.targets) >= MOST_TARGETS:
            raise BadCell("target", target.value, f"beyond {MOST_TARGETS:,} targets", "split the order")
        if earlier is not None and earlier.author and target.author not in ("", earlier.author):
            self._disputed.add((draft.head.id, key))
            problem = f"another row of this order names {earlier.author} as the author of tweet {target.value}"
            raise BadCell("author", target.author, problem, "correct one; the tweet is not taken in")
        draft.repeated += earlier is not None
        if earlier is None or (target.author and not earlier.author):
            draft.targets[key] = target
            if target.author:
                draft.authors_at[key] = line.where

    def _draft(self, line: TableLine) -> OrderDraft:
        if self._head is not None:
            if own := next((name for name in FIELDS if line.cells.get(name, "").strip()), ""):
                problem = "the list corrects one order, whose fields are known"
                raise BadCell(own, line.cells[own], problem, "leave this column out")
            return self._drafts.setdefault(self._head.id, OrderDraft(self._head))
        written = tuple(line.cells.get(name, "") or self._order_fields.get(name, "") for name in FIELDS)
        cells = dict(zip(FIELDS, written, strict=True))
        head = self._heads.get(written)
        if head is None:
            try:
                head = parse_head(cells, self._now_ms)
            except BadCell as bad:
                head = bad
            self._heads[written] = head
        if isinstance(head, BadCell):
            raise head
        if (draft := self._drafts.get(head.id)) is None:
            dates = read_local_dates(cells, head.country)
            note = deadline_note(dates.cells["deadline"], dates.cells["received"], head.deadline_ms)
            counts = not cells["received"].strip() and cells["deadline"].strip().startswith("+")
            draft = self._drafts[head.id] = OrderDraft(
                head, deadline_note=note, date_notes=dates.notes, counts_from_intake=counts
            )
        for name in UNIQUE_FIELDS:
            if getattr(draft.head, name) != getattr(head, name):
                field = name.removesuffix("_ms")
                problem = "another row of this order has a different value"
                raise BadCell(field, line.cells.get(field, ""), problem, "use one value, or two references")
        return draft


def _notes(drafts: Iterable[OrderDraft], now_ms: int) -> Iterator[str]:
    for draft in drafts:
        yield from (f"{draft.head.reference}: {note}" for note in draft.date_notes)
        if draft.deadline_note:
            yield f"{draft.head.reference}: {draft.deadline_note}"
        if draft.head.deadline_ms <= now_ms:
            ago = format_duration(now_ms - draft.head.deadline_ms)
            yield f"{draft.head.reference}: the deadline has passed {ago} ago"
        if draft.repeated:
            again = "1 repeated target counts" if draft.repeated == 1 else f"{draft.repeated:,} repeated targets count"
            yield f"{draft.head.reference}: {again} once"


def _kind(text: str) -> TargetKind:
    if text.startswith(("#", "＃")):
        return "hashtag"
    if _tweet(text):
        return "tweet"
    if re.fullmatch(r"[0-9]{1,20}", text) or text.lower().startswith(("http", "@", "＠")):
        return "account"
    raise BadCell("target", text, "of unknown kind", "an account id, a #hashtag, a tweet's address; or give its kind")


def _tweet(text: str) -> str:
    """Return the id of the tweet that an address names; "" if it names none."""
    named = named_target(text)
    return named.value if named is not None and named.kind == "tweet" else ""


def _json_lines(orders: Iterable[Any], listed: bool) -> Iterator[TableLine | RowProblem]:
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
            fields = target if isinstance(target, dict) else {"target": target}
            if unknown := [name for name in fields if name not in ("kind", "target", "author")]:
                yield RowProblem(place, str(unknown[0])[:60], "", "there is no such field", "kind, target, author")
                continue
            yield TableLine(place, head | {name: _plain(value) for name, value in fields.items()})


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int) else "" if value is None else json.dumps(value)[:80]
