"""Commands `hushtag calibrate`: labels by people fit the live model's scale to this platform."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from moderation.cli.options import Actor, Json
from moderation.cli.terminal import actor_of, errors, out, print_json, read_file, refuse_rows
from moderation.wording import counted
from streams.cli.inputs import confirm, since_ms
from streams.cli.options import Yes
from streams.cli.output import in_utc, quieten
from streams.errors import EXIT_NO, CallerMistake
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from moderation.domain.calibration.service import CalibrationService, Preview
    from streams.backtest import ImpactReport

T = TypeVar("T")
_PART = 500
"""Labels of a file that are scored and written at once."""
Reason = Annotated[str, typer.Option("--reason", "-r", help="Reason; it is kept with the record.")]
OnePerson = Annotated[
    bool, typer.Option("--one-person", help="Accept labels that one person gave for the most part; it is recorded.")
]
Since = Annotated[str, typer.Option(metavar="DURATION", help="Past on which the change is tried: 24h, 168h, ...")]


def register(app: typer.Typer) -> None:
    """Add the group `calibrate` to the command."""
    group = typer.Typer(
        invoke_without_command=True, help="Fit the live model's scale to this platform, from labels by people."
    )
    group.callback()(status)
    group.command("labels")(labels)
    group.command("apply")(apply)
    app.add_typer(group, name="calibrate")


def status(
    context: typer.Context,
    impact: Annotated[bool, typer.Option("--impact/--no-impact", help="Also judge the past under the scale.")] = True,
    since: Since = "24h",
    as_json: Json = False,
) -> None:
    """Show the labels, the scale that they give, its coverage, and which hashtags it would decide otherwise.

    Nothing is written. Markings of texts in cases count as labels.
    """
    if context.invoked_subcommand is not None:
        return
    from moderation.domain.calibration.answers import calibration_answer

    settings, back_ms = load_settings(), since_ms(since)
    preview = _run(settings, lambda service: service.preview())
    report = _impact(settings, preview, back_ms) if impact and preview.may_go_live else None
    if as_json:
        print_json(calibration_answer(preview), impact=_plain(report))
        return
    _show(preview)
    if report is not None:
        _show_impact(report)
    if preview.may_go_live:
        out.print("\nput it live: hushtag calibrate apply --reason ...")


def labels(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labels, a JSON object a line; - reads stdin.")],
    reason: Reason = "labels of a file",
    actor: Actor = None,
    strict: Annotated[bool, typer.Option("--strict", help="Take nothing from a file with a bad line.")] = False,
    as_json: Json = False,
) -> None:
    """Take in labels: {"text" or "tweet_id", "harmful", "categories"?, "lang"?} on each line.

    Each counts as the actor's, so every person hands in their own file. Texts are scored at once. Only their scores,
    language and a keyed hash are kept. `harmful: null` withdraws a label.
    """
    from moderation.domain.calibration.drafts import LINE_FIX, MOST_LABELS, in_parts, line_number, parse_labels

    data, name = read_file(file)
    who = actor_of(actor)

    async def work(service: CalibrationService) -> tuple[int, int, list[Any]]:
        from streams.progress import progress_bar

        live = await service.book.live()
        drafts, bad = parse_labels(data, name, live.scorer.categories)
        if bad and strict:
            return 0, 0, bad
        added = unchanged = 0
        with progress_bar("scoring the texts", enabled=not as_json) as bar:
            task = bar.add_task("", total=len(drafts))
            for places, part in in_parts(drafts, MOST_LABELS if strict else _PART):
                result = await service.book.add(part, actor=who, reason=reason, places=places, all_or_none=strict)
                added, unchanged = added + result.added, unchanged + result.unchanged
                bad += result.problems
                bar.advance(task, len(part))
        return added, unchanged, sorted(bad, key=line_number)

    added, unchanged, problems = _run(load_settings(), work)
    if problems:
        refuse_rows(problems, as_json, strict=strict)
        if not added + unchanged:
            raise CallerMistake(f"{name} has no label that can be taken", fix=f"one line for each: {LINE_FIX}")
    if as_json:
        print(json.dumps({"added": added, "unchanged": unchanged, "problems": len(problems)}))
    else:
        out.print(f"{counted(added, 'label')} added, {unchanged:,} known already, {len(problems):,} not taken")
        out.print("see what they give: hushtag calibrate")


def apply(
    reason: Reason,
    actor: Actor = None,
    one_person: OnePerson = False,
    impact: Annotated[bool, typer.Option("--impact/--no-impact", help="First show what would change.")] = True,
    since: Since = "24h",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put the fitted scale live: a new model with the same weights, in all workers from one tick on.

    `hushtag model rollback` returns to the model before it.
    """
    settings, who, back_ms = load_settings(), actor_of(actor), since_ms(since)
    preview = _run(settings, lambda service: service.preview())
    if not as_json:
        _show(preview)
        if impact and preview.may_go_live:
            _show_impact(_impact(settings, preview, back_ms))
    if preview.labels.texts.is_one_person and one_person:
        errors.print("one person gave most of the labels: this scale is one person's opinion", style="yellow")
    revision = preview.labels.live.revision
    if preview.may_go_live and not yes and not confirm(f"put this scale live in place of model {revision}?"):
        errors.print("nothing was sent")
        raise typer.Exit(EXIT_NO)
    record = _run(
        settings,
        lambda service: service.apply(
            actor=who, reason=reason, if_live=revision, if_scale=preview.fit.revision, one_person=one_person
        ),
    )
    if as_json:
        answer = {"model": record.model_revision, "before": revision, "from_tick_ms": record.from_tick_ms}
        print(json.dumps(answer))
    else:
        since_words = in_utc(record.from_tick_ms, seconds=True)
        out.print(f"model {record.model_revision} is live for panes from {since_words} on, before it {revision}")
        out.print("stage 2 does not run with a fitted scale; back: hushtag model rollback --reason ... --actor ...")


def _run(settings: Settings, work: Callable[[CalibrationService], Awaitable[T]]) -> T:
    from moderation.domain.calibration.kafka_service import open_calibration

    quieten()

    async def run() -> T:
        async with open_calibration(settings) as service:
            return await work(service)

    return asyncio.run(run())


def _impact(settings: Settings, preview: Preview, back_ms: int) -> ImpactReport:
    """Judge the past under the live scale and under the fitted one."""
    from streams.backtest import Impact
    from streams.cli.evidence_input import feed_from_log, live_policy

    async def run() -> ImpactReport:
        policy = await live_policy(settings)
        projection = Impact(policy, policy, scales=preview.fit.scales(preview.labels.live.scorer))
        await feed_from_log(projection.add, settings, back_ms)
        return projection.finish()

    return asyncio.run(run())


def _show(preview: Preview) -> None:
    from moderation.domain.calibration.words import FIT_HEADERS, fit_cells, label_lines
    from streams.cli.lists import print_list

    for line in label_lines(preview.labels):
        out.print(line)
    out.print("")
    print_list(FIT_HEADERS, [fit_cells(column) for column in preview.fit.columns], names=2)
    if not preview.fit.is_ready:
        errors.print(preview.fit.missing_words(), style="yellow")
    if preview.is_live:
        out.print(f"\nmodel {preview.labels.live.revision} has this scale: it is live")
    for name in preview.fit.inverted:
        errors.print(f"{name}: texts labelled harmful score no higher than clean ones", style="red")


def _show_impact(report: ImpactReport) -> None:
    from streams.backtest import text
    from streams.cli.lists import print_list
    from streams.cli.policy_impact import CHANGE_HEADERS, SHOWN_MAX, change_cells

    out.print(f"\nwhat would change: {text.summary(report)}\non {text.span(report)}")
    if report.changes:
        print_list(CHANGE_HEADERS, [change_cells(change) for change in report.changes[:SHOWN_MAX]])
    if len(report.changes) > SHOWN_MAX:
        out.print(f"and {len(report.changes) - SHOWN_MAX} more: --json has them")


def _plain(report: ImpactReport | None) -> Any:
    import msgspec

    return None if report is None else msgspec.to_builtins(report)
