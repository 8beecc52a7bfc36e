"""A reviewer's second look stays blind, and numbers stay away before a first answer: on every page, in every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from moderation.access.services import Services
from moderation.log.drafts import OverrideDraft
from streams.clock import now_ms
from streams.constants import HOUR_MS
from streams.naming import tag_of
from tests.support.console_walk import Walk
from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import SECRET_WORDS, add_texts, case_decision

NUMBER = re.compile(r"0\.618|61\.8|\b6[12]\s?%|\b6180\b")
"""The share 0.61803 as the pages and the API write it."""
VERDICT = "verdictofanother"
"""Reason of another person's decision on the hashtag of the second look."""
STARTS = ("/console", "/console/queue", "/console/hashtags/looked", "/console/hashtags/held", "/console/find?q=looked",
          "/console/queue/bulk?verdict=hide&case={held}&case={looked}", "/console/stream?view=queue")  # fmt: skip


async def arrange(services: Services) -> dict[str, str]:
    """Give asha a blind second look of #looked, on which others have decided and appealed; return the cases."""
    await services.reviews.refresh()
    references = services.reviews.automated.restrictions
    found = {tag: (await services.cases.log.find(tag)).id for tag in ("looked", "held")}
    await services.cases.claim(found["looked"], actor="asha")
    draft = OverrideDraft(tag_of("looked"), "block", "DE", ("search", "trends"), "ravi", VERDICT, now_ms() + HOUR_MS)
    await services.moderation.override([draft])
    reference = next(key for key, one in references.items() if one.target == "looked")
    await services.reviews.appeal(reference, actor="desk", reason=VERDICT)
    return found


@contextmanager
def walked(world: ConsoleWorld, people: Any, role: str, names: dict[str, str]) -> Iterator[Walk]:
    """Walk over the console as asha with a role."""
    with closing(Walk(world.url, dict([people.cookie("asha", role)]))) as walk:
        for tag in ("looked", "held"):
            values = {"hashtag": tag, "case": names[tag], "order": "IN-1", "revision": "abcd", "job": "none",
                      "run": "none", "name": "none", "file": "report.html", "appeal": "none",
                      "number": "0"}  # fmt: skip
            walk.call_operations(values, {"/v1/cases/{case}/texts": "highest=true"})
            walk.follow_links(f"/console/cases/{names[tag]}", f"/console/cases/{names[tag]}/people")
        walk.follow_links(*(one.format_map(names) for one in STARTS))
        yield walk


@pytest.mark.parametrize("role", ["moderator", "admin"])
def test_no_page_or_answer_unblinds_a_second_look(new_console: Any, people: Any, role: str) -> None:
    decisions = [case_decision("looked", "suppress"), case_decision("held", "hold", number=2)]
    world = new_console(*decisions, share=1.0)
    add_texts(world.services, decisions)
    names = world.run(arrange)
    with walked(world, people, role, names) as walk:
        assert not [path for path, status in walk.statuses.items() if status >= 500]
        assert not [path for path, body in walk.bodies.items() if NUMBER.search(body)]
        assert not [path for path, body in walk.bodies.items() if VERDICT in body]
        pages = {path.partition("?")[0].split("/")[2] for path in walk.bodies if path.startswith("/console/")}
        assert {"queue", "held", "stop", "appeals", "hashtags", "cases", "policy", "stream"} <= pages
        # Texts are answered only to a request for them, and no page makes one by itself.
        with_texts = {path.partition("?")[0] for path, body in walk.bodies.items() if SECRET_WORDS in body}
        assert {path.rpartition("/")[2] for path in with_texts} <= {"texts"}

    async def answer(services: Services) -> None:
        await services.cases.answer("held", "hide", actor="asha", reason="first")
        await services.cases.decide(names["looked"], "hide", actor="asha", reason="own eyes")

    world.run(answer)
    with closing(Walk(world.url, dict([people.cookie("asha", role)]))) as walk:
        assert NUMBER.search(walk.read(f"/console/cases/{names['held']}")), "the walk would have found the number"
        assert VERDICT in walk.read("/console/hashtags/looked")
