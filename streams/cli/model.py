"""`hushtag model apply`, `rollback`, `status`: switch all workers to another model at one tick, without a restart."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import models
from streams.cli.inputs import confirm, require_account
from streams.cli.options import Actor, Json, JsonLines, Reason, Yes
from streams.cli.output import errors, in_utc, print_json, quieten
from streams.errors import EXIT_NO, CallerMistake
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from models.scorer import LinearScorer
    from streams.log.policies import PolicyRecord

_FIX = "the live model stays; train another one, or see models/MODEL_CARD.md"


def register(app: typer.Typer) -> None:
    """Add the group `model` to the command."""
    group = typer.Typer(name="model", help="Look at the live model and replace it.", no_args_is_help=True)
    group.command()(apply)
    group.command()(rollback)
    group.command()(status)
    app.add_typer(group)


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Model artefact to put live.", show_default=False)],
    reason: Reason,
    actor: Actor,
    unguarded: Annotated[
        bool,
        typer.Option(
            "--unguarded", help="Also accept a model whose guarded figures are worse than the reference, or missing."
        ),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Score with another model artefact from one tick on, in all workers.

    The artefact is checked, kept in the topic `models`, then activated on every shard. It is refused, with the reason,
    if it is damaged or altered, has another format or other features, or other categories than the live one. Texts that
    have been scored are not scored again.
    """
    require_account(reason, actor)
    data, scorer = checked(file)
    doubts = guarded(file, data)
    if doubts and not unguarded:
        for line in doubts:
            errors.print(f"refused: {line}")
        errors.print("fix: hushtag evaluate --record, or --unguarded to accept the risk")
        raise typer.Exit(EXIT_NO)
    if not yes and not confirm(f"score with {scorer.revision} ({file}) from now on?"):
        errors.print("nothing was sent")
        raise typer.Exit(EXIT_NO)
    from streams.model_activation import activate_model

    quieten()
    print_live(
        asyncio.run(activate_model(load_settings(), data, scorer.categories, reason=reason, actor=actor)), as_json
    )


def rollback(
    reason: Reason,
    actor: Actor,
    to: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Model to return to.", show_default="the model before the live one"),
    ] = None,
    if_live: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Only if this model is live, so that no second rollback undoes a first."),
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Score with the model before the live one again, from one tick on, in all workers.

    Its artefact comes from the topic `models`. A calibrated scale goes back with its model.
    """
    require_account(reason, actor)
    from streams.model_activation import rollback_model, rollback_target

    quieten()
    settings = load_settings()
    live, target = asyncio.run(rollback_target(settings, to))
    if not yes and not confirm(f"score with model {target} in place of {if_live or live} from now on?"):
        errors.print("nothing was sent")
        raise typer.Exit(EXIT_NO)
    record = rollback_model(settings, to=target, reason=reason, actor=actor, if_live=if_live or live)
    print_live(asyncio.run(record), as_json)


def print_live(record: PolicyRecord, as_json: bool) -> None:
    """Print which model is live, and since when."""
    if as_json:
        print_json({"model": record.model_revision, "from_tick_ms": record.from_tick_ms, "policy": record.revision})
    else:
        since = in_utc(record.from_tick_ms, seconds=True)
        print(f"model {record.model_revision} is live for panes from {since} on")


def status(as_json: JsonLines = False) -> None:
    """Show the live model and every artefact that is kept."""
    quieten()
    rows = asyncio.run(_status(load_settings()))
    if as_json:
        print_json(*rows)
        return
    for row in rows:
        kept = "not kept" if row["bytes"] is None else f"{row['bytes']:,} bytes"
        print(f"{row['model']}  {kept}  {_live(row)}".rstrip())


def _live(row: Mapping[str, Any]) -> str:
    if not row["live"]:
        return ""
    since = f"since {in_utc(row['from_tick_ms'], seconds=True)}" if row["from_tick_ms"] else "from the beginning"
    by = f", by {row['actor']}" if row["actor"] else ""
    return f"live {since}{by}" + (f": {row['reason']}" if row["reason"] else "")


def checked(file: Path) -> tuple[bytes, LinearScorer]:
    """Read an artefact that workers can use.

    Raises:
        CallerMistake: it cannot be used; the message has the reason.
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
    """Return the objections to an artefact by the guarded figures next to it; missing figures are an objection."""
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
            return [f"{path} has no readable guarded figures ({what[:80]}): correct it, or move it away"]
    return [f"no guarded figures of {sha256[:12]} are known"]


async def _status(settings: Settings) -> list[dict[str, str | int | None]]:
    from streams.log.models import read_models
    from streams.log.policies import read_policy_topic

    topic = await read_policy_topic(settings)
    sizes: dict[str, int | None] = {revision: len(data) for revision, data in (await read_models(settings)).items()}
    named = topic.model_named_by
    if named is not None:
        sizes.setdefault(named.model_revision, None)
    rows: list[dict[str, str | int | None]] = []
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
