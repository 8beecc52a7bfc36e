"""Wording of what holds a hashtag back, and addresses of its page. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from hushtag_client.registers import Register

from moderation.console.words import plain_words
from moderation.domain.cases.records import CaseVerdict
from streams.actions import ACTIONS, FORM_OF_MEASURE, FORMS

STATES = {action: ACTIONS[action].state for action in FORMS}
"""Actions that hold a hashtag back, in the order of their strength."""


def hashtag_path(hashtag: str) -> str:
    """Return the address of a hashtag's page.

    >>> hashtag_path("a/б")
    '/console/hashtags/a%2F%D0%B1'
    """
    return f"/console/hashtags/{quote(hashtag, safe='')}"


def by_words(register: Register, *, show_legal: bool) -> str:
    """Name who decided; the person behind a legal order only for the legal team.

    >>> hold = Register(version="1", action="hold", hashtag="x", surface="trends", expires_at_ms=1, category="a_b")
    >>> by_words(hold, show_legal=False)
    'the pipeline, for a b'
    """
    if register.source == "automated":
        return "the pipeline" + (f", for {plain_words(register.category)}" if register.category else "")
    if register.source == "legal":
        return "a legal order" + (f", {register.actor}" if show_legal and register.actor else "")
    return register.actor


class OverrideChoice(NamedTuple):
    """Decision that a person can take on any hashtag."""

    verb: str
    key: str
    meaning: str
    grounds: CaseVerdict
    """Verdict whose grounds fit."""


ANSWERS = {
    "block": OverrideChoice("Block", "b", "It is hidden there, against the pipeline.", "hide"),
    "allow": OverrideChoice("Allow", "a", "It is shown there, against the pipeline. Legal orders stay.", "show"),
    "hold": OverrideChoice("Hold", "h", "It is hidden there until a person decides, or until it ends.", "leave"),
}
UNDO_REASONS = (
    ("Mistake", "The decision was a mistake."),
    ("New facts", "New facts change the decision."),
    ("No longer needed", "The reason for the decision has passed."),
)


def measure_words(measure: str) -> str:
    """Return the effect of a restriction in words.

    >>> measure_words("reduced")
    'hidden'
    """
    form = FORM_OF_MEASURE.get(measure)
    return form.noun if form else measure
