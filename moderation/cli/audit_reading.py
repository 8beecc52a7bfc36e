"""Commands `hushtag audit verify` and `export`, which read the log."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from moderation.cli.options import Json
from moderation.domain.tables import harmless
from moderation.log.drafts import moment_ms
from moderation.publiclog.comparison import SourceComparison
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.rows import COLUMNS, AuditFilter, row_of
from moderation.publiclog.tlog.checkpoint import Checkpoint
from moderation.publiclog.verification import VerificationResult
from streams.errors import EXIT_NO, CallerMistake
from streams.log.topic_specs import AUDIT
from streams.naming import country_of, tag_of
from streams.settings import Settings, load_settings

MOST_PRINTED = 20
"""Differences that `verify` prints."""


class Format(StrEnum):
    """Format of an export."""

    json = "json"
    csv = "csv"


def verify(
    tree_only: Annotated[
        bool,
        typer.Option("--tree-only", help="Verify without checkpoints; a rewritten or cut-off log is not detected."),
    ] = False,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            help="Also verify against this checkpoint, kept elsewhere.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option("--folder", help="Also compare each leaf with this published folder or address.", metavar="PLACE"),
    ] = None,
    sources: Annotated[
        bool,
        typer.Option(
            "--sources", help="Also compare every entry with its source record; report missing, altered, added ones."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Verify every entry of the audit log; report the first one changed, removed, moved or cut off.

    Exits with 3 if there is one, or if the log and its source topics differ. The keys of HUSHTAG_AUDIT_LOG_KEY, or of
    HUSHTAG_AUDIT_KEY, verify the checkpoints.
    """
    settings = load_settings()
    topic = settings.topic(AUDIT)
    comparison = SourceComparison() if sources else None
    result = asyncio.run(_verify(settings, checkpoints or [], folder, comparison, tree_only))
    fault = result.fault
    if as_json:
        bad = fault and {"number": fault.number, "what": fault.what, "detail": fault.detail, "offset": fault.offset}
        answer = {"ok": fault is None, "topic": topic, "entries": result.entries, "root": result.root}
        compared = {} if comparison is None else {"sources": _as_json(comparison)}
        print(json.dumps(answer | {"checkpoints": result.checkpoints, "bad": bad} | compared, ensure_ascii=False))
    elif fault is None:
        against = "no checkpoints: a cut-off end is not detected" if tree_only else f"checkpoints: {result.checkpoints}"
        print(f"{topic}: all entries, {result.entries}, are unchanged ({against}); root {result.root}")
    else:
        where = "" if fault.offset is None else f", found at offset {fault.offset}"
        print(f"{topic}: {fault}{where}")
        print(f"the {result.entries} entries before it are unchanged")
    if comparison is not None and not as_json:
        _print_comparison(comparison)
    if fault is not None or (comparison is not None and comparison.differences):
        raise typer.Exit(EXIT_NO)


async def _verify(
    settings: Settings, files: list[Path], folder: str | None, comparison: SourceComparison | None, tree_only: bool
) -> VerificationResult:
    from moderation.publiclog.checks import EntryChecks
    from moderation.publiclog.keys import required_log_keys
    from moderation.publiclog.source_check import compare_with_sources
    from moderation.publiclog.state import open_checkpoints
    from moderation.publiclog.topic_verification import signed_checkpoints, verify_log

    expected: list[tuple[str, Checkpoint]] = []
    if not tree_only:
        keys = required_log_keys(settings)
        try:
            expected = await signed_checkpoints(settings, keys)
            expected += open_checkpoints({str(path): _text(path) for path in files}, keys, "--checkpoint")
        except AuditBroken as broken:
            return VerificationResult(0, "", 0, broken.fault)
    checks = EntryChecks(comparison, folder, required_log_keys(settings) if folder and not tree_only else ())
    result = await verify_log(settings, expected, checks.apply)
    if comparison is not None:
        await compare_with_sources(settings, comparison, whole=True)
    return result


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CallerMistake(f"{path}: {error}", fix="give a file with a signed checkpoint") from None


def _print_comparison(comparison: SourceComparison) -> None:
    differences = comparison.differences
    for difference in differences[:MOST_PRINTED]:
        print(difference)
    if len(differences) > MOST_PRINTED:
        print(f"and {len(differences) - MOST_PRINTED} more: --json has them")
    print(
        f"sources: {comparison.compared} entries are equal, {len(differences)} records differ, "
        f"{comparison.gone} entries have no source any more, {comparison.waiting} records are not logged yet"
    )


def _as_json(comparison: SourceComparison) -> Mapping[str, object]:
    return {
        "equal": comparison.compared,
        "gone": comparison.gone,
        "waiting": comparison.waiting,
        "differences": [asdict(difference) for difference in comparison.differences],
    }


def export(
    as_format: Annotated[
        Format, typer.Option("--format", "-f", help="json: a line each; csv: for a spreadsheet.")
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
) -> None:
    """Print the audit log; each entry is checked against its leaf, and `audit verify` verifies the tree."""
    entry_filter = AuditFilter(
        kind=kind,
        target=tag_of(tag).hashtag if tag else None,
        actor=actor,
        country=country_of(country) if country else None,
        from_ms=moment_ms(since) if since else None,
        to_ms=moment_ms(until) if until else None,
    )
    asyncio.run(_export(as_format, entry_filter))


async def _export(as_format: Format, entry_filter: AuditFilter) -> None:
    from moderation.publiclog.reading import read_entries

    table = csv.writer(sys.stdout, lineterminator="\r\n") if as_format is Format.csv else None
    if table is not None:
        table.writerow(COLUMNS)
    async with aclosing(read_entries(load_settings())) as entries:
        async for entry in entries:
            row = row_of(entry)
            if not entry_filter.selects(entry, row):
                continue
            if table is not None:
                table.writerow(harmless(str(getattr(row, column))) for column in COLUMNS)
            else:
                print(json.dumps(row.as_dict(), ensure_ascii=False))
