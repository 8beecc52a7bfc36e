"""Commands `hushtag audit run`, `verify` and `export`."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from moderation.audit.chain import decode_entry, input_of
from moderation.audit.comparison import SourceComparison
from moderation.audit.heads import keys_of, read_heads
from moderation.audit.reading import RawRecord, read_file, read_topic
from moderation.audit.rows import COLUMNS, AuditFilter, row_of
from moderation.audit.source_check import compare_with_sources
from moderation.audit.verify import Verification, VerificationResult
from moderation.drafts import moment_ms
from moderation.options import Json, MetricsPort
from moderation.tables import harmless
from streams.errors import EXIT_NO, CallerMistake, ContractError
from streams.log.topic_specs import AUDIT
from streams.naming import country_of, tag_of
from streams.settings import load_settings

MOST_PRINTED = 20
"""Differences that `verify` prints."""


class Format(StrEnum):
    """Format of an export."""

    json = "json"
    csv = "csv"
    raw = "raw"


Heads = Annotated[
    Path | None,
    typer.Option(
        "--heads", envvar="HUSHTAG_AUDIT_HEADS", help="File of the signed heads.", metavar="FILE", show_default=False
    ),
]
Export = Annotated[
    Path | None, typer.Option("--file", help="Read this raw export instead of the topic.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the group `audit` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Tamper-evident log of all decisions.")
    group.command("run")(run)
    group.command("verify")(verify)
    group.command("export")(export)
    app.add_typer(group, name="audit")


def run(
    heads: Heads = None,
    once: Annotated[bool, typer.Option("--once", help="Append what the sources hold now, and end.")] = False,
    metrics_port: MetricsPort = 9465,
    sign_unchecked: Annotated[
        bool,
        typer.Option("--sign-unchecked", help="Sign also unsigned entries whose source records are gone."),
    ] = False,
) -> None:
    """Write the audit log until stopped. A second process takes over, and the first one ends.

    Every ten seconds with new entries, the end of the log is signed with HUSHTAG_AUDIT_KEY and appended to the file of
    heads. Keep that file out of reach of everyone who can write to Kafka. Before the first signature, entries without
    one are compared with their source records.
    """
    from moderation.audit.process import run_writer
    from streams.logs import configure_logging

    settings = load_settings()
    if heads is None:
        raise CallerMistake("no file for the signed heads", fix="give --heads FILE or set HUSHTAG_AUDIT_HEADS")
    configure_logging(settings.log_level)
    port = None if once else metrics_port
    entries = asyncio.run(run_writer(settings, heads, port, sign_unchecked=sign_unchecked))
    print(f"{settings.topic(AUDIT)}: {entries} entries", file=sys.stderr)


def verify(
    heads: Heads = None,
    chain_only: Annotated[
        bool, typer.Option("--chain-only", help="Verify without heads; a cut-off end is then not detected.")
    ] = False,
    sources: Annotated[
        bool,
        typer.Option(
            "--sources", help="Also compare every entry with its source record; report missing, altered, added ones."
        ),
    ] = False,
    file: Export = None,
    as_json: Json = False,
) -> None:
    """Verify every entry of the audit log; report the first one changed, removed, moved or cut off.

    Exits with 3 if there is one, or if the log and its source topics differ.
    """
    settings = load_settings()
    topic = settings.topic(AUDIT)
    if heads is None and not chain_only:
        raise CallerMistake(
            "without the signed heads a cut-off end cannot be detected", fix="give --heads FILE, or --chain-only"
        )
    known = read_heads(heads) if heads is not None else None
    keys = None
    if heads is not None:
        keys = keys_of(settings.audit_key.get_secret_value(), settings.audit_retired_keys.get_secret_value())

    comparison = SourceComparison() if sources else None

    async def check() -> VerificationResult:
        verification = Verification(topic, known, keys)
        async with aclosing(_records(file)) as records:
            async for offset, value in records:
                entry = verification.apply(offset, value)
                if entry is not None and comparison is not None:
                    comparison.add(entry.seq, input_of(entry))
        if comparison is not None:
            await compare_with_sources(settings, comparison, whole=True)
        return verification.result()

    result = asyncio.run(check())
    fault = result.fault
    if as_json:
        bad = fault and {"seq": fault.seq, "what": fault.what, "detail": fault.detail, "offset": fault.offset}
        plain = {"ok": fault is None, "topic": topic, "entries": result.entries, "head": result.head}
        compared = {} if comparison is None else {"sources": _as_json(comparison)}
        print(json.dumps(plain | {"heads": result.heads, "bad": bad} | compared, ensure_ascii=False))
    elif fault is None:
        against = f"signed heads: {result.heads}" if heads is not None else "no heads: a cut-off end is not detected"
        print(f"{topic}: all entries, {result.entries}, are unchanged ({against}); head {result.head}")
    else:
        where = "" if fault.offset is None else f", found at offset {fault.offset}"
        print(f"{topic}: {fault}{where}")
        print(f"the {min(fault.seq, result.entries)} entries before it are unchanged")
    if comparison is not None and not as_json:
        _print_comparison(comparison)
    if fault is not None or (comparison is not None and comparison.differences):
        raise typer.Exit(EXIT_NO)


def _print_comparison(comparison: SourceComparison) -> None:
    differences = comparison.differences
    for one in differences[:MOST_PRINTED]:
        print(one)
    if len(differences) > MOST_PRINTED:
        print(f"and {len(differences) - MOST_PRINTED} more: --json has them")
    print(
        f"sources: {comparison.compared} entries are equal, {len(differences)} records differ, "
        f"{comparison.gone} entries have no source any more, {comparison.waiting} records are not logged yet"
    )


def _as_json(comparison: SourceComparison) -> dict[str, Any]:
    return {
        "equal": comparison.compared,
        "gone": comparison.gone,
        "waiting": comparison.waiting,
        "differences": [asdict(one) for one in comparison.differences],
    }


def export(
    as_format: Annotated[
        Format,
        typer.Option("--format", "-f", help="json: a line each; csv: for a spreadsheet; raw: for verify --file."),
    ] = Format.json,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind: override, undo, decision, policy, order ...", show_default="all")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only this hashtag.", show_default="all")] = None,
    actor: Annotated[str | None, typer.Option(help="Only actions of this person.", show_default="all")] = None,
    country: Annotated[
        str | None,
        typer.Option("--country", "-c", help="Only for this country; * for worldwide ones.", show_default="all"),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Logged at or after, ISO 8601.", show_default="the beginning")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Logged before, ISO 8601.", show_default="now")] = None,
    file: Export = None,
) -> None:
    """Print the audit log without verification; `audit verify` verifies it."""
    wanted = AuditFilter(
        kind=kind,
        target=tag_of(tag).hashtag if tag else None,
        actor=actor,
        country=country_of(country) if country else None,
        from_ms=moment_ms(since) if since else None,
        to_ms=moment_ms(until) if until else None,
    )
    if as_format is Format.raw and wanted != AuditFilter():
        raise CallerMistake("a part of the log cannot be verified", fix="no filters with --format raw")
    asyncio.run(_export(as_format, wanted, file))


async def _export(as_format: Format, wanted: AuditFilter, file: Path | None) -> None:
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
                print(f"the record at offset {offset} is not an entry: {error}", file=sys.stderr)
                continue
            row = row_of(entry)
            if not wanted.matches(entry, row):
                continue
            if table is not None:
                table.writerow(harmless(str(getattr(row, column))) for column in COLUMNS)
            else:
                print(json.dumps(row.as_dict(), ensure_ascii=False))


async def _records(file: Path | None) -> AsyncGenerator[RawRecord, None]:
    if file is not None:
        for raw in read_file(file):
            yield raw
        return
    async with aclosing(read_topic(load_settings())) as records:
        async for raw in records:
            yield raw
