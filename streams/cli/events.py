"""`hushtag hashtags` and `hushtag inspect`: what the pipeline would make of a text or a payload, line by line."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import typer

from streams.counting.notices import leaves
from streams.errors import CallerMistake, ContractError
from streams.events.faults import check_bytes, refuse
from streams.events.grammar import extract_hashtags
from streams.events.parse import parse
from streams.events.tweet import Control, HashtagUse, Tweet
from streams.events.uses import located

_encode = msgspec.json.Encoder().encode

_Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, which it always is.")]


class _Line(msgspec.Struct):
    text: str


_decode = msgspec.json.Decoder(_Line).decode


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(hashtags)
    app.command()(inspect)


def hashtags(json: _Json = False) -> None:
    """Find the hashtags of texts, by the grammar of twitter-text.

    Reads lines {"text"} on stdin; writes {"hashtags": [{"hashtag", "display", "indices"}]} for each: normalised, as
    written without #, and half-open code points with #. A line that is no such object ends it with exit code 2.
    """
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            text = _text(line)
        except ContractError as error:
            raise CallerMistake(
                f"line {number}: {error}", fix='each line is an object such as {"text": "..."}'
            ) from None
        _write({"hashtags": _uses(extract_hashtags(text))})


def inspect(json: _Json = False) -> None:
    """Show what the pipeline makes of tweet payloads, one a line on stdin.

    Writes {"ok": true, "kind", "id", "author_id", "country", "created_at_ms", "hashtags"}, or {"ok": false, "reason",
    "field"} for one that would become a dead letter. Ids are strings. A control message has null for what it does not
    say; `indices` are null where a payload lists a hashtag that is not in the 280 characters of its text that count.
    A deletion or withholding also has "leaves", what its tweet is taken out of (counts, samples), and "countries",
    where that holds ("*" is everywhere).
    """
    for line in sys.stdin.buffer:
        _write(inspected(line.rstrip(b"\r\n")))


def inspected(payload: bytes) -> dict[str, Any]:
    """What `inspect` prints of one payload."""
    try:
        event = parse(payload)
    except ContractError as error:
        return {"ok": False, "reason": error.reason, "field": error.field}
    found: dict[str, Any] = {
        "ok": True,
        "kind": event.kind,
        "id": None if event.id is None else str(event.id),
        "author_id": None if event.author_id is None else str(event.author_id),
        "country": event.country if isinstance(event, Tweet) else event.country or None,
        "created_at_ms": event.created_at_ms,
        "hashtags": _uses(located(event.hashtags, event.text) if isinstance(event, Tweet) else event.hashtags),
    }
    if isinstance(event, Control) and event.kind in ("delete", "withheld"):
        found |= {
            "leaves": list(leaves(event)),
            "countries": list(event.countries or ("*",) * (event.kind == "delete")),
        }
    return found


def _text(line: bytes) -> str:
    check_bytes(line)
    try:
        return _decode(line).text
    except msgspec.DecodeError as error:
        refuse(error, line)


def _uses(uses: list[HashtagUse] | tuple[HashtagUse, ...]) -> list[dict[str, Any]]:
    return [
        {
            "hashtag": use.hashtag,
            "display": use.display,
            "indices": None if use.start < 0 else [use.start, use.end],
        }
        for use in uses
    ]


def _write(result: dict[str, Any]) -> None:
    """At once, so that a program may hold a conversation through a pipe."""
    out = sys.stdout.buffer
    out.write(_encode(result) + b"\n")
    out.flush()
