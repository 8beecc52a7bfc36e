"""English wording of legal orders on pages: outcomes, effects, states of targets, and templates of reasons. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from moderation.console.words import places_words, plain_words, sentence_words
from moderation.domain.orders.target_states import TargetState
from moderation.wording import counted, listed
from streams.countries import country_name
from streams.orders.order import Order
from streams.orders.records import CATEGORIES, TARGET_KINDS, Outcome, TargetKind
from streams.orders.states import IN_FORCE_STATES, OUTCOMES_OF

VERBS: Mapping[Outcome, str] = {
    "declined": "Decline", "reduced": "Reduce", "withheld": "Withhold", "suspended": "Suspend",
}  # fmt: skip
"""First word of the button of each outcome."""
KEYS: Mapping[Outcome, str] = {"declined": "a", "reduced": "r", "withheld": "b", "suspended": "p"}
SPEAKERS = {category: plain_words(category) for category in CATEGORIES}
GROUNDS = {
    "protected_speech": "Protected speech",
    "not_unlawful": "Does not break the law that the order names",
    "overbroad": "Not specific, or asks for more than its aim needs",
    "no_legal_basis": "The law that the order names does not allow it",
    "not_found": "There is no such account or content",
    "other": "Other grounds",
}
"""Grounds to decline, as a person chooses them."""
REASONS: Mapping[Outcome, tuple[str, ...]] = {
    "declined": (
        "Journalism on a matter of public interest",
        "Criticism of the government, which the law does not forbid",
        "The order does not say which content breaks the law",
        "The order asks for a whole account where single tweets are in question",
    ),
    "reduced": ("The hashtag gathers the content that the order names", "Incitement, as the order describes it"),
    "withheld": (
        "The content breaks the law that the order names",
        "Order of a court that is binding in this country",
    ),
    "suspended": ("Spam network, by our own rules", "Repeated threats of violence, against our own rules"),
}
"""Templates of reasons, for the letter and the statements."""
STEP_REASONS: Mapping[str, tuple[str, ...]] = {
    "acknowledged": ("Receipt confirmed to the authority",),
    "under_review": ("Counsel reviews it target by target",),
    "interim": ("In force while we ask for particulars", "In force while the authority answers our objection"),
    "final": ("Reviewed in full; binding in this country",),
    "declined": ("The authority names no law that allows the order", "The order is not specific enough to act on"),
    "revoked": ("Set aside on appeal", "Withdrawn by the authority", "The time that the order names has passed"),
}


def effect_words(outcome: Outcome, country: str) -> str:
    """Say what an outcome does to a target, once it is in force.

    >>> effect_words("withheld", "IN")
    'not shown to viewers in India, no effect elsewhere'
    """
    where = country_name(country)
    words: Mapping[Outcome, str] = {
        "declined": "not restricted by this order",
        "reduced": f"leaves trends and suggestions in {where}; people who type it find it",
        "withheld": f"not shown to viewers in {where}, no effect elsewhere",
        "suspended": "not shown to anyone anywhere, by our own rules",
    }
    return words[outcome]


def begins_words(outcome: Outcome, order: Order, at_ms: int) -> str:
    """Say what an outcome does to a target, and when that begins.

    The restrictions of an order begin with its state, a suspension with its ruling.
    """
    if outcome == "declined":
        begins = ""
    elif outcome == "suspended" or order.in_force(at_ms):
        begins = " It begins at once."
    elif order.state in IN_FORCE_STATES:
        begins = " The interim decision has ended, so it begins once that is prolonged or the order is final."
    else:
        begins = " It begins once the order is interim or final."
    return f"{sentence_words(effect_words(outcome, order.received.country))}.{begins}"


def scripts_words(hashtag: str) -> str:
    """Name the scripts of a hashtag's letters where they are not Latin alone; "" for Latin.

    >>> scripts_words("exаmple"), scripts_words("example1")
    ('Cyrillic and Latin letters', '')
    """
    names = {unicodedata.name(letter, "UNKNOWN").partition(" ")[0] for letter in hashtag if letter.isalpha()}
    return "" if names <= {"LATIN"} else f"{listed(sorted(name.capitalize() for name in names))} letters"


def place_of(outcome: Outcome, country: str) -> str:
    """Name the place of an outcome at the end of a button.

    >>> place_of("withheld", "IN"), place_of("declined", "IN")
    (' in India', '')
    """
    return {"suspended": " everywhere", "declined": ""}.get(outcome, f" in {country_name(country)}")


def present_words(state: TargetState, kind: TargetKind) -> str:
    """Say what viewers see of a target now, over all orders and suspensions.

    >>> present_words(TargetState(countries=frozenset({"IN"})), "account"), present_words(TargetState(), "hashtag")
    ('withheld in India, visible elsewhere', 'visible')
    """
    if state.suspended:
        return "suspended everywhere"
    if not state.countries:
        return "visible"
    held = "out of trends and suggestions" if kind == "hashtag" else "withheld"
    return f"{held} in {places_words(sorted(state.countries))}, visible elsewhere"


def group_words(outcome: Outcome, kind: TargetKind, many: int, country: str) -> str:
    """Describe many targets with one outcome.

    >>> group_words("withheld", "account", 12, "IN")
    '12 accounts: not shown to viewers in India, no effect elsewhere'
    """
    return f"{counted(many, kind)}: {effect_words(outcome, country)}"


def kinds_words(many: Mapping[TargetKind, int]) -> str:
    """List numbers of targets by kind.

    >>> kinds_words({"hashtag": 1, "account": 3})
    '3 accounts and 1 hashtag'
    """
    return listed([counted(many[kind], kind) for kind in TARGET_KINDS if many.get(kind)])


def outcomes_of(kinds: Sequence[TargetKind]) -> list[Outcome]:
    """List the outcomes that targets of some kinds may have, the mildest first."""
    return [outcome for outcome in VERBS if any(outcome in OUTCOMES_OF[kind] for kind in kinds)]
