"""Command `hushtag cases texts`: read what sampled authors of a case wrote."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from moderation.cli.options import Actor, Json, Share
from moderation.cli.terminal import actor_of, out, print_json
from moderation.domain.appeals.automated_decisions import DecisionsFollower
from moderation.domain.appeals.items import DEFAULT_SHARE
from moderation.domain.appeals.service import ReviewService
from moderation.domain.texts.answers import CaseTextsAnswer, TextAnswer
from moderation.domain.texts.case_texts import CaseTexts, read_case_texts, texts_view
from moderation.domain.texts.reader import open_text_reader
from moderation.log.present_time import open_moderation
from streams.cli.output import quieten
from streams.settings import load_settings


def texts(
    case: Annotated[str, typer.Argument(help="Id of the case, or its hashtag, with or without #.", metavar="CASE")],
    reason: Annotated[
        str, typer.Option("--reason", "-r", help="Purpose of the reading; the audit log keeps it.")
    ] = "review of the case",
    item: Annotated[
        str | None, typer.Option(help="Item of the case.", show_default="the one that reaches most")
    ] = None,
    tweet: Annotated[list[str] | None, typer.Option(help="Open only this tweet; repeatable.", metavar="ID")] = None,
    highest: Annotated[bool, typer.Option("--highest", help="Open the highest-scoring tweets, too.")] = False,
    actor: Actor = None,
    share: Share = DEFAULT_SHARE,
    as_json: Json = False,
) -> None:
    """Read the texts of a case's sampled tweets; each reading is recorded with your name and the ids.

    HUSHTAG_TEXTS_PER_SHIFT limits the texts that one person opens in 8 hours.
    """
    from moderation.domain.cases.case_log import CaseLog

    quieten()
    settings, person = load_settings(), actor_of(actor)

    async def run() -> CaseTexts:
        async with (
            open_moderation(settings) as service,
            DecisionsFollower(settings, share=share) as follower,
            open_text_reader(settings, service) as reader,
        ):
            cases = CaseLog(service, ReviewService(service, follower))
            chosen = await cases.find(case)
            hidden = cases.is_blind(chosen, person)
            return await read_case_texts(
                reader,
                chosen,
                hidden=hidden,
                actor=person,
                purpose=reason,
                item=item,
                highest=highest,
                tweets=tweet or (),
            )

    read = asyncio.run(run())
    if as_json:
        print_json(texts_view(read, settings))
    else:
        for line in text_lines(texts_view(read, settings), read.case.display):
            out.print(line)


def text_lines(answer: CaseTextsAnswer, display: str) -> list[str]:
    """Return the lines of a reading: the sample, then each text."""
    highest = answer.highest
    lines = [f"#{display}: {answer.sample}", *filter(None, [answer.url])]
    lines += [line for text in answer.items for line in _lines_of(text)]
    if highest.items is not None:
        lines += ["", highest.what]
        lines += [line for text in highest.items for line in _lines_of(text)]
    elif highest.count:
        lines += ["", f"--highest opens {highest.count} more: {highest.what}"]
    return lines


def _lines_of(text: TextAnswer) -> list[str]:
    kept = ", kept" if text.kept else ""
    head = f"{text.id} ({text.lang}{kept})" + (f": {text.note}" if text.note else "")
    words = [f"  {line}" for line in (text.text.splitlines() or [""])] if text.state == "shown" else []
    return ["", head, *words, *([f"  {text.url}"] if text.url else [])]
