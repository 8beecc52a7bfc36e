"""Commands `hushtag cases`: the queue of cases, and what a moderator does with one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from moderation.cli.options import Actor, Json, Reason, Share, Wait
from moderation.cli.terminal import actor_of, end_option, errors, one_of, out, policy_names, print_json
from moderation.cli.texts import texts
from moderation.domain.appeals.automated_decisions import DecisionsFollower
from moderation.domain.appeals.items import DEFAULT_SHARE
from moderation.domain.appeals.service import ReviewService
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.lines import CASE_HEADERS, case_cells, case_lines, cover_words
from moderation.domain.cases.queue import CaseFilter, is_waiting
from moderation.domain.cases.records import CASE_VERDICTS, COMMON_TEAM, SKIP_CAUSES
from moderation.domain.cases.work_order import work_order
from moderation.log.present_time import open_moderation
from streams.cli.lists import print_list
from streams.cli.output import quieten
from streams.clock import monotonic_seconds
from streams.naming import country_of
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from moderation.domain.cases.answers import CaseRowAnswer
    from moderation.domain.cases.case_log import CaseLog
    from moderation.domain.cases.service import CaseResult, CaseService

CaseName = Annotated[str, typer.Argument(help="Id of the case, or its hashtag, with or without #.", metavar="CASE")]
Labels = Annotated[list[str] | None, typer.Option("--label", "-l", help="Label; repeatable.")]


def register(app: typer.Typer) -> None:
    """Add the group `cases` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Cases: what waits for a person, one for each hashtag.")
    group.command("list")(list_)
    for command in (show, texts, claim, skip, decide, undo, note, escalate):
        group.command()(command)
    group.command("take-over")(take_over)
    group.command("agreement")(agreement)
    app.add_typer(group, name="cases")


def list_(
    team: Annotated[str, typer.Option(help="List of this team.")] = COMMON_TEAM,
    country: Annotated[str | None, typer.Option("--country", "-c", help="Only with an open item in it.")] = None,
    why: Annotated[str | None, typer.Option(help="Only for this reason, such as hold or appeal.")] = None,
    label: Annotated[str | None, typer.Option("--label", "-l", help="Only with this label.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Only with many authors in this language, which the model does not read; ta.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every team, closed cases and skipped ones, too.")] = False,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
    as_json: Json = False,
) -> None:
    """List the open cases in the order of work: appeals, holds by lapse, the rest by reach, second looks last."""
    from moderation.domain.cases.view import case_view

    filters = CaseFilter(country=country_of(country) if country else None, why=why, label=label, language=language)
    person = actor_of(actor)

    async def work(service: CaseService, settings: Settings) -> None:
        all_cases, at_ms = (await service.log.refresh()).values(), service.log.now_ms()
        cases = sorted(all_cases, key=lambda case: work_order(case, hidden=service.log.is_blind(case, person)))
        chosen = cases if everything else [case for case in cases if is_waiting(case, person, team, at_ms)]
        answers = [case_view(case, service.log, person) for case in chosen]
        shown = [answer for answer in answers if filters.selects(answer, person)]
        if as_json:
            for answer in shown:
                print_json(answer)
        elif shown:
            print_list(CASE_HEADERS, [case_cells(answer, at_ms) for answer in shown], names=2)
        else:
            errors.print("no case is open" if team == COMMON_TEAM else f"no case is open for {team}")

    _run(work, share)


def show(case: CaseName, actor: Actor = None, share: Share = DEFAULT_SHARE, as_json: Json = False) -> None:
    """Show a case: its items, sampled tweets and history; a second look without numbers."""

    async def work(service: CaseService, settings: Settings) -> None:
        _print_case(await service.log.find(case), service.log, actor_of(actor), as_json)

    _run(work, share)


def claim(case: CaseName, actor: Actor = None, share: Share = DEFAULT_SHARE, as_json: Json = False) -> None:
    """Claim a case for a minute; only the API sends heartbeats, which extend a claim."""

    async def work(service: CaseService, settings: Settings) -> None:
        person = actor_of(actor)
        _print_case(await service.claim(case, actor=person), service.log, person, as_json)

    _run(work, share)


def take_over(
    case: CaseName, reason: Reason, actor: Actor = None, share: Share = DEFAULT_SHARE, as_json: Json = False
) -> None:
    """Take a case from the person who holds it, as a lead."""

    async def work(service: CaseService, settings: Settings) -> None:
        person = actor_of(actor)
        _print_case(await service.take_over(case, actor=person, reason=reason), service.log, person, as_json)

    _run(work, share)


def skip(
    case: CaseName,
    why: Annotated[str, typer.Option(help=f"One of {', '.join(SKIP_CAUSES)}.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Words for the team.")] = "skipped",
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
) -> None:
    """Give a case up; it does not come back to you."""
    cause = one_of("reason to skip", why, SKIP_CAUSES)

    async def work(service: CaseService, settings: Settings) -> None:
        done = await service.skip(case, cause, actor=actor_of(actor), reason=reason)
        out.print(f"#{done.display} is skipped; it stays open for others")

    _run(work, share)


def decide(
    case: CaseName,
    verdict: Annotated[
        str, typer.Argument(help="hide: block it; show: allow it; leave: change nothing.", metavar="VERDICT")
    ],
    reason: Reason,
    country: Annotated[
        list[str] | None, typer.Option("--country", "-c", help="Cover only this country; repeatable.")
    ] = None,
    surface: Annotated[
        list[str] | None, typer.Option("--surface", "-s", help="Cover only this surface; repeatable.")
    ] = None,
    item: Annotated[list[str] | None, typer.Option("--item", help="Cover only this item; repeatable.")] = None,
    lasts: Annotated[
        str | None, typer.Option("--for", help="Life of the decision: 2h, 7d.", metavar="DURATION", show_default="7d")
    ] = None,
    if_version: Annotated[
        str | None,
        typer.Option("--if-version", help="Refuse if the case has changed since.", metavar="VERSION"),
    ] = None,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Decide on what is open in a case; what the decision does not cover stays open."""
    word = one_of("verdict", verdict, CASE_VERDICTS)
    end = end_option(lasts, None, "7d")
    countries = [country_of(written) for written in country or ()]
    surfaces = policy_names(load_settings()).select_surfaces(surface) if surface else ()

    async def work(service: CaseService, settings: Settings) -> None:
        person = actor_of(actor)
        result = await service.decide(
            case,
            word,
            actor=person,
            reason=reason,
            countries=countries,
            surfaces=surfaces,
            items=item or (),
            end=end,
            expected=if_version,
        )
        await _finish(result, service.log, settings, person, wait, as_json)

    _run(work, share)


def undo(
    case: CaseName,
    reason: Reason,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Undo the last decision on a case; what it covered is open again."""

    async def work(service: CaseService, settings: Settings) -> None:
        person = actor_of(actor)
        result = await service.undo(case, actor=person, reason=reason)
        await _finish(result, service.log, settings, person, wait, as_json)

    _run(work, share)


def note(
    case: CaseName,
    text: Annotated[str, typer.Argument(help="Text of the note.", metavar="TEXT")],
    label: Labels = None,
    unlabel: Annotated[list[str] | None, typer.Option(help="Remove this label; repeatable.")] = None,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
) -> None:
    """Add a note to a case, and labels of your own choice."""

    async def work(service: CaseService, settings: Settings) -> None:
        done = await service.note(case, actor=actor_of(actor), reason=text, add=label or (), remove=unlabel or ())
        out.print(f"#{done.display}: noted; labels: {', '.join(done.progress.labels) or 'none'}")

    _run(work, share)


def escalate(
    case: CaseName,
    team: Annotated[str, typer.Argument(help=f"Team that gets it; {COMMON_TEAM}: back.", metavar="TEAM")],
    reason: Reason,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
) -> None:
    """Hand a case to another team: `hushtag cases list --team TEAM` then has it."""

    async def work(service: CaseService, settings: Settings) -> None:
        done = await service.escalate(case, team, actor=actor_of(actor), reason=reason)
        out.print(f"#{done.display} is now in the list of {done.progress.team}")

    _run(work, share)


def agreement(as_json: Json = False) -> None:
    """Print how well reviewers of second looks agree, and how often a suppression was wrong."""

    async def work(service: CaseService, settings: Settings) -> None:
        from moderation.domain.cases.agreement import agreement_view

        await service.log.refresh()
        quality = agreement_view(service.log.fold)
        if as_json:
            print_json(quality)
            return
        kappa = "undefined" if quality.kappa is None else f"{quality.kappa:.2f}"
        rate = "" if quality.false_positive_rate is None else f" ({quality.false_positive_rate:.0%})"
        out.print(f"{quality.pairs} decided looks, kappa {kappa}, {quality.disputed} decided by a third person")
        out.print(f"{quality.wrong} of {quality.suppressed} suppressions wrong{rate}")
        out.print(f"{quality.missed} of {quality.controls} controls would be hidden")

    _run(work, DEFAULT_SHARE)


def _print_case(case: HashtagCase, log: CaseLog, person: str, as_json: bool) -> None:
    from moderation.domain.cases.view import detailed_view

    answer = detailed_view(case, log, person)
    if as_json:
        print_json(answer)
        return
    for line in case_lines(answer, log.now_ms()):
        out.print(line)


async def _finish(
    result: CaseResult, log: CaseLog, settings: Settings, person: str, wait: float, as_json: bool
) -> None:
    from moderation.cli.publishing import WriteResult, finish
    from moderation.domain.cases.view import decided_view
    from moderation.domain.publication import wait_published

    began = monotonic_seconds()
    statuses = await wait_published(settings, result.effects, wait_seconds=wait) if wait and result.effects else None
    seconds = monotonic_seconds() - began
    published = statuses is not None and all(status.published for status in statuses)
    answer = decided_view(result, log, person)
    if as_json:
        print_json(answer, published=published if result.effects else None)
    else:
        where = f" {cover_words(answer.covers)}" if answer.covers else ""
        what = "the last decision is undone" if answer.kind == "undo" else f"{answer.verdict}{where}"
        out.print(f"#{result.case.display}: {what}")
        if published:
            out.print(f"  published to the surfaces after {seconds:.2f} s")
        out.print(f"  {_left_words(answer.left)}")
    whole = WriteResult(result.effects, tuple(statuses or [None] * len(result.effects)), None, seconds)
    finish(whole, lambda effect: f"#{effect.record.display}")


def _left_words(left: CaseRowAnswer) -> str:
    if left.blinded:
        return "the second look goes on"
    if not left.open:
        return "the case is closed"
    where = ", ".join(left.countries)
    return f"still open: {', '.join(left.why)} in {where} on {', '.join(left.surfaces or ())}"


def _run(work: Callable[[CaseService, Settings], Awaitable[None]], share: float) -> None:
    """Run one piece of work with the cases of the configured Kafka."""
    from moderation.domain.cases.case_log import CaseLog
    from moderation.domain.cases.service import CaseService

    quieten()
    settings = load_settings()

    async def run() -> None:
        async with open_moderation(settings) as service, DecisionsFollower(settings, share=share) as follower:
            await work(CaseService(CaseLog(service, ReviewService(service, follower))), settings)

    asyncio.run(run())
