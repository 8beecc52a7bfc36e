"""`hushtag model apply` and `status`: another artefact for all workers, at one tick, without a restart."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import models
from streams.cli.asking import agreed
from streams.cli.moments import in_utc
from streams.cli.quiet import quieten
from streams.errors import EXIT_NO, CallerMistake
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from models.scorer import LinearScorer

_FIX = "the live model stays; train another one, or see models/MODEL_CARD.md"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(name="model", help="Which model scores.", no_args_is_help=True)
    group.command()(apply)
    group.command()(status)
    app.add_typer(group)


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The artefact to put live.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; kept with the activation.", show_default=False)],
    actor: Annotated[str, typer.Option(help="Who answers for it; kept with the activation.", show_default=False)],
    unguarded: Annotated[
        bool, typer.Option("--unguarded", help="Also one that is worse by its guarded figures, or has none.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Score by another artefact from a tick on, in all workers alike: checked, kept, then told to every shard.

    Refused, with the reason, where it is damaged, altered, of another format or other features, or has other categories
    than the live one. What has been scored stays as it is.
    """
    for name, value in (("--reason", reason), ("--actor", actor)):
        if not value.strip():
            raise CallerMistake(f"{name} is empty", fix="say it in a few words: somebody will ask")
    data, scorer = checked(file)
    doubts = guarded(file, data)
    if doubts and not unguarded:
        for line in doubts:
            typer.echo(f"refused: {line}", err=True)
        typer.echo("fix: hushtag evaluate --record, or --unguarded if you answer for it", err=True)
        raise typer.Exit(EXIT_NO)
    if not yes and not agreed(f"score by {scorer.revision} ({file}) from now on?"):
        typer.echo("nothing was sent", err=True)
        raise typer.Exit(EXIT_NO)
    from streams.model_activation import put_live

    quieten()
    record = asyncio.run(put_live(load_settings(), data, scorer.categories, reason=reason, actor=actor))
    found = {"model": scorer.revision, "from_tick_ms": record.from_tick_ms, "policy": record.revision}
    since = in_utc(record.from_tick_ms, seconds=True)
    print(json.dumps(found) if as_json else f"model {scorer.revision} is live for panes from {since} on")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """The live model, and every artefact that is kept."""
    quieten()
    for row in asyncio.run(_status(load_settings())):
        kept = "not kept" if row["bytes"] is None else f"{row['bytes']:,} bytes"
        print(json.dumps(row) if as_json else f"{row['model']}  {kept}  {_live(row)}".rstrip())


def _live(row: Mapping[str, Any]) -> str:
    if not row["live"]:
        return ""
    since = f"since {in_utc(row['from_tick_ms'], seconds=True)}" if row["from_tick_ms"] else "from the beginning"
    by = f", by {row['actor']}" if row["actor"] else ""
    return f"live {since}{by}" + (f": {row['reason']}" if row["reason"] else "")


def checked(file: Path) -> tuple[bytes, LinearScorer]:
    """An artefact that workers can use, as this version reads it.

    Raises:
        CallerMistake: it cannot be used, with the reason.
    """
    from models import artefact
    from streams.log.models import MAX_BYTES

    try:
        data = artefact.read(file)
        scorer = artefact.loads(data, str(file))
    except models.ArtefactError as error:
        raise CallerMistake(str(error), fix=_FIX) from error
    if len(data) > MAX_BYTES:
        raise CallerMistake(
            f"{file} has {len(data):,} bytes, a record of the topic `models` holds {MAX_BYTES:,}",
            fix="train with fewer buckets",
        )
    return data, scorer


def guarded(file: Path, data: bytes) -> list[str]:
    """What speaks against an artefact by the guarded figures beside it, or that there are none."""
    from models.evaluation.guard import REFERENCE_PATH, problems

    sha256 = hashlib.sha256(data).hexdigest()
    for path in (file.with_name("reference.json"), REFERENCE_PATH):
        if not path.exists():
            continue
        try:
            reference = json.loads(path.read_bytes())
            if reference["artefact_sha256"] == sha256:
                return problems(reference, sha256)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"{type(error).__name__}: {error}"
            return [f"{path} has no guarded figures that can be read ({what[:80]}): mend it, or move it away"]
    return [f"no guarded figures of {sha256[:12]} are known"]


async def _status(settings: Settings) -> list[dict[str, Any]]:
    from streams.log.models import read_models
    from streams.log.policies import read_policy_topic

    topic = await read_policy_topic(settings)
    sizes: dict[str, int | None] = {revision: len(data) for revision, data in (await read_models(settings)).items()}
    named = topic.model_named_by
    if named is not None:
        sizes.setdefault(named.model_revision, None)
    rows: list[dict[str, Any]] = []
    for revision, size in sizes.items():
        live = named if named is not None and named.model_revision == revision else None
        change = live.model_change if live else None
        rows.append(
            {
                "model": revision,
                "bytes": size,
                "live": live is not None,
                "from_tick_ms": live.from_tick_ms if live else None,
                "actor": change.actor if change else None,
                "reason": change.reason if change else None,
            }
        )
    return rows
