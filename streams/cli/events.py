"""`hushtag hashtags` and `hushtag inspect`: parse texts and payloads as the pipeline does, line by line."""

from __future__ import annotations

import msgspec
import typer

from streams.cli.inputs import standard_input
from streams.cli.options import AlwaysJson
from streams.cli.output import print_json
from streams.errors import CallerMistake, ContractError
from streams.events.faults import check_bytes, refuse
from streams.events.grammar import extract_hashtags
from streams.events.parse import parse
from streams.events.tweet import Control, HashtagUse, Tweet
from streams.events.uses import located


class _Line(msgspec.Struct):
    text: str


_decode = msgspec.json.Decoder(_Line).decode


def register(app: typer.Typer) -> None:
    """Add `hashtags` and `inspect` to the command."""
    app.command()(hashtags)
    app.command()(inspect)


def hashtags(json: AlwaysJson = False) -> None:
    """Find the hashtags of texts, by the grammar of twitter-text.

    Reads lines {"text"} on standard input and prints {"hashtags": [{"hashtag", "display", "indices"}]} for each.
    "hashtag" is normalised, "display" is as written without #, "indices" are half-open code points with #. A line
    that is not such an object ends the command with exit code 2.
    """
    for number, line in enumerate(standard_input('texts as {"text": "..."}'), start=1):
        try:
            text = _text(line)
        except ContractError as error:
            raise CallerMistake(
                f"line {number}: {error}", fix='each line is an object such as {"text": "..."}'
            ) from None
        print_json({"hashtags": _uses(extract_hashtags(text))})


def inspect(json: AlwaysJson = False) -> None:
    """Show how the pipeline reads tweet payloads, one a line on standard input.

    Prints {"ok": true, "kind", "id", "author_id", "country", "created_at_ms", "hashtags"}, or {"ok": false, "reason",
    "field"} for a payload that would become a dead letter. Ids are strings. Fields that a control message does not have
    are null. "indices" are null for a hashtag that a payload lists outside the 280 characters of its text that count.
    A deletion or a withholding also has "leaves", the statistics that its tweet is taken out of (counts, samples), and
    "countries", where that holds ("*" is everywhere).
    """
    for line in standard_input("payloads"):
        print_json(inspected(line.rstrip(b"\r\n")))


def inspected(payload: bytes) -> dict[str, object]:
    """Return what `inspect` prints for one payload."""
    try:
        event = parse(payload)
    except ContractError as error:
        return {"ok": False, "reason": error.reason, "field": error.field}
    inspection: dict[str, object] = {
        "ok": True,
        "kind": event.kind,
        "id": None if event.id is None else str(event.id),
        "author_id": None if event.author_id is None else str(event.author_id),
        "country": event.country if isinstance(event, Tweet) else event.country or None,
        "created_at_ms": event.created_at_ms,
        "hashtags": _uses(located(event.hashtags, event.text) if isinstance(event, Tweet) else event.hashtags),
    }
    if isinstance(event, Control) and event.kind in ("delete", "withheld"):
        inspection |= {
            "leaves": list(event.leaves),
            "countries": list(event.countries or ("*",) * (event.kind == "delete")),
        }
    return inspection


def _text(line: bytes) -> str:
    check_bytes(line)
    try:
        return _decode(line).text
    except msgspec.DecodeError as error:
        refuse(error, line)


def _uses(uses: list[HashtagUse] | tuple[HashtagUse, ...]) -> list[dict[str, str | list[int] | None]]:
    return [
        {"hashtag": use.hashtag, "display": use.display, "indices": None if use.start < 0 else [use.start, use.end]}
        for use in uses
    ]
