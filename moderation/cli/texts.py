"""Command `hushtag cases texts`: read what sampled authors of a case wrote."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from moderation.cli.options import Actor, Json, Share
from moderation.cli.terminal import actor_of, out
from moderation.domain.appeals.automated_decisions import DecisionsFollower
from moderation.domain.appeals.items import DEFAULT_SHARE
from moderation.domain.appeals.service import ReviewService
from moderation.domain.texts.case_texts import HIGHEST_WORDS, CaseTexts, read_case_texts
from moderation.domain.texts.reader import open_text_reader
from moderation.domain.texts.shown_text import WORDS, ShownText, tag_address
from moderation.log.service import ModerationService
from streams.cli.output import quieten
from streams.settings import Settings, load_settings


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
    from moderation.domain.cases.service import CaseService

    quieten()
    settings, person = load_settings(), actor_of(actor)

    async def run() -> CaseTexts:
        async with (
            ModerationService(settings) as service,
            DecisionsFollower(settings, share=share) as follower,
            open_text_reader(settings, service) as reader,
        ):
            cases = CaseService(service, ReviewService(service, follower))
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
        out.print(json.dumps(read.as_dict(settings), ensure_ascii=False))
    else:
        for line in text_lines(read, settings):
            out.print(line)


def text_lines(read: CaseTexts, settings: Settings) -> list[str]:
    """Return the lines of a reading: the sample, then each text."""
    answer = read.as_dict(settings)
    lines = [f"#{read.case.display}: {answer['sample']}"]
    address = tag_address(settings.tag_url, read.case.hashtag)
    lines += [address] if address else []
    lines += [line for text in read.random for line in _lines_of(text, settings)]
    if read.highest is not None:
        lines += ["", HIGHEST_WORDS]
        lines += [line for text in read.highest for line in _lines_of(text, settings)]
    elif answer["highest"]["count"]:
        lines += ["", f"--highest opens {answer['highest']['count']} more: {HIGHEST_WORDS}"]
    return lines


def _lines_of(text: ShownText, settings: Settings) -> list[str]:
    kept = ", kept" if text.kept else ""
    head = f"{text.id} ({text.lang}{kept})"
    url = text.as_dict(settings.tweet_url)["url"]
    words = [f"  {line}" for line in (text.text.splitlines() or [""])] if text.state == "shown" else []
    return [
        "",
        head if text.state == "shown" else f"{head}: {WORDS[text.state]}",
        *words,
        *([f"  {url}"] if url else []),
    ]
