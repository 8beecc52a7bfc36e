"""Refusals in the words of the pages: no word of the API, and always a next step."""

from __future__ import annotations

import re
from typing import Any

import pytest

from moderation.access.problems import PROBLEMS, problem, problem_of
from moderation.console.refusals import API_WORDS, console_problem
from moderation.log.errors import FirstAnswerDue, NoSuchCase, StaleReview
from web.templates import page_templates

CASE = "case-0123456789abcdef"


@pytest.mark.parametrize(
    "plain",
    [
        problem_of(StaleReview(CASE, "ann has decided it")),
        problem_of(FirstAnswerDue(CASE, "tag")),
        problem_of(NoSuchCase("there is no case", fix="hushtag cases list")),
        problem("csrf", "a write needs the header X-CSRF-Token", "take it from GET /v1/me"),
        *(problem(kind, "it happened", "see /openapi.json") for kind in PROBLEMS),
    ],
    ids=lambda plain: plain["type"],
)
def test_refusal_says_what_to_do_without_words_of_the_api(plain: dict[str, Any]) -> None:
    shown = console_problem(plain)
    assert shown["title"] and shown["fix"]
    assert not re.search(API_WORDS, f"{shown['title']} {shown['detail']} {shown['fix']}")


def test_next_step_without_words_of_the_api_stays() -> None:
    assert console_problem(problem("mistake", "no reason", "write a few words"))["fix"] == "write a few words"


def test_browsers_restore_no_box_of_another_row() -> None:
    """Firefox fills boxes of a page that is read again by their place, unless `autocomplete` forbids it."""
    templates = page_templates("moderation.console")
    assert templates.loader is not None
    kept = []
    for name in templates.loader.list_templates():
        text = templates.loader.get_source(templates, name)[0]
        kept += re.findall(r'<form(?=[^>]*data-write)(?![^>]*autocomplete="off")[^>]*>', text)
        kept += re.findall(r'<input(?=[^>]*(?:data-pick|data-target))(?![^>]*autocomplete="off")[^>]*>', text)
    assert kept == []


def test_templates_name_no_call_of_the_api() -> None:
    templates = page_templates("moderation.console")
    assert templates.loader is not None
    sources = {one: templates.loader.get_source(templates, one)[0] for one in templates.loader.list_templates()}
    assert [one for one, text in sources.items() if re.search(r"\b(?:GET|POST|PUT|PATCH|DELETE) /", text)] == []
