"""`hushtag review` and `hushtag appeal`: the queue, the second looks and the appeals at a terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from moderation.drafts import LONGEST_MS, duration_ms
from moderation.options import Actor, Json, Reason
from moderation.review.automated import DecisionsFollower
from moderation.review.desk import ReviewDesk
from moderation.review.items import DEFAULT_SHARE
from moderation.review.records import VERDICTS, Verdict
from moderation.review.reversal import LASTS_MS
from moderation.shell import actor_of, errors, out
from moderation.writer import Desk
from streams.cli.quiet import quieten
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.naming import in_words
from streams.settings import load_settings

Share = Annotated[
    float,
    typer.Option(
        envvar="HUSHTAG_SECOND_LOOK_SHARE", min=0.0, max=1.0, help="Share of suppressions that people look at again."
    ),
]
ItemId = Annotated[str, typer.Argument(help="The item's id, as the list says it.", metavar="ITEM")]
Word = Annotated[str, typer.Argument(help="uphold: keep it back; overturn: show it.", metavar="VERDICT")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    review = typer.Typer(no_args_is_help=True, help="What waits for a person: holds, queued decisions, second looks.")
    for name, command in (("list", list_), ("claim", claim), ("release", release), ("decide", decide)):
        review.command(name)(command)
    review.command("agreement")(agreement_)
    app.add_typer(review, name="review")
    appeal = typer.Typer(no_args_is_help=True, help="Appeals against what holds a hashtag, an account or a tweet back.")
    appeal.command("file")(file_)
    appeal.command("list")(appeals)
    appeal.command("decide")(end)
    app.add_typer(appeal, name="appeal")


def list_(share: Share = DEFAULT_SHARE, as_json: Json = False) -> None:
    """What waits for a verdict. Second looks are blind: no numbers, and nothing of what others said."""
    from moderation.review.view import item_as_dict

    async def work(desk: ReviewDesk) -> None:
        waiting = await desk.queue()
        for item, progress in waiting:
            if as_json:
                print(json.dumps(item_as_dict(item, progress, now_ms()), ensure_ascii=False))
                continue
            held = progress.holder(now_ms())
            ends = "" if item.kind == "second_look" else f", lapses in {in_words(item.ends_ms - now_ms())}"
            by = f", with {held}" if held else ""
            where = "everywhere" if item.country == "*" else item.country
            out.print(f"{item.id}  {item.kind.replace('_', ' ')}: #{item.display}, {where}{ends}{by}")
        if not waiting and not as_json:
            out.print("nothing waits")

    _at_desk(work, share)


def claim(item: ItemId, actor: Actor = None, share: Share = DEFAULT_SHARE, as_json: Json = False) -> None:
    """Take an item to look at, for half an hour."""

    async def work(desk: ReviewDesk) -> None:
        found = await desk.claim(item, actor=actor_of(actor))
        if as_json:
            print(json.dumps(found.as_dict(), ensure_ascii=False))
        else:
            tweets = ", ".join(found.as_dict()["tweets"]) or "none sampled"
            out.print(f"{item} is yours: #{found.display}; tweets: {tweets}")

    _at_desk(work, share)


def release(item: ItemId, actor: Actor = None, share: Share = DEFAULT_SHARE) -> None:
    """Give an item back undecided."""

    async def work(desk: ReviewDesk) -> None:
        await desk.release(item, actor=actor_of(actor))
        out.print(f"{item} is free again")

    _at_desk(work, share)


def decide(
    item: ItemId,
    verdict: Word,
    reason: Reason,
    lasts: Annotated[
        str | None, typer.Option("--for", help="How long it stands: 2h, 7d.", metavar="DURATION", show_default="7d")
    ] = None,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
    as_json: Json = False,
) -> None:
    """Decide on an item that you have claimed: it is then blocked or allowed, for a time."""
    from moderation.review.view import done_as_dict

    lasts_ms = duration_ms(lasts) if lasts else LASTS_MS
    if not 0 < lasts_ms <= LONGEST_MS:
        raise CallerMistake("an override lasts from a second to 366 days", fix="such as --for 7d")

    async def work(desk: ReviewDesk) -> None:
        done = await desk.decide(
            item, _verdict(verdict), actor=actor_of(actor), reason=reason, expires_at_ms=now_ms() + lasts_ms
        )
        if as_json:
            print(json.dumps(done_as_dict(done), ensure_ascii=False))
        else:
            effect = "" if done.effect is None else f": {done_as_dict(done)['effect']['action']}"
            out.print(f"{item}: {verdict}{effect}")

    _at_desk(work, share)


def agreement_(as_json: Json = False) -> None:
    """How well reviewers of the sample agree (Cohen's kappa), and how often they find a suppression wrong."""
    from moderation.review.view import quality_as_dict

    async def work(desk: ReviewDesk) -> None:
        await desk.refresh()
        told = quality_as_dict(desk.book)
        if as_json:
            print(json.dumps(told))
            return
        kappa = "not defined" if told["kappa"] is None else f"{told['kappa']:.2f}"
        rate = "" if told["false_positive_rate"] is None else f" ({told['false_positive_rate']:.0%})"
        out.print(f"{told['pairs']} pairs of verdicts, kappa {kappa}")
        out.print(f"{told['overturned']} of {told['looked_at']} suppressions found wrong{rate}")

    _at_desk(work, DEFAULT_SHARE)


def file_(
    reference: Annotated[str, typer.Argument(help="As the statement says it.", metavar="REFERENCE")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="What the appellant says.")],
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Take in an appeal. Who appeals stays with your case system."""
    from moderation.review.book import Appealed
    from moderation.review.view import appeal_as_dict

    async def work(desk: ReviewDesk) -> None:
        filed = await desk.appeal(reference, actor=actor_of(actor), reason=reason)
        if as_json:
            print(json.dumps(appeal_as_dict(Appealed(filed)), ensure_ascii=False))
        else:
            out.print(f"appeal {filed.id} against {reference}")

    _at_desk(work, DEFAULT_SHARE)


def appeals(
    everything: Annotated[bool, typer.Option("--all", help="Those that are decided, too.")] = False,
    as_json: Json = False,
) -> None:
    """The appeals, the oldest first."""
    from moderation.review.book import open_appeals
    from moderation.review.view import appeal_as_dict

    async def work(desk: ReviewDesk) -> None:
        await desk.refresh()
        for one in [*desk.book.appeals.values()] if everything else open_appeals(desk.book.appeals.values()):
            if as_json:
                print(json.dumps(appeal_as_dict(one), ensure_ascii=False))
            else:
                ended = "" if one.outcome is None else f": {one.outcome.verdict} by {one.outcome.actor}"
                out.print(
                    f"{one.appeal.id}  {one.appeal.case} {'' if one.appeal.order else '#'}{one.appeal.hashtag}{ended}"
                )

    _at_desk(work, DEFAULT_SHARE)


def end(
    appeal: Annotated[str, typer.Argument(help="The appeal's id.", metavar="APPEAL")],
    verdict: Word,
    reason: Reason,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Decide on an appeal; not by whoever took the decision. `overturn` reverses what is left of it."""
    from moderation.review.view import done_as_dict

    async def work(desk: ReviewDesk) -> None:
        done = await desk.end_appeal(appeal, _verdict(verdict), actor=actor_of(actor), reason=reason)
        if as_json:
            print(json.dumps(done_as_dict(done), ensure_ascii=False))
        else:
            effect = "" if done.effect is None else f": {done_as_dict(done)['effect']['action']}"
            out.print(f"appeal {appeal}: {verdict}{effect}")
            if done.ended:
                errors.print(f"nothing was left to lift: {done.ended}", style="yellow")
            if done.also_lifts:
                errors.print(
                    f"this lifts what nobody appealed against, too: {', '.join(done.also_lifts)}", style="yellow"
                )

    _at_desk(work, DEFAULT_SHARE)


def _verdict(word: str) -> Verdict:
    if word in VERDICTS:
        return word
    raise CallerMistake(f"there is no verdict {word[:40]!r}", fix=f"one of {', '.join(VERDICTS)}")


def _at_desk(work: Callable[[ReviewDesk], Awaitable[None]], share: float) -> None:
    quieten()
    settings = load_settings()

    async def run() -> None:
        async with Desk(settings) as desk, DecisionsFollower(settings, share=share) as follower:
            await work(ReviewDesk(desk, follower))

    asyncio.run(run())
