"""Commands `hushtag review` and `hushtag appeal`: the queue, second looks and appeals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from moderation.drafts import expiry_of
from moderation.options import Actor, Json, Reason, Share
from moderation.review.automated import DecisionsFollower
from moderation.review.fold import AppealStatus, open_appeals
from moderation.review.items import DEFAULT_SHARE
from moderation.review.records import VERDICTS, Verdict
from moderation.review.service import ReviewService
from moderation.service import ModerationService
from moderation.terminal import actor_of, errors, out
from moderation.view import place_words
from streams.cli.output import quieten
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.naming import format_duration
from streams.settings import load_settings

# `moderation.review.view` is imported in the commands: it loads scikit-learn.

ItemId = Annotated[str, typer.Argument(help="Id of the item, from the list.", metavar="ITEM")]
VerdictWord = Annotated[
    str, typer.Argument(help="uphold: hide it, or keep it contested; overturn: show it.", metavar="VERDICT")
]


def register(app: typer.Typer) -> None:
    """Add the group `review` to the command."""
    review = typer.Typer(
        no_args_is_help=True, help="Items to review: holds, queued decisions, contested hashtags, second looks."
    )
    review.command("list")(list_)
    review.command("claim")(claim)
    review.command("release")(release)
    review.command("decide")(decide)
    review.command("agreement")(agreement_)
    app.add_typer(review, name="review")
    appeal = typer.Typer(no_args_is_help=True, help="Appeals against restrictions of hashtags, accounts and tweets.")
    appeal.command("file")(file_)
    appeal.command("list")(appeals)
    appeal.command("decide")(end)
    app.add_typer(appeal, name="appeal")


def list_(share: Share = DEFAULT_SHARE, as_json: Json = False) -> None:
    """List the items that need a verdict; second looks hide the numbers and other verdicts."""
    from moderation.review.view import item_as_dict

    async def work(service: ReviewService) -> None:
        waiting = await service.queue()
        for item, progress in waiting:
            if as_json:
                print(json.dumps(item_as_dict(item, progress, now_ms()), ensure_ascii=False))
                continue
            holder = progress.holder(now_ms())
            ends = "" if item.kind == "second_look" else f", lapses in {format_duration(item.ends_ms - now_ms())}"
            by = f", claimed by {holder}" if holder else ""
            cause = f" ({item.cause})" if item.cause and item.kind != "second_look" else ""
            kind, where = item.kind.replace("_", " "), place_words(item.country)
            out.print(f"{item.id}  {kind}: #{item.display}, {where}{cause}{ends}{by}")
        if not waiting and not as_json:
            out.print("the queue is empty")

    _run(work, share)


def claim(item: ItemId, actor: Actor = None, share: Share = DEFAULT_SHARE, as_json: Json = False) -> None:
    """Claim an item for half an hour."""

    async def work(service: ReviewService) -> None:
        found = await service.claim(item, actor=actor_of(actor))
        if as_json:
            print(json.dumps(found.as_dict(), ensure_ascii=False))
        else:
            tweets = ", ".join(found.as_dict()["tweets"]) or "none sampled"
            out.print(f"{item} is claimed: #{found.display}; tweets: {tweets}")

    _run(work, share)


def release(item: ItemId, actor: Actor = None, share: Share = DEFAULT_SHARE) -> None:
    """Give up a claim without a verdict."""

    async def work(service: ReviewService) -> None:
        await service.release(item, actor=actor_of(actor))
        out.print(f"{item} is released")

    _run(work, share)


def decide(
    item: ItemId,
    verdict: VerdictWord,
    reason: Reason,
    lasts: Annotated[
        str | None,
        typer.Option("--for", help="Life of the override: 2h, 7d.", metavar="DURATION", show_default="7d"),
    ] = None,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
    as_json: Json = False,
) -> None:
    """Give a verdict on a claimed item; it is then blocked or allowed for a time, or stays contested."""
    from moderation.review.view import result_as_dict

    expires_at_ms = expiry_of(lasts, None, "7d", now_ms())

    async def work(service: ReviewService) -> None:
        result = await service.decide(
            item, _verdict(verdict), actor=actor_of(actor), reason=reason, expires_at_ms=expires_at_ms
        )
        plain = result_as_dict(result)
        if as_json:
            print(json.dumps(plain, ensure_ascii=False))
        else:
            out.print(f"{item}: {verdict}" + (f": {plain['effect']['action']}" if plain["effect"] else ""))

    _run(work, share)


def agreement_(as_json: Json = False) -> None:
    """Print how well reviewers of the sample agree and how often they overturn a suppression."""
    from moderation.review.view import quality_as_dict

    async def work(service: ReviewService) -> None:
        await service.refresh()
        quality = quality_as_dict(service.fold)
        if as_json:
            print(json.dumps(quality))
            return
        kappa = "undefined" if quality["kappa"] is None else f"{quality['kappa']:.2f}"
        rate = "" if quality["false_positive_rate"] is None else f" ({quality['false_positive_rate']:.0%})"
        out.print(f"{quality['pairs']} pairs of verdicts, kappa {kappa}")
        out.print(f"{quality['overturned']} of {quality['looked_at']} suppressions found wrong{rate}")

    _run(work, DEFAULT_SHARE)


def file_(
    reference: Annotated[str, typer.Argument(help="Reference from the statement.", metavar="REFERENCE")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason that the appellant gives.")],
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """File an appeal; the identity of the appellant stays in your case system."""
    from moderation.review.view import appeal_as_dict

    async def work(service: ReviewService) -> None:
        filed = await service.appeal(reference, actor=actor_of(actor), reason=reason)
        if as_json:
            print(json.dumps(appeal_as_dict(AppealStatus(filed)), ensure_ascii=False))
        else:
            out.print(f"appeal {filed.id} against {reference}")

    _run(work, DEFAULT_SHARE)


def appeals(
    everything: Annotated[bool, typer.Option("--all", help="Include decided appeals.")] = False,
    as_json: Json = False,
) -> None:
    """List the appeals, oldest first."""
    from moderation.review.view import appeal_as_dict

    async def work(service: ReviewService) -> None:
        await service.refresh()
        known = list(service.fold.appeals.values())
        for one in known if everything else open_appeals(known):
            if as_json:
                print(json.dumps(appeal_as_dict(one), ensure_ascii=False))
                continue
            appeal, outcome = one.appeal, one.outcome
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
    from moderation.review.view import result_as_dict

    async def work(service: ReviewService) -> None:
        result = await service.end_appeal(appeal, _verdict(verdict), actor=actor_of(actor), reason=reason)
        plain = result_as_dict(result)
        if as_json:
            print(json.dumps(plain, ensure_ascii=False))
            return
        out.print(f"appeal {appeal}: {verdict}" + (f": {plain['effect']['action']}" if plain["effect"] else ""))
        if result.ended:
            errors.print(f"nothing was left to reverse: {result.ended}", style="yellow")
        if result.also_lifts:
            errors.print(
                f"this also lifts restrictions that were not appealed: {', '.join(result.also_lifts)}", style="yellow"
            )

    _run(work, DEFAULT_SHARE)


def _verdict(word: str) -> Verdict:
    if word in VERDICTS:
        return word
    raise CallerMistake(f"unknown verdict {word[:40]!r}", fix=f"one of {', '.join(VERDICTS)}")


def _run(work: Callable[[ReviewService], Awaitable[None]], share: float) -> None:
    """Run one piece of work with the review service on the configured Kafka."""
    quieten()
    settings = load_settings()

    async def run() -> None:
        async with ModerationService(settings) as service, DecisionsFollower(settings, share=share) as follower:
            await work(ReviewService(service, follower))

    asyncio.run(run())
