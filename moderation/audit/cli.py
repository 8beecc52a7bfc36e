"""`hushtag audit run`, `verify`, `export`: the audit log at a terminal."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from moderation.audit.chain import decode_entry
from moderation.audit.heads import keys_of, read_heads
from moderation.audit.log import Raw, read_file, read_topic
from moderation.audit.verify import Verdict, Verification
from moderation.audit.words import COLUMNS, Wanted, row_of
from moderation.drafts import country_of, tag_of
from moderation.options import Json
from moderation.tables import harmless
from moderation.times import moment_ms
from streams.errors import EXIT_NO, CallerMistake, ContractError
from streams.log.topic_specs import AUDIT
from streams.settings import load_settings


class Format(StrEnum):
    """How the log is exported."""

    json = "json"
    csv = "csv"
    raw = "raw"


Heads = Annotated[
    Path | None,
    typer.Option(
        "--heads", envvar="HUSHTAG_AUDIT_HEADS", help="File of the signed heads.", metavar="FILE", show_default=False
    ),
]
Copy = Annotated[
    Path | None, typer.Option("--file", help="Read this raw export instead of the topic.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The tamper-evident log of everything that was decided.")
    group.command("run")(run)
    group.command("verify")(verify)
    group.command("export")(export)
    app.add_typer(group, name="audit")


def run(
    heads: Heads = None,
    once: Annotated[bool, typer.Option("--once", help="Take up what is there now, and end.")] = False,
    metrics_port: Annotated[
        int,
        typer.Option(
            "--metrics-port", envvar="HUSHTAG_METRICS_PORT", help="Of /metrics, /healthz and /readyz; 0: any free one.",
            min=0, max=65535,
        ),
    ] = 9465,
) -> None:  # fmt: skip
    """Write the audit log until stopped. Run it once, anywhere: a second one takes over, and the first one ends.

    Every ten seconds in which something was written, the end of the log is signed with HUSHTAG_AUDIT_KEY and appended
    to the file of heads. Keep that file where nobody can change it who can write to Kafka.
    """
    from moderation.audit.keep import keep
    from streams.logs import configure_logging

    settings = load_settings()
    if heads is None:
        raise CallerMistake("where do the signed heads go?", fix="give --heads FILE or set HUSHTAG_AUDIT_HEADS")
    configure_logging(settings.log_level)
    entries = asyncio.run(keep(settings, heads, None if once else metrics_port))
    print(f"{settings.topic(AUDIT)}: {entries} entries", file=sys.stderr)


def verify(
    heads: Heads = None,
    chain_only: Annotated[
        bool, typer.Option("--chain-only", help="Without the heads: a cut-off end then goes unnoticed.")
    ] = False,
    file: Copy = None,
    as_json: Json = False,
) -> None:
    """Check every entry of the audit log; name the first one that was changed, removed, moved or cut off.

    Exits with 3 if there is one.
    """
    settings = load_settings()
    topic = settings.topic(AUDIT)
    if heads is None and not chain_only:
        raise CallerMistake(
            "without the signed heads nobody can tell whether the end was cut off",
            fix="give --heads FILE, or --chain-only",
        )
    known = read_heads(heads) if heads is not None else None
    keys = None
    if heads is not None:
        keys = keys_of(settings.audit_key.get_secret_value(), settings.audit_retired_keys.get_secret_value())

    async def check() -> Verdict:
        verification = Verification(topic, known, keys)
        async with aclosing(_records(file)) as records:
            async for offset, value in records:
                verification.hear(offset, value)
        return verification.verdict()

    verdict = asyncio.run(check())
    bad = verdict.bad
    if as_json:
        found = None if bad is None else {"seq": bad.seq, "what": bad.what, "detail": bad.detail, "offset": bad.offset}
        plain = {"ok": bad is None, "topic": topic, "entries": verdict.entries, "head": verdict.head}
        print(json.dumps(plain | {"heads": verdict.heads, "bad": found}, ensure_ascii=False))
    elif bad is None:
        against = f"signed heads: {verdict.heads}" if heads is not None else "no heads: its end vouches for itself"
        print(f"{topic}: all entries, {verdict.entries}, are as they were written ({against}); head {verdict.head}")
    else:
        where = "" if bad.offset is None else f", seen at offset {bad.offset}"
        print(f"{topic}: entry {bad.seq}: {bad.what}: {bad.detail}{where}")
        print(f"the {min(bad.seq, verdict.entries)} entries before it are as they were written")
    if bad is not None:
        raise typer.Exit(EXIT_NO)


def export(
    as_format: Annotated[
        Format,
        typer.Option("--format", "-f", help="json: a line each; csv: for a spreadsheet; raw: for verify --file."),
    ] = Format.json,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind: override, undo, decision, policy, order ...", show_default="all")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only this hashtag.", show_default="all")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person did.", show_default="all")] = None,
    country: Annotated[
        str | None,
        typer.Option("--country", "-c", help="Only for this country; * for the world's.", show_default="all"),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Logged at or after, ISO 8601.", show_default="the beginning")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Logged before, ISO 8601.", show_default="now")] = None,
    file: Copy = None,
) -> None:
    """Print the audit log. What it says is only as good as `audit verify` finds it."""
    wanted = Wanted(
        kind=kind,
        target=tag_of(tag).hashtag if tag else None,
        actor=actor,
        country=country_of(country) if country else None,
        from_ms=moment_ms(since) if since else None,
        to_ms=moment_ms(until) if until else None,
    )
    if as_format is Format.raw and wanted != Wanted():
        raise CallerMistake("a part of the log cannot be verified", fix="no filters with --format raw")
    asyncio.run(_export(as_format, wanted, file))


async def _export(as_format: Format, wanted: Wanted, file: Path | None) -> None:
    async with aclosing(_records(file)) as records:
        if as_format is Format.raw:
            async for _, value in records:
                sys.stdout.buffer.write((value or b"") + b"\n")
            sys.stdout.flush()
            return
        table = csv.writer(sys.stdout, lineterminator="\r\n") if as_format is Format.csv else None
        if table is not None:
            table.writerow(COLUMNS)
        async for offset, value in records:
            try:
                entry = decode_entry(value)
            except ContractError as error:
                print(f"the record at offset {offset} is no entry: {error}", file=sys.stderr)
                continue
            row = row_of(entry)
            if not wanted.takes(entry, row):
                continue
            if table is not None:
                table.writerow(harmless(str(getattr(row, column))) for column in COLUMNS)
            else:
                print(json.dumps(row.as_dict(), ensure_ascii=False))


async def _records(file: Path | None) -> AsyncGenerator[Raw, None]:
    if file is not None:
        for raw in read_file(file):
            yield raw
        return
    async with aclosing(read_topic(load_settings())) as records:
        async for raw in records:
            yield raw
