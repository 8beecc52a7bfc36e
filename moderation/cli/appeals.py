"""Commands `hushtag appeal`: file, list and decide appeals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from moderation.cli.options import Actor, Json, Reason
from moderation.cli.terminal import actor_of, errors, one_of, out, print_json
from moderation.domain.appeals.automated_decisions import DecisionsFollower
from moderation.domain.appeals.fold import AppealStatus, appeal_place
from moderation.domain.appeals.items import DEFAULT_SHARE
from moderation.domain.appeals.records import VERDICTS
from moderation.domain.appeals.service import ReviewService
from moderation.log.present_time import open_moderation
from moderation.outward.audited_restrictions import AuditedRestrictions
from moderation.publiclog.proving import KafkaLog
from streams.cli.output import quieten
from streams.settings import load_settings

VerdictWord = Annotated[
    str, typer.Argument(help="uphold: keep the restriction; overturn: reverse it.", metavar="VERDICT")
]


def register(app: typer.Typer) -> None:
    """Add the group `appeal` to the command."""
    appeal = typer.Typer(no_args_is_help=True, help="Appeals against restrictions of hashtags, accounts and tweets.")
    appeal.command("file")(file_)
    appeal.command("list")(appeals)
    appeal.command("decide")(end)
    app.add_typer(appeal, name="appeal")


def file_(
    reference: Annotated[str, typer.Argument(help="Reference from the statement.", metavar="REFERENCE")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason that the appellant gives.")],
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """File an appeal; the identity of the appellant stays in your case system."""
    from moderation.domain.appeals.view import appeal_view

    async def work(service: ReviewService) -> None:
        filed = await service.appeal(reference, actor=actor_of(actor), reason=reason)
        if as_json:
            print_json(appeal_view(AppealStatus(filed)))
        else:
            out.print(f"appeal {filed.id} against {reference}")

    _run(work, DEFAULT_SHARE)


def appeals(
    everything: Annotated[bool, typer.Option("--all", help="Include decided appeals.")] = False,
    as_json: Json = False,
) -> None:
    """List the appeals, the oldest open one first; decided ones the newest first."""
    from moderation.domain.appeals.view import appeal_view

    async def work(service: ReviewService) -> None:
        await service.refresh()
        for status in sorted(service.fold.appeals.values(), key=appeal_place):
            if status.outcome is not None and not everything:
                continue
            if as_json:
                print_json(appeal_view(status))
                continue
            appeal, outcome = status.appeal, status.outcome
            ended = "" if outcome is None else f": {outcome.verdict} by {outcome.actor}"
            out.print(f"{appeal.id}  {appeal.case} {'' if appeal.order else '#'}{appeal.hashtag}{ended}")

    _run(work, DEFAULT_SHARE)


def end(
    appeal: Annotated[str, typer.Argument(help="Id of the appeal.", metavar="APPEAL")],
    verdict: VerdictWord,
    reason: Reason,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Decide an appeal that contests another person's decision; `overturn` reverses what is still in force."""
    from moderation.domain.appeals.view import ended_view

    async def work(service: ReviewService) -> None:
        known_verdict = one_of("verdict", verdict, VERDICTS)
        result = await service.end_appeal(appeal, known_verdict, actor=actor_of(actor), reason=reason)
        answer = ended_view(result)
        if as_json:
            print_json(answer)
            return
        out.print(f"appeal {appeal}: {verdict}" + (f": {answer.effect.action}" if answer.effect else ""))
        if result.ended:
            errors.print(f"nothing was left to reverse: {result.ended}", style="yellow")
        if result.also_lifts:
            errors.print(
                f"this also lifts restrictions that were not appealed: {', '.join(result.also_lifts)}", style="yellow"
            )

    _run(work, DEFAULT_SHARE)


def _run(work: Callable[[ReviewService], Awaitable[None]], share: float) -> None:
    """Run one piece of work with the review service on the configured Kafka."""
    quieten()
    settings = load_settings()

    async def run() -> None:
        async with open_moderation(settings) as service, DecisionsFollower(settings, share=share) as follower:
            audited = AuditedRestrictions(KafkaLog(settings), settings.appeal_days)
            await work(ReviewService(service, follower, ended=audited))

    asyncio.run(run())
