"""Refusals in the words of the pages: an error names what its reader can do here, not a call of the API. Pure.

The API's own next step is kept where it has no words of the API. console-forms.js gets the same tables with each page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from moderation.access.problems import Problem

API_WORDS = (
    r"/v1/|\b(?:GET|POST|PUT|PATCH|DELETE) /|\bhushtag [a-z]|openapi|\b(?:header|parameter|API key|Bearer)\b|`|--[a-z]"
)
"""Pattern of words for programmers and administrators; it means the same in JavaScript."""
TITLES: Mapping[str, str] = {
    "csrf": "This page is from an earlier login",
    "key_reused": "It was sent already with other values",
    "wrong_host": "This is not the console's address",
    "away": "The server cannot read or record anything now",
    "bug": "The server failed",
}
"""Titles by type of problem, where the API's own is for programmers."""
NEXT_STEPS: Mapping[str, str] = {
    "unauthorised": "Log in again.",
    "forbidden": "Ask an admin for this right, or leave it to a colleague who has it.",
    "beyond_rights": "Choose less, or leave it to a colleague whose rights reach further.",
    "blinded": "Give your verdict on its case first, or skip it.",
    "first_answer_due": "Give your first answer on its case first.",
    "not_you": "Reload the page: decisions are recorded under the name at its top.",
    "csrf": "Reload the page, then send it again.",
    "keys_needed": "Ask an admin to set up the login of this server.",
    "not_found": "Reload the page: it shows what there is now.",
    "stale": "Look at what it is now, then decide again.",
    "under_way": "Wait a moment, then send it again: it is recorded once.",
    "too_large": "Shorten it, then send it again.",
    "mistake": "Correct it, then send it again.",
    "key_reused": "Reload the page, then send it again.",
    "too_often": "Wait a minute, then send it again.",
    "exposure_limit": "Open fewer texts, decide without them, or skip the case.",
    "away": "Wait a moment, then try again: nothing is recorded twice.",
    "bug": "Try again. If it fails again, tell an admin when it happened.",
    "": "Reload the page, then try again.",
}
"""Next step of the reader, by type of problem; "" stands for the others."""
_PAGE_TITLES: Mapping[str, str] = {
    "unauthorised": "You are not logged in",
    "mistake": "This address cannot be used",
    "malformed": "This address cannot be used",
}
_PAGE_STEPS: Mapping[str, str] = {
    "unauthorised": "This server has no login for browsers yet: ask an admin to set it up.",
    "not_found": "Check the address, or go on from the console.",
    "mistake": "Correct the address, or go on from the console.",
    "malformed": "Correct the address, or go on from the console.",
    "too_often": "Wait a minute, then reload the page.",
    "away": "Wait a moment, then reload the page: nothing was lost.",
    "bug": "Reload the page. If it fails again, tell an admin when it happened.",
}
"""Titles and next steps where a whole page was refused, instead of a form on it."""
_ASIDE = re.compile(r" ?\([^()]*\)")
_CASE = re.compile(r"^case-[0-9a-f]{16}: ")


def console_problem(problem: Problem) -> Problem:
    """Return a problem of the API in the words of the pages.

    >>> problem = console_problem({"type": "/v1/problems/stale", "title": "t", "detail": "gone (GET /v1/cases)"})
    >>> problem["detail"], problem["fix"]
    ('gone', 'Look at what it is now, then decide again.')
    """
    kind = str(problem.get("type", "")).rpartition("/")[2]
    detail, fix = _CASE.sub("", str(problem.get("detail", ""))), str(problem.get("fix", ""))
    detail = _ASIDE.sub(lambda aside: "" if re.search(API_WORDS, aside[0]) else aside[0], detail)
    return {
        **problem,
        "title": TITLES.get(kind, problem.get("title", "")),
        "detail": "" if re.search(API_WORDS, detail) else detail,
        "fix": fix if fix and not re.search(API_WORDS, fix) else NEXT_STEPS.get(kind, NEXT_STEPS[""]),
    }


def page_problem(problem: Problem) -> Problem:
    """Return a problem in the words of a page that cannot be shown.

    >>> page_problem({"type": "/v1/problems/mistake", "title": "t", "detail": "d", "fix": "send `x`"})["fix"]
    'Correct the address, or go on from the console.'
    """
    kind = str(problem.get("type", "")).rpartition("/")[2]
    shown = console_problem(problem)
    own_step = shown["fix"] == problem.get("fix")
    return {
        **shown,
        "title": _PAGE_TITLES.get(kind, shown["title"]),
        "fix": shown["fix"] if own_step else _PAGE_STEPS.get(kind, shown["fix"]),
    }


def step_words(fix: str) -> str:
    """Return the next step of an error of a service if a page can show it, else one that always helps.

    >>> step_words("choose a later time"), step_words("the log of `hushtag api` has the trace")
    ('choose a later time', 'Try again. If it fails again, tell an admin when it happened.')
    """
    return fix if fix and not re.search(API_WORDS, fix) else NEXT_STEPS["bug"]


def page_tables() -> Mapping[str, object]:
    """Return the tables for the scripts of a page."""
    return {"api": API_WORDS, "titles": TITLES, "steps": NEXT_STEPS}
